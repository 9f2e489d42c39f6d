"""A corpus, or the log of what was changed in one, as groups of equal changes. Nothing is written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.corpus.documents import Source, sources
from vnlp_prep.corpus.inputs import find_inputs
from vnlp_prep.corpus.records import field_name
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.edits import Edit
from vnlp_prep.review.figures import Figures
from vnlp_prep.review.groups import Groups, Place
from vnlp_prep.review.pieces import piece_counter
from vnlp_prep.workers import map_in_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vnlp_prep.corpus.cleaning import Cleaner
    from vnlp_prep.corpus.documents import Document
    from vnlp_prep.corpus.readers import Input
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.lexicon.wordpiece import WordPieces
    from vnlp_prep.review.pieces import PieceCounts

# Records are cleaned in parts of this size, and the parts put together in order: whoever cleans them, the result is the same.
_PART_RECORDS, _PART_CHARACTERS = 256, 500_000


class _Record(NamedTuple):
    """What is needed of a document to clean and count it; ``problem`` is the code of the reason why that cannot be done."""

    file: str
    line: int
    texts: list[str]
    paths: list[tuple[str, ...]]
    notes: list[Edit]
    encoding: str | None
    is_blank: bool
    problem: str | None


class _Part(NamedTuple):
    """What was found in some records, and how many of them could not be cleaned."""

    groups: Groups
    summary: Summary
    figures: Figures


def collect(
    inputs: Sequence[str],
    options: Options,
    cleaner: Cleaner,
    summary: Summary,
    *,
    figures: Figures | None = None,
    vocabulary: WordPieces | None = None,
    format: str | None = None,
    watch: Callable[[Summary, Input], None] | None = None,
) -> Groups:
    """Clean ``inputs`` (files, folders, patterns; ``-`` is standard input) and return the changes in groups; nothing is written.

    ``summary`` is filled while it goes on: records, those changed, changes by stage, rejects by reason. So are ``figures``,
    with the pieces of ``vocabulary``. ``format`` None goes by the name of the file. The records are cleaned in
    ``options.workers`` processes, with the same result for any number.

    Raises InputError if an input cannot be read; of an archive that ends too early, what was read counts (``summary.damaged``).
    """
    started = time.perf_counter()
    corpus = sources([named.path for named in find_inputs(inputs, format=format)], options, format, None)
    groups = Groups()
    count = _PartCounter(cleaner, vocabulary)
    parts = _parts(corpus, summary, watch)
    for part in map_in_processes(count, parts, options.workers) if options.workers > 1 else map(count, parts):
        groups.merge(part.groups)
        summary.add(part.summary)
        if figures is not None:
            figures.merge(part.figures)
        summary.seconds = time.perf_counter() - started
    return groups


def _parts(corpus: Sequence[Source], summary: Summary, watch: Callable[[Summary, Input], None] | None) -> Iterator[list[_Record]]:
    """Yield the records in parts; those that cannot be read are only counted."""
    part: list[_Record] = []
    size = 0
    for source in corpus:
        for document in source.documents():
            summary.bytes_read += document.line.length
            part.append(_record(document))
            size += sum(map(len, document.texts))
            if len(part) >= _PART_RECORDS or size >= _PART_CHARACTERS:
                yield part
                part, size = [], 0
                if watch:
                    watch(summary, source.input)
        if source.input.damage:
            summary.damaged.append((source.input.name, source.input.damage))
    if part:
        yield part


def _record(d: Document) -> _Record:
    problem = d.problem.code if d.problem is not None else None
    notes, encoding = (d.record.notes, d.record.encoding) if d.record is not None else ([], None)
    return _Record(d.file, d.line.number, d.texts, d.paths, notes, encoding, d.is_blank, problem)


class _PartCounter:
    """Cleans records and counts what is changed; travels to worker processes."""

    def __init__(self, cleaner: Cleaner, vocabulary: WordPieces | None) -> None:
        self._cleaner = cleaner
        self._vocabulary = vocabulary
        self._pieces: Callable[[str], PieceCounts] | None = None

    def __call__(self, part: Sequence[_Record]) -> _Part:
        """Clean and count some records; one that cannot be cleaned counts as rejected."""
        found = _Part(Groups(), Summary(), Figures())
        for number, record in enumerate(r for r in part if not r.is_blank):
            problem = record.problem or self._count(record, number, found)
            if problem is not None:
                found.summary.rejects[problem] += 1
                found.figures.add_reject(record.file, number)
        found.summary.blank_lines = sum(r.is_blank for r in part)
        return found

    def _count(self, record: _Record, number: int, found: _Part) -> str | None:
        """Clean and count a record; return why that cannot be done, if so."""
        groups, summary, figures = found
        try:
            docs = [self._cleaner.clean(text) for text in record.texts]
        except MemoryError:
            raise
        except Exception:  # one record must not cost the others
            return "internal-error"
        file, line = record.file, record.line
        groups.add(Place(file, line, None), None, record.notes)
        edits, suggestions = list(record.notes), list[Edit]()
        for path, doc in zip(record.paths, docs, strict=True):
            groups.add(Place(file, line, field_name(path)), doc.raw, doc.edits, doc.suggestions)
            edits += doc.edits
            suggestions += doc.suggestions
            figures.add_text(doc.raw, doc.text)
            if self._vocabulary is not None:
                self._pieces = self._pieces or piece_counter(self._vocabulary)
                before = self._pieces(doc.raw)
                figures.add_pieces(before, self._pieces(doc.text) if doc.edits else before)
        summary.records += 1
        summary.passed += not docs
        summary.changed += bool(edits)
        summary.suggestions += len(suggestions)
        summary.edits.update(e.stage for e in edits)
        if record.encoding:
            summary.encodings[record.encoding] += 1
        figures.add_record(file, number, edits, suggestions)
        return None
