"""Packed sequences for runtimes that take a graph with fixed inputs: what is fed, and how batches are cut for it.

The graph (:mod:`vinilm.onnx_export`) keeps all tokens in one row, as :class:`vinilm.batches.Batch` does, and lays them out as a
rectangle (sequences, longest) for attention alone, a tenth of the work. Where sequences are of very different lengths even
that would cost too much; then the batch is run in parts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vinilm.batches import Batch, Ints
from vinilm.pooling import Floats

# Places of a rectangle that may be left empty: a share of its tokens, and a number below which a part of its own costs more.
_EMPTY_SHARE = 0.25
_EMPTY = 256
#: What is added to the attention's logits of an empty place: far below any logit, and still a number in every type.
NOTHING = -1e9


class PackedInputs(NamedTuple):
    """The inputs of the graph, in its order."""

    #: Token ids, (tokens,).
    input_ids: Ints
    #: Position of each token in its sequence, (tokens,).
    position_ids: Ints
    #: For each place of the rectangle the number of its token, 0 for empty ones; (sequences, longest).
    rows: Ints
    #: For each token its place in the flattened rectangle, (tokens,).
    places: Ints
    #: 0 where a token is, else very low; (sequences, 1, 1, longest).
    attention_bias: npt.NDArray[np.float32]

    @classmethod
    def of(cls, batch: Batch) -> PackedInputs:
        """Return the inputs for ``batch``."""
        mask = np.arange(batch.lengths[-1]) < batch.lengths[:, None]
        rows = np.zeros(mask.shape, dtype=np.int64)
        rows[mask] = np.arange(len(batch.ids))
        bias = np.where(mask, np.float32(0), np.float32(NOTHING))[:, None, None, :]
        return cls(batch.ids, batch.positions, rows, np.flatnonzero(mask), bias)


def parts(batch: Batch) -> Iterator[Batch]:
    """Yield ``batch`` in parts, in order, each of sequences that are nearly equal in length."""
    first, token, tokens = 0, 0, 0
    for i, length in enumerate(batch.lengths.tolist()):
        empty = (i + 1 - first) * length - (tokens + length)
        if empty > max(_EMPTY_SHARE * (tokens + length), _EMPTY):
            yield Batch(batch.ids[token : token + tokens], batch.lengths[first:i])
            first, token, tokens = i, token + tokens, 0
        tokens += length
    if tokens:
        yield Batch(batch.ids[token:], batch.lengths[first:])


def joined(states: list[Floats], hidden_size: int) -> Floats:
    """Return the hidden states of all parts, one behind the other: (tokens, hidden)."""
    if len(states) == 1:
        return states[0]
    return np.concatenate(states) if states else np.empty((0, hidden_size), dtype=np.float32)


def usable_threads() -> int:
    """Return how many threads may compute: what ``torch.set_num_threads`` or OMP_NUM_THREADS say, and the processors allow."""
    import torch

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(torch.get_num_threads(), processors))
