"""How sure it is that an unknown word is two or more words without their spaces: a logistic function of what they look like.

``bench/fit_splitter.py`` fits the weights on words that people took apart in documentation, on neighbours in its prose that are
joined for the purpose, and on unknown words, terms and names that are whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.context import UNSEEN, Neighbours, fit
from vnlp_prep.lexicon.segmentation import best_split, pair_zipf
from vnlp_prep.lexicon.suggestions import candidates

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

# Words that are run together with their neighbour more often than they are part of a name.
_SMALL = frozenset(
    "a an and are as at be but by can do for from has have how if in into is it its may not of on or per so than that the their "
    "then these they this those to under was we were what when where which who will with would you your all each any also".split()
)
# But names in code begin and end with some of them: "isRecursive", "notexact", "changeit", "cleanall".
_IN_NAMES_FIRST, _IN_NAMES_LAST = frozenset("is has not can do all it".split()), frozenset("it all".split())
# Others begin words as well: "asynchronous", "invalidation", "overlay".
_PREFIXES = frozenset("a an in on over under out up off by be for per".split())
_MAX_PARTS = 5
_FEWER_PARTS = (1 << _MAX_PARTS) - 1  # as bits
# Zipf: rarer than this, a part by its length is no word but a piece; up to _COMMON it is one, but not surely.
_LEAST = {1: 6.0, 2: 5.0, 3: 3.9, 4: 3.2}
_COMMON = {1: 7.0, 2: 6.2, 3: 5.2, 4: 4.6}
_LEAST_LONG, _COMMON_LONG = 2.5, 4.0
_MORE_PARTS = 1.0  # log10: "website will" before "web site will"
_MOST_MARGIN = 6.0
_LONG = 6  # letters: no word of this length is there by chance
_CHANCE = 9.0  # Zipf to log10 probability


class Joined(NamedTuple):
    """A word that may be several: its parts, and the features that do not depend on where it stands."""

    parts: tuple[str, ...]
    x: tuple[float, ...]


FEATURES = (
    "bias", "frequency", "margin", "listed so", "listed otherwise", "pair", "unseen pair", "rare part", "rare part, small word",
    "long part, small word", "part of 2", "part of 3", "length 5-6", "length 7", "length 10+", "small first", "small last",
    "small within", "no small word", "prefix first", "prefix first, unseen pair", "three parts", "more parts", "capital",
    "capital, small first", "seen", "foreign", "documentation pair", "fit before", "fit after", "unseen before", "unseen after",
)  # fmt: skip
#: Fitted by bench/fit_splitter.py; one weight for each of FEATURES.
WEIGHTS = (
    -2.99, 0.04, 0.41, 5.13, -1.44, 0.83, 1.43, -2.54, 0.23, 0.62, 0.13, 0.27,
    0.46, 0.05, 1.21, 0.28, 0.29, -1.66, -2.30, -0.61, -1.54, 1.29, -1.40, -0.38,
    -0.07, -1.57, -0.31, 0.19, 0.85, 1.44, -0.80, -0.87,
)  # fmt: skip


def joined(word: str, lexicon: Lexicon) -> Joined | None:
    """Return the most probable way to take ``word`` (letters, any case) apart; None where it is not made of known words.

    >>> from vnlp_prep.lexicon import Lexicon
    >>> joined("specifiedin", Lexicon.shipped()).parts, joined("Kubernetes", Lexicon.shipped())
    (('specified', 'in'), None)
    """
    low = word.lower()
    best = _parts(low, lexicon)
    if best is None:
        return None
    parts, frequency = best
    if parts[0] == "not" and len(parts) == 2:
        return None  # "notequal", "notexact", "notcontains": operators
    apart = " ".join(parts)
    listed = lexicon.misspelling_of(low)
    rival = next((c.score for c in candidates(low, lexicon)[:2] if c.term != apart), -_MOST_MARGIN)
    pairs = [pair_zipf(a, b) for a, b in pairwise(parts)]
    small = [p in _SMALL for p in parts]
    small[0] &= parts[0] not in _IN_NAMES_FIRST
    small[-1] &= parts[-1] not in _IN_NAMES_LAST
    rare = max(max(0.0, _COMMON.get(len(p), _COMMON_LONG) - lexicon.known_zipf(p)) for p in parts)
    n = len(low)
    x = (
        1.0,
        frequency,
        max(-_MOST_MARGIN, min(frequency - rival, _MOST_MARGIN)),
        float(listed[:1] == (apart,)),
        float(apart not in listed and bool(listed)),
        min(pairs),
        float(0.0 in pairs),
        rare,
        rare if any(small) else 0.0,
        float(any(small) and max(map(len, parts)) >= _LONG),
        float(min(map(len, parts)) == 2),
        float(min(map(len, parts)) == 3),
        float(n < 7),
        float(n == 7),
        float(n > 9),
        float(small[0]),
        float(small[-1]),
        float(any(small[1:-1])),
        float(not any(small)),
        float(parts[0] in _PREFIXES),
        float(parts[0] in _PREFIXES and 0.0 in pairs),
        float(len(parts) == 3),
        float(len(parts) > 3),
        float(word[0].isupper()),
        float(word[0].isupper() and small[0]),
        lexicon.zipf(low),
        float(lexicon.is_foreign(low)),
        max(0.0, min(fit(a, b, lexicon) for a, b in pairwise(parts))),
    )
    return Joined(parts, x)


def _parts(low: str, lexicon: Lexicon) -> tuple[tuple[str, ...], float] | None:
    """The best parts, with the log10 probability of their sequence as a Zipf frequency."""
    best: tuple[tuple[str, ...], float] | None = None
    for at in range(1, len(low)):
        first, second = low[:at], low[at:]
        if _is_part(first, lexicon) and _is_part(second, lexicon):
            by_chance = lexicon.known_zipf(first) + lexicon.known_zipf(second) - _CHANCE
            score = max(by_chance, pair_zipf(first, second))
            if best is None or score > best[1]:
                best = (first, second), score
    if not _has_parts(low, lexicon):
        return best
    split = best_split(low, lexicon)
    parts = tuple(" ".join(split.parts).replace("can not", "cannot").split())
    if 2 < len(parts) <= _MAX_PARTS and all(_is_part(p, lexicon) for p in parts):
        score = split.score + _CHANCE
        if best is None or score > best[1] + _MORE_PARTS:
            best = parts, score
    return best


def _has_parts(low: str, lexicon: Lexicon) -> bool:
    """Return whether there is any way to take ``low`` apart into three or more parts: most often not, and that is soon seen."""
    n = len(low)
    # Bit k: the letters up to there can be k parts. Only what begins where a part ends is looked up.
    counts = [1] + [0] * n
    for start in range(n):
        if before := counts[start] & _FEWER_PARTS:
            for end in range(start + 1, n + 1):
                if _is_part(low[start:end], lexicon):
                    counts[end] |= before << 1
    return counts[n] >> 3 != 0


def _is_part(word: str, lexicon: Lexicon) -> bool:
    n = len(word)
    return (n > 1 or word == "a") and lexicon.known_zipf(word) >= _LEAST.get(n, _LEAST_LONG)


def has_small_word(found: Joined) -> bool:
    """True if one of the parts is a word such as ``in``, ``the``, ``be`` that no term of two nouns has."""
    return not found.x[FEATURES.index("no small word")]


def features(found: Joined, near: Neighbours, lexicon: Lexicon) -> tuple[float, ...]:
    """Return what speaks for and against taking the word apart between its neighbours, in the order of FEATURES."""
    before, after = fit(near.before, found.parts[0], lexicon), fit(found.parts[-1], near.after, lexicon)
    return (*found.x, max(before, 0.0), max(after, 0.0), float(before == UNSEEN), float(after == UNSEEN))


def probability(x: Sequence[float]) -> float:
    """Return the probability that a word with these features is several words."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(w * v for w, v in zip(WEIGHTS, x, strict=True))))))
