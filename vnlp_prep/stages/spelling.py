"""Spelling: an unknown word that is most likely a slip of a known one becomes that word.

A word is looked at only if it is a plain word in English prose (``vnlp_prep.words``) and the lexicon does not know it. Known
words that stand near it compete with each other and with the word as it stands (``lexicon.correction``): by how frequent they
are, how likely the slip is, how they fit between the neighbours, and by what the word itself looks like. If it is likely enough
that the best of them was meant, the correction is made; else it is a suggestion.

>>> from vnlp_prep.lexicon import Lexicon
>>> [(e.before, e.after) for e in SpellingStage(Lexicon.shipped()).propose("Teh vSphere cleint and esxcli")]
[('Teh', 'The'), ('cleint', 'client')]
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.context import neighbours
from vnlp_prep.lexicon.correction import NOWHERE, Evidence, Place, at_most, evidence, fits, likeliest, rule_of
from vnlp_prep.lexicon.morphology import stems, variants
from vnlp_prep.lexicon.names import counts_up, follows_title, in_name, is_built
from vnlp_prep.lexicon.suggestions import Candidate, candidates, like
from vnlp_prep.stages.tokens_seen import Change, Changes, Token
from vnlp_prep.stages.words_stage import WordStage

# Below this a proposal is noise and not even suggested; below the other, no neighbour makes it more.
_FLOOR, _HOPELESS = 0.05, 0.01
# What is so sure need not ask its neighbours; without a list to say so, nothing is.
_SETTLED, _SUREST = 0.99, 0.989
_MIN_LETTERS = 3
_OWN, _LISTED = "lexicon", "known-misspelling"  # rules: the user's own corrections, those of the shipped list
# "keepalives" is a form of "keepalive", "customise" British, "hostd" the name of a program: not slips of them.
_FORM = 0.5
# A part of somebody's name; a short word that a list has as a misspelling, but not of one of the commonest words (Zipf), and
# that no neighbour speaks for ("gir" need not be "git").
_NAME, _SHORT, _SHORT_LETTERS, _FREQUENT = 0.5, 0.5, 4, 5.5
# Candidates that are kept for a word: farther ones no neighbour brings back.
_KEPT = 8
# Code points to either side in which a candidate counts as mentioned.
_AROUND = 500
_BEFORE = 20
_WORDS = re.compile("[a-z]+")
_CUT_OFF = ("...", "…")  # "Windo..." is the beginning of a word
# What a sentence, a heading or an item begins after.
_BEGINNINGS = '.:;!?*-|>"#'


class Choice(NamedTuple):
    """An unknown word with its candidates and what speaks for each, wherever it stands."""

    word: str
    stem: str
    found: tuple[Candidate, ...]
    evidence: Evidence


class WordsAround:
    """The words of a stretch of text in small letters; they are only told apart if one may be what is asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __contains__(self, word: object) -> bool:
        """True for a word of the text."""
        return isinstance(word, str) and word in self._text and word in self._words

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_WORDS.findall(self._text))


def _around(text: str, start: int, end: int) -> WordsAround:
    return WordsAround(text[max(0, start - _AROUND) : end + _AROUND].lower())


class SpellingStage(WordStage):
    """Corrects misspelled words; see the module."""

    name = "spelling"

    def decide(self, token: Token) -> Changes:
        """Return the correction of each unknown word of the token, as sure as it is without neighbours."""
        changes = []
        for start, end in token.unknown:
            word = token.text[start:end]
            replacement = self.lexicon.replacements.get(word.lower())
            if replacement:
                after = like(word, replacement)
                if after != word:  # "kubernetes" may be replaced by "Kubernetes"
                    changes.append(Change(start, end, after, _OWN, 1.0))
                continue
            choice = self._choice(word, hyphenated=len(token.words) > 1)
            if choice is not None:
                after, rule, confidence = self._best(choice, NOWHERE)
                if confidence >= _HOPELESS:
                    changes.append(Change(start, end, after, rule, confidence, None if confidence >= _SETTLED else choice))
        return tuple(changes)

    def most(self, change: Change) -> float:
        """Return how sure the best candidate is between neighbours that speak for it as loud as they can."""
        if isinstance(change.more, Choice):
            return at_most(change.more.evidence, change.times - 1, change.noise)
        return change.confidence

    def place(self, edit: Edit, change: Change, text: str) -> Edit | None:
        """Let the neighbours decide between the candidates, and how sure the best one is."""
        if edit.before[0].isupper() and follows_title(text, edit.start):
            return None
        if edit.rule == _OWN:
            return edit
        if isinstance(change.more, Choice):
            place = self.where(text, edit.start, edit.end, change.times, change.noise)
            after, rule, confidence = self._best(change.more, place)
            edit = edit._replace(after=after, rule=rule, confidence=confidence)
        if text.startswith(_CUT_OFF, edit.end) and edit.after.startswith(edit.before):
            return None
        in_list = counts_up(edit.before, _around(text, edit.start, edit.end), self.lexicon)
        if in_list or in_name(text, edit.start, edit.end, self.lexicon):
            edit = edit._replace(confidence=edit.confidence * _NAME)
        return edit if edit.confidence >= _FLOOR else None

    @staticmethod
    def where(text: str, start: int, end: int, times: int, noise: float = 0.0) -> Place:
        """Return what the text says about the unknown word at a span, which it has ``times`` times; ``noise``: see Place."""
        before = text[max(0, start - _BEFORE) : start].rstrip()
        capital = text[start].isupper() and bool(before) and before[-1] not in _BEGINNINGS
        return Place(neighbours(text, start, end), _around(text, start, end), times - 1, capital, noise)

    def _choice(self, word: str, *, hyphenated: bool) -> Choice | None:
        low = word.lower().replace("’", "'")
        stem = low[:-2] if low.endswith("'s") else low
        found = candidates(stem, self.lexicon)[:_KEPT] if len(stem) >= _MIN_LETTERS else []
        if not found:
            return None
        return Choice(word, stem, tuple(found), evidence(stem, found, self.lexicon, hyphenated=hyphenated))

    def _best(self, choice: Choice, place: Place) -> tuple[str, str, float]:
        """Return the best candidate in the case of the word, the rule, and the probability that it is right."""
        best, confidence = likeliest(choice.found, choice.evidence, place, self.lexicon)
        word, stem = choice.word, choice.stem
        if confidence < _HOPELESS:  # what follows only lowers it, and nobody will see the rest
            return word, "", confidence
        after = like(word, self.lexicon.spelling(best.term)) + word[len(stem) :]
        if not best.listed and (best.term in (*stems(stem), *variants(stem)) or is_built(stem, best.term, self.lexicon)):
            confidence *= _FORM
        short = len(stem) <= _SHORT_LETTERS and best.frequency < _FREQUENT and "'" not in best.term
        if best.listed and short and not fits(best.term, place, self.lexicon)[0]:
            confidence *= _SHORT
        if not best.listed:
            confidence = min(confidence, _SUREST)
        return after, _LISTED if best.listed else rule_of(stem, best.term), confidence
