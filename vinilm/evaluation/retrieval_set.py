"""A retrieval set in BEIR's format: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/*.tsv``, each packed with gzip or not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vinilm.evaluation import jsonl
from vinilm.evaluation.systems import set_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

_SCORE = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True)
class RetrievalSet:
    """Queries, what is relevant to each, and a corpus that is read from the disk whenever it is needed."""

    name: str
    corpus: Path
    #: Ids of all documents, in their order.
    documents: list[str]
    #: Id -> text of the queries that something is relevant to.
    queries: dict[str, str]
    #: Query -> document -> how relevant it is (0: not).
    qrels: dict[str, dict[str, int]]
    #: What a reader of the figures should know.
    notes: list[str]

    def texts(self, count: int) -> Iterator[tuple[list[str], list[str]]]:
        """Yield ids and texts of ``count`` documents at a time: the title, if there is one, and the text behind a space."""
        ids: list[str] = []
        texts: list[str] = []
        for number, record in jsonl.records(self.corpus):
            ids.append(jsonl.name(record, "_id", self.corpus, number))
            texts.append(_text(record, self.corpus, number))
            if len(ids) == count:
                yield ids, texts
                ids, texts = [], []
        if ids:
            yield ids, texts


def read_retrieval(folder: str | os.PathLike[str], split: str | None = None) -> RetrievalSet:
    """Read a set; ``split``: of several files in ``qrels`` (default: ``test``, or the only one).

    Raises InputError, with file and line, for what is missing, empty or not as the format has it: a document or query twice, or
    named in the qrels and not there.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{shown(root)}: no such folder; a retrieval set has corpus.jsonl, queries.jsonl and qrels/")
    corpus, query_file = (_file(root, name) for name in ("corpus.jsonl", "queries.jsonl"))
    documents: dict[str, None] = {}
    for number, record in jsonl.records(corpus):
        id = jsonl.name(record, "_id", corpus, number)
        if id in documents:
            raise InputError(f"{shown(corpus)}, line {number}: the document {id!r:.200} was there before")
        _text(record, corpus, number)
        documents[id] = None
    texts: dict[str, str] = {}
    for number, record in jsonl.records(query_file):
        id = jsonl.name(record, "_id", query_file, number)
        if id in texts:
            raise InputError(f"{shown(query_file)}, line {number}: the query {id!r:.200} was there before")
        texts[id] = jsonl.string(record, "text", query_file, number)
    for file, found in ((corpus, documents), (query_file, texts)):
        if not found:
            raise InputError(f"{shown(file)}: is empty")
    judged = _qrels_file(root / "qrels", split)
    qrels = _qrels(judged, documents, texts)
    relevant = {query: found for query, found in qrels.items() if max(found.values()) > 0}
    if not relevant:
        raise InputError(f"{shown(judged)}: nothing is relevant to any query")
    notes = []
    if len(relevant) < len(qrels):
        notes.append(f"{len(qrels) - len(relevant):,} queries that nothing is relevant to are left out")
    return RetrievalSet(
        set_name(root, "retrieval"), corpus, list(documents), {q: t for q, t in texts.items() if q in relevant}, relevant, notes
    )


def _text(record: jsonl.Json, path: Path, number: int) -> str:
    text = jsonl.string(record, "text", path, number)
    title = record.get("title") or ""
    if not isinstance(title, str):
        raise InputError(f"{shown(path)}, line {number}: the field 'title' is not a string")
    return f"{title} {text}".strip()


def _file(root: Path, name: str) -> Path:
    """Return a file of the set, packed or not. Raises InputError."""
    found = next((root / f"{name}{suffix}" for suffix in ("", ".gz", ".zst") if (root / f"{name}{suffix}").is_file()), None)
    if found is None:
        raise InputError(f"{shown(root)}: there is no {name} (or {name}.gz) in it")
    return found


def _qrels_file(folder: Path, split: str | None) -> Path:
    files = {file.name.split(".tsv")[0]: file for file in sorted(folder.glob("*.tsv*"))}
    if not files:
        raise InputError(f"{shown(folder)}: there are no qrels (*.tsv) in it")
    name = split or ("test" if "test" in files or len(files) > 1 else next(iter(files)))
    if name not in files:
        raise InputError(f"{shown(folder)}: there is no {name}.tsv; there are {', '.join(files)} (see --split)")
    return files[name]


def _qrels(path: Path, documents: dict[str, None], queries: dict[str, str]) -> dict[str, dict[str, int]]:
    """Return query -> document -> score."""
    found: dict[str, dict[str, int]] = {}
    for number, line in jsonl.lines(path):
        where = f"{shown(path)}, line {number}"
        try:
            cells = line.decode("utf-8").split("\t")
        except UnicodeDecodeError:
            raise InputError(f"{where}: is not UTF-8") from None
        if cells[:3] == ["query-id", "corpus-id", "score"]:
            continue
        if len(cells) != 3:
            raise InputError(f"{where}: {len(cells)} columns; they are query-id, corpus-id and score, with tabs between")
        query, document, score = cells
        if not _SCORE.fullmatch(score):
            raise InputError(f"{where}: the score {score!r:.40} is no whole number (of nine digits at most)")
        if query not in queries:
            raise InputError(f"{where}: there is no query {query!r:.200} in queries.jsonl")
        if document not in documents:
            raise InputError(f"{where}: there is no document {document!r:.200} in corpus.jsonl")
        found.setdefault(query, {})[document] = int(score)
    if not found:
        raise InputError(f"{shown(path)}: is empty")
    return found
