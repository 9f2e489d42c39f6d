"""Count a corpus, in this process or in several, with the same result; keep what cannot be counted for the rejects."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from vnlp_prep.corpus.documents import source_name
from vnlp_prep.corpus.records import Problem, reject_dict
from vnlp_prep.lexicon.learning.count import Counts
from vnlp_prep.workers import map_in_processes

if TYPE_CHECKING:
    from vnlp_prep.corpus.documents import Document, Source
    from vnlp_prep.corpus.logs import LineLog
    from vnlp_prep.corpus.readers import Input
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.lexicon.lexicon import Lexicon

_R = TypeVar("_R")

# Documents are counted in parts of this size, and the parts put together in order: whoever counts them, the result is the same.
_PART_DOCUMENTS, _PART_CHARACTERS = 64, 1_000_000

#: The texts of a document and the number of its source.
Texts = tuple[list[str], int | None]
#: What went wrong with which documents of a part, by their places in it.
Failed = list[tuple[int, str]]


def count_corpus(
    corpus: Sequence[Source],
    lexicon: Lexicon,
    rejects: LineLog,
    summary: Summary,
    *,
    workers: int = 1,
    watch: Callable[[Summary, Input], None] | None = None,
) -> Counts:
    """Return the counts of all inputs. Records that cannot be read or counted go to ``rejects``.

    ``summary`` is filled while it goes on. Raises InputError, OutputError.
    """
    counts = Counts()
    for counted in count_parts(corpus, partial(_count, lexicon=lexicon), rejects, summary, workers=workers, watch=watch):
        counts.merge(counted)
    return counts


def count_parts(
    corpus: Sequence[Source],
    count: Callable[[list[Texts]], tuple[_R, Failed]],
    rejects: LineLog,
    summary: Summary,
    *,
    workers: int = 1,
    watch: Callable[[Summary, Input], None] | None = None,
) -> Iterator[_R]:
    """Yield what ``count`` makes of each part of the corpus, in order; for several workers it has to be one that can be pickled.

    Records that cannot be read, or that ``count`` says it failed for, go to ``rejects``; ``summary`` is filled while it goes on.
    Raises InputError, OutputError.
    """
    started = time.perf_counter()
    names: dict[str, int] = {}

    def parts() -> Iterator[list[Document]]:
        """Documents in parts; bad ones are rejected, blank ones left out."""
        part: list[Document] = []
        size = 0
        for source in corpus:
            for document in source.documents():
                summary.bytes_read += document.line.length
                if document.problem:
                    _reject(document, document.problem, rejects, summary)
                elif document.texts:
                    part.append(document)
                    size += sum(map(len, document.texts))
                    if (name := source_name(document.name)) is not None:
                        names.setdefault(name, len(names))
                else:
                    summary.blank_lines += 1
                if len(part) >= _PART_DOCUMENTS or size >= _PART_CHARACTERS:
                    yield part
                    part, size = [], 0
                    summary.seconds = time.perf_counter() - started
                    if watch:
                        watch(summary, source.input)
            if source.input.damage:
                summary.damaged.append((source.input.name, source.input.damage))
        if part:
            yield part

    def texts(part: list[Document]) -> list[Texts]:
        return [(d.texts, None if (name := source_name(d.name)) is None else names[name]) for d in part]

    results = _in_processes(parts(), texts, count, workers) if workers > 1 else _here(parts(), texts, count)
    for part, (counted, failed) in results:
        yield counted
        for i, reason in failed:
            _reject(part[i], Problem("internal-error", reason), rejects, summary)
        summary.records += len(part) - len(failed)
    summary.seconds = time.perf_counter() - started


def count_each(part: list[Texts], add: Callable[[list[str], int | None], None]) -> Failed:
    """Call ``add`` for each document of a part; return for which it failed: one document must not cost the others."""
    failed = []
    for i, (texts, source) in enumerate(part):
        try:
            add(texts, source)
        except Exception as error:
            failed.append((i, f"{type(error).__name__}: {error}"[:500]))
    return failed


def _reject(document: Document, problem: Problem, rejects: LineLog, summary: Summary) -> None:
    summary.rejects[problem.code] += 1
    rejects.write(reject_dict(document.file, document.line, problem))


def _count(part: list[Texts], lexicon: Lexicon) -> tuple[Counts, Failed]:
    counts = Counts()
    return counts, count_each(part, lambda texts, source: counts.add(texts, lexicon, source))


def _here(
    parts: Iterable[list[Document]],
    texts: Callable[[list[Document]], list[Texts]],
    count: Callable[[list[Texts]], tuple[_R, Failed]],
) -> Iterator[tuple[list[Document], tuple[_R, Failed]]]:
    for part in parts:
        yield part, count(texts(part))


def _in_processes(
    parts: Iterator[list[Document]],
    texts: Callable[[list[Document]], list[Texts]],
    count: Callable[[list[Texts]], tuple[_R, Failed]],
    workers: int,
) -> Iterator[tuple[list[Document], tuple[_R, Failed]]]:
    waiting: deque[list[Document]] = deque()

    def tasks() -> Iterator[list[Texts]]:
        for part in parts:
            waiting.append(part)
            yield texts(part)

    for counted in map_in_processes(count, tasks(), workers):
        yield waiting.popleft(), counted
