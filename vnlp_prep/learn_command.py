"""The command ``vnlp-prep learn``: a domain lexicon out of a corpus, what was decided shown, a person's edits kept."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, ERROR, REJECTS, complete_files, reading_options, say_error, take_limits
from vnlp_prep.preprocessing_options import config_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.lexicon.files import Row
    from vnlp_prep.lexicon.learning.merge import Learnt
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.terminal import Paint

_SHOWN = 10  # rows of each table


@click.command(
    epilog="""\b
Examples:
  vnlp-prep learn tickets.jsonl -o domain.tsv
  vnlp-prep learn --field title --field body --source-field team kb.jsonl.gz -o domain.tsv
  vnlp-prep clean --lexicon domain.tsv tickets.jsonl > clean.jsonl

Lines of FILE that you changed or added stay as they are; a decision 'reject' keeps a word out for good.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="CORPUS...", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="The lexicon (TSV); one that is there is merged. '-': stdout.",
)
@click.option("--source-field", metavar="NAME", help="Field that tells sources apart (team, repository, author).")
@click.option("--min-documents", type=click.IntRange(1), metavar="N", help="A term stands in so many documents. Default: 3 to 5.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Default: by the name.")
@reading_options
@click.option(
    "--rejects", metavar="FILE", shell_complete=complete_files, help="Where rejected lines go. Default: FILE.rejects.jsonl."
)
@click.option("--lexicon", metavar="FILE", shell_complete=complete_files, help="Words that are known already (TSV).")
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes. The output is the same.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
@config_option
def learn(
    inputs: tuple[str, ...],
    *,
    output: str,
    field: tuple[str, ...],
    source_field: str | None,
    min_documents: int | None,
    format: str | None,
    whole_file: bool,
    encoding: str,
    on_missing: str,
    rejects: str | None,
    lexicon: str | None,
    workers: int,
    quiet: bool,
    **rest: Any,
) -> int:
    """Learn the words of your domain from CORPUS: JSON lines, plain text or Parquet, packed or not; '-' is standard input.

    Terms are told from misspellings of more frequent words. The reason stands beside each word, for you to review.
    """
    from vnlp_prep import terminal
    from vnlp_prep.corpus.counting import count_corpus
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.logs import LineLog
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.corpus.writers import open_output
    from vnlp_prep.lexicon.learning.decide import decide
    from vnlp_prep.lexicon.learning.merge import Learnt, merged, read_learnt

    options = Options(field, whole_file, on_missing, encoding, take_limits(rest), workers)
    _check_output(output, rejects)
    before = read_learnt(Path(output)) if output != "-" and Path(output).is_file() else Learnt()
    known = _known(lexicon, output, before)
    corpus = sources(inputs, options, format, source_field)
    _check_inputs(output, rejects, [source.input.identity for source in corpus])
    target = open_output(output)
    log = LineLog(rejects or ("learn" if output == "-" else output) + ".rejects.jsonl")
    summary = Summary()
    show = sys.stderr.isatty() and not quiet
    try:
        with terminal.LateProgress([s.input.size for s in corpus]) if show else contextlib.nullcontext() as progress:
            counts = count_corpus(corpus, known, log, summary, workers=workers, watch=progress)
        learnt = merged(before, decide(counts, known, min_documents))
        target.append(("\n".join(learnt.lines()) + "\n").encode("utf-8"))
        log.keep()
        target.commit()
    except BaseException:
        target.abandon()
        raise
    finally:
        if log.close():
            summary.reject_files.append(log.path)
    if not quiet:
        paint = terminal.Paint(terminal.wants_colour(sys.stderr))
        for line in _report(learnt, summary, paint):
            click.echo(line, err=True, color=True)
        if source_field and not any(w.sources for w in counts.words.values()):
            click.echo(f"no record has the field {terminal.visible(source_field)}: sources are not told apart", err=True)
        if counts.forgotten:
            click.echo(f"{counts.forgotten:,} rare words were forgotten while counting", err=True)
    for name, reason in summary.damaged:
        say_error("vnlp-prep", f"{name}: {reason}; what was read before is counted")
    return ERROR if summary.damaged else REJECTS if summary.rejects else DONE


def _check_output(output: str, rejects: str | None) -> None:
    """Refuse what cannot be the lexicon, before anything is read."""
    from vnlp_prep.corpus.readers import split_name
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.corpus.writers import check_output
    from vnlp_prep.errors import OutputError

    for path in (output, rejects or "-"):
        if path != "-" and split_name(path)[1]:
            raise OutputError(f"{shown(path)}: is not packed; leave {split_name(path)[1]} off")
        check_output(path)
    if rejects and rejects != "-" and Path(rejects).resolve() == Path(output).resolve():
        raise OutputError(f"{shown(rejects)}: two outputs would have this name")


def _check_inputs(output: str, rejects: str | None, identities: Sequence[tuple[int, int]]) -> None:
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.errors import OutputError

    for path in (output, rejects or f"{output}.rejects.jsonl"):
        if path != "-" and Path(path).is_file():
            there = Path(path).stat()
            if (there.st_dev, there.st_ino) in identities:
                raise OutputError(f"{shown(path)}: would replace an input; choose another name")


def _known(lexicon: str | None, output: str, before: Learnt) -> Lexicon:
    """Return what is known before: shipped words, those of ``--lexicon``, and what a person wrote into the output.

    Rows that were learnt do not count, or the second run would find nothing to decide.
    """
    from vnlp_prep.lexicon.files import read_terms
    from vnlp_prep.lexicon.lexicon import Lexicon

    terms = list(before.your_terms)
    if lexicon and (output == "-" or Path(lexicon).resolve() != Path(output).resolve()):
        mine = {row.term.lower() for row in before.your_rows}
        terms += [term for term in read_terms(Path(lexicon)) if term.term.lower() not in mine]
    return Lexicon(terms) if terms else Lexicon.shipped()


# What was decided, for a person


def _report(learnt: Learnt, summary: Summary, paint: Paint) -> list[str]:
    from vnlp_prep.terminal import rejects_line

    kinds: dict[str, list[Row]] = {}
    for row in learnt.rows:
        kinds.setdefault(row.decision, []).append(row)
    terms, known = kinds.get("term", []), kinds.get("known", [])
    wrong = kinds.get("misspelling", []) + kinds.get("run-together", [])
    lines = [
        paint(
            f"{summary.records:,} documents in {summary.seconds:.1f} s: {len(terms):,} terms, {len(wrong):,} refused, "
            f"{len(known):,} words known anyway" + (f", {len(learnt.your_rows):,} of yours" if learnt.your_rows else ""),
            "1",
        )
    ]
    if summary.rejects:
        lines.append(rejects_line(summary.rejects, summary.reject_files, paint))
    lines += _table("terms", terms, paint, lambda row: f"{row.documents:>7,}  {row.term:<24} {row.why}")
    lines += _table("refused", wrong, paint, lambda row: f"{row.documents:>7,}  {row.term:<24} {row.meant}: {row.why}")
    joined = [row for row in terms + wrong if " " in row.variants and _has_split(row)]
    lines += _table("also written as two words", joined, paint, lambda row: f"{row.count:>7,}  {row.term:<24} {row.variants}")
    return lines


def _has_split(row: Row) -> bool:
    return any(form.count(" ") > 1 for form in row.variants.split(", "))


def _table(title: str, rows: Sequence[Row], paint: Paint, line: Any) -> list[str]:
    if not rows:
        return []
    more = f"  ({_SHOWN} of {len(rows):,})" if len(rows) > _SHOWN else ""
    return [paint(title, "1") + paint(more, "2"), *(line(row) for row in rows[:_SHOWN])]
