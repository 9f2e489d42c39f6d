"""Compounds: words that were run together come apart again.

Told from words that are just unknown by counts, never by length: every part is a common word, the pair is one that people
write ("specified in"), together they are far more probable than a misspelling of a known word, and they fit between their
neighbours. How sure that makes it is learnt (``vnlp_prep.lexicon.joined``).

>>> from vnlp_prep.lexicon import Lexicon
>>> [(e.before, e.after) for e in CompoundStage(Lexicon.shipped()).propose("as specifiedin esxcli and Kubernetes docs")]
[('specifiedin', 'specified in')]
"""

from __future__ import annotations

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.context import Neighbours, neighbours
from vnlp_prep.lexicon.joined import Joined, features, has_small_word, joined, probability
from vnlp_prep.lexicon.morphology import is_regular_form
from vnlp_prep.stages.tokens_seen import Change, Changes, Token
from vnlp_prep.stages.words_stage import WordStage
from vnlp_prep.words import Span

_MIN_LETTERS = 5
_MAX_LETTERS = 40
_FLOOR = 0.2  # what is less sure is not worth a suggestion
_HOPELESS = 0.01  # alone: no neighbours that are likely make enough of it
# Two nouns in a row are often a term that people write as one ("webproxy"): right in doubt, and nobody misreads them.
_TERM = 0.85
_ALONE = Neighbours(None, None)


class CompoundStage(WordStage):
    """Splits words that were run together; see the module."""

    name = "compounds"

    def decide(self, token: Token) -> Changes:
        """Return the split of the token's only word, as sure as it is without neighbours, if it is one to split."""
        start, end = only_word(token)
        word = token.text[start:end]
        if not _MIN_LETTERS <= len(word) <= _MAX_LETTERS or not word.isalpha() or word in self.lexicon:
            return ()
        if word.lower() in self.lexicon.replacements:
            return ()  # a person has said what it stands for
        if is_regular_form(word.lower(), self.lexicon.known_zipf):
            return ()
        found = joined(word, self.lexicon)
        if found is None:
            return ()
        confidence = probability(features(found, _ALONE, self.lexicon))
        if confidence < _HOPELESS:
            return ()
        at, pieces = 0, []
        for part in found.parts:
            pieces.append(word[at : at + len(part)])
            at += len(part)
        return (Change(start, end, " ".join(pieces), "run-together", confidence, found),)

    def most(self, change: Change) -> float:
        """Return the doubt alone: neighbours can make nearly sure of the rest."""
        return _doubt(change.more, change) if isinstance(change.more, Joined) else change.confidence

    def place(self, edit: Edit, change: Change, text: str) -> Edit | None:
        """Let the neighbours say how sure it is."""
        if isinstance(change.more, Joined):
            near = neighbours(text, edit.start, edit.end)
            confidence = probability(features(change.more, near, self.lexicon))
            edit = edit._replace(confidence=confidence * _doubt(change.more, change))
        return edit if edit.confidence >= _FLOOR else None


def _doubt(found: Joined, change: Change) -> float:
    return change.doubt * (1.0 if has_small_word(found) else _TERM)


def only_word(token: Token) -> Span:
    """Return the span of a token's only word, without its possessive; an empty one if it has none or several."""
    if len(token.words) != 1:
        return 0, 0
    start, end = token.words[0]
    return start, end - 2 if token.text.endswith(("'s", "’s"), start, end) else end
