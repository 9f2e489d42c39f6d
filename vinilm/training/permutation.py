"""The order of an epoch: a permutation of any number of items that is computed, not held.

A Feistel network permutes the numbers below a power of four; a result that is not below ``count`` is permuted again until it is
(cycle walking: Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). The rounds need not be secret, only well mixed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_ROUNDS = 6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def shuffled(positions: npt.ArrayLike, count: int, seed: int) -> Ints:
    """Return the items at ``positions`` of an endless stream: all ``count`` items in random order, then all in another, ...

    A function of its arguments alone.

    >>> sorted(shuffled(range(7, 14), 7, seed=1).tolist())
    [0, 1, 2, 3, 4, 5, 6]
    """
    places = np.asarray(positions, dtype=np.uint64)
    epochs, places = places // np.uint64(count), places % np.uint64(count)
    half = np.uint64(max(1, (max(count - 1, 1).bit_length() + 1) // 2))
    keys = _mixed(epochs * np.uint64(2) + np.uint64(1) + _mixed(np.full_like(epochs, seed)))
    out = _permuted(places, keys, half)
    while (outside := out >= count).any():
        out[outside] = _permuted(out[outside], keys[outside], half)
    return out.astype(np.int64)


def _permuted(values: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64], half: np.uint64) -> npt.NDArray[np.uint64]:
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & low
    for number in range(_ROUNDS):
        left, right = right, left ^ (_mixed(right + _mixed(keys + np.uint64(number))) & low)
    return (left << half) | right


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the finalizer of splitmix64 (Steele et al. 2014): every bit depends on every bit."""
    z = values + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
