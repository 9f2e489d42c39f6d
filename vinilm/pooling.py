"""From the features of tokens to one vector for a text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vinilm.batches import Batch

Floats = npt.NDArray[np.float32]

#: ``mean``: of all tokens, special ones included, as sentence-transformers has it; ``cls``: the first token; ``max``: by
#: dimension; ``none``: the tokens themselves.
POOLINGS = ("mean", "cls", "max", "none")


def pool(hidden_states: Floats, batch: Batch, pooling: str) -> Floats:
    """Return one vector for each sequence of ``batch``: (tokens, hidden) -> (sequences, hidden)."""
    if pooling == "cls":
        return hidden_states[batch.starts]
    if pooling == "max":
        return np.maximum.reduceat(hidden_states, batch.starts, axis=0)
    sums = np.add.reduceat(hidden_states, batch.starts, axis=0)
    return np.asarray(sums / batch.lengths[:, None], dtype=np.float32)


def normalized(vectors: Floats) -> Floats:
    """Return the vectors (last axis) at length 1; a zero vector stays."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
