"""How likely each reading of an unknown word is: that it is right as it stands, or that it is a slip of one of the candidates.

One of these readings is true, so their probabilities add up to one: each has a score that is a weighted sum of what speaks
for it, and a probability that grows with e to that score (a conditional logit; McFadden 1974). ``bench/fit_speller.py`` fits
the weights on lines of documentation before and after a person corrected them, on unknown words of documents, and on known
words that are treated as unknown, each where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.context import MOST, Neighbours, fit
from vnlp_prep.lexicon.letters import slip_gain
from vnlp_prep.lexicon.morphology import is_regular_form

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.lexicon.suggestions import Candidate

#: What speaks for a candidate; the last two depend on where the word stands.
CANDIDATE_FEATURES = (
    "cost", "frequency", "rare", "listed", "two slips", "two slips by length", "last letter", "first letter", "two words",
    "seen", "short by cost", "fit", "mentioned",
)  # fmt: skip
#: What speaks for the word as it stands; the last three depend on where it stands.
WORD_FEATURES = (
    "bias", "seen", "length 3", "length 4", "length 5-6", "length 9+", "regular form", "hyphenated", "daemon", "letters",
    "capital in sentence", "repeated", "noise",
)  # fmt: skip
#: Fitted by bench/fit_speller.py, one weight for each feature.
CANDIDATE_WEIGHTS = (
    -0.84, 1.05, -0.87, 6.29, -2.28, 0.18, -1.35, -1.23, 0.20,
    -0.99, -0.94, 0.99, 0.53,
)  # fmt: skip
WORD_WEIGHTS = (
    0.82, 0.84, 1.72, 0.24, 0.68, -1.09, 2.30, 3.98, 0.79, -0.41,
    0.59, 3.40, -7.07,
)  # fmt: skip

_CANDIDATE_IN_PLACE, _WORD_IN_PLACE = 2, 3  # features at the end that depend on the place
_COMMON = 3.0  # Zipf: below it each step costs more than above
_MOST_REPEATED, _MOST_NOISE = 3, 0.2
_DAEMON = frozenset("dz")


class Place(NamedTuple):
    """Where a word stands.

    ``near``: its neighbours; ``around``: words around; ``repeated``: how often it is there besides; ``capital``: one that no
    sentence asks for; ``noise``: the share of the other words of the text that are likely mistakes.
    """

    near: Neighbours
    around: Container[str]
    repeated: int
    capital: bool
    noise: float = 0.0


NOWHERE = Place(Neighbours(None, None), (), 0, capital=False)


class Evidence(NamedTuple):
    """What speaks for the readings of a word wherever it stands: for itself, and for each candidate in their order."""

    itself: float
    candidates: tuple[float, ...]


def candidate_features(stem: str, candidate: Candidate, seen: float, place: Place, lexicon: Lexicon) -> tuple[float, ...]:
    """Return what speaks for a candidate of ``stem`` (lower case, without possessive), in the order of CANDIDATE_FEATURES."""
    term, two = candidate.term, float(candidate.slips > 1)
    return (
        candidate.cost,
        candidate.frequency,
        min(0.0, candidate.frequency - _COMMON),
        candidate.listed,
        two,
        two * min(len(stem), 12),
        float(stem[-1] != term[-1]),
        float(stem[0] != term[0]),
        float(" " in term),
        max(0.0, seen - candidate.frequency + 2.5),
        candidate.cost * (len(stem) <= 4),
        *fits(term, place, lexicon),
    )


def fits(term: str, place: Place, lexicon: Lexicon) -> tuple[float, float]:
    """Return how well a term fits between the neighbours, and whether the text around has it."""
    first, _, rest = term.partition(" ")
    before, after = fit(place.near.before, first, lexicon), fit(rest.rpartition(" ")[2] or first, place.near.after, lexicon)
    return max(before, 0.0) + max(after, 0.0), float(len(first) > 3 and first in place.around)


def word_features(stem: str, place: Place, lexicon: Lexicon, *, hyphenated: bool) -> tuple[float, ...]:
    """Return what speaks for a word as it stands, in the order of WORD_FEATURES; ``stem``: lower case, without possessive."""
    n = len(stem)
    return (
        1.0,
        lexicon.zipf(stem),
        float(n == 3),
        float(n == 4),
        float(n in (5, 6)),
        float(n >= 9),
        float(is_regular_form(stem, lexicon.known_zipf)),
        float(hyphenated),
        float(stem[-1] in _DAEMON and stem[-1] != stem[-2]),
        slip_gain(stem),
        *_here(place),
    )


def _here(place: Place) -> tuple[float, float, float]:
    return float(place.capital), float(min(place.repeated, _MOST_REPEATED)), min(place.noise, _MOST_NOISE) * 10


def evidence(stem: str, found: Sequence[Candidate], lexicon: Lexicon, *, hyphenated: bool) -> Evidence:
    """Weigh what does not depend on the place."""
    seen = lexicon.zipf(stem)
    itself = word_features(stem, NOWHERE, lexicon, hyphenated=hyphenated)
    return Evidence(
        _weighed(itself, WORD_WEIGHTS),
        tuple(_weighed(candidate_features(stem, c, seen, NOWHERE, lexicon), CANDIDATE_WEIGHTS) for c in found),
    )


def likeliest(found: Sequence[Candidate], known: Evidence, place: Place, lexicon: Lexicon) -> tuple[Candidate, float]:
    """Return the best candidate for a word at its place and the probability that it is what was meant."""
    itself = known.itself + _weighed(_here(place), WORD_WEIGHTS[-_WORD_IN_PLACE:])
    scores = list(known.candidates)
    if place is not NOWHERE:
        fit_weight, mention_weight = CANDIDATE_WEIGHTS[-_CANDIDATE_IN_PLACE:]
        for i, c in enumerate(found):
            fitting, mentioned = fits(c.term, place, lexicon)
            scores[i] += fitting * fit_weight + mentioned * mention_weight
    top = max(itself, *scores)
    total = math.exp(itself - top) + math.fsum(math.exp(s - top) for s in scores)
    best = max(range(len(scores)), key=scores.__getitem__)
    return found[best], math.exp(scores[best] - top) / total


def at_most(known: Evidence, repeated: int, noise: float) -> float:
    """Return a probability that ``likeliest`` goes beyond at no place of a text that has the word so often, and such noise."""
    places = (NOWHERE._replace(repeated=repeated, noise=noise, capital=capital) for capital in (False, True))
    itself = known.itself + min(_weighed(_here(place), WORD_WEIGHTS[-_WORD_IN_PLACE:]) for place in places)
    fit_weight, mention_weight = CANDIDATE_WEIGHTS[-_CANDIDATE_IN_PLACE:]
    best = max(known.candidates) + 2 * MOST * max(fit_weight, 0.0) + max(mention_weight, 0.0)
    return 1 / (1 + math.exp(itself - best))


def _weighed(features: Sequence[float], weights: Sequence[float]) -> float:
    return sum(f * w for f, w in zip(features, weights, strict=True))


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
