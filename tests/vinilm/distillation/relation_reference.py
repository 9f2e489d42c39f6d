"""The loss of MiniLMv2 as the paper writes it (arXiv 2012.15828), loop by loop in float64; it imports nothing of the package."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def softmax(row: Floats) -> Floats:
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def relation(vectors: Floats, heads: int) -> Floats:
    """Formulas 7 and 8 for one text without padding: (length, hidden) -> (heads, length, length)."""
    length, hidden = vectors.shape
    size = hidden // heads
    out = np.zeros((heads, length, length))
    for a in range(heads):
        part = vectors[:, a * size : (a + 1) * size]
        for t in range(length):
            out[a, t] = softmax(np.array([part[t] @ part[u] / np.sqrt(size) for u in range(length)]))
    return out


def divergence(teacher: Floats, student: Floats, heads: int) -> float:
    """Formula 6 for one text without padding, one of queries, keys and values: (length, hidden) each."""
    target, found = relation(teacher, heads), relation(student, heads)
    total = 0.0
    for a in range(heads):
        for t in range(len(teacher)):
            total += float(np.sum(target[a, t] * np.log(target[a, t] / found[a, t])))
    return total / (heads * len(teacher))
