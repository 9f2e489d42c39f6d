"""How sure a figure is, and a difference: the bootstrap over queries or test examples (Efron and Tibshirani 1993).

Figures that are compared are resampled together: the same queries are drawn for both (Sakai, SIGIR 2006). A figure is a
function of sums over items, so that a resample is one row of a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Resamples of every figure.
RESAMPLES = 10_000
_SEED = 20_261_127
# Numbers in a block of resamples: 64 MB.
_BLOCK_NUMBERS = 1 << 23


class Figure(NamedTuple):
    """A figure of one system under one condition, taken apart by items (queries, examples)."""

    #: What each item adds: (items, parts).
    parts: Array
    #: (..., parts) -> (...): the sums' figure, whatever they are divided by.
    combined: Callable[[Array], Array]

    @property
    def value(self) -> float:
        """The figure of all items."""
        return float(self.combined(self.parts.sum(axis=0)))


class Difference(NamedTuple):
    """A figure minus another."""

    value: float
    #: 95 % interval.
    low: float
    high: float
    #: Two-sided: how often resamples have no difference, or one of the other sign.
    p: float


def mean_of(values: npt.ArrayLike) -> Figure:
    """Return the mean of a value for each item as a figure."""
    column = np.asarray(values, dtype=np.float64)
    return Figure(np.stack([column, np.ones_like(column)], axis=1), lambda sums: np.asarray(sums[..., 0] / sums[..., 1]))


def macro_f1(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> Figure:
    """Return the mean of the F1 of the labels that occur, in ``truth`` or as one that was predicted wrongly for another."""
    labels = np.unique(np.concatenate([truth, predicted]))
    true, said = truth[:, None] == labels, predicted[:, None] == labels
    parts = np.hstack([true & said, true, said]).astype(np.float64)

    def combined(sums: Array) -> Array:
        both, true, said = np.split(sums, 3, axis=-1)
        # A label that a resample has nothing of counts for nothing.
        there = (true + said) > 0
        f1 = np.divide(2 * both, true + said, out=np.zeros_like(both), where=there)
        return np.asarray(f1.sum(axis=-1) / there.sum(axis=-1))

    return Figure(parts, combined)


def resampled(figures: list[Figure], count: int = RESAMPLES) -> Array:
    """Return each figure of ``count`` resamples of the items, the same ones for all figures: (figures, count)."""
    items = len(figures[0].parts)
    chance = np.random.default_rng(_SEED)
    out = np.empty((len(figures), count))
    block = max(1, min(count, _BLOCK_NUMBERS // items))
    for first in range(0, count, block):
        rows = min(block, count - first)
        drawn = chance.integers(0, items, (rows, items)) + np.arange(rows)[:, None] * items
        weights = np.bincount(drawn.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)
        for number, figure in enumerate(figures):
            out[number, first : first + rows] = figure.combined(weights @ figure.parts)
    return out


def interval(values: Array) -> tuple[float, float]:
    """Return the 95 % interval of a resampled figure (percentiles)."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def difference(a: float, b: float, a_resampled: Array, b_resampled: Array) -> Difference:
    """Return figure ``a`` minus ``b``, both with their resamples."""
    found = a_resampled - b_resampled
    if a == b and not found.any():
        return Difference(0.0, 0.0, 0.0, 1.0)
    tail = min(int((found <= 0).sum()), int((found >= 0).sum()))
    return Difference(a - b, *interval(found), p=min(1.0, 2 * (tail + 1) / (len(found) + 1)))
