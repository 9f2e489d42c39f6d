"""Ranked corrections of an unknown word: candidates near it, each with the probability that it is what was meant."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.channel import cost
from vnlp_prep.lexicon.sounds import sound_key

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon


class Suggestion(NamedTuple):
    """One candidate: ``term`` in the case pattern of the word, ``confidence`` that it is right (0 to 1)."""

    term: str
    confidence: float


class Candidate(NamedTuple):
    """One known word near another, with what speaks for it.

    ``score``: log10 of how likely it is to have been meant, up to a constant; ``cost`` of the slips between them
    (``lexicon.channel``) and their number; ``listed``: 1 if a table of known misspellings names this very correction first, 1/2
    if second; ``frequency`` on the Zipf scale.
    """

    term: str
    score: float
    cost: float
    slips: int
    listed: float
    frequency: float


# How much counts beside frequency, all in powers of ten: fitted on lists of misspellings (bench/fit_ranking.py).
_SLIP, _LISTED, _FIRST, _SOUND = 0.84, 1.44, 0.66, 0.64
_SHARPNESS = 1.27  # how fast the odds between candidates grow with their scores
_MAX_LETTERS = 40
# Farther words are looked for when nobody asks whether the word is wrong at all: at most so many slips, and so many words.
_FAR, _FAR_SHORT, _SHORT = 4, 3, 7
_FAR_WORDS = 100
# Several stages ask about one word, and a text that has it once often has it again.
_REMEMBERED = 512


def candidates(word: str, lexicon: Lexicon, *, far: bool = False) -> list[Candidate]:
    """Return the known words that ``word`` (lower case) may stand for, best first; never the word itself.

    Distance 2 is only searched where distance 1 has nothing frequent: nearly all typos are one slip, and the wider search
    finds ten times as many words. ``far`` searches up to distance 4, at the cost of a look at every known word.
    """
    if not 2 <= len(word) <= _MAX_LETTERS:
        return []
    return _candidates(word, lexicon, far) if far else list(_remembered(word, lexicon))


@lru_cache(maxsize=_REMEMBERED)
def _remembered(word: str, lexicon: Lexicon) -> tuple[Candidate, ...]:
    return tuple(_candidates(word, lexicon, far=False))


def _candidates(word: str, lexicon: Lexicon, far: bool) -> list[Candidate]:
    found = dict(lexicon.candidates.near(word, 1))
    if len(word) > 3 and not any(lexicon.zipf(w) >= 4.0 for w in found):
        found.update(lexicon.candidates.near(word, 2))
    if far:
        distance = _FAR_SHORT if len(word) < _SHORT else _FAR
        found = {**dict(lexicon.candidates.far(word, distance, _FAR_WORDS)), **found}
    listed = {w.lower(): 1.0 / (1 + i) for i, w in enumerate(lexicon.misspelling_of(word))}
    out = []
    for term in {**dict.fromkeys(listed, 3), **found}:
        if term != word:
            out.append(_candidate(word, term, found.get(term, 3), listed.get(term, 0.0), lexicon))
    out.sort(key=lambda c: (-c.score, c.term))
    return out


def _candidate(word: str, term: str, slips: int, listed: float, lexicon: Lexicon) -> Candidate:
    frequency, slip = _frequency(term, lexicon), cost(word, term)
    score = (frequency or 0.5) - _SLIP * slip + _LISTED * listed
    score += _SOUND * (sound_key(word) == sound_key(term)) - _FIRST * (word[0] != term[0])
    return Candidate(term, score, slip, slips, listed, frequency)


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
    found = candidates(low, lexicon, far=True)
    if low in lexicon:
        found.append(Candidate(low, lexicon.zipf(low) + _SOUND, 0.0, 0, 0.0, lexicon.zipf(low)))
        found.sort(key=lambda c: -c.score)
    if not found:
        return []
    top = found[0].score
    weights = [math.exp(_SHARPNESS * (c.score - top)) for c in found]
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
