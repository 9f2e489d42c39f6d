"""Exact search: the documents come in blocks, and of each query only the best are kept, so memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinilm.similarity import similarity

if TYPE_CHECKING:
    from vinilm.pooling import Floats

#: Queries that are compared with a block of documents at a time.
_BLOCK_QUERIES = 512


class Search:
    """The ``count`` most similar documents of each query, by the model's own measure."""

    def __init__(self, queries: Floats, count: int, measure: str) -> None:
        """``queries``: (n, hidden); ``measure``: see :func:`vinilm.similarity.similarity`."""
        self.queries = queries
        self.count = count
        self.measure = measure
        self._scores = np.empty((len(queries), 0), dtype=np.float32)
        self._places = np.empty((len(queries), 0), dtype=np.int64)
        self._seen = 0

    def add(self, documents: Floats) -> None:
        """Compare the next documents (m, hidden) with every query."""
        places = np.arange(self._seen, self._seen + len(documents))
        self._seen += len(documents)
        kept = [
            self._best(
                np.hstack([self._scores[rows], similarity(self.queries[rows], documents, self.measure)]),
                np.hstack([self._places[rows], np.broadcast_to(places, (len(self._scores[rows]), len(places)))]),
            )
            for rows in _blocks(len(self.queries))
        ]
        self._scores = np.vstack([scores for scores, _ in kept])
        self._places = np.vstack([found for _, found in kept])

    def best(self) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Return scores and places (from 0, in the order in which documents came), the most similar first: (n, count)."""
        return self._scores, self._places

    def _best(self, scores: Floats, places: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
        if scores.shape[1] > self.count:
            kept = np.argpartition(-scores, self.count - 1, axis=1)[:, : self.count]
            last = np.take_along_axis(scores, kept, 1).min(axis=1, keepdims=True)
            # Where more documents are as good as the last one that is kept, a partition keeps any of them.
            tied = np.flatnonzero((scores >= last).sum(axis=1) > self.count)
            kept[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, : self.count]
            scores, places = np.take_along_axis(scores, kept, 1), np.take_along_axis(places, kept, 1)
        order = np.lexsort((places, -scores), axis=1)  # of equal scores the document that came first
        return np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)


def _blocks(count: int) -> Iterator[slice]:
    for first in range(0, count, _BLOCK_QUERIES):
        yield slice(first, first + _BLOCK_QUERIES)
