"""The command ``vinilm vocab``: the words of a domain in the unused places of a model's vocabulary."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, ERROR, REJECTS, complete_files, reading_options, say_error, take_limits

if TYPE_CHECKING:
    from vinilm.models import ModelFolder
    from vnlp_prep.corpus.documents import Source
    from vnlp_prep.corpus.summary import Summary


@click.command(
    epilog="""\b
Examples:
  vinilm vocab docs.jsonl.gz -m models/bert-large -o models/bert-large-domain
  vinilm vocab --field title --field body kb.parquet tickets.jsonl -m models/minilm -o models/minilm-domain --terms 500

A term is a word that stands in the prose of several documents and that the vocabulary breaks. Those are taken that save
most: documents times pieces, each with those before it in place. Its embedding begins as the mean of those of its pieces, so
train the model on the domain afterwards. Run again on its own output with the same corpus, nothing changes.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="CORPUS...", shell_complete=complete_files)
@click.option(
    "-m",
    "--model",
    required=True,
    envvar="VINILM_MODEL",
    metavar="NAME",
    shell_complete=complete_files,
    help="Folder or hub id. Default: $VINILM_MODEL.",
)
@click.option("-o", "--output", required=True, metavar="FOLDER", shell_complete=complete_files, help="The model with the terms.")
@click.option("--terms", type=click.IntRange(1), metavar="N", help="That it shall have, with earlier ones. Default: all places.")
@click.option("--min-documents", type=click.IntRange(1), default=5, metavar="N", help="A term stands in so many. Default: 5.")
@click.option(
    "--heldout", type=click.FloatRange(0, 1, max_open=True), default=0.05, metavar="SHARE", help="To measure with. Default: 0.05."
)
@click.option("--clean/--no-clean", default=True, help="Clean the texts first, as the model asks. Default: --clean.")
@click.option("--report", metavar="FILE", shell_complete=complete_files, help="The figures and all terms as JSON.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Of the inputs. Default: by the name.")
@reading_options
@click.option(
    "--rejects", metavar="FILE", shell_complete=complete_files, help="Where rejected records go. Default: FOLDER.rejects.jsonl."
)
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes. The output is the same.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
def vocab(
    inputs: tuple[str, ...],
    *,
    model: str,
    output: str,
    terms: int | None,
    min_documents: int,
    heldout: float,
    clean: bool,
    report: str | None,
    format: str | None,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    rejects: str | None,
    workers: int,
    quiet: bool,
    **rest: Any,
) -> int:
    """Give a BERT model the words of your domain: those of CORPUS that it breaks most take its [unused] tokens' places.

    CORPUS is JSON lines, plain text or Parquet, packed or not; '-' is standard input. MODEL stays as it is.
    """
    from vinilm.models import open_model
    from vinilm.vocabulary import CorpusCounts, TermChooser, add_terms
    from vinilm.vocabulary.report import Report
    from vnlp_prep.corpus.counting import count_parts
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.logs import LineLog
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.errors import InputError
    from vnlp_prep.terminal import BOLD, LateProgress, Paint, counted, duration, rejects_line, wants_colour

    source_model = open_model(model)
    options = Options(field, whole_file, on_missing, encoding, take_limits(rest), workers)
    corpus = sources(inputs, options, format, None)
    rejects = rejects or f"{output.rstrip('/')}.rejects.jsonl"
    _check_outputs(Path(output), source_model, corpus, report, rejects)
    chooser = TermChooser.of(source_model, clean=clean, heldout=heldout)
    log = LineLog(rejects)
    summary = Summary()
    counts = CorpusCounts()
    show = sys.stderr.isatty() and not quiet
    try:
        with LateProgress([s.input.size for s in corpus]) if show else contextlib.nullcontext() as progress:
            for part in count_parts(corpus, chooser.counter, log, summary, workers=workers, watch=progress):
                counts.merge(part, chooser.files.pieces)
        log.keep()
        try:
            choice = chooser.choose(counts, terms=terms, min_documents=min_documents)
        except InputError as error:
            raise InputError(f"{error}{_not_counted(summary, log.path)}") from None
        added = add_terms(source_model, choice.terms, output)
    finally:
        if log.close():
            summary.reject_files.append(log.path)
    figures = Report.of(chooser, choice, added.entries)
    if report:
        _write_json(report, figures.to_dict())
    if not quiet:
        paint = Paint(wants_colour(sys.stderr))
        lines = [paint(f"{counted(summary.records, 'document')} in {duration(summary.seconds)}", BOLD)]
        if summary.rejects:
            lines.append(rejects_line(summary.rejects, summary.reject_files, paint))
        if summary.blank_lines and on_missing == "pass":
            lines.append(f"{counted(summary.blank_lines, 'record')} without a text passed over, blank lines among them")
        lines += figures.lines(paint)
        if added.left_out:
            lines.append(f"not in the new folder, for they are of the old vocabulary: {', '.join(added.left_out)}")
        for line in lines:
            click.echo(line, err=True, color=True)
    for name, reason in summary.damaged:
        say_error("vinilm", f"{name}: {reason}; what was read before is counted")
    return ERROR if summary.damaged else REJECTS if summary.rejects else DONE


def _not_counted(summary: Summary, rejects: str) -> str:
    """Return what else is to be known of a corpus that brought nothing: most often the texts stand in another field."""
    from vnlp_prep.corpus.records import shown

    told = f"; {summary.rejects.total():,} records rejected, see {shown(rejects)}" if summary.rejects else ""
    return told + (f"; {summary.blank_lines:,} records and lines without a text" if summary.blank_lines else "")


def _check_outputs(output: Path, model: ModelFolder, corpus: list[Source], report: str | None, rejects: str) -> None:
    """Refuse what cannot be written, or would replace what is read, before anything is read. Raises OutputError."""
    from vinilm.vocabulary.folder import check_folder
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.errors import OutputError

    check_folder(output, model)
    inside = output.resolve()
    files = [report, rejects] if report else [rejects]
    check_outputs([source.input for source in corpus], [], rejects=[rejects], logs=[report] if report else [])
    for name in (*files, *(source.path for source in corpus)):
        if name != "-" and inside in (real := Path(name).resolve(), *real.parents):
            where = "is" if real == inside else "lies in"
            raise OutputError(
                f"{shown(name)}: {where} the folder that is written anew, {shown(str(output))}; choose another place"
            )


def _write_json(path: str, content: dict[str, Any]) -> None:
    import orjson

    from vnlp_prep.corpus.writers import open_output

    target = open_output(path)
    try:
        target.append(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        target.commit()
    except BaseException:
        target.abandon()
        raise
