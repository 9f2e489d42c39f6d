"""Regular forms of known words: an unknown word that is one is probably right, only rare.

Also British spellings of words that the lexicon has in American, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_PREFIXES = ("un", "re", "pre", "non", "de", "sub", "multi", "mis", "over", "under", "inter", "auto", "micro", "meta", "super")
_MIN_STEM = 3
_MIN_PREFIXED = 4
_MAX_DOUBLED = 5  # "stopp", "plann": longer words that double their consonant ("preferred") are few, and known
#: A form of a rare word is no evidence: among 175,000 words something always fits.
_MIN_ZIPF = 2.5
_VOWELS = frozenset("aeiou")
#: Endings that differ between British and American spelling, each way.
_VARIANTS = (("is", "iz"), ("ys", "yz"), ("our", "or"), ("ogue", "og"), ("ence", "ense"))
# "travelled" and "traveled", "enrolment" and "enrollment", but not "reconcilliation".
_DOUBLE_L = re.compile(r"(?<=[aeiou])(ll?)(?=(?:ed|ers?|ings?|ors?|ous|able|ments?|ful)$)")


def stems(word: str) -> Iterator[str]:
    """Yield the words that ``word`` (lower case) would be a regular form of, by the rules of English spelling.

    >>> "formatter" in stems("formatters"), "try" in stems("trys"), "try" in stems("tries"), "stop" in stems("stopping")
    (True, False, True, True)
    """
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies"):
            yield word[:-3] + "y"
        elif word.endswith(("ches", "shes", "xes", "zes", "sses", "oes")):
            yield word[:-2]
        if not (word.endswith("ys") and word[-3:-2] not in _VOWELS) and not word.endswith(("chs", "shs", "xs", "zs")):
            yield word[:-1]
    for ending in ("ed", "er", "ing", "able", "ers", "ings", "or", "ors"):
        if not word.endswith(ending):
            continue
        stem = word[: -len(ending)]
        if stem[-1:] not in ("e", "y") or ending not in ("ed", "er", "ers"):
            yield from _verb_stems(stem, ending)
    for ending, back in (("ly", ""), ("ily", "y"), ("ness", ""), ("iness", "y"), ("less", ""), ("ful", "")):
        if word.endswith(ending) and len(word) > len(ending) + _MIN_STEM:
            yield word[: -len(ending)] + back


def _verb_stems(stem: str, ending: str) -> Iterator[str]:
    """Stems to which -ed, -er, -ing, -able may be added as it stands."""
    if len(stem) < _MIN_STEM:
        return
    if len(stem) > _MIN_STEM and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        if len(stem) <= _MAX_DOUBLED and stem[-4] not in _VOWELS:
            yield stem[:-1]  # stop -> stopped, but not need -> needded
        return
    if ending in ("ed", "er", "ers") and stem.endswith("i"):
        yield stem[:-1] + "y"
        return
    if stem[-1] not in "e":
        yield stem + "e"
    # A short stem with one vowel before one consonant doubles it ("stop", "run"): bare, the form is a misspelling.
    if not (len(stem) <= 4 and stem[-1] not in "aeiouwxy" and stem[-2] in _VOWELS and stem[-3] not in _VOWELS):
        yield stem


def variants(word: str) -> Iterator[str]:
    """Yield the word's spellings on the other side of the Atlantic, as far as rules go.

    >>> "deserialization" in variants("deserialisation"), "customizable" in variants("customisable")
    (True, True)
    """
    for a, b in _VARIANTS:
        for old, new in ((a, b), (b, a)):
            at = word.find(old, 2)
            while at >= 0:
                yield word[:at] + new + word[at + len(old) :]
                at = word.find(old, at + 1)
    m = _DOUBLE_L.search(word, 2)
    if m:
        yield word[: m.start()] + ("l" if m.group() == "ll" else "ll") + word[m.end() :]


def is_regular_form(word: str, zipf: Callable[[str], float]) -> bool:
    """True if ``word`` (lower case, unknown) is a regular form or the other spelling of a word that is not rare.

    ``zipf`` gives the frequency of a known word on the Zipf scale, 0 for others.
    """
    if any(len(stem) >= _MIN_STEM and zipf(stem) >= _MIN_ZIPF for stem in stems(word)):
        return True
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) > len(prefix) + _MIN_PREFIXED and zipf(word[len(prefix) :]) >= _MIN_ZIPF:
            return True
    return any(len(v) > 5 and zipf(v) > 0 for v in variants(word))
