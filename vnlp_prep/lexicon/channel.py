"""How a word gets damaged: the cost of one word being typed for another (the channel of a noisy-channel speller)."""

from __future__ import annotations

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiouy")
# Letters that sound alike or are confused in spelling rather than typing.
_SOUNDS = frozenset(order for pair in "ck sc sz fv mn dt bp gj iy ea ie ao xs kq wv ou".split() for order in (pair, pair[::-1]))


def _neighbours() -> frozenset[str]:
    """Pairs of keys that touch on a QWERTY keyboard."""
    place = {c: (r, i + 0.5 * r) for r, row in enumerate(_ROWS) for i, c in enumerate(row)}
    return frozenset(
        a + b for a, (r, x) in place.items() for b, (s, y) in place.items() if a != b and abs(r - s) <= 1 and abs(x - y) <= 1
    )


_KEYS = _neighbours()


def _insert_cost(wrong: str, i: int) -> float:
    """Cost of the letter ``wrong[i]`` being there for no reason: cheap when a key bounced or a finger hit two."""
    c = wrong[i]
    before, after = wrong[i - 1 : i], wrong[i + 1 : i + 2]
    if c in (before, after):
        return 0.6
    if before + c in _KEYS or c + after in _KEYS:
        return 0.85
    return 1.0


def _delete_cost(right: str, j: int) -> float:
    """Cost of the letter ``right[j]`` being left out: cheap when its double stays or it is weak."""
    c = right[j]
    if c == " ":
        return _SPACE
    if c in (right[j - 1 : j], right[j + 1 : j + 2]):
        return 0.6
    return 0.85 if c in _VOWELS else 0.95


def _replace_cost(a: str, b: str) -> float:
    pair = a + b
    if pair in _SOUNDS or (a in _VOWELS and b in _VOWELS):
        return 0.85
    return 0.9 if pair in _KEYS else 1.25


_SWAP = 0.7
_SPACE = 0.7  # the key that is missed most
_FIRST = 0.45  # people rarely get the first letter wrong


def cost(wrong: str, right: str) -> float:
    """Return how unlikely it is that ``right`` came out as ``wrong``: about 1 a slip, less for the slips that people make.

    Time: the product of the lengths; words are short.

    >>> cost("teh", "the") < cost("tge", "the") < cost("tle", "the")
    True
    """
    n, m = len(wrong), len(right)
    older: list[float] = []
    row = [0.0] * (m + 1)
    for j in range(m):
        row[j + 1] = row[j] + _delete_cost(right, j) + (_FIRST if j == 0 else 0.0)
    for i in range(1, n + 1):
        a = wrong[i - 1]
        extra = _insert_cost(wrong, i - 1) + (_FIRST if i == 1 else 0.0)
        new = [row[0] + extra]
        for j in range(1, m + 1):
            b = right[j - 1]
            if a == b:
                best = row[j - 1]
            else:
                best = row[j - 1] + _replace_cost(a, b) + (_FIRST if i == 1 and j == 1 else 0.0)
            if row[j] + extra < best:
                best = row[j] + extra
            if new[j - 1] + (dele := _delete_cost(right, j - 1) + (_FIRST if j == 1 else 0.0)) < best:
                best = new[j - 1] + dele
            if i > 1 and j > 1 and a == right[j - 2] and wrong[i - 2] == b and a != b:
                best = min(best, older[j - 2] + _SWAP + (_FIRST / 2 if j == 2 else 0.0))
            new.append(best)
        older, row = row, new
    return row[m]
