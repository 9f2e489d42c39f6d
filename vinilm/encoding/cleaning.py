"""Cleaning chunks in several processes, where an encoder on a GPU is faster than one that cleans."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from vnlp_prep.errors import VnlpError

if TYPE_CHECKING:
    from vinilm.encoding.chunks import Chunk
    from vnlp_prep.pipeline import Preprocessor


def clean_chunks(chunks: Iterable[Chunk], preprocessor: Preprocessor, workers: int) -> Iterator[tuple[Chunk, list[str] | None]]:
    """Yield each chunk with its texts cleaned, in order; with None instead if they are still to be cleaned.

    That is so from the chunk on in which a text breaks the preprocessor. Raises VnlpError if a worker is killed.
    """
    unread = iter(chunks)
    waiting: deque[Chunk] = deque()

    def texts() -> Iterator[str]:
        for chunk in unread:
            waiting.append(chunk)
            yield from chunk.texts or ("",)  # so that each chunk has a result to wait for

    results = preprocessor.pipe(texts(), workers=workers)
    try:
        while (first := next(results, None)) is not None:
            count = len(waiting[0].texts)
            cleaned = [first, *islice(results, max(count - 1, 0))]
            yield waiting.popleft(), cleaned[:count]
    except (VnlpError, MemoryError):
        raise
    except Exception:
        for chunk in chain(waiting, unread):
            yield chunk, None
