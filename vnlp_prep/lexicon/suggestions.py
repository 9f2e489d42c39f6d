"""Ranked corrections of an unknown word: candidates near it, each with the probability that it is what was meant."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.channel import cost

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon


class Suggestion(NamedTuple):
    """One candidate: ``term`` in the case pattern of the word, ``confidence`` that it is right (0 to 1)."""

    term: str
    confidence: float


class Candidate(NamedTuple):
    """One known word near an unknown one, with what speaks for it; ``score`` is a log10 probability up to a constant."""

    term: str
    score: float
    cost: float
    listed: bool
    frequency: float


# One slip in a word is about a hundred times less likely than none: log10, per unit of channel cost.
_SLIP = 2.2
# A table of known misspellings that names this very correction is worth as much as a factor of a thousand in counts.
_LISTED = 3.0
_MAX_LETTERS = 40


def candidates(word: str, lexicon: Lexicon) -> list[Candidate]:
    """Return the known words that ``word`` (lower case) may stand for, best first.

    Distance 2 is only searched where distance 1 has nothing frequent: nearly all typos are one slip, and the wider search
    finds ten times as many words.
    """
    if not 2 <= len(word) <= _MAX_LETTERS:
        return []
    found = dict.fromkeys(w for w, _ in lexicon.candidates.near(word, 1))
    if len(word) > 3 and not any(lexicon.zipf(w) >= 4.0 for w in found):
        found.update(dict.fromkeys(w for w, _ in lexicon.candidates.near(word, 2)))
    listed = lexicon.misspelling_of(word)
    found.update(dict.fromkeys(w.lower() for w in listed))
    found.pop(word, None)
    known = {w.lower(): 1.0 / (1 + i) for i, w in enumerate(listed)}
    out = []
    for term in found:
        slips = cost(word, term)
        frequency = _frequency(term, lexicon)
        score = (frequency or 0.5) - _SLIP * slips
        if term in known:
            score += _LISTED * known[term]
        out.append(Candidate(term, score, slips, term in known, frequency))
    out.sort(key=lambda c: (-c.score, c.term))
    return out


def _frequency(term: str, lexicon: Lexicon) -> float:
    """Zipf frequency of a word, or of two words in a row."""
    if " " not in term:
        return lexicon.zipf(term)
    from vnlp_prep.lexicon.segmentation import pair_zipf

    return min(pair_zipf(*pair) for pair in pairwise(term.split(" ")))


def suggest(word: str, limit: int = 10, *, lexicon: Lexicon | None = None) -> list[Suggestion]:
    """Return ranked candidates for ``word``, best first, whether or not the word is known (no gate).

    ``confidence`` is the candidate's share of the probability of all candidates: it compares them; whether the word needs a
    correction at all is decided by the spelling stage.

    >>> suggest("recieve")[0].term, suggest("Teh")[0].term
    ('receive', 'The')
    """
    if lexicon is None:
        from vnlp_prep.lexicon.lexicon import Lexicon

        lexicon = Lexicon.shipped()
    low = word.lower().replace("’", "'")
    found = candidates(low, lexicon)
    if low in lexicon:
        found.insert(
            0, Candidate(low, max(lexicon.zipf(low), found[0].score + 1 if found else 0.0), 0.0, False, lexicon.zipf(low))
        )
    if not found:
        return []
    top = found[0].score
    weights = [10 ** (c.score - top) for c in found]
    total = math.fsum(weights)
    return [Suggestion(like(word, lexicon.spelling(c.term)), w / total) for c, w in zip(found[:limit], weights, strict=False)]


def like(pattern: str, term: str) -> str:
    """Return ``term`` in the case pattern of ``pattern``; a term with capitals of its own keeps them.

    >>> like("Teh", "the"), like("TEH", "the"), like("teh", "the"), like("vshpere", "vSphere")
    ('The', 'THE', 'the', 'vSphere')
    """
    if not term.islower():
        return term
    if len(pattern) > 1 and pattern.isupper():
        return term.upper()
    return term[0].upper() + term[1:] if pattern[:1].isupper() else term
