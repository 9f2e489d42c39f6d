"""How much a string looks like a word: a model of four letters in a row, counted in the words of wordsegment's list.

An unknown word that looks like one ("omnigraffle") is more probably one than a heap of short words is; an unknown word that
does not ("xqzrt") is more probably two abbreviations.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from vnlp_prep.lexicon import tables

_LETTERS = 27  # the end of a word is 0, "a" is 1
_ORDER = 4
_CONTEXTS = 27 * 27 * 27  # rows of three letters
_WORDS = 100_000  # the most frequent ones: rarer ones are misspellings and pieces of code
_MIN_WORD = 3
_PRIOR = 5.0  # occurrences that the shorter context's estimate counts as


def letters_score(word: str) -> float:
    """Return the log10 probability of a lower-cased word's letters and its end. Other characters than a-z count as an end.

    >>> letters_score("graffle") > letters_score("grxfqle") + 3
    True
    """
    table = tables.web_tables().letters
    index, score = 0, 0.0
    for c in word:
        index = index % _CONTEXTS * _LETTERS + (ord(c) - 96 if "a" <= c <= "z" else 0)
        score += table[index]
    return score + table[index % _CONTEXTS * _LETTERS]


def letters_table(web_words: Iterable[str]) -> bytes:
    """Return log10 P(letter | three letters before), as one row of 27 numbers (doubles) for each three letters.

    ``web_words``: most frequent first.
    """
    import numpy as np

    words = (w for w in web_words if len(w) >= _MIN_WORD and w.isascii() and w.isalpha())
    start = " " * (_ORDER - 1)
    text = start + start.join(islice(words, _WORDS)) + start
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64)
    codes = np.where(codes == ord(" "), 0, codes - 96)
    index = np.zeros(len(codes) - _ORDER + 1, dtype=np.int64)
    for at in range(_ORDER):
        index = index * _LETTERS + codes[at : len(codes) - _ORDER + 1 + at]
    index = index[(codes[_ORDER - 1 :] > 0) | (codes[_ORDER - 2 : -1] > 0)]  # letters, and the first end after one
    counts = np.bincount(index, minlength=_LETTERS**_ORDER).astype(float)
    estimate = np.full(_LETTERS, 1.0 / _LETTERS)
    for order in range(1, _ORDER + 1):
        longer = counts.reshape(-1, _LETTERS**order).sum(axis=0).reshape(-1, _LETTERS)
        shorter = np.tile(estimate.reshape(-1, _LETTERS), (_LETTERS if order > 1 else 1, 1))
        estimate = (longer + _PRIOR * shorter) / (longer.sum(axis=1, keepdims=True) + _PRIOR)
    return bytes(np.log10(estimate).ravel().data)
