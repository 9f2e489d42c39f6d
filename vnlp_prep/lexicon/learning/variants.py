"""How a word is written: its capitals, and its other forms with a space or a hyphen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vnlp_prep.lexicon.learning.count import Counts, Word

# A word that stands so often within sentences shows there how it is written; at their beginning and in titles every word has a
# capital.
_MIN_INSIDE = 3
# The share of a capital within sentences from which on it belongs to the word. Names that are also words ("Contour") pass.
_CAPITAL = 0.8
_MIN_PART = 2


def is_plain(spelling: str) -> bool:
    """True for small letters, or a capital and small letters: the shape of any word at the start of a sentence."""
    return spelling.isalpha() and (spelling.islower() or spelling[1:].islower())


def most_frequent(spellings: Mapping[str, int]) -> str:
    """Return the most frequent of some spellings; of equals the one with fewer capitals."""
    return min(spellings, key=lambda s: (-spellings[s], sum(c.isupper() for c in s), s))


def dominant_spelling(word: Word, known: str | None = None) -> str:
    """Return the spelling to list: the one used within sentences where there is enough of that, else the most frequent.

    A capital that only the place explains is not kept; ``known`` is the spelling that a lexicon gives, which decides where the
    corpus has nothing but starts of sentences.

    >>> from vnlp_prep.lexicon.learning.count import Word
    >>> dominant_spelling(Word(spellings={"Cluster": 9, "cluster": 4}, inside={"cluster": 4, "Cluster": 1}))
    'cluster'
    >>> dominant_spelling(Word(spellings={"vSphere": 90, "VSphere": 8, "vsphere": 30}))
    'vSphere'
    """
    if not word.spellings:
        return known or ""
    best = most_frequent(word.spellings)
    low = best.lower()
    enough = sum(word.inside.values()) >= _MIN_INSIDE
    if "-" in best and all(part.isalpha() and is_plain(part) for part in best.split("-")):
        # In a title each part has its capital.
        return most_frequent(word.inside) if enough else low if low in word.spellings else best
    if not is_plain(best):
        return best
    if enough:
        best = most_frequent(word.inside)
        if not is_plain(best):
            return best
        capital = low[0].upper() + low[1:]
        share = word.inside.get(capital, 0) / (word.inside.get(capital, 0) + word.inside.get(low, 0) or 1)
        return capital if share >= _CAPITAL else low
    if known is not None and is_plain(known):
        return known
    return low if low in word.spellings else best


def is_name(word: Word) -> bool:
    """True if the word is plain but has its capital within sentences too."""
    spelling = dominant_spelling(word)
    return is_plain(spelling) and spelling[0].isupper() and sum(word.inside.values()) >= _MIN_INSIDE


def splits(word: str, counts: Counts) -> Iterator[tuple[str, int]]:
    """Yield the ways in which the corpus also writes ``word`` (lower case, letters) as two words, with their counts."""
    for i in range(1, len(word)):
        if min(i, len(word) - i) < _MIN_PART and "a" not in (word[:i], word[i:]):
            continue
        pair = f"{word[:i]} {word[i:]}"
        n = counts.pairs.get(pair)
        if n:
            yield pair, n


def variants(word: str, counts: Counts) -> dict[str, int]:
    """Return the other forms of ``word`` (lower case) with a space, a hyphen or neither, with their counts, frequent first."""
    found: dict[str, int] = {}
    if word.isalpha():
        found.update(splits(word, counts))
        for i in range(_MIN_PART, len(word) - _MIN_PART + 1):
            other = counts.words.get(f"{word[:i]}-{word[i:]}")
            if other:
                found[f"{word[:i]}-{word[i:]}"] = other.count
    elif word.count("-") == 1:
        first, _, second = word.partition("-")
        joined = counts.words.get(first + second)
        if joined:
            found[first + second] = joined.count
        n = counts.pairs.get(f"{first} {second}")
        if n:
            found[f"{first} {second}"] = n
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
