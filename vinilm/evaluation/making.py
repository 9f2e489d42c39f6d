"""A benchmark out of the user's own documents: a heading asks for the section below it, a passage tells its product.

Nobody has to judge anything, for the authors have done so: who wrote a heading said what the section answers. What is made is
the same on every machine: samples are taken by hashes of names.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vinilm.evaluation.documents import Fields, Passage, Reader
from vinilm.evaluation.labels import masked, split
from vinilm.evaluation.sampling import sample
from vinilm.evaluation.writing import make_folder, write, write_json_lines
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError, SettingsError

#: Words of a heading that can be asked for.
_LEAST_WORDS, _MOST_WORDS = 3, 15
_QUERY_WORD = re.compile(r"\w[\w.'’/+#-]*")


@dataclass(frozen=True)
class Sizes:
    """How large a benchmark is made. ``queries``, ``passages`` and ``per_label`` are the most, None: all.

    Each query has a passage of its own, so there are no more queries than passages.
    """

    queries: int | None = 500
    passages: int | None = None
    per_label: int | None = 300
    #: Words of prose that a passage has at least, and behind which it ends.
    min_words: int = 30
    max_words: int = 200
    #: Share of the groups (documents) whose passages test a classifier.
    test_share: float = 0.3


@dataclass(frozen=True)
class Made:
    """What was made, counted."""

    documents: int
    sections: int
    copies: int
    passages: int
    queries: int
    #: Label -> passages to train and to test with; empty: there is no classification.
    labels: dict[str, tuple[int, int]]
    #: Labels that are left out, and why.
    left_out: dict[str, str]


def make_benchmark(
    documents: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    fields: Fields | None = None,
    where: Mapping[str, Sequence[str]] | None = None,
    sizes: Sizes | None = None,
) -> Made:
    """Write ``folder/retrieval`` (BEIR's format) and ``folder/classification``, made from JSON lines of documents.

    **Retrieval.** The documents' sections are the corpus: those with enough prose, without their headings, each text once. A
    heading of 3 to 15 words that stands once in the collection is a query, and its section the one relevant answer; a heading
    of two words or more that stands in several places is asked for with its document's title before it, if that makes it unique.

    **Classification.** Sections with the label of their document (``fields.label``); whole groups (``fields.group``, else
    documents) are on the side of training or of testing. The words of four letters and more in all labels are replaced by
    ``product`` in all texts: what a text is about is to be told by the rest. A label without examples on both sides is left
    out. It is not written if fewer than two labels remain.

    ``where``: field -> values, of which a document must have one. The same documents and settings give the same bytes.
    Raises InputError, with file and line, for what cannot be read or is too little, SettingsError, OutputError.
    """
    fields, where, sizes = fields or Fields(), where or {}, sizes or Sizes()
    _check(sizes)
    paths = [documents] if isinstance(documents, (str, os.PathLike)) else list(documents)
    reader = Reader(fields, where, sizes.min_words, sizes.max_words)
    found, counts = reader.passages(paths), reader.counts
    names = ", ".join(map(shown, paths))
    if not found:
        raise InputError(f"{names}: no section with {sizes.min_words} words of prose in {counts['documents']:,} documents")
    queries = _queries(found, min((n for n in (sizes.queries, sizes.passages) if n is not None), default=None))
    if not queries:
        raise InputError(f"{names}: none of {counts['sections']:,} sections has a heading of 3 to 15 words that is its own")
    asked = {passage.id for passage in queries.values()}
    rest = sample((p for p in found if p.id not in asked), _rest(sizes.passages, len(asked)), lambda p: p.id, "corpus")
    corpus = sorted([*queries.values(), *rest], key=lambda p: p.id)
    labels, train, test, left_out = split(found, sizes.per_label, sizes.test_share)
    made = Made(counts["documents"], counts["sections"], counts["copies"], len(corpus), len(queries), labels, left_out)
    _write_retrieval(Path(folder) / "retrieval", queries, corpus)
    _write_classification(Path(folder) / "classification", train, test, masked(labels))
    settings = {"fields": fields._asdict(), "where": {k: list(v) for k, v in where.items()}, "sizes": asdict(sizes)}
    write(Path(folder) / "benchmark.json", json.dumps({"made": asdict(made), **settings}, ensure_ascii=False, indent=1) + "\n")
    return made


def _check(sizes: Sizes) -> None:
    for name in ("queries", "passages", "per_label", "min_words", "max_words"):
        value = getattr(sizes, name)
        if value is not None and value < 1:
            raise SettingsError(f"{name}={value} must be at least 1")
    if not 0 < sizes.test_share < 1:
        raise SettingsError(f"test_share={sizes.test_share} must be between 0 and 1")


def _rest(most: int | None, asked: int) -> int | None:
    return None if most is None else max(most - asked, 0)


def _queries(found: Sequence[Passage], most: int | None) -> dict[str, Passage]:
    """Return query -> the passage that answers it."""
    headings = Counter(_key(p.heading) for p in found)
    candidates: list[tuple[str, Passage]] = []
    for passage in found:
        heading = passage.heading
        if headings[_key(heading)] > 1 and len(_words(heading)) > 1 and _key(passage.title) not in ("", _key(heading)):
            heading = f"{passage.title}: {heading}"
        found_words = _words(heading)
        is_short = sum(word[0].isalpha() for word in found_words) < _LEAST_WORDS
        if not is_short and len(found_words) <= _MOST_WORDS and heading.isprintable():
            candidates.append((heading, passage))
    # Unique among queries, and no heading of a passage elsewhere.
    queries = Counter(_key(query) for query, _ in candidates)
    own = [(q, p) for q, p in candidates if queries[_key(q)] == 1 and headings[_key(q)] == (q == p.heading)]
    return dict(sample(own, most, lambda pair: pair[1].id, "queries"))


def _words(text: str) -> list[str]:
    return _QUERY_WORD.findall(text)


def _key(heading: str) -> str:
    """What is the same for headings that a reader would take for the same."""
    return " ".join(word.lower().strip(".'’/+#-") for word in _words(heading))


def _write_retrieval(folder: Path, queries: Mapping[str, Passage], corpus: Iterable[Passage]) -> None:
    make_folder(folder / "qrels")
    write_json_lines(folder / "corpus.jsonl", ({"_id": p.id, "title": "", "text": p.text} for p in corpus))
    write_json_lines(folder / "queries.jsonl", ({"_id": f"q:{p.id}", "text": query} for query, p in queries.items()))
    rows = ["query-id\tcorpus-id\tscore", *(f"q:{p.id}\t{p.id}\t1" for p in queries.values())]
    write(folder / "qrels" / "test.tsv", "\n".join(rows) + "\n")


def _write_classification(folder: Path, train: Sequence[Passage], test: Sequence[Passage], mask: re.Pattern[str]) -> None:
    """Write both sides; where there is nothing to write, what was there before goes: it is of other documents."""
    for name, side in (("train", train), ("test", test)):
        if not side:
            (folder / f"{name}.jsonl").unlink(missing_ok=True)
            continue
        make_folder(folder)
        examples = ({"_id": p.id, "text": mask.sub("product", p.text), "label": p.label, "group": p.group} for p in side)
        write_json_lines(folder / f"{name}.jsonl", examples)
