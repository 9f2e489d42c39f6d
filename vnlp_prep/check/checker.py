"""A text -> what is not clean in it, and the text without that."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.corpus.records import Problem
from vnlp_prep.edits import Edit, apply, compose
from vnlp_prep.stages import DECODING
from vnlp_prep.words import Span
from vnlp_prep.words.regions import code_behind_headings, merged

if TYPE_CHECKING:
    from vnlp_prep.check.ignoring import IgnoredPatterns, IgnoredWords
    from vnlp_prep.pipeline import Preprocessor

#: How often a text is checked again after a fix. What was left out of a fix can bring other edits to light.
MAX_ROUNDS = 8


class Proposal(NamedTuple):
    """An edit of a text, and whether cleaning would make it."""

    edit: Edit
    safe: bool


class Checker:
    """Checks texts by some rules. What is ignored, and what stands in markup that stays, is no finding."""

    def __init__(self, prep: Preprocessor, rules: frozenset[str], words: IgnoredWords, patterns: IgnoredPatterns) -> None:
        """``prep``: the stages of ``rules`` (identifiers, ``stage/rule``)."""
        self.prep = prep
        self.rules = rules
        self._words = words
        self._patterns = patterns
        self._keeps_markup = "html" not in prep.stages

    def proposals(self, text: str) -> list[Proposal]:
        """Return what is found in a text, in order; safe edits are disjoint, suggestions may share text with anything.

        Raises Problem if the text cannot be checked, SettingsError for a pattern that takes too long.
        """
        try:
            doc = self.prep.clean(text)
        except MemoryError:
            raise
        except Exception as error:
            raise Problem("internal-error", f"{type(error).__name__}: {error}"[:500]) from error
        proposed = [Proposal(e, True) for e in doc.edits] + [Proposal(e, False) for e in doc.suggestions]
        found = [p for p in proposed if self._is_wanted(p.edit)]
        if found:
            kept = Spans(self._patterns.spans(text))
            found = [p for p in found if not kept.touch(p.edit)]
        if self._keeps_markup and any(p.edit.stage not in DECODING for p in found):
            markup = Spans(_markup(text))
            found = [p for p in found if p.edit.stage in DECODING or not markup.touch(p.edit)]
        return sorted(found, key=lambda p: (p.edit.start, p.edit.end))

    def _is_wanted(self, e: Edit) -> bool:
        return f"{e.stage}/{e.rule}" in self.rules and e.before != e.after and not self._words.hold(e)

    def fixes(self, text: str, *, unsafe: bool = False) -> list[Edit]:
        """Return the edits after which nothing safe is found any more (``unsafe``: no suggestion either).

        Sorted and disjoint. A text that does not come to rest is left alone. Raises as ``proposals``.
        """
        done: list[Edit] = []
        current = text
        for _ in range(MAX_ROUNDS):
            edits = _disjoint(self.proposals(current), unsafe=unsafe)
            if not edits:
                return done
            done = compose(text, done, edits)
            current = apply(current, edits)
        return []


class Spans:
    """Spans of a text, to ask of many edits whether they share text with one of them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = merged([span for span in spans if span[0] < span[1]])

    def touch(self, e: Edit) -> bool:
        """True if an edit shares text with one of them."""
        i = bisect_left(self._spans, (e.end, 0)) - 1
        return i >= 0 and self._spans[i][1] > e.start


def _disjoint(proposals: Sequence[Proposal], *, unsafe: bool) -> list[Edit]:
    """Return the edits to make at once: the safe ones, and the suggestions that do not meet one of them or each other."""
    edits = [p.edit for p in proposals if p.safe]
    if unsafe:
        taken = Spans((e.start, e.end) for e in edits)
        end = 0
        for p in proposals:
            if not p.safe and p.edit.start >= end and not taken.touch(p.edit):
                edits.append(p.edit)
                end = p.edit.end
        edits.sort(key=lambda e: e.start)
    return edits


def _markup(text: str) -> list[Span]:
    """Return what is no prose in a text that keeps its markup.

    That is HTML (tags, comments, scripts, the bodies of code elements) and indented code behind a heading.
    """
    from vnlp_prep.stages.html import HtmlStage

    markup = HtmlStage().scan(text)
    return code_behind_headings(text) + markup.code + [(e.start, e.end) for e in markup.edits if "<" in e.before]
