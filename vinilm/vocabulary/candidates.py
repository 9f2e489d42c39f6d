"""Which words of a corpus may become terms: those that people write in prose, no slips, no data, no names of code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vnlp_prep.lexicon.learning.decide import decide
from vnlp_prep.pipeline import Preprocessor

if TYPE_CHECKING:
    from vinilm.vocabulary.counting import CorpusCounts
    from vnlp_prep.lexicon.learning.decide import Decision
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.lexicon.wordpiece import WordPieces

# The parts of a name in camel case. The small letter of "vCenter" and "mTLS" is none, and neither is the plural's in "PVCs".
_HUMP = re.compile(r"(?:\b[a-z])?(?:[A-Z]+s\b|[A-Z]+(?![a-z])|[A-Z][a-z]+)|[a-z]+")
# Words that could be data, code or slips need so many times the documents of others.
_MORE = 4
# Of the occurrences of a name in camel case, those in prose: below, it is a name of code that documents mention.
_IN_PROSE = 0.1
_LONG = 16  # letters; only few words are longer, and most of what is was run together
# How sure the cleaner has to be that a word is wrong, where it would not yet correct it.
_SLIP = 0.5
_SENTENCE = "This is about the {} that you use."

#: Why a word is no term: what tells terms from slips and data knows words of the letters a to z only.
OTHER_LETTERS = "other letters"


@dataclass
class Candidates:
    """The words that may become terms, and those that were left out: reason -> words."""

    words: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)


def find_candidates(counts: CorpusCounts, vocabulary: WordPieces, lexicon: Lexicon, min_documents: int) -> Candidates:
    """Return the words of the corpus that the vocabulary cuts, and that are terms by what was counted of them.

    Terms stand in prose, outside code, in ``min_documents`` documents. ``lexicon``: what is known, so no slip and no data.
    """
    decisions = {d.term.lower(): d for d in decide(counts.prose, lexicon, min_documents)}
    judge = _Judge(lexicon, min_documents)
    found = Candidates()
    for word, (documents, times) in sorted(counts.words.types.items()):
        if documents < min_documents or len(vocabulary.pieces(word)) == 1:
            continue
        decision = decisions.get(word.lower())
        if decision is not None:
            reason = judge.reason(word, decision, times)
        elif word.isascii():
            continue  # it does not stand in prose
        else:
            reason = OTHER_LETTERS
        if reason:
            found.left_out.setdefault(reason, []).append(word)
        else:
            found.words.append(word)
    return found


class _Judge:
    def __init__(self, lexicon: Lexicon, min_documents: int) -> None:
        self._lexicon = lexicon
        self._min_documents = min_documents
        self._cleaner = Preprocessor(stages=("compounds", "spelling"), lexicon=lexicon)

    def reason(self, word: str, decision: Decision, times: int) -> str:
        """Return why the word is no term; empty if it may be one. ``times``: its occurrences, those in code among them."""
        if decision.kind not in ("term", "known"):
            return decision.kind
        if decision.documents < self._min_documents:
            return "not in prose"
        if sum(map(str.isalpha, word)) < 2:
            return "no word"
        if word in self._lexicon:
            return ""
        is_name = word.isalpha() and len(_HUMP.findall(decision.term)) > 1
        if is_name and decision.count < _IN_PROSE * times:
            return "name of code"
        if decision.documents >= _MORE * self._min_documents:
            return ""
        if len(word) == 2:
            return "too short"
        if not word.isalpha():
            return "data"
        if is_name or len(word) > _LONG:
            return "name of code"
        cleaned = self._cleaner.clean(_SENTENCE.format(decision.term))
        return "may be a slip" if any(e.confidence >= _SLIP for e in (*cleaned.edits, *cleaned.suggestions)) else ""
