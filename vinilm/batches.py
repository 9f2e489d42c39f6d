"""Batches without padding: the tokens of several sequences in one row, and how sequences are put together.

Sequences are sorted by length and filled up to a budget of tokens, not of texts, so that every batch is about the same work;
the results are put back in the order of the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Sequences of token ids, one behind the other, the shortest first: no padding anywhere."""

    #: Token ids of all sequences, special tokens included; shape (tokens,).
    ids: Ints
    #: Tokens of each sequence, ascending; shape (sequences,). Their sum is the number of ids.
    lengths: Ints

    @property
    def starts(self) -> Ints:
        """Where each sequence begins in ``ids``; shape (sequences,)."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def positions(self) -> Ints:
        """The position of each token in its sequence, from 0; shape (tokens,)."""
        return np.arange(len(self.ids)) - np.repeat(self.starts, self.lengths)

    def padded(self, pad_id: int = 0) -> tuple[Ints, Ints]:
        """Return ids and attention mask as rectangles, both of shape (sequences, longest), for backends that need them."""
        width = int(self.lengths[-1]) if len(self.lengths) else 0
        mask = np.arange(width) < self.lengths[:, None]
        ids = np.full(mask.shape, pad_id, dtype=np.int64)
        ids[mask] = self.ids
        return ids, mask.astype(np.int64)

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """Yield (first sequence, number of sequences, length) for each run of sequences of one length."""
        ends = np.flatnonzero(np.diff(self.lengths, append=-1))
        first = 0
        for end in ends.tolist():
            yield first, end + 1 - first, int(self.lengths[end])
            first = end + 1


def plan(lengths: Sequence[int], batch_tokens: int, batch_size: int | None = None) -> Iterator[list[int]]:
    """Yield the numbers of the sequences of each batch, by ascending length (ties in the order given).

    A batch holds at most ``batch_tokens`` tokens and ``batch_size`` sequences, but always one sequence.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    tokens = 0
    for i in order:
        if batch and (tokens + lengths[i] > batch_tokens or len(batch) == batch_size):
            yield batch
            batch, tokens = [], 0
        batch.append(i)
        tokens += lengths[i]
    if batch:
        yield batch


def pack(sequences: Sequence[Sequence[int]]) -> Batch:
    """Return the sequences (ascending in length) as a batch."""
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    ids = np.concatenate([np.asarray(s, dtype=np.int64) for s in sequences]) if len(sequences) else np.empty(0, dtype=np.int64)
    return Batch(ids, lengths)
