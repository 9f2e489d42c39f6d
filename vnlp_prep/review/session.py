"""One review: the groups of changes, what was decided about each, and what that does to the corpus. Knows no web."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.review.decisions import Decision, RefusedError, is_decidable
from vnlp_prep.stages import DECODING

if TYPE_CHECKING:
    from vnlp_prep.edits import Cleaned, Edit
    from vnlp_prep.pipeline import Preprocessor
    from vnlp_prep.review.decisions import Decisions
    from vnlp_prep.review.groups import Group

#: The longest text that can be tried, in code points.
MAX_TRY = 100_000
# Splits known words for an encoder's vocabulary: to know the word does not keep it.
_VOCABULARY_RULES = "encoder-"


@dataclass(frozen=True)
class Item:
    """A group with what does not change any more; ``is_word``: a list of words can decide about it."""

    group: Group
    stage: str
    rule: str
    before: str
    after: str
    is_word: bool

    @classmethod
    def of(cls, group: Group) -> Item:
        """Return the item of a group."""
        before, rule = group.before, group.rule
        is_word = group.stage not in DECODING and not rule.startswith(_VOCABULARY_RULES) and is_decidable(before)
        return cls(group, group.stage, rule, before, group.after, is_word and bool(group.after))


class Review:
    """The groups of a corpus and the decisions about them."""

    def __init__(
        self,
        groups: Iterable[Group],
        decisions: Decisions,
        preprocessor: Callable[[Lexicon], Preprocessor],
        *,
        terms: Sequence[Term] = (),
        records: int = 0,
    ) -> None:
        """``groups`` in the order in which they are shown, ``decisions`` of the open list.

        ``preprocessor`` makes one with a lexicon, for trying; ``terms`` are known besides the list; ``records``: of the corpus.
        """
        self.items = [Item.of(group) for group in groups]
        self.decisions = decisions
        self.records = records
        self._terms = list(terms)
        self._preprocessor = preprocessor
        self._tried: tuple[list[Term], Preprocessor] | None = None
        self._trying = Lock()
        self._states: list[Decision | None] = []
        self.refresh()

    # What there is

    def rows(self, start: int, limit: int) -> list[dict[str, Any]]:
        """Return some groups for the table, with one example each."""
        found = []
        for number, item in enumerate(self.items[start : start + limit], start):
            group = item.group
            row: dict[str, Any] = {name: getattr(item, name) for name in ("stage", "rule", "before", "after", "is_word")}
            row |= {"number": number, "suggestion": group.is_suggestion, "count": group.count, "records": group.records}
            row["confidence"] = round(group.confidence, 4)
            row["example"] = _example(group.examples[0]) if group.examples else None
            row["decision"] = self._state(number)
            found.append(row)
        return found

    def details(self, number: int) -> dict[str, Any]:
        """Return all examples of a group, and the ways in which it is written. Raises IndexError."""
        group = self.items[number].group
        return {"examples": [_example(e) for e in group.examples], "forms": group.forms}

    def state(self) -> dict[str, Any]:
        """Return how far the review is, and what it does to the corpus, in changes and in records.

        Records are at most as many as said: one may have several changes, and is counted for each kind of them.
        ``more``: made only because of a decision; ``fewer``: not made any more; ``otherwise``: made in another way.
        """
        decided = 0
        effect = {name: {"places": 0, "records": 0} for name in ("more", "fewer", "otherwise", "confirmed")}
        made = 0
        for item, decision in zip(self.items, self._states, strict=True):
            made += not item.group.is_suggestion and item.group.count
            if decision is None:
                continue
            decided += 1
            name = _effect(decision, is_made=not item.group.is_suggestion)
            if name:
                effect[name]["places"] += item.group.count
                effect[name]["records"] = min(self.records, effect[name]["records"] + item.group.records)
        touched = sum(effect[name]["records"] for name in ("more", "fewer", "otherwise"))
        return {
            "groups": len(self.items),
            "words": sum(item.is_word for item in self.items),
            "decided": decided,
            "records": self.records,
            "changes": made,
            "changes_now": made + effect["more"]["places"] - effect["fewer"]["places"],
            "records_touched": min(self.records, touched),
            "effect": effect,
            "can_undo": self.decisions.can_undo,
        }

    def _state(self, number: int) -> list[str] | None:
        decision = self._states[number]
        return list(decision) if decision is not None else None

    # Deciding

    def decide(self, number: int, kind: str, replacement: str = "") -> dict[int, list[str] | None]:
        """Decide about a group; return the groups whose decision is another now.

        Raises IndexError, and as ``Decisions.decide``.
        """
        item = self._word(number)
        count, records = item.group.count, item.group.records
        self.decisions.decide(item.before, item.after, kind, replacement, count=count, documents=records)
        return self.refresh()

    def clear(self, number: int) -> dict[int, list[str] | None]:
        """Take back what was decided about a group, as ``decide``."""
        self.decisions.clear(self._word(number).before)
        return self.refresh()

    def undo(self) -> tuple[int | None, dict[int, list[str] | None]]:
        """Take back the last step; return a group that it was about, and what is another now. Raises as ``Decisions.undo``."""
        word = self.decisions.undo()
        if word is None:
            return None, {}
        changed = self.refresh()
        low = word.lower()
        about = next((n for n in changed if self.items[n].before.lower() == low), None)
        return about, changed

    def refresh(self) -> dict[int, list[str] | None]:
        """Look again at what the list says; return the groups for which it is something else than before."""
        before = self._states
        self._states = [self.decisions.decision(i.before, i.after) if i.is_word else None for i in self.items]
        if not before:
            return {}
        return {n: self._state(n) for n, (old, new) in enumerate(zip(before, self._states, strict=True)) if old != new}

    def _word(self, number: int) -> Item:
        if not 0 <= number < len(self.items):
            raise IndexError(number)
        item = self.items[number]
        if not item.is_word:
            raise RefusedError("this change is not one of a word: a list of words cannot decide about it")
        return item

    # Trying

    def try_text(self, text: str) -> dict[str, Any]:
        """Clean ``text`` with what is decided by now; return its parts, its changes and the result. May run in another thread."""
        with self._trying:
            return shown_edits(self._with_decisions().clean(text))

    def _with_decisions(self) -> Preprocessor:
        own = self.decisions.terms
        words = {term.term.lower() for term in own}
        terms = [*(term for term in self._terms if term.term.lower() not in words), *own]
        if self._tried is None or self._tried[0] != terms:
            self._tried = terms, self._preprocessor(Lexicon(terms) if terms else Lexicon.shipped())
        return self._tried[1]


def _example(example: Any) -> dict[str, Any]:
    names = ("file", "line", "field", "before_context", "before", "after", "after_context")
    return {name: getattr(example, name) for name in names}


def _effect(decision: Decision, *, is_made: bool) -> str | None:
    """Return what a decision does to a change that is made without it, or is not."""
    if decision.kind in ("rejected", "kept"):
        return "fewer" if is_made else None
    if not is_made:
        return "more"
    return "otherwise" if decision.kind == "replaced" else "confirmed"


def shown_edits(cleaned: Cleaned) -> dict[str, Any]:
    """Return a cleaned text for a page: the raw text in parts (text, or the number of a change), the changes, the result.

    >>> from vnlp_prep.edits import Cleaned, Edit
    >>> shown = shown_edits(Cleaned("Teh fkag", (Edit("spelling", "listed", 0, 3, "Teh", "The", 0.99),)))
    >>> shown["parts"], shown["text"]
    ([0, ' fkag'], 'The fkag')
    """
    changes: list[tuple[Edit, bool]] = [(e, False) for e in cleaned.edits]
    starts = [e.start for e in cleaned.edits]
    for e in cleaned.suggestions:
        # What is only suggested for a part of something that was changed has no place of its own in the raw text.
        i = bisect_right(starts, e.start)
        before_it, behind = cleaned.edits[:i][-1:], cleaned.edits[i : i + 1]
        if not any(other.end > e.start for other in before_it) and not any(other.start < e.end for other in behind):
            changes.append((e, True))
    changes.sort(key=lambda change: (change[0].start, change[0].end))
    parts: list[str | int] = []
    shown: list[dict[str, Any]] = []
    at = 0
    for e, is_suggestion in changes:
        if e.start < at:
            continue
        if e.start > at:
            parts.append(cleaned.raw[at : e.start])
        parts.append(len(shown))
        names = ("stage", "rule", "before", "after")
        shown.append(
            {name: getattr(e, name) for name in names} | {"confidence": round(e.confidence, 4), "suggestion": is_suggestion}
        )
        at = e.end
    if at < len(cleaned.raw):
        parts.append(cleaned.raw[at:])
    return {"parts": parts, "edits": shown, "text": cleaned.text}
