"""Spelling: an unknown word that is most likely a slip of a known one becomes that word.

A word is looked at only if it is a plain word in English prose (``vnlp_prep.words``) and the lexicon does not know it. Known
words that stand near it compete by a noisy channel (how frequent the word is, how likely the slip); what they and the word
itself look like decides how sure the correction is. Sure enough, it is made; else it is a suggestion.

>>> from vnlp_prep.lexicon import Lexicon
>>> [(e.before, e.after) for e in SpellingStage(Lexicon.shipped()).propose("Teh vSphere cleint and esxcli")]
[('Teh', 'The'), ('cleint', 'client')]
"""

from __future__ import annotations

import math

from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.morphology import is_regular_form
from vnlp_prep.lexicon.suggestions import Candidate, candidates, like
from vnlp_prep.stages.words_stage import Change, WordStage
from vnlp_prep.words import word_spans

# Below this, a proposal is noise and not even suggested.
_FLOOR = 0.05
_MIN_LETTERS = 3


class SpellingStage(WordStage):
    """Corrects misspelled words; see the module."""

    name = "spelling"

    def decide(self, token: str) -> tuple[Change, ...]:
        """Return the correction of each unknown word of the token, with its confidence."""
        changes = []
        spans = word_spans(token)
        for start, end in spans:
            word = token[start:end]
            if word in self.lexicon:
                continue
            replacement = self.lexicon.replacements.get(word.lower())
            if replacement:
                changes.append(Change(start, end, replacement, "lexicon", 1.0))
                continue
            found = correction(word, self.lexicon)
            if found is not None and found[1] >= _FLOOR:
                term, confidence, rule = found
                # Half of a hyphenated word is often half of a name.
                changes.append(Change(start, end, term, rule, confidence * (0.95 if len(spans) > 1 else 1.0)))
        return tuple(changes)


def correction(word: str, lexicon: Lexicon) -> tuple[str, float, str] | None:
    """Return (correction in the case of ``word``, probability that it is right, rule), or None if nothing is near.

    ``word`` is unknown to ``lexicon``. The probability comes from a logistic function of what the candidates and the word
    look like; ``bench/fit_speller.py`` fits its weights.
    """
    low = word.lower().replace("’", "'")
    stem, possessive = (low[:-2], "'s") if low.endswith("'s") else (low, "")
    if len(stem) < _MIN_LETTERS:
        return None
    found = candidates(stem, lexicon)
    if not found:
        return None
    x = features(word, stem, found, lexicon)
    p = 1 / (1 + math.exp(-sum(w * v for w, v in zip(WEIGHTS, x, strict=True))))
    best = found[0]
    term = like(word, lexicon.spelling(best.term)) + (word[len(stem) :] if possessive else "")
    return term, p, "known-misspelling" if best.listed else rule_of(stem, best.term)


FEATURES = (
    "bias", "cost", "frequency", "margin", "listed", "seen", "seen - frequency", "length 3", "length 4", "length 5-6",
    "length 9+", "capital", "two slips", "first letter", "regular form", "no vowel", "two words",
)  # fmt: skip
#: Fitted by bench/fit_speller.py; one weight for each of FEATURES.
WEIGHTS = (-3.85, -1.55, 1.05, 0.54, 7.00, -1.21, -0.95, -2.12, -0.69, -0.09, 0.98, -0.48, -0.82, -0.57, -1.92, -1.27, 0.11)


def features(word: str, low: str, found: list[Candidate], lexicon: Lexicon) -> tuple[float, ...]:
    """Return what speaks for and against the best candidate, in the order of FEATURES."""
    best = found[0]
    margin = min(best.score - found[1].score, 4.0) if len(found) > 1 else 4.0
    frequency = best.frequency
    seen = lexicon.zipf(low)
    n = len(low)
    return (
        1.0,
        best.cost,
        frequency,
        margin,
        float(best.listed),
        seen,
        max(0.0, seen - frequency + 2.5),
        float(n == 3),
        float(n == 4),
        float(n in (5, 6)),
        float(n >= 9),
        float(word[0].isupper()),
        float(best.cost > 1.35),
        float(low[0] != best.term[0]),
        float(is_regular_form(low, lexicon.known_zipf)),
        float(not set(low) & set("aeiouy")),
        float(" " in best.term),
    )


def rule_of(wrong: str, right: str) -> str:
    """Name the slip: swap, doubled, missing, extra, replaced, or several."""
    if sorted(wrong) == sorted(right) and len(wrong) == len(right):
        return "swapped-letters"
    if len(wrong) == len(right) + 1 and _is_subsequence(right, wrong):
        return "extra-letter"
    if len(wrong) + 1 == len(right) and _is_subsequence(wrong, right):
        return "missing-letter"
    if len(wrong) == len(right) and sum(a != b for a, b in zip(wrong, right, strict=True)) == 1:
        return "wrong-letter"
    return "several-slips"


def _is_subsequence(short: str, long: str) -> bool:
    letters = iter(long)
    return all(c in letters for c in short)
