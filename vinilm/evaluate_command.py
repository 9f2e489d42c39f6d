"""The command ``vinilm evaluate``: how good models are, and what cleaning is worth; and benchmarks out of documents."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, complete_files
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.evaluation.making import Made

# Options of --make, with what they are called in the library. None is what was not given.
_FIELDS = {"text_field": "text", "id_field": "id", "title_field": "title", "format_field": "format"}
_FIELDS |= {"label_field": "label", "group_field": "group"}
_SIZES = ("queries", "passages", "per_label", "min_words", "max_words")


@click.command(
    epilog="""\b
Examples:
  vinilm evaluate --make kb.jsonl -o bench
  vinilm evaluate models/vinilm models/small --retrieval bench/retrieval --classification bench/classification -o results
  vinilm evaluate models/vinilm --retrieval beir/scifact --conditions raw,cleaned -o results

A retrieval set is a folder in BEIR's format (corpus.jsonl, queries.jsonl, qrels/*.tsv); a classification set a file of JSON
lines with text and label, or a folder with train.jsonl and test.jsonl. Tables are printed; results.json, results.md, chart.svg
and items.jsonl are written to the folder.
Exit status: 0 done, 2 error."""
)
@click.argument("models", nargs=-1, metavar="MODEL...", shell_complete=complete_files)
@click.option("-o", "--output", required=True, metavar="FOLDER", shell_complete=complete_files, help="Where results are written.")
@click.option("--retrieval", multiple=True, metavar="FOLDER", shell_complete=complete_files, help="A retrieval set; repeatable.")
@click.option(
    "--classification",
    multiple=True,
    metavar="PATH",
    shell_complete=complete_files,
    help="A classification set; repeatable.",
)
@click.option("--conditions", metavar="NAMES", help="Default: raw,cleaned,damaged,damaged-cleaned.")
@click.option("--damage", type=click.FloatRange(0, 1, min_open=True), default=0.1, help="Share of words. Default: 0.1.")
@click.option("--kinds", metavar="NAMES", help="Of damage. Default: html,unicode,repeats,run-together,typos.")
@click.option("--by-kind", is_flag=True, help="Each kind of damage alone as well.")
@click.option("--seed", type=int, default=0, metavar="N", help="Of the damage. Default: 0.")
@click.option("--split", metavar="NAME", help="Which of qrels/*.tsv. Default: test, or the only one.")
@click.option("--bm25/--no-bm25", default=True, help="BM25 beside the models. Default: --bm25.")
@click.option("--against", metavar="FOLDER", shell_complete=complete_files, help="Results of an earlier run, to compare with.")
@click.option("--neighbours", type=click.IntRange(1), default=10, metavar="N", help="Of kNN. Default: 10.")
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.3,
    help="To test with, where a hash splits. Default: 0.3.",
)
@click.option("--backend", type=click.Choice(["auto", "torch", "openvino", "onnx", "tensorflow"]), default="auto")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... Default: a GPU if there is one.")
@click.option("--dtype", metavar="NAME", help="To compute in: float32, bfloat16, ..., auto (fastest). Default: float32.")
@click.option("--max-tokens", type=click.IntRange(3), metavar="N", help="Of a text. Default: as the model says.")
@click.option("--make", "documents", multiple=True, metavar="DOCS", shell_complete=complete_files, help="Make sets of these.")
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Only such documents; of one field, any of the values.")
@click.option("--text-field", metavar="NAME", help="Of a document. Default: text.")
@click.option("--id-field", metavar="NAME", help="Default: id.")
@click.option("--title-field", metavar="NAME", help="Default: title.")
@click.option("--format-field", metavar="NAME", help="md, rst, adoc, html or txt. Default: format, else by the id.")
@click.option("--label-field", metavar="NAME", help="Of classification. Default: product, else label.")
@click.option("--group-field", metavar="NAME", help="Never on both sides of a split. Default: the document.")
@click.option("--queries", type=click.IntRange(1), metavar="N", help="At most. Default: 500.")
@click.option("--passages", type=click.IntRange(1), metavar="N", help="In the corpus, at most. Default: all.")
@click.option("--per-label", type=click.IntRange(1), metavar="N", help="Passages of a label, at most. Default: 300.")
@click.option("--min-words", type=click.IntRange(1), metavar="N", help="Of a passage. Default: 30.")
@click.option("--max-words", type=click.IntRange(1), metavar="N", help="Of a passage, about. Default: 200.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
def evaluate(models: tuple[str, ...], *, output: str, documents: tuple[str, ...], quiet: bool, **options: Any) -> int:
    """Evaluate MODELs on retrieval and classification: the text raw, cleaned, damaged, and damaged and then cleaned.

    With --make, instead: build both kinds of set out of your own documents (JSON lines).
    """
    if documents:
        if models or options["retrieval"] or options["classification"]:
            raise SettingsError("--make builds sets; evaluate models on them with a second command")
        context = click.get_current_context()
        for name in sorted(options.keys() - {"where", *_FIELDS, *_SIZES, "test_share"}):
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                raise SettingsError(f"--{name.replace('_', '-')} is for evaluating models, not for --make")
        _make(documents, output, options, quiet=quiet)
        return DONE
    if given := [name for name in ("where", *_FIELDS, *_SIZES) if options[name]]:
        raise SettingsError(f"--{given[0].replace('_', '-')} is for --make")
    if not models:
        raise SettingsError("name the models to evaluate, or documents with --make")
    if not options["retrieval"] and not options["classification"]:
        raise SettingsError("name what to evaluate on: --retrieval FOLDER, --classification PATH, or both")
    _evaluate(models, output, options, quiet=quiet)
    return DONE


def _evaluate(models: tuple[str, ...], output: str, options: dict[str, Any], *, quiet: bool) -> None:
    from vinilm.evaluation import Conditions, evaluate_classification, evaluate_retrieval, loaded, write_results
    from vinilm.evaluation.classification_set import read_classification
    from vinilm.evaluation.earlier import add_earlier, read_earlier
    from vinilm.evaluation.report import check_folder
    from vinilm.evaluation.retrieval_set import read_retrieval
    from vinilm.evaluation.tables import show
    from vinilm.evaluation.watching import Progress, Silent

    named: dict[str, Any] = {
        key: _names(options[name]) for key, name in (("names", "conditions"), ("kinds", "kinds")) if options[name]
    }
    conditions = Conditions(**named, **{name: options[name] for name in ("damage", "by_kind", "seed")})
    check_folder(output)
    # All sets before any model: what is wrong with the last one is told at once.
    retrieval = [read_retrieval(folder, options["split"]) for folder in options["retrieval"]]
    classification = [read_classification(path, test_share=options["test_share"]) for path in options["classification"]]
    names = Counter((kind, data.name) for kind, sets in (("r", retrieval), ("c", classification)) for data in sets)
    if (most := names.most_common(1)[0])[1] > 1:
        raise SettingsError(f"two sets are called {most[0][1]!r}; rename one, so that their results can be told apart")
    earlier = read_earlier(options["against"]) if options["against"] else None
    extractors = loaded(list(models), {name: options[name] for name in ("backend", "device", "dtype", "max_tokens")})
    with contextlib.nullcontext(Silent()) if quiet else Progress() as watch:
        results = [
            evaluate_retrieval(extractors, data, conditions=conditions, with_bm25=options["bm25"], watch=watch)
            for data in retrieval
        ]
        results += [
            evaluate_classification(extractors, data, conditions=conditions, neighbours=options["neighbours"], watch=watch)
            for data in classification
        ]
    if earlier:
        add_earlier(results, earlier, conditions)
    write_results(output, results, conditions, extractors)
    show(results)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _make(documents: tuple[str, ...], output: str, options: dict[str, Any], *, quiet: bool) -> None:
    from vinilm.evaluation import Fields, Sizes, make_benchmark
    from vinilm.evaluation.documents import parse_where

    fields = Fields(**{own: options[name] for name, own in _FIELDS.items() if options[name]})
    sizes = Sizes(test_share=options["test_share"], **{name: options[name] for name in _SIZES if options[name]})
    made = make_benchmark(documents, output, fields=fields, where=parse_where(options["where"]), sizes=sizes)
    if not quiet:
        for line in _said(made):
            click.echo(line, err=True)


def _said(made: Made) -> list[str]:
    from vnlp_prep.terminal import counted

    lines = [
        f"{counted(made.documents, 'document')} with {counted(made.sections, 'section')}",
        f"retrieval: {counted(made.queries, 'heading')} asked, {counted(made.passages, 'passage')} to find",
    ]
    if made.labels:
        train, test = (sum(counts[i] for counts in made.labels.values()) for i in (0, 1))
        lines.append(f"classification: {counted(len(made.labels), 'label')}, {train:,} passages to train, {test:,} to test with")
    else:
        lines.append("classification: none, for there are no two labels with enough passages (see --label-field)")
    lines += [f"left out: the label {label!r}: {why}" for label, why in made.left_out.items()]
    return lines
