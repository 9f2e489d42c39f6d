"""Whether an unknown string looks like a slip or like a name, by its letters alone.

A misspelled word still looks like English, as ``configuratoin`` does; terms and abbreviations often do not
(``vmdk``, ``esxcli``).
"""

from __future__ import annotations

from functools import lru_cache

from vnlp_prep.lexicon.files import data_folder, read_followers


@lru_cache(maxsize=1)
def _gains() -> dict[str, float]:
    """Three letters in a row -> how much likelier they are in misspellings than in known words and names (log10)."""
    gains: dict[str, float] = {}
    for (before,), letters in read_followers(data_folder() / "lexicon" / "letters.tsv", 1):
        gains.update((before + letter, value / 100) for letter, value in letters)
    return gains


def slip_gain(word: str) -> float:
    """Return how much likelier ``word`` (lower case) is as a misspelling than as a word or name, in powers of ten.

    Counted over each three letters in a row, with the ends of the word; other signs say nothing.

    >>> slip_gain("configuratoin") > 1 > -1 > slip_gain("vmdk")
    True
    """
    gains = _gains()
    marked = f"^^{word}$"
    return sum(gains.get(marked[i : i + 3], 0.0) for i in range(len(word) + 1))
