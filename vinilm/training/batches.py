"""Sequences as arrays, and which of them are in the batch of a step: a function of seed and step alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinilm.training.chunks import SPECIAL, Chunks
from vinilm.training.packing import PackedRows
from vinilm.training.permutation import shuffled

if TYPE_CHECKING:
    from torch import Tensor

Ints = npt.NDArray[np.int64]

#: Batches in a window whose sequences are put together by length.
_WINDOW = 64


@dataclass(frozen=True)
class Batch:
    """Rows of token ids; all arrays have the shape (rows, width) and are int64."""

    ids: Ints
    #: Which sequence of its row a token is of, from 1; 0: padding.
    segments: Ints
    #: The place of a token in its sequence, from 0.
    positions: Ints

    @property
    def tokens(self) -> int:
        """Tokens that are no padding."""
        return int(np.count_nonzero(self.segments))

    @property
    def sequences(self) -> int:
        """Sequences in all rows."""
        return int(self.segments.max(axis=1).sum()) if len(self.segments) else 0

    def rows(self, chosen: slice) -> Batch:
        """Return some of the rows."""
        return Batch(self.ids[chosen], self.segments[chosen], self.positions[chosen])

    def split(self, rows: int | None) -> Iterator[Batch]:
        """Yield the batch in parts of so many rows, the last one smaller; None: as one part."""
        for start in range(0, len(self.ids), rows or max(len(self.ids), 1)):
            yield self.rows(slice(start, start + (rows or len(self.ids))))


def attention_mask(segments: Tensor) -> Tensor:
    """Return the mask with which tokens attend to those of their own sequence: True there; shape (rows, 1, width, width).

    ``segments``: as in ``Batch``, as a tensor. Padding attends to padding, so that no token has nothing to attend to.
    """
    return (segments[:, :, None] == segments[:, None, :]).unsqueeze(1)


def assembled(chunks: Chunks, rows: Sequence[Iterable[int]], width: int | None = None, *, pad: int = 0) -> Batch:
    """Return ``rows`` (of each the numbers of its sequences) as a batch of so many columns; None: as many as are needed."""
    sequences = [[chunks.sequence(number) for number in row] for row in rows]
    if width is None:
        width = max((sum(map(len, row)) for row in sequences), default=0)
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    segments, positions = np.zeros_like(ids), np.zeros_like(ids)
    for i, row in enumerate(sequences):
        end = 0
        for number, sequence in enumerate(row, 1):
            start, end = end, end + len(sequence)
            ids[i, start:end] = sequence
            segments[i, start:end] = number
            positions[i, start:end] = np.arange(len(sequence))
    return Batch(ids, segments, positions)


def share_of(items: Ints, rank: int, world: int) -> Ints:
    """Return what the process ``rank`` of ``world`` computes of a step: every ``world``-th, so that all have as much to do."""
    return items[rank::world]


@dataclass(frozen=True)
class ShuffledRows:
    """Packed rows in random order, ``batch_size`` a step: every row once before any comes again."""

    rows: PackedRows
    batch_size: int
    seed: int

    def numbers(self, step: int) -> Ints:
        """Return the numbers of the rows of a step; shape (batch_size,)."""
        return shuffled(np.arange(step * self.batch_size, (step + 1) * self.batch_size), len(self.rows), self.seed)

    def batch(self, numbers: Iterable[int], *, pad: int = 0) -> Batch:
        """Return these rows as a batch."""
        return assembled(
            self.rows.chunks, [self.rows.row(number).tolist() for number in numbers], self.rows.chunks.length, pad=pad
        )


@dataclass(frozen=True)
class SimilarLengths:
    """Single sequences, those of a step about equally long, so that little is padded: about ``batch_tokens`` tokens a step.

    The random order of all sequences is cut into windows; in each, sequences are sorted by length and cut into batches of equal
    work, which come in random order. Every sequence comes once before any comes again.
    """

    chunks: Chunks
    batch_tokens: int
    seed: int

    def numbers(self, step: int) -> Ints:
        """Return the numbers of the sequences of a step, the shortest first; at least one."""
        window, place = divmod(step, _WINDOW)
        size = self._sequences()
        numbers = shuffled(np.arange(window * size, (window + 1) * size), len(self.chunks), self.seed)
        lengths = self.chunks.lengths_of(numbers)
        # Ties stay in random order.
        order = np.argsort(lengths, kind="stable")
        batch = int(shuffled([window * _WINDOW + place], _WINDOW, self.seed + 1)[0])
        first, behind = _cuts(lengths[order], _WINDOW)[batch : batch + 2]
        return numbers[order[first:behind]]

    def _sequences(self) -> int:
        """Return the sequences of a window."""
        mean = len(self.chunks.tokens.ids) / max(len(self.chunks), 1) + SPECIAL
        return max(_WINDOW, round(_WINDOW * self.batch_tokens / mean))

    def batch(self, numbers: Iterable[int], *, pad: int = 0) -> Batch:
        """Return these sequences as a batch: one in a row, as wide as the longest."""
        return assembled(self.chunks, [[number] for number in numbers], pad=pad)


def _cuts(lengths: Ints, parts: int) -> Ints:
    """Return where to cut a row of sequences into parts of about equally many tokens, none of them empty; shape (parts + 1,)."""
    ends, places = np.cumsum(lengths), np.arange(parts + 1)
    cuts = np.searchsorted(ends, ends[-1] / parts * places)
    cuts[-1] = len(lengths)
    return np.minimum(np.maximum.accumulate(cuts - places), len(lengths) - parts) + places
