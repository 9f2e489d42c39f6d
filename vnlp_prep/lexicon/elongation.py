"""Stretched words: the known word that ``sooooo``, ``youu`` or ``plzzz`` stands for, and how sure that is.

Every run of equal letters is tried with one letter and with two. The most frequent result is nearly always the one that was
meant; the question is whether the word is a stretched one at all, or the name of something (``ldd``, ``pprof``, ``iteratee``).
A logistic function answers it, from what the word and the result look like; ``bench/fit_elongation.py`` fits its weights.
"""

from __future__ import annotations

import math
import re
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vnlp_prep.lexicon.lexicon import Lexicon


class Shortening(NamedTuple):
    """A known word and how many letters of each run of the stretched one it lacks."""

    word: str
    zipf: float
    removed: tuple[int, ...]


RUN = re.compile(r"([a-z])\1+")
_MAX_RUNS, _MAX_LETTERS = 6, 60
# A string that the lexicon does not list is a word for this purpose if people write it so often ("hoes", "plz"): Zipf.
_SEEN_AS_WORD = 3.5
# "tooo" is "too": a common word that keeps a double letter of a stretched run stands nearer to what was typed.
_COMMON, _DOUBLE_BONUS = 4.0, 1.6
_LEAST = 2.5  # nobody stretches rarer words
_MOST_ZIPF = 6.5
# People write a word with a letter doubled about so much less often than the word: "yess" and "yes" are 3 apart (Zipf).
_ECHO = 3.5
# "ccache", "ddog", "iiif": names are made so, hardly ever stretched words.
_FIRST_STRETCHED = 0.6
_VOWEL = re.compile(r"[aeiouy]")
# English hardly ever doubles these.
_SINGLE = frozenset("ahijkquvwxy")
# "educatee", "licensee": one to whom it is done. "mmyyyy": a pattern of dates.
_PERSON = re.compile(r"[a-z]{3,}(?:at|iz|is|ens)ees?\Z")
_DATE = re.compile(r"(?:yyyy|yy|mmmm|mmm|mm|dddd|ddd|dd|hh|sss|ss){2,}\Z")
_ROMAN = re.compile(r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\Z")

FEATURES = (
    "bias", "frequency", "seen more than that", "1-2 letters", "3 letters", "4 letters", "7+ letters", "long run", "several runs",
    "doubled first letter", "long run of the first letter", "last letter", "letter that is never double", "-ee",
    "no vowel", "long run, at most 3 letters", "listed",
)  # fmt: skip
#: Fitted by bench/fit_elongation.py; one weight for each of FEATURES.
WEIGHTS = (
    -3.91, 1.38, -2.22, -4.73, -1.15, -0.83, 0.62, 2.11, -0.33,
    -1.65, -1.17, 0.80, 1.62, -0.83, -1.72, -0.98, 3.07,
)  # fmt: skip


def shortenings(word: str, lexicon: Lexicon) -> list[Shortening]:
    """Return the words that ``word`` (lower case) may be a stretched form of, best first.

    >>> from vnlp_prep.lexicon import Lexicon
    >>> [s.word for s in shortenings("goood", Lexicon.shipped())]
    ['good', 'god']
    """
    runs = list(RUN.finditer(word))
    if not runs or len(word) > _MAX_LETTERS:
        return []
    found = []
    lengths = [m.end() - m.start() for m in runs]
    for kept in _kept(len(runs)):
        removed = tuple(length - n for length, n in zip(lengths, kept, strict=True))
        if not any(removed):
            continue
        pieces, at = [], 0
        for m, n in zip(runs, kept, strict=True):
            pieces += [word[at : m.start()], m.group(1) * n]
            at = m.end()
        short = "".join([*pieces, word[at:]])
        # What technical text says often ("ops", "vms") is not what people stretch.
        zipf = lexicon.general_zipf(short) or lexicon.zipf(short)
        if zipf >= _LEAST and (zipf >= _SEEN_AS_WORD or short in lexicon):
            doubles = sum(n == 2 and length > 2 for n, length in zip(kept, lengths, strict=True)) if zipf >= _COMMON else 0
            found.append((zipf + _DOUBLE_BONUS * doubles, Shortening(short, zipf, removed)))
    found.sort(key=lambda f: (-f[0], f[1]))
    return [s for _, s in found]


def _kept(runs: int) -> Iterator[tuple[int, ...]]:
    """Yield how many letters of each run may be kept: one or two; where there are many runs, two of at most two of them."""
    if runs <= _MAX_RUNS:
        yield from product((1, 2), repeat=runs)
        return
    for n in range(3):
        for doubled in combinations(range(runs), n):
            yield tuple(2 if i in doubled else 1 for i in range(runs))


def features(word: str, best: Shortening, lexicon: Lexicon) -> tuple[float, ...]:
    """Return what speaks for and against ``best``, in the order of FEATURES."""
    short, letters = best.word, len(best.word)
    cut = [m for m, n in zip(RUN.finditer(word), best.removed, strict=True) if n]
    is_long = max(best.removed) > 1 or any(m.end() - m.start() > 2 for m in cut)
    first = cut[0].start() == 0
    return (
        1.0,
        min(best.zipf, _MOST_ZIPF),
        0.0 if is_long else max(0.0, lexicon.zipf(word) - max(0.0, best.zipf - _ECHO)),
        letters < 3,
        letters == 3,
        letters == 4,
        letters > 6,
        is_long,
        len(cut) > 1,
        first and not is_long,
        first and is_long,
        cut[-1].end() == len(word),
        all(m.group(1) in _SINGLE for m in cut),
        word.endswith(("ee", "ees")) and letters > 4 and not is_long,
        _VOWEL.search(short) is None,
        is_long and letters <= 3,
        short in lexicon.misspelling_of(word),
    )


def resolve(word: str, lexicon: Lexicon) -> tuple[Shortening, float] | None:
    """Return the word that ``word`` (lower case, not known) most likely is a stretched form of, and the probability that it is.

    None if it is none, or if a table of misspellings knows better.
    """
    if _DATE.match(word) or _ROMAN.match(word) or _PERSON.search(word):
        return None
    found = shortenings(word, lexicon)
    if not found:
        return None
    best = found[0]
    listed = lexicon.misspelling_of(word)
    if listed and best.word not in listed:
        return None
    confidence = probability(features(word, best, lexicon))
    only_first = word[0] == word[1] and best.removed[0] > 0 and not any(best.removed[1:])
    if only_first and not listed and (word[1] != word[2:3] or word[0] not in "aeiou" or len(best.word) < 3):
        confidence = min(confidence, _FIRST_STRETCHED)
    return best, confidence


def probability(x: tuple[float, ...]) -> float:
    """Return the probability that a word with these features is a stretched one."""
    z = math.fsum(w * v for w, v in zip(WEIGHTS, x, strict=True))
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, z))))
