"""The command line: ``vnlp-prep``. What is imported here is imported by ``--help``; the rest waits for its command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vnlp_prep.command_line import (
    CONTEXT_SETTINGS,
    DONE,
    ERROR,
    REJECTS,
    Commands,
    exit_status,
    reading_options,
    run_and_exit,
    say_error,
    take_limits,
    version_option,
)
from vnlp_prep.errors import InputError, SettingsError
from vnlp_prep.learn_command import learn

if TYPE_CHECKING:
    from vnlp_prep.pipeline import Preprocessor

_F = TypeVar("_F", bound=Callable[..., Any])


class _Commands(Commands):
    """A group in which the first argument that is no command means ``clean``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["clean", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Commands,
    context_settings=CONTEXT_SETTINGS,
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl > clean.jsonl
  vnlp-prep --field title --field body kb.jsonl.gz -o kb.clean.jsonl.gz
  vnlp-prep explain "Teh vSphere client&#39;s log"
  vnlp-prep learn tickets.jsonl -o domain.tsv

Exit status: 0 done, 1 done with rejects, 2 error. 'vnlp-prep clean --help' has all options.""",
)
@version_option("vnlp-prep")
def cli() -> None:
    """Clean noisy technical English: HTML, Unicode, repeats, compounds, spelling. Do no harm.

    Without a command, files are cleaned: 'vnlp-prep FILE' is 'vnlp-prep clean FILE'.
    """


def _preprocessing(command: _F) -> _F:
    """Add the options that say how texts are cleaned."""
    for option in (
        click.option("--threshold", type=click.FloatRange(0, 1), help="Confidence from which an edit is made."),
        click.option("--html", type=click.Choice(["fragment", "page"]), help="Texts are fragments, or whole web pages."),
        click.option("--vocabulary", metavar="FILE", help="Of the encoder: split compounds that its WordPiece breaks."),
        click.option("--lexicon", metavar="FILE", help="Known words of your domain (TSV)."),
        click.option("--stages", metavar="LIST", callback=_as_stages, help="Only these stages, with commas between."),
        click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_as_defaults,
            help="Settings (TOML).",
        ),
    ):
        command = option(command)
    return command


def _as_defaults(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Make the settings of a file the defaults of the flags."""
    from vnlp_prep.corpus.settings import find_settings, load_settings

    path = Path(value) if value is not None else find_settings(Path.cwd())
    settings = load_settings(path) if path else {}
    ctx.default_map = {key.replace("-", "_"): setting for key, setting in settings.items()}


def _as_stages(_: click.Context, __: click.Parameter, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    from vnlp_prep.corpus.settings import did_you_mean
    from vnlp_prep.stages import STAGES

    names = tuple(name.strip() for name in value.split(","))
    for name in names:
        if name not in STAGES:
            raise SettingsError(f"--stages: no stage {name!r}{did_you_mean(name, STAGES)} (stages: {', '.join(STAGES)})")
    return names


def _preprocessor(options: dict[str, Any]) -> Preprocessor:
    """Build the preprocessor of the options that were given, and take them out of ``options``."""
    from vnlp_prep.pipeline import Preprocessor

    given = {name: options.pop(name) for name in ("stages", "lexicon", "vocabulary", "html", "threshold")}
    return Preprocessor(**{name: value for name, value in given.items() if value is not None})


@cli.command(
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl > clean.jsonl
  vnlp-prep --field title --field meta.body kb.jsonl.gz -o kb.clean.jsonl.zst
  vnlp-prep kb/ more.parquet -o cleaned/ --workers 8 --resume
  vnlp-prep 'logs/**/*.txt' -o all.txt.gz --edits edits.jsonl
  zcat dump.gz | vnlp-prep - --format text --encoding auto | less

A run that was interrupted, even killed, goes on with --resume and ends with the same bytes.

A line that cannot be cleaned goes to the rejects file, with the reason and its bytes:
OUTPUT.rejects.jsonl, or INPUT.rejects.jsonl in this folder if the output is standard output.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", default="-", metavar="FILE|FOLDER/", help="Default: standard output. .gz and .zst pack.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Default: by the name (.jsonl, .txt).")
@reading_options
@click.option("--rejects", metavar="FILE", help="Where rejected lines go.")
@click.option("--edits", metavar="FILE", help="Log every edit, as JSON lines; with it 'restore' gives the raw file back.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, if there is one.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes. Default: all cores. The output is the same.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
@_preprocessing
def clean(
    inputs: tuple[str, ...],
    *,
    output: str,
    rejects: str | None,
    edits: str | None,
    resume: bool,
    quiet: bool,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    workers: int | None,
    **rest: Any,
) -> int:
    """Clean the texts in FILEs: JSON lines, plain text or Parquet, packed or not; folders and patterns; '-' is standard input.

    Everything but the texts stays byte for byte, and every line comes out once, in the output or in the rejects.
    """
    from vnlp_prep.corpus.plan import plan
    from vnlp_prep.corpus.run import Options, run

    options = Options(
        fields=field,
        whole_file=whole_file,
        on_missing=on_missing,
        encoding=encoding,
        limits=take_limits(rest),
        workers=workers or _cores(),
    )
    try:
        jobs = plan(inputs, options, output=output, rejects=rejects, edits=edits, format=rest.pop("format"))
    except InputError as error:
        from vnlp_prep.corpus.settings import did_you_mean

        hint = did_you_mean(inputs[0], cli.commands) if len(inputs[0]) > 2 and not Path(inputs[0]).exists() else ""
        raise InputError(f"{error}{hint}") from None
    prep = _preprocessor(rest)
    from vnlp_prep import terminal

    show = sys.stderr.isatty() and not quiet
    to_screen = output == "-" and sys.stdout.isatty()
    with terminal.LateProgress([job.size for job in jobs]) if show and not to_screen else contextlib.nullcontext() as progress:
        summary = run(jobs, prep, options, edits=edits, resume=resume, watch=progress, notice=_quiet if quiet else _say)
    if not quiet:
        paint = terminal.Paint(terminal.wants_colour(sys.stderr))
        for line in terminal.summary_lines(summary, paint, changes=5 if show else 0):
            click.echo(line, err=True, color=True)
    for name, reason in summary.damaged:
        say_error("vnlp-prep", f"{name}: {reason}; what was read before is kept")
    return ERROR if summary.damaged else REJECTS if summary.rejects else DONE


def _cores() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to hear it
        click.echo(f"vnlp-prep: {message}", err=True)


def _quiet(_: str) -> None:
    pass


@cli.command(
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl -o clean.jsonl --edits edits.jsonl
  vnlp-prep restore clean.jsonl edits.jsonl -o tickets.again.jsonl"""
)
@click.argument("cleaned", metavar="CLEANED")
@click.argument("edits", metavar="EDITS")
@click.option("-o", "--output", default="-", metavar="FILE", help="Default: standard output. .gz and .zst pack.")
@click.option("--file", metavar="NAME", help="Only this one of several inputs, as it was named.")
def restore(cleaned: str, edits: str, *, output: str, file: str | None) -> int:
    """Give back the raw file that was cleaned into CLEANED, byte for byte, by the edit log that the run kept.

    Of an input that was packed, the contents come back; of one in UTF-16, its text in UTF-8. In the log of several outputs, that
    part counts which has the name of CLEANED, or the input --file.
    """
    from vnlp_prep.corpus.packing import packed
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.readers import split_name
    from vnlp_prep.corpus.restore import Restoring
    from vnlp_prep.corpus.writers import open_output

    restoring = Restoring(cleaned, edits, file=file)
    check_outputs(restoring.inputs, [output] if output != "-" else [], rejects=[])
    target, suffix = open_output(output), split_name(output)[1]
    try:
        for piece in restoring.pieces():
            target.append(packed(piece, suffix))
        target.commit()
    except BaseException:
        target.abandon()
        raise
    return DONE


@cli.command(
    epilog="""\b
Examples:
  vnlp-prep explain "Teh vSphere client&#39;s log"
  vnlp-prep explain --stages html,unicode --json - < page.html"""
)
@click.argument("text", nargs=-1, required=True)
@click.option("--show-protected", is_flag=True, help="Also what is never touched: URLs, code, identifiers, ...")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@_preprocessing
def explain(text: tuple[str, ...], *, show_protected: bool, as_json: bool, **rest: Any) -> int:
    """Show what every stage does to TEXT ('-': standard input), and what it only suggests."""
    raw = _text_argument(text)
    prep = _preprocessor(rest)
    steps = prep.trace(raw)
    result = prep(raw)
    # What stands in a tag or is damaged is no word yet: what is protected shows in the text that the word stages are given.
    decoded = next((step.text for step in steps if step.stage not in ("html", "unicode")), result)
    protected = prep.protected(decoded) if show_protected else None
    if as_json:
        import json

        doc = prep.clean(raw)
        entry: dict[str, Any] = {"raw": raw, "text": result}
        entry["edits"] = [e.to_dict() for e in doc.edits]
        entry["suggestions"] = [e.to_dict() for e in doc.suggestions]
        if protected is not None:
            entry["protected"] = [
                {"start": p.start, "end": p.end, "kind": p.kind, "text": decoded[p.start : p.end]} for p in protected
            ]
        entry["steps"] = [
            {
                "stage": step.stage,
                "text": step.text,
                "edits": [e.to_dict() for e in step.edits],
                "suggestions": [e.to_dict() for e in step.suggestions],
            }
            for step in steps
        ]
        click.echo(json.dumps(entry, indent=2))
        return DONE
    from vnlp_prep import terminal

    paint = terminal.Paint(terminal.wants_colour(sys.stdout))
    for line in terminal.explain_lines(raw, steps, result, decoded, protected, paint):
        click.echo(line, color=True)
    return DONE


cli.add_command(learn)


def _text_argument(words: Sequence[str]) -> str:
    """Return the text of ``explain``: its arguments, or standard input."""
    data = sys.stdin.buffer.read() if tuple(words) == ("-",) else os.fsencode(" ".join(words))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the text is not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start + 1}") from None
    return text.removesuffix("\n") if tuple(words) == ("-",) else text


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done with rejects, 2 error, 128 + N when signal N ended it."""
    run_and_exit(cli, args, "vnlp-prep")


def _status(args: list[str]) -> int:
    return exit_status(cli, args, "vnlp-prep")
