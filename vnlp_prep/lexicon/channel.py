"""How a word gets damaged: the cost of one word being written for another (the channel of a noisy-channel speller).

The costs of single slips are learnt from known misspellings (``data/build_slips.py``): a letter left out or put in after
another, a letter for another, two letters swapped. A second ``s`` after an ``s`` costs little, a ``q`` out of nowhere much.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from vnlp_prep.lexicon.files import data_folder, read_followers

_LETTERS = 26
_START, _OTHER = 26, 27  # before the first letter; what is no letter of the English alphabet
_UNKNOWN = 3.0  # a slip with such a sign: seldom, but not never
_SPACE = 1.0  # the key that is missed most


class Slips(NamedTuple):
    """Costs by the number of a letter: ``missing[before][letter]``, ``wrong[meant][written]``, ``swapped[first][second]``."""

    missing: list[list[float]]
    extra: list[list[float]]
    wrong: list[list[float]]
    swapped: list[list[float]]


@lru_cache(maxsize=1)
def _slips() -> Slips:
    tables = {kind: [[_UNKNOWN] * (_OTHER + 1) for _ in range(_OTHER + 1)] for kind in Slips._fields}
    for (kind, before), costs in read_followers(data_folder() / "lexicon" / "slips.tsv", 2):
        row = tables[kind][_START if before == "^" else ord(before) - 97]
        for letter, value in costs:
            row[ord(letter) - 97] = value / 100
    return Slips(**tables)


def _numbers(word: str) -> list[int]:
    return [n if 0 <= (n := ord(c) - 97) < _LETTERS else _OTHER for c in word]


def cost(wrong: str, right: str) -> float:
    """Return how unlikely it is that ``right`` (lower case) came out as ``wrong``, in powers of ten.

    What both begin and end with is passed over, but for one letter on each side. Time: the product of the lengths of the rest.

    >>> cost("teh", "the") < cost("tge", "the") < cost("tle", "the") < cost("xyz", "the")
    True
    """
    head = 0
    shorter = min(len(wrong), len(right))
    while head < shorter and wrong[head] == right[head]:
        head += 1
    tail = 0
    while tail < shorter - head and wrong[-1 - tail] == right[-1 - tail]:
        tail += 1
    head, tail = max(0, head - 1), max(0, tail - 1)
    missing, extra, swaps, swapped = _slips()
    written, meant = wrong[head : len(wrong) - tail], right[head : len(right) - tail]
    a, b = _numbers(written), _numbers(meant)
    before = [_START if not head else _numbers(right[head - 1])[0], *b]
    dropped = [missing[x][y] for x, y in zip(before, b, strict=False)]
    if " " in right:
        dropped = [_SPACE if letter == " " else d for letter, d in zip(meant, dropped, strict=True)]
    row = [0.0]
    for d in dropped:
        row.append(row[-1] + d)
    older: list[float] = []
    last = -1
    for i, x in enumerate(a):
        new = [row[0] + extra[before[0]][x]]
        for j, y in enumerate(b):
            best = row[j] if written[i] == meant[j] else row[j] + swaps[y][x]
            best = min(best, row[j + 1] + extra[y][x], new[j] + dropped[j])
            if i and j and x == b[j - 1] and y == last and x != y:
                best = min(best, older[j - 1] + swapped[x][y])
            new.append(best)
        older, row, last = row, new, x
    return row[-1]
