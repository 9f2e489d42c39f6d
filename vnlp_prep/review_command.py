"""The command ``vnlp-prep review``: the changes of a corpus in a local web page, to decide about them."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, complete_files, reading_options, say_error, take_limits
from vnlp_prep.errors import SettingsError
from vnlp_prep.preprocessing_options import preprocessing_options

if TYPE_CHECKING:
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.lexicon.files import Term


@click.command(
    epilog="""\b
Examples:
  vnlp-prep review domain.tsv tickets.jsonl
  vnlp-prep review --field title --field body domain.tsv kb/ --workers 4
  vnlp-prep clean --lexicon domain.tsv tickets.jsonl > clean.jsonl

DOMAIN.tsv is a list of words as 'vnlp-prep learn' writes it; it is made if it is not there. Every decision is saved at once.
Ctrl-C ends it. Exit status: 0 done, 2 error."""
)
@click.argument("domain", metavar="DOMAIN.tsv", shell_complete=complete_files)
@click.argument("inputs", nargs=-1, required=True, metavar="CORPUS...", shell_complete=complete_files)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Default: by the name.")
@reading_options
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes that read the corpus.")
@preprocessing_options
def review(
    domain: str,
    inputs: tuple[str, ...],
    *,
    port: int,
    no_browser: bool,
    format: str | None,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    workers: int,
    **rest: Any,
) -> int:
    """Decide in your browser which changes of CORPUS are right; DOMAIN.tsv keeps what you decide. No programming needed.

    Nothing but DOMAIN.tsv is written. The page is for this machine alone: what is read never leaves it.
    """
    from vnlp_prep import terminal
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.lexicon.files import read_terms
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.pipeline import Preprocessor

    try:
        from vnlp_prep.review.server import serve
    except ImportError as error:
        name = error.name or "a library"
        raise SettingsError(f'the review needs {name}, which is not installed: pip install "vnlp-prep[review]"') from error
    from vnlp_prep.review.collect import collect
    from vnlp_prep.review.decisions import Decisions
    from vnlp_prep.review.session import Review

    options = Options(field, whole_file, on_missing, encoding, take_limits(rest), workers)
    more = rest.pop("lexicon")
    given = {name: value for name, value in rest.items() if value is not None}
    others: list[Term] = []
    if more is not None and Path(more).resolve() != Path(domain).resolve():
        others = read_terms(Path(more))
    sizes = _checked_sizes(domain, inputs, options, format)
    decisions = Decisions(Path(domain), Lexicon(others) if others else None)

    def preprocessor(lexicon: Lexicon) -> Preprocessor:
        return Preprocessor(lexicon=lexicon, **given)

    # What was decided in an earlier review must not hide what it was decided about.
    before = decisions.terms_before
    own = {term.term.lower() for term in before}
    terms = [*(term for term in others if term.term.lower() not in own), *before]
    prep = preprocessor(Lexicon(terms) if terms else Lexicon.shipped())
    if workers > 1:
        prep.warm_up()
    summary = Summary()
    show = sys.stderr.isatty()
    with terminal.LateProgress(sizes) if show else contextlib.nullcontext() as progress:
        groups = collect(inputs, options, prep, summary, format=format, watch=progress)
    _say(f"{terminal.counted(summary.records, 'record')}: {terminal.counted(len(groups), 'kind')} of change to look at")
    if summary.rejects:
        _say(f"{sum(summary.rejects.values()):,} records cannot be read, and are left out")
    for name, reason in summary.damaged:
        say_error("vnlp-prep", f"{name}: {reason}; what was read before is shown")
    session = Review(groups.ranked(), decisions, preprocessor, terms=others, records=summary.records)
    serve(session, port=port, open_browser=not no_browser and _has_display(), say=_say_address)
    state = session.state()
    _say(f"{state['decided']:,} of {state['words']:,} decided; saved in {domain}")
    return DONE


def _checked_sizes(domain: str, inputs: tuple[str, ...], options: Options, format: str | None) -> list[int | None]:
    """Return the sizes of the inputs. Raises what is wrong with them, or with the name of the list, before it is made."""
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.inputs import find_inputs
    from vnlp_prep.corpus.readers import known_format, split_name
    from vnlp_prep.corpus.records import shown

    if known_format(domain) not in (None, "text") or split_name(domain)[1]:
        raise SettingsError(f"{shown(domain)}: is named like a corpus; name the list of words first: review DOMAIN.tsv CORPUS")
    paths = [named.path for named in find_inputs(inputs, format=format)]
    sizes: dict[str, int | None] = {s.path: s.input.size for s in sources([p for p in paths if p != "-"], options, format, None)}
    return [sizes.get(path) for path in paths]


def _has_display() -> bool:
    """True if a browser with a window can be opened; one in the terminal would only be in the way."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to hear it
        click.echo(f"vnlp-prep: {message}", err=True)


def _say_address(address: str) -> None:
    _say("open this page in your browser; Ctrl-C ends the review")
    with contextlib.suppress(OSError):
        click.echo(address)
        sys.stdout.flush()
