"""Whether an unknown string looks like a slip or like a name, by its letters alone.

A misspelled word still looks like English, as ``configuratoin`` does; terms and abbreviations often do not
(``vmdk``, ``esxcli``).
"""

from __future__ import annotations

from vnlp_prep.lexicon.tables import lexicon_tables

#: The letters and the marks of a word's start and end, from 1; other signs are 0.
NUMBERS = {c: i for i, c in enumerate("^$abcdefghijklmnopqrstuvwxyz", 1)}
SIGNS = len(NUMBERS) + 1


def slip_gain(word: str) -> float:
    """Return how much likelier ``word`` (lower case) is as a misspelling than as a word or name, in powers of ten.

    Counted over each three letters in a row, with the ends of the word; other signs say nothing.

    >>> slip_gain("configuratoin") > 1 > -1 > slip_gain("vmdk")
    True
    """
    gains = lexicon_tables().letters
    n = [NUMBERS.get(c, 0) for c in f"^^{word}$"]
    return sum(gains[(n[i] * SIGNS + n[i + 1]) * SIGNS + n[i + 2]] / 100 for i in range(len(word) + 1))
