"""Retrieval: how well queries find what is relevant to them, by each model and by BM25, under each condition."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinilm.errors import BackendError
from vinilm.evaluation import bm25
from vinilm.evaluation.bootstrap import mean_of
from vinilm.evaluation.conditions import Condition, Conditions
from vinilm.evaluation.encoder import Effort, Encoder
from vinilm.evaluation.results import Key, Result, as_floats
from vinilm.evaluation.retrieval_set import RetrievalSet, read_retrieval
from vinilm.evaluation.search import Search
from vinilm.evaluation.systems import Models, loaded
from vinilm.evaluation.watching import Silent, Watch

if TYPE_CHECKING:
    from vinilm.pooling import Floats
    from vnlp_prep import Preprocessor

#: The measures, as they are called here and by ir-measures. Of each query the 100 best documents are known.
MEASURES = {"nDCG@10": "nDCG@10", "MRR@10": "RR@10", "Recall@100": "R@100"}
_DEPTH = 100
#: Documents that are encoded and compared at a time.
_BLOCK_DOCUMENTS = 4096

#: Query -> document -> score.
Run = dict[str, dict[str, float]]


def evaluate_retrieval(
    models: Models,
    folder: RetrievalSet | str | os.PathLike[str],
    *,
    conditions: Conditions | None = None,
    split: str | None = None,
    with_bm25: bool = True,
    options: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> Result:
    """Evaluate models on a retrieval set in BEIR's format, under each condition on both sides: queries and documents.

    ``folder``: that of the set, or what :func:`~vinilm.evaluation.retrieval_set.read_retrieval` returned for it.
    ``models``: one or several, each a FeatureExtractor, a folder or a name; or a mapping that names them. ``conditions``: default
    the raw text, cleaned with the model's own preprocessor, damaged, and damaged and then cleaned. ``split``: of several qrels.
    ``with_bm25``: BM25 beside them, cleaned as for the first model. ``options``: for ``FeatureExtractor.from_pretrained``.

    The model's prompts for queries and documents are used, its length and its measure of similarity. The search is exact. A
    document with the id of the query is left out of what it finds, as BEIR has it. Raises InputError for the set, ModelError,
    BackendError, SettingsError.
    """
    data = folder if isinstance(folder, RetrievalSet) else read_retrieval(folder, split)
    chosen = conditions or Conditions()
    systems = loaded(models, options)
    watch = watch or Silent()
    result = Result(
        "retrieval",
        data.name,
        {"documents": len(data.documents), "queries": len(data.queries), "judgements": sum(map(len, data.qrels.values()))},
        [*systems, *([bm25.NAME] if with_bm25 else [])],
        list(systems),
        [condition.name for condition in chosen.each()],
        list(MEASURES),
        list(data.queries),
        notes=list(data.notes),
    )
    texts = len(data.queries) + len(data.documents)
    first = next(iter(systems.values()))
    for system, extractor in (*systems.items(), *([(bm25.NAME, first)] if with_bm25 else [])):
        encoder = Encoder(extractor)
        assert extractor.preprocessor is not None
        for condition in chosen.each():
            watch.begin(f"{data.name}: {system}, {condition.name}", texts)
            if system in systems:
                effort = Effort()
                run = _by_vectors(data, condition, encoder, effort, watch)
                result.efforts[system, condition.name] = effort.to_dict()
                watch.end(effort)
            else:
                run = _by_words(data, condition, extractor.preprocessor, watch)
                watch.end(None)
            for measure, values in _measured(data.qrels, run).items():
                key = Key(system, condition.name, measure)
                result.figures[key] = mean_of(values)
                result.details[key] = as_floats(values)
    return result


def _queries(data: RetrievalSet, condition: Condition, preprocessor: Preprocessor, effort: Effort) -> list[str]:
    return condition.texts(list(data.queries.values()), [f"query {id}" for id in data.queries], preprocessor, effort)


def _documents(data: RetrievalSet, condition: Condition, preprocessor: Preprocessor, effort: Effort) -> Iterator[list[str]]:
    for ids, texts in data.texts(_BLOCK_DOCUMENTS):
        yield condition.texts(texts, [f"document {id}" for id in ids], preprocessor, effort)


def _by_vectors(data: RetrievalSet, condition: Condition, encoder: Encoder, effort: Effort, watch: Watch) -> Run:
    extractor = encoder.extractor
    assert extractor.preprocessor is not None
    queries = _queries(data, condition, extractor.preprocessor, effort)
    vectors = encoder.vectors(queries, extractor.role_prompt("query"), effort, watch.advance)
    # One more, for the query itself may be among them.
    search = Search(vectors, _DEPTH + 1, extractor.model.similarity)
    prompt = extractor.role_prompt("document")
    for block in _documents(data, condition, extractor.preprocessor, effort):
        search.add(encoder.vectors(block, prompt, effort, watch.advance))
    return _run(data, *search.best())


def _by_words(data: RetrievalSet, condition: Condition, preprocessor: Preprocessor, watch: Watch) -> Run:
    effort = Effort()
    queries = _queries(data, condition, preprocessor, effort)
    watch.advance(len(queries))

    def blocks() -> Iterator[Sequence[str]]:
        for block in _documents(data, condition, preprocessor, effort):
            yield block
            watch.advance(len(block))

    scores, places = bm25.ranked(blocks(), queries, _DEPTH + 1)
    # What shares no word with the query was not found, though it fills the ranks.
    return _run(data, np.where(scores > 0, scores, -np.inf), places)


def _run(data: RetrievalSet, scores: Floats, places: npt.NDArray[np.int64]) -> Run:
    run: Run = {}
    for query, row, found in zip(data.queries, scores, places, strict=True):
        pairs = ((data.documents[place], float(score)) for score, place in zip(row, found, strict=True) if np.isfinite(score))
        run[query] = dict([pair for pair in pairs if pair[0] != query][:_DEPTH])
    return run


def _measured(qrels: Mapping[str, Mapping[str, int]], run: Run) -> dict[str, list[float]]:
    """Return measure -> its value for each query of ``run``, in their order. Raises BackendError."""
    try:
        import ir_measures
    except ImportError as error:
        raise BackendError('retrieval needs ir-measures, which is not installed: pip install "vnlp-prep[train]"') from error
    measures = {ir_measures.parse_measure(name): own for own, name in MEASURES.items()}
    values: dict[str, dict[str, float]] = {own: dict.fromkeys(run, 0.0) for own in MEASURES}
    # Ranks are told by scores there: given as falling numbers, so that equal scores keep our order.
    ranks = {query: {id: -float(rank) for rank, id in enumerate(found)} for query, found in run.items()}
    for metric in ir_measures.iter_calc(list(measures), qrels, ranks):
        values[measures[metric.measure]][metric.query_id] = metric.value
    return {own: list(of_query.values()) for own, of_query in values.items()}
