"""Markup that is shown, not used: tags that a sentence names, strings in source code, diffs.

>>> text = "the <br> tag"
>>> is_named(text, 4, 8)
True
>>> strings = SourceStrings('x = "<b>%s</b>"')
>>> strings.holds(5)
True
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from vnlp_prep.words import line_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOUN: Final = re.compile(r"[ \t](?:HTML |XML )?(?:tags?|elements?|attributes?)\b")
_ARTICLE: Final = re.compile(
    r"(?:^|[\s(])(?:an?|the|each|every|any|this|that|these|those|no|of|with|by|using|uses?|and|or|add|insert|put|its)[ \t]\Z",
    re.I,
)
_ARTICLE_REACH: Final = 12
_LINE_REACH: Final = 2_000
_QUOTE: Final = re.compile(r"\\.|[\"'`]")
# Statements that are too short for their line to count as source code: a call, the assignment to a variable of a shell or PHP.
_STATEMENT: Final = re.compile(r"[ \t]*(?:[\w.$]+\([^\n]*\)[ \t]*[;{]?[ \t\r]*\Z|\$\w+[ \t]*\.?=|return[ \t]+[\"'`])")
_HUNK: Final = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@[^\n]*\n", re.M)


def is_named(text: str, start: int, end: int) -> bool:
    """Return True if the tag is what a sentence speaks of: `the <br> tag`, `add an <a href="..."> element`."""
    if _NOUN.match(text, end) is None:
        return False
    line = text[max(0, start - _ARTICLE_REACH) : start].rpartition("\n")[2]
    return not line.strip() or _ARTICLE.search(line) is not None


class SourceStrings:
    """The string literals in lines of source code, looked up in the order of the text, each line once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._none = '"' not in text and "'" not in text
        self._line_end = -1
        self._spans: list[tuple[int, int]] = []

    def holds(self, at: int) -> bool:
        """Return True if ``at``, the start of a tag, stands within a string of a line of source code.

        The first call for a line must be that of its first tag: a quotation mark before it is none of an attribute.
        """
        if self._none:
            return False
        if at > self._line_end:
            self._look_at_line(at)
        if not self._spans:
            return False
        i = bisect_left(self._spans, (at, 0)) - 1
        return i >= 0 and at < self._spans[i][1]

    def _look_at_line(self, at: int) -> None:
        text = self._text
        start = text.rfind("\n", max(0, at - _LINE_REACH), at) + 1
        end = text.find("\n", at, at + _LINE_REACH)
        end = min(len(text), at + _LINE_REACH) if end < 0 else end
        self._line_end, self._spans = end, []
        if start == 0 and at > _LINE_REACH:
            return
        before = text[start:at]
        if '"' in before or "'" in before:
            line = text[start:end]
            spans = [(start + a, start + b) for a, b in _strings(line)]
            if any(a < at < b for a, b in spans) and (_STATEMENT.match(line) or line_kind(line) == "source code"):
                self._spans = spans


def _strings(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the string literals that begin and end in a line of a program."""
    opened, mark = -1, ""
    for m in _QUOTE.finditer(line):
        if m.group()[0] == "\\":
            continue
        if opened < 0:
            if m.group() != "'" or not line[m.start() - 1 : m.start()].isalnum():
                opened, mark = m.start(), m.group()
        elif m.group() == mark:
            yield opened, m.start()
            opened = -1


def diff_hunks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the hunks of unified diffs, as far as their heads say that they reach."""
    if "@@" not in text:
        return
    done = 0
    for m in _HUNK.finditer(text):
        if m.start() < done:
            continue
        old, new = int((m[1] or "1")[:6]), int((m[2] or "1")[:6])
        at = m.end()
        while (old > 0 or new > 0) and at < len(text):
            sign = text[at]
            if sign not in " +-\\\n\r":
                break
            old -= sign in " -\n\r"
            new -= sign in " +\n\r"
            at = text.find("\n", at) + 1 or len(text)
        done = at
        yield m.start(), at
