"""What the three stages that work on words share: find the tokens that may need an edit, ask whether they may have one."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.words import Guard

_TERM_COUNT, _DOUBT = 3, 0.5
# The rules that guess from the word alone, and do not weigh by themselves how often the text has it.
_TERMS = frozenset(("run-together", "extra-letter"))
# A change that is at least so sure counts as a mistake of the text. One mistake is no habit, nor are two in few words.
_LIKELY, _FEW_WORDS = 0.5, 20
# Up to so many tokens are looked for one by one, which is faster than looking at every token of the text.
_FEW = 20
_TOKEN = re.compile(r"\S+")
#: Tokens whose decision is remembered. When it is full it starts anew: what is decided never depends on it.
CACHE_SIZE = 200_000


class Change(NamedTuple):
    """A decision about one token: replace ``token[start:end]`` by ``after``.

    ``more`` is what the stage wants to know again when the place is known; ``times`` how often the text has the word,
    ``doubt`` what the stage's confidence was multiplied by for that; ``noise`` how many of the other words are mistakes.
    """

    start: int
    end: int
    after: str
    rule: str
    confidence: float
    more: object = None
    times: int = 1
    doubt: float = 1.0
    noise: float = 0.0


class WordStage(ABC):
    """A stage that decides per white-space token, once for each one that it meets.

    A subclass says in ``decide`` what it would do to a token by itself; this class finds the tokens, remembers the decisions,
    and drops those that stand in code, in a protected line or in another language.
    """

    name = ""

    def __init__(self, lexicon: Lexicon) -> None:
        """``lexicon`` says what is known."""
        self.lexicon = lexicon
        self._quiet: set[str] = set()
        self._decided: dict[str, tuple[Change, ...]] = {}

    @abstractmethod
    def decide(self, token: str) -> tuple[Change, ...]:
        """Return what this stage would change in ``token``, wherever it stands; most often nothing."""

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:
        """Return the edits of ``text``. A text without a suspicious token costs a split and a set difference."""
        tokens = _tokens(text)
        suspicious = {t for t in tokens.distinct.difference(self._quiet) if self._changes(t)}
        if not suspicious:
            return []
        guard = Guard(text, code, self.lexicon)
        places = _places(suspicious, text)
        # How often the text has each word that is in doubt: all tokens that hold it are suspicious.
        counts: Counter[str] = Counter()
        likely: Counter[str] = Counter()
        for token, positions in places.items():
            for change in self._changes(token):
                word = token[change.start : change.end]
                counts[word] += len(positions)
                likely[word] += len(positions) * (change.confidence >= _LIKELY)
        mistakes = likely.total()
        found = []
        for token, positions in places.items():
            for change in self._changes(token):
                word = token[change.start : change.end]
                noise = max(0, mistakes - likely[word] - 1) / (tokens.total + _FEW_WORDS)
                weighed = _weighed(change, counts[word])._replace(noise=noise)
                for at in positions:
                    start, end = at + change.start, at + change.end
                    edit = Edit(self.name, change.rule, start, end, text[start:end], change.after, weighed.confidence)
                    placed = self.place(edit, weighed, text, guard)
                    if placed is not None:
                        found.append(placed)
        found.sort(key=lambda e: e.start)
        # Two edits may want the same place (the space between two rulers): the first has it, the other comes next round.
        ends = accumulate((e.end for e in found), max, initial=0)
        return [e for e, end in zip(found, ends, strict=False) if e.start >= end]

    def place(self, edit: Edit, change: Change, text: str, guard: Guard) -> Edit | None:
        """Return the edit as it may be made at its place: as it is, changed, or not at all."""
        del change, text
        return edit if guard.allows(edit.start, edit.end) else None

    def _changes(self, token: str) -> tuple[Change, ...]:
        if token in self._quiet:
            return ()
        changes = self._decided.get(token)
        if changes is None:
            if len(self._quiet) + len(self._decided) > CACHE_SIZE:
                self._quiet.clear()
                self._decided.clear()
            changes = self.decide(token)
            if changes:
                self._decided[token] = changes
            elif len(token) < 100:
                self._quiet.add(token)
        return changes


class _Tokens(NamedTuple):
    """The tokens of a text between white space."""

    text: str
    distinct: frozenset[str]
    total: int


_last = _Tokens("", frozenset(), 0)


def _tokens(text: str) -> _Tokens:
    """Split a text; the last one is remembered, for the stages look at the same text one after the other."""
    global _last
    last = _last
    if last.text is not text:
        tokens = text.split()
        _last = last = _Tokens(text, frozenset(tokens), len(tokens))
    return last


def _weighed(change: Change, count: int) -> Change:
    """Return the change as sure as the whole text makes it, which has the word ``count`` times.

    A document that writes an unknown word often means it, unless people or lists say that it is a mistake.
    """
    doubt = _DOUBT if change.rule in _TERMS and count >= _TERM_COUNT else 1.0
    return change._replace(confidence=change.confidence * doubt, times=count, doubt=doubt)


def _places(tokens: set[str], text: str) -> dict[str, list[int]]:
    """Positions at which each token stands between white space."""
    if len(tokens) > _FEW:
        places: dict[str, list[int]] = {}
        for m in _TOKEN.finditer(text):
            if m.group() in tokens:
                places.setdefault(m.group(), []).append(m.start())
        return places
    return {token: list(_find(token, text)) for token in tokens}


def _find(token: str, text: str) -> Iterator[int]:
    at = text.find(token)
    while at >= 0:
        end = at + len(token)
        if (at == 0 or text[at - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield at
        at = text.find(token, end)
