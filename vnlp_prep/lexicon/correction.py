"""How sure a correction is: a logistic function of what the candidate, the word and their neighbours look like.

``bench/fit_speller.py`` fits the weights on lines of documentation before and after a person corrected them, on words that
documents use as terms and on known words that are treated as unknown, each where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vnlp_prep.lexicon.context import UNSEEN, Neighbours, fit
from vnlp_prep.lexicon.morphology import is_regular_form

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.lexicon.suggestions import Candidate

ALONE = Neighbours(None, None)
# How much a pair's fit counts beside frequency and slip when candidates are ranked, in log10.
_FIT = 0.6
# Margins are cut off here: beyond it, more says nothing more.
_MOST_MARGIN = 4.0

FEATURES = (
    "bias", "cost", "frequency", "margin", "listed", "seen", "seen - frequency", "length 3", "length 4", "length 5-6",
    "length 9+", "capital", "two slips", "first letter", "regular form", "no vowel", "two words",
    "fit", "unseen pair", "both unseen",
)  # fmt: skip
#: Fitted by bench/fit_speller.py; one weight for each of FEATURES.
WEIGHTS = (
    -2.75, -1.39, 0.71, 0.41, 7.50, -1.28, -1.38, -1.20, -0.54, 0.18,
    0.80, -0.31, -0.83, -0.69, -2.12, -1.52, 0.06, 1.08, 0.32, -0.12,
)  # fmt: skip


def ranked(found: Sequence[Candidate], near: Neighbours, lexicon: Lexicon) -> list[Candidate]:
    """Return the candidates, best first, as they fit between the neighbours."""
    if near == ALONE:
        return list(found)
    return sorted((c._replace(score=c.score + _FIT * sum(_fits(c.term, near, lexicon))) for c in found), key=lambda c: -c.score)


def _fits(term: str, near: Neighbours, lexicon: Lexicon) -> tuple[float, float]:
    words = term.split(" ")
    return fit(near.before, words[0], lexicon), fit(words[-1], near.after, lexicon)


def features(
    word: str, low: str, found: Sequence[Candidate], near: Neighbours, lexicon: Lexicon, regular: bool | None = None
) -> tuple[float, ...]:
    """Return what speaks for and against the first of the ranked candidates, in the order of FEATURES.

    ``word`` as it stands, ``low`` without case and possessive; ``regular`` spares asking again whether it is a regular form.
    """
    best = found[0]
    margin = min(best.score - found[1].score, _MOST_MARGIN) if len(found) > 1 else _MOST_MARGIN
    seen = lexicon.zipf(low)
    n = len(low)
    fits = _fits(best.term, near, lexicon)
    if regular is None:
        regular = is_regular_form(low, lexicon.known_zipf)
    return (
        1.0,
        best.cost,
        best.frequency,
        margin,
        float(best.listed),
        seen,
        max(0.0, seen - best.frequency + 2.5),
        float(n == 3),
        float(n == 4),
        float(n in (5, 6)),
        float(n >= 9),
        float(word[0].isupper()),
        float(best.cost > 1.35),
        float(low[0] != best.term[0]),
        float(regular),
        float(not set(low) & set("aeiouy")),
        float(" " in best.term),
        sum(max(f, 0.0) for f in fits),
        float(UNSEEN in fits),
        float(fits == (UNSEEN, UNSEEN)),
    )


def probability(x: Sequence[float]) -> float:
    """Return the probability that a correction with these features is right."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(w * v for w, v in zip(WEIGHTS, x, strict=True))))))


def rule_of(wrong: str, right: str) -> str:
    """Name the slip: letters swapped, one too many, missing or wrong, or several slips."""
    if sorted(wrong) == sorted(right):
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
