"""The command ``vnlp-prep report``: what was changed, or would be, as one page of HTML."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vnlp_prep.command_line import DONE, ERROR, REJECTS, complete_files, reading_options, say_error, take_limits
from vnlp_prep.errors import SettingsError
from vnlp_prep.preprocessing_options import make_preprocessor, preprocessing_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vnlp_prep.corpus.readers import Input
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.pipeline import Preprocessor
    from vnlp_prep.review.groups import Groups

#: What says how to clean; for an edit log that has been done.
_CLEANING = ("stages", "lexicon", "vocabulary", "html", "threshold", "workers", "format")


@click.command(
    epilog="""\b
Examples:
  vnlp-prep report tickets.jsonl -o report.html
  vnlp-prep report --field title --field body kb/ -o report.html --workers 4
  vnlp-prep tickets.jsonl -o clean.jsonl --edits edits.jsonl && vnlp-prep report edits.jsonl -o report.html
  vnlp-prep report --vocabulary model/ tickets.jsonl -o report.html

Exit status: 0 done, 1 done, and some records could not be cleaned, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", shell_complete=complete_files)
@click.option(
    "-o", "--output", required=True, metavar="FILE", shell_complete=complete_files, help="The page (HTML). '-': standard output."
)
@click.option("--title", metavar="TEXT", help="Of the page.")
@click.option("--edits", is_flag=True, help="INPUT is an edit log; a file of that kind is known without it.")
@click.option("--groups", type=click.IntRange(1), default=500, metavar="N", help="Rows of each list. Default: 500.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Default: by the name (.jsonl, .txt).")
@reading_options
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes. The page is the same.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
@preprocessing_options
def report(
    inputs: tuple[str, ...],
    *,
    output: str,
    title: str | None,
    edits: bool,
    groups: int,
    format: str | None,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    workers: int,
    quiet: bool,
    **rest: Any,
) -> int:
    """Write a page of HTML that shows what cleaning changes in INPUT: in figures, and in groups of equal changes with examples.

    INPUT is a corpus, as for 'clean': it is cleaned for the page, and no file is changed. Or it is the edit log that
    'clean --edits FILE' kept. The page needs no network and no other file.
    """
    from vnlp_prep import terminal
    from vnlp_prep.corpus.packing import packed
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.readers import split_name
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.corpus.writers import open_output
    from vnlp_prep.review.collect import collect
    from vnlp_prep.review.figures import Figures
    from vnlp_prep.review.logged import collect_logged
    from vnlp_prep.review.report_page import Report

    options = Options(field, whole_file, on_missing, encoding, take_limits(rest), workers)
    is_log = edits or _are_logs(inputs, options)
    if is_log:
        _refuse_cleaning_options()
    sources = _sources(inputs, options, None if is_log else format)
    check_outputs(sources, [output] if output != "-" else [], rejects=[])
    prep = None if is_log else make_preprocessor(rest)
    target, suffix = open_output(output), split_name(output)[1]
    summary, figures = Summary(), Figures()
    show = sys.stderr.isatty() and not quiet
    try:
        with terminal.LateProgress([s.size for s in sources]) if show else contextlib.nullcontext() as progress:
            if prep is None:
                found = collect_logged(inputs, options, summary, figures=figures, watch=progress)
            else:
                vocabulary = prep.vocabulary
                found = collect(
                    inputs, options, prep, summary, figures=figures, vocabulary=vocabulary, format=format, watch=progress
                )
        names = [source.name for source in sources]
        page = Report(
            title=title or f"What was cleaned in {_named(names)}",
            inputs=names,
            groups=found,
            figures=figures,
            summary=summary,
            is_log=is_log,
            limit=groups,
            settings=_settings(prep),
        ).page()
        target.append(packed(page, suffix))
        target.commit()
    except BaseException:
        target.abandon()
        raise
    if not quiet:
        click.echo(_said(summary, found), err=True)
    for name, reason in summary.damaged:
        say_error("vnlp-prep", f"{name}: {reason}; what was read before is in the report")
    return ERROR if summary.damaged else REJECTS if summary.rejects and not is_log else DONE


def _are_logs(inputs: Sequence[str], options: Options) -> bool:
    """Return True if the inputs are edit logs. Raises SettingsError if only some are."""
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.review.logged import is_edit_log

    logs = [path for path in inputs if is_edit_log(path, options)]
    if logs and len(logs) < len(inputs):
        other = next(path for path in inputs if path not in logs)
        raise SettingsError(f"{shown(logs[0])} is an edit log, and {shown(other)} is none: make a report of each")
    return bool(logs)


def _refuse_cleaning_options() -> None:
    """Raise SettingsError if the command line says how to clean."""
    context = click.get_current_context()
    for name in _CLEANING:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise SettingsError(
                f"--{name}: an edit log tells what a run did, and nothing is cleaned again; leave it off, or name the corpus"
            )


def _sources(inputs: Sequence[str], options: Options, format: str | None) -> list[Input]:
    from vnlp_prep.corpus.encodings import Decoder
    from vnlp_prep.corpus.inputs import find_inputs
    from vnlp_prep.corpus.readers import Input

    return [Input(named.path, options.limits, Decoder(options.encoding)) for named in find_inputs(inputs, format=format)]


def _named(names: Sequence[str]) -> str:
    return Path(names[0]).name if len(names) == 1 else f"{len(names):,} files"


def _settings(prep: Preprocessor | None) -> dict[str, str]:
    """Return how the texts were cleaned, for people."""
    from vnlp_prep import __version__

    settings = {"vnlp-prep": __version__}
    if prep is not None:
        settings["stages"] = ", ".join(prep.stages)
        settings["threshold"] = f"{prep.threshold:g}"
        settings["HTML"] = prep.html
        settings["vocabulary"] = f"{len(prep.vocabulary):,} pieces" if prep.vocabulary else "none"
        settings["lexicon"] = prep.lexicon.fingerprint
        settings["fingerprint"] = prep.fingerprint
    return settings


def _said(summary: Summary, found: Groups) -> str:
    from vnlp_prep.terminal import counted, ranked

    rejects = sum(summary.rejects.values())
    edits = counted(sum(summary.edits.values()), "change")
    line = f"{counted(summary.records + rejects, 'record')}, {summary.changed:,} changed: {edits}"
    line += f" and {counted(summary.suggestions, 'suggestion')} in {counted(len(found), 'group')}"
    if rejects:
        line += f"; {rejects:,} rejected ({', '.join(f'{count:,} {code}' for code, count in ranked(summary.rejects))})"
    return line
