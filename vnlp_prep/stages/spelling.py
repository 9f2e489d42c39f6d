"""Spelling: an unknown word that is most likely a slip of a known one becomes that word.

A word is looked at only if it is a plain word in English prose (``vnlp_prep.words``) and the lexicon does not know it. Known
words that stand near it compete by a noisy channel (how frequent the word is, how likely the slip, how it fits between its
neighbours); what they and the word itself look like decides how sure the correction is (``lexicon.correction``). Sure enough,
it is made; else it is a suggestion.

>>> from vnlp_prep.lexicon import Lexicon
>>> [(e.before, e.after) for e in SpellingStage(Lexicon.shipped()).propose("Teh vSphere cleint and esxcli")]
[('Teh', 'The'), ('cleint', 'client')]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.context import Neighbours, neighbours
from vnlp_prep.lexicon.correction import ALONE, features, probability, ranked, rule_of
from vnlp_prep.lexicon.morphology import is_regular_form, stems
from vnlp_prep.lexicon.suggestions import Candidate, candidates, like
from vnlp_prep.stages.words_stage import Change, WordStage
from vnlp_prep.words import Guard, word_spans

# Below this a proposal is noise and not even suggested; below the other, no neighbour makes it more.
_FLOOR, _HOPELESS = 0.05, 0.002
# So sure, and so far before the next candidate (log10), that the neighbours need not be asked.
_SETTLED, _FAR = 0.99, 2.5
_MIN_LETTERS = 3
# Half of a hyphenated word is often half of a name.
_HYPHENATED = 0.95
# "keepalives" is a form of "keepalive", "hostd" the name of a program: not slips of them.
_FORM = 0.5
_COMMON = 2.5  # Zipf
_MAX_ACRONYM = 5
# Letters that stand before a word in names and terms (a-, e-, kernel, file, net, v...) and behind it (daemon).
_PREFIXES, _SUFFIXES = frozenset("adefgkmnprvx"), frozenset("dz")
# A short word with a capital beside another that is no common word is most often a part of somebody's name.
_NAME, _MAX_NAME, _RARE, _NAME_REACH = 0.5, 6, 4.0, 20
# Candidates that are kept for a word: farther ones no neighbour brings back.
_KEPT = 8


class Choice(NamedTuple):
    """An unknown word with its candidates: what can be worked out before it is known where it stands."""

    word: str
    stem: str
    found: tuple[Candidate, ...]
    is_regular: bool
    weight: float


class SpellingStage(WordStage):
    """Corrects misspelled words; see the module."""

    name = "spelling"

    def decide(self, token: str) -> tuple[Change, ...]:
        """Return the correction of each unknown word of the token, as sure as it is without neighbours."""
        changes = []
        spans = word_spans(token)
        for start, end in spans:
            word = token[start:end]
            if word in self.lexicon:
                continue
            replacement = self.lexicon.replacements.get(word.lower())
            if replacement:
                changes.append(Change(start, end, like(word, replacement), "lexicon", 1.0))
                continue
            choice = self._choice(word, _HYPHENATED if len(spans) > 1 else 1.0)
            if choice is not None:
                after, rule, confidence = self._best(choice, choice.found, ALONE)
                if confidence >= _HOPELESS:
                    far = len(choice.found) == 1 or choice.found[0].score - choice.found[1].score > _FAR
                    settled = confidence >= _SETTLED and far
                    changes.append(Change(start, end, after, rule, confidence, None if settled else choice))
        return tuple(changes)

    def place(self, edit: Edit, change: Change, text: str, guard: Guard) -> Edit | None:
        """Let the neighbours decide between the candidates, and how sure the best one is."""
        if edit.before[0].isupper() and guard.follows_title(edit.start):
            return None
        placed = super().place(edit, change, text, guard)
        if placed is not None and self._in_name(edit, text):
            placed = placed._replace(confidence=placed.confidence * _NAME)
            change = change._replace(doubt=change.doubt * _NAME)
        if placed is not None and isinstance(change.more, Choice):
            near = neighbours(text, edit.start, edit.end)
            if near != ALONE:
                after, rule, confidence = self._best(change.more, ranked(change.more.found, near, self.lexicon), near)
                placed = placed._replace(after=after, rule=rule, confidence=confidence * change.doubt)
        return placed if placed is not None and placed.confidence >= _FLOOR else None

    def _in_name(self, edit: Edit, text: str) -> bool:
        """True if the word stands among capitalised words that are not common, as the parts of a name do."""
        if not edit.before[0].isupper() or len(edit.before) > _MAX_NAME:
            return False
        left = text[max(0, edit.start - _NAME_REACH) : edit.start].rpartition("\n")[2].split(" ")
        right = text[edit.end : edit.end + _NAME_REACH].partition("\n")[0].split(" ")
        beside = [w for w in (*left[-2:-1], *right[1:2]) if w[:1].isupper() and w.isalpha()]
        return any(len(w) > 1 and self.lexicon.general_zipf(w.lower()) < _RARE for w in beside)

    def _is_name(self, stem: str, term: str) -> bool:
        """True if the unknown word is built as names of programs are: a known word with a letter at its edge.

        "hostd", "dentry", "kobject"; a letter that stands twice ("hostt", "ddata") is a slip.
        """
        if len(stem) <= _MAX_ACRONYM and not self.lexicon.spelling(term).islower():
            return True  # "vmsd" beside "VMs"
        rests = [stem[:-1]] if stem[-1] in _SUFFIXES and stem[-1] != stem[-2] else []
        rests += [stem[1:]] if stem[0] in _PREFIXES and stem[0] != stem[1] else []
        return any(len(rest) >= _MIN_LETTERS and self.lexicon.known_zipf(rest) >= _COMMON for rest in rests)

    def _choice(self, word: str, weight: float) -> Choice | None:
        low = word.lower().replace("’", "'")
        stem = low[:-2] if low.endswith("'s") else low
        found = candidates(stem, self.lexicon)[:_KEPT] if len(stem) >= _MIN_LETTERS else []
        if not found:
            return None
        return Choice(word, stem, tuple(found), is_regular_form(stem, self.lexicon.known_zipf), weight)

    def _best(self, choice: Choice, found: Sequence[Candidate], near: Neighbours) -> tuple[str, str, float]:
        """Return the first candidate in the case of the word, the rule, and the probability that it is right."""
        word, stem, best = choice.word, choice.stem, found[0]
        x = features(word, stem, found, near, self.lexicon, choice.is_regular)
        after = like(word, self.lexicon.spelling(best.term)) + word[len(stem) :]
        confidence = probability(x) * choice.weight
        if not best.listed and (best.term in stems(stem) or self._is_name(stem, best.term)):
            confidence *= _FORM
        return after, "known-misspelling" if best.listed else rule_of(stem, best.term), confidence
