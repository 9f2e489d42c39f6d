"""Splitters: wordsegment, instant-segment, wordninja and symspellpy's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from checkers import symspell
from score import System, Systems


def recut(word: str, parts: Sequence[str]) -> str:
    """``word`` as it stands, with spaces where ``parts`` (its letters and digits, in any case) end.

    >>> recut("nodePort", ["node", "port"])
    'node Port'
    """
    out, ends, n, at = [], set(), 0, 0
    for part in parts:
        n += sum(c.isalnum() for c in part)
        ends.add(n)
    for c in word:
        if c.isalnum() and at in ends:
            out.append(" ")
        at += c.isalnum()
        out.append(c)
    return "".join(out) if n == at else " ".join(parts)


def splitter(split: System, known: Callable[[str], bool]) -> Systems:
    """Systems of a splitter; as one would use it on text, it is not asked about a word that its own list has."""
    return {"split": lambda: split, "gated split": lambda: lambda word: word if known(word) else split(word)}


@lru_cache(maxsize=1)
def wordsegment_lists() -> Any:
    """Wordsegment with its counts loaded."""
    import wordsegment

    wordsegment.load()
    return wordsegment


def wordsegment_split(word: str) -> str:
    """Wordsegment's split."""
    return recut(word, wordsegment_lists().segment(word))


@lru_cache(maxsize=1)
def _instant_segment() -> tuple[Any, Any]:
    import instant_segment

    lists = wordsegment_lists()  # the same counts: its documentation has none of its own to offer
    pairs = ((tuple(pair.split(" ")), n) for pair, n in lists.BIGRAMS.items())
    return instant_segment.Segmenter(iter(lists.UNIGRAMS.items()), pairs), instant_segment.Search()


def instant_split(word: str) -> str:
    """instant-segment's split, by wordsegment's counts."""
    segmenter, search = _instant_segment()
    letters = "".join(c for c in word.lower() if c.isascii() and c.isalnum())
    if not letters:
        return word
    segmenter.segment(letters, search)
    return recut(word, list(search))


def wordninja_split(word: str) -> str:
    """Wordninja's split."""
    import wordninja

    return recut(word, wordninja.split(word))


def knows_wordninja(word: str) -> bool:
    """True if wordninja's list has the word."""
    import wordninja

    return word.lower() in wordninja.DEFAULT_LANGUAGE_MODEL._wordcost


def symspell_split(word: str) -> str:
    """Symspellpy's split, without correction."""
    return recut(word, symspell().word_segmentation(word.lower(), max_edit_distance=0).segmented_string.split())


def knows_wordsegment(word: str) -> bool:
    """True if wordsegment's list has the word."""
    return word.lower() in wordsegment_lists().UNIGRAMS
