"""What the three stages that work on words share: ask what may be changed in a text, weigh it, look at each place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.stages.tokens_seen import Change, Changes, Seen, Token, TokensSeen
from vnlp_prep.words import Span

_TERM_COUNT, _DOUBT = 3, 0.5
# The rules that guess from the word alone, and do not weigh by themselves how often the text has it.
_TERMS = frozenset(("run-together", "extra-letter"))
# A change that is at least so sure counts as a mistake of the text. One mistake is no habit, nor are two in few words.
_LIKELY, _FEW_WORDS = 0.5, 20


class WordStage(ABC):
    """A stage that decides per white-space token, once for each one that it meets.

    A subclass says in ``decide`` what it would do to a token by itself; this class weighs the decisions and drops those that
    stand in code, in a protected line or in another language. Stages of one chain share what they have seen (``share``).
    """

    name = ""
    looks_at_known = False

    def __init__(self, lexicon: Lexicon) -> None:
        """``lexicon`` says what is known."""
        self.lexicon = lexicon
        self.tokens = TokensSeen([self], lexicon)
        self._number = 0  # of the stage among those that share the tokens

    @abstractmethod
    def decide(self, token: Token) -> Changes:
        """Return what this stage would change in ``token``, wherever it stands; most often nothing."""

    def propose(self, text: str, code: Sequence[Span] = ()) -> list[Edit]:
        """Return the edits of ``text``. A text without a suspicious token costs a split and a look-up each."""
        return self.edits(self.tokens.look_at(text, code))

    def edits(self, seen: Seen, least: float = 0.0) -> list[Edit]:
        """Return the edits that are ``least`` so sure, of a text that was looked at by the ``tokens`` of this stage."""
        suspects = {token: decided[self._number] for token, decided in seen.suspects.items() if decided[self._number]}
        if not suspects:
            return []
        text = seen.text
        # How often the text has each word that is in doubt: all tokens that hold it are suspicious.
        counts: Counter[str] = Counter()
        likely: Counter[str] = Counter()
        for token, changes in suspects.items():
            times = len(seen.places[token])
            for change in changes:
                word = token[change.start : change.end]
                counts[word] += times
                likely[word] += times * (change.confidence >= _LIKELY)
        mistakes = likely.total()
        found = []
        for token, changes in suspects.items():
            for change in changes:
                word = token[change.start : change.end]
                noise = max(0, mistakes - likely[word] - 1) / (seen.total + _FEW_WORDS)
                weighed = _weighed(change, counts[word])._replace(noise=noise)
                if self.most(weighed) < least:
                    continue
                for at in seen.places[token]:
                    start, end = at + change.start, at + change.end
                    edit = Edit(self.name, change.rule, start, end, text[start:end], change.after, weighed.confidence)
                    placed = self.place(edit, weighed, text)
                    # The guard is asked last: what it needs of the text costs more than all neighbours.
                    if placed is not None and placed.confidence >= least and seen.guard.allows(start, end):
                        found.append(placed)
        found.sort(key=lambda e: e.start)
        # Two edits may want the same place (the space between two rulers): the first has it, the other comes next round.
        ends = accumulate((e.end for e in found), max, initial=0)
        return [e for e, end in zip(found, ends, strict=False) if e.start >= end]

    def most(self, change: Change) -> float:
        """Return a confidence that the change has at no place more than; where that is too little, no place is looked at."""
        return change.confidence

    def place(self, edit: Edit, change: Change, text: str) -> Edit | None:
        """Return the edit as what stands around its place has it: as it is, changed, or not at all."""
        del change, text
        return edit


def share(stages: Sequence[WordStage], lexicon: Lexicon) -> TokensSeen:
    """Let the stages of a chain decide about each token together; return what they share."""
    tokens = TokensSeen(stages, lexicon)
    for number, stage in enumerate(stages):
        stage.tokens, stage._number = tokens, number
    return tokens


def _weighed(change: Change, count: int) -> Change:
    """Return the change as sure as the whole text makes it, which has the word ``count`` times.

    A document that writes an unknown word often means it, unless people or lists say that it is a mistake.
    """
    doubt = _DOUBT if change.rule in _TERMS and count >= _TERM_COUNT else 1.0
    return change._replace(confidence=change.confidence * doubt, times=count, doubt=doubt)
