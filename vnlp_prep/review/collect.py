"""A corpus, or the log of what was changed in one, as groups of equal changes. Nothing is written."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.corpus.documents import Source, sources
from vnlp_prep.corpus.inputs import find_inputs
from vnlp_prep.corpus.records import field_name
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.review.groups import Groups, Place
from vnlp_prep.workers import map_in_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vnlp_prep.corpus.cleaning import Cleaner
    from vnlp_prep.corpus.documents import Document
    from vnlp_prep.corpus.readers import Input
    from vnlp_prep.corpus.run import Options

# Records are cleaned in parts of this size, and the parts put together in order: whoever cleans them, the result is the same.
_PART_RECORDS, _PART_CHARACTERS = 256, 500_000


class _Part(NamedTuple):
    """What was found in some records, and why some of them could not be cleaned."""

    groups: Groups
    summary: Summary


def collect(
    inputs: Sequence[str],
    options: Options,
    cleaner: Cleaner,
    summary: Summary,
    *,
    format: str | None = None,
    watch: Callable[[Summary, Input], None] | None = None,
) -> Groups:
    """Clean ``inputs`` (files, folders, patterns; ``-`` is standard input) and return the changes in groups; nothing is written.

    ``summary`` is filled while it goes on: records, those changed, changes by stage, rejects by reason. ``format`` None goes by
    the name of the file. The records are cleaned in ``options.workers`` processes, with the same result for any number.

    Raises InputError if an input cannot be read; of an archive that ends too early, what was read counts (``summary.damaged``).
    """
    started = time.perf_counter()
    corpus = sources([named.path for named in find_inputs(inputs, format=format)], options, format, None)
    groups = Groups()
    count = partial(count_part, cleaner=cleaner)
    parts = _parts(corpus, summary, watch)
    for part in map_in_processes(count, parts, options.workers) if options.workers > 1 else map(count, parts):
        groups.merge(part.groups)
        summary.add(part.summary)
        summary.seconds = time.perf_counter() - started
    return groups


def _parts(
    corpus: Sequence[Source], summary: Summary, watch: Callable[[Summary, Input], None] | None
) -> Iterator[list[Document]]:
    """Yield the records in parts; those that cannot be read are only counted."""
    part: list[Document] = []
    size = 0
    for source in corpus:
        for document in source.documents():
            summary.bytes_read += document.line.length
            part.append(document)
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


def count_part(part: Sequence[Document], cleaner: Cleaner) -> _Part:
    """Clean some records and count what is changed; one that cannot be cleaned counts as rejected."""
    groups, summary = Groups(), Summary()
    for document in part:
        if document.problem is not None:
            summary.rejects[document.problem.code] += 1
            continue
        try:
            docs = [cleaner.clean(text) for text in document.texts]
        except MemoryError:
            raise
        except Exception:  # one record must not cost the others
            summary.rejects["internal-error"] += 1
            continue
        if document.is_blank:
            summary.blank_lines += 1
        else:
            summary.records += 1
            summary.passed += not docs
        if document.encoding:
            summary.encodings[document.encoding] += 1
        groups.add(Place(document.file, document.line.number, None), None, document.notes)
        edits = list(document.notes)
        for path, doc in zip(document.paths, docs, strict=True):
            groups.add(Place(document.file, document.line.number, field_name(path)), doc.raw, doc.edits, doc.suggestions)
            edits += doc.edits
            summary.suggestions += len(doc.suggestions)
        summary.changed += bool(edits)
        summary.edits.update(e.stage for e in edits)
    return _Part(groups, summary)
