"""Code and the like that reaches over white space: Markdown's code, literal blocks, templates, placeholders, link targets."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vnlp_prep.words.tokens import Span


class Protected(NamedTuple):
    """A span of a text that no stage may rewrite, and why."""

    start: int
    end: int
    kind: str


_FENCE = re.compile(r"[ \t]*(?:[>*+-][ \t]+)*(`{3,}|~{3,})([^\n]*)")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_TICKS_OR_BREAK = re.compile(r"`+|\n[ \t]*\n")
# Bounded, and none can match across a blank line.
INLINE = re.compile(
    r"(?P<template>\{\{(?:[^{}\n]|\n(?!\s*\n)){0,300}\}\}|\{%[^%\n]{0,300}%\}|<%[^%\n]{0,300}%>"
    r"|\$\{[^{}\n]{0,200}\}|\$\([^()\n]{0,200}\)|\[%[^%\n]{0,200}%\])"
    r"|(?P<placeholder><[^<>\n]{1,200}>)"
    r"|(?P<link>\]\([^()\s]{1,1000}(?:\s{1,3}\"[^\"\n]{0,200}\")?\))"
    r"|(?P<path>\b[A-Za-z]:\\(?:[^\\/:*?\"<>|\r\n]{1,80}\\){1,30}[^\\/:*?\"<>|\s]*)"
    r"|(?P<attributes>\{[:#.][^{}\n]{0,200}\})"
)

# One of these is in everything that INLINE finds; to look for them takes a fraction of the time.
_INLINE_SIGNS = ("{", "<", "](", ":\\", "$(", "[%")

# A blank line, then one that is indented as Markdown's code; the lines that go on with it.
_INDENTED = re.compile(r"\n(?:[ \t]*\r?\n)+(?=[ ]{4}|\t)")
_INDENTED_LINES = re.compile(r"(?:(?:[ ]{4}|\t)[^\n]*\n?|[ \t]*\r?\n)*")
_INDENTED_STARTS = ("\n\n    ", "\n\n\t", "\n\r\n    ", "\n\r\n\t", " \n    ", "\t\n    ", " \n\t")
# What a line begins with that an indented block belongs to: white space, lists, tags, quotes, headings.
_OWNS_INDENTED = frozenset(" \t\r<*+-|>#0123456789")
_HIGHLIGHT = re.compile(r"\{%-?[ ]{0,9}highlight\b")
_BEHIND_HEADING = re.compile(r"^#{1,6}[ \t][^\n]*\n(?:[ \t]*\r?\n)+((?:(?:[ ]{4}|\t)[^\n]*\n?|[ \t]*\r?\n)*)", re.MULTILINE)
_BRACED = re.compile(r"\{(?:%|code|noformat)")  # what blocks in braces begin with
_END_HIGHLIGHT = re.compile(r"\{%-?[ ]{0,9}endhighlight\b")
_WIKI_CODE = re.compile(r"\{(?:code|noformat)(?::[^{}\n]{0,100})?\}")  # Jira, Confluence
_SOURCE_BLOCK = re.compile(r"^\[(?:source|listing|literal)[^\n]{0,200}\]\n(?:\.[^\n]{0,200}\n)?----\n", re.M)
_END_SOURCE_BLOCK = re.compile(r"\n----(?=\n|\Z)")


def fences(text: str) -> Iterator[Span]:
    """Spans of Markdown's fenced code, fences included; an unclosed one reaches to the end (CommonMark 4.5)."""
    # Where the next marks of each kind are, so that lines without any are jumped over.
    following = {mark: text.find(mark) for mark in ("```", "~~~")}
    at, opened, mark = 0, -1, ""
    while True:
        found = [place for kind, place in following.items() if place >= 0 and (opened < 0 or kind[0] == mark[0])]
        if not found:
            break
        at = max(at, text.rfind("\n", at, min(found)) + 1)
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        m = _FENCE.match(text, at, end)
        if m:
            ticks, info = m.group(1), m.group(2)
            if opened < 0:
                if "`" not in info or ticks[0] == "~":
                    opened, mark = at, ticks
            elif ticks[0] == mark[0] and len(ticks) >= len(mark) and not info.strip():
                yield opened, end
                opened = -1
        at = end + 1
        for kind, place in following.items():
            if 0 <= place < at:
                following[kind] = text.find(kind, at)
    if opened >= 0:
        yield opened, len(text)


_last: tuple[str, list[Span]] = ("", [])


def literal_blocks(text: str) -> list[Span]:
    """Return the spans of code that has no marks of its own at its start: indented, `{% highlight %}`, `[source]`.

    Those of the last text are remembered, for the HTML stage and the guard ask about the same one.
    """
    global _last
    last = _last
    if last[0] is not text:
        _last = last = (text, _literal_blocks(text))
    return last[1]


def _literal_blocks(text: str) -> list[Span]:
    spans = list(_indented_code(text)) if "\n    " in text or "\n\t" in text else []
    if spans:
        head = text[:2_000].lower()
        is_page = "<html" in head or "<body" in head or "<!doctype" in head
        if is_page or not any(start in text for start in _INDENTED_STARTS):
            spans.clear()
    if "{" in text and _BRACED.search(text):
        if "endhighlight" in text:
            spans += _between(text, _HIGHLIGHT, _END_HIGHLIGHT)
        if "{code" in text or "{noformat" in text:
            spans += _between(text, _WIKI_CODE, _WIKI_CODE)
    if "\n----" in text:
        spans += _between(text, _SOURCE_BLOCK, _END_SOURCE_BLOCK)
    return sorted(spans)


def _indented_code(text: str) -> Iterator[Span]:
    """Yield Markdown's indented code: it follows a blank line and text that stands flush left and is no list item or tag."""
    done = 0
    for m in _INDENTED.finditer(text):
        if m.start() < done:
            continue
        before = text.rfind("\n", done, m.start()) + 1 or done
        if before < m.start() and text[before] not in _OWNS_INDENTED:
            lines = _INDENTED_LINES.match(text, m.end())
            assert lines is not None  # it may be empty, but the line that was looked ahead at is there
            done = lines.end()
            yield m.end(), done


def code_behind_headings(text: str) -> list[Span]:
    """Return the spans of indented code that follows a heading of Markdown.

    ``literal_blocks`` leaves it out: in texts of which nobody knows that they are Markdown it is most often a paragraph.
    """
    return [m.span(1) for m in _BEHIND_HEADING.finditer(text)] if "\n#" in f"\n{text}" else []


def _between(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield the spans from an opening mark to the closing one; nothing behind an opening mark that is never closed."""
    at = 0
    while (first := opening.search(text, at)) and (last := closing.search(text, first.end())):
        yield first.start(), last.end()
        at = last.end()


def code_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Spans of Markdown's inline code between ``start`` and ``end``, backticks included (CommonMark 6.1)."""
    paragraph: list[Span] = []
    for m in _TICKS_OR_BREAK.finditer(text, start, len(text) if end is None else end):
        if m.group()[0] == "`":
            paragraph.append(m.span())
        else:
            yield from _paired(paragraph)
            paragraph = []
    yield from _paired(paragraph)


def paragraph_at(text: str, at: int, start: int, end: int) -> Span:
    """The span around a position, within ``start`` and ``end``, that no blank line parts."""
    blank = _BLANK_LINE.search(text, at, end)
    below = text.rfind("\n", start, at)
    while below >= 0:
        above = text.rfind("\n", start, below)
        if above >= 0 and not text[above + 1 : below].strip(" \t"):
            return below + 1, blank.start() if blank else end
        below = above
    return start, blank.start() if blank else end


def _paired(runs: Sequence[Span]) -> Iterator[Span]:
    """Pair each run of backticks with the next one of the same length. Linear: each length keeps its own queue."""
    places: dict[int, list[int]] = {}
    for i, (start, end) in enumerate(runs):
        places.setdefault(end - start, []).append(i)
    i = 0
    while i < len(runs):
        start, end = runs[i]
        same = places[end - start]
        k = bisect_right(same, i)
        if k < len(same):
            i = same[k]
            yield start, runs[i][1]
        i += 1


def markdown_code(text: str) -> list[Span]:
    """Spans of Markdown code, fenced and inline, in order."""
    if "`" not in text and "~~~" not in text:
        return []
    out: list[Span] = []
    at = 0
    for start, end in fences(text):
        out += code_spans(text, at, start)
        out.append((start, end))
        at = end
    out += code_spans(text, at)
    return out


def front_matter(text: str) -> Span | None:
    """Span of a YAML front matter at the start of the text."""
    if not text.startswith("---\n") and not text.startswith("---\r\n"):
        return None
    m = re.compile(r"\n(?:---|\.\.\.)[ \t]*(?=\r?\n|\Z)").search(text, 3, 20_000)
    return (0, m.end()) if m else None


def code_blocks(text: str) -> list[Span]:
    """Spans of everything that is known to be code by marks that may stand far apart: front matter, blocks, inline code."""
    head = front_matter(text)
    return [*([head] if head else []), *literal_blocks(text), *markdown_code(text)]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans sorted, those that overlap made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def inline_regions(text: str, start: int, end: int) -> list[Protected]:
    """Return templates, placeholders, link targets and paths with spaces between ``start`` and ``end``; all are short."""
    if not any(text.find(sign, start, end) >= 0 for sign in _INLINE_SIGNS):
        return []
    return [Protected(*m.span(), m.lastgroup or "code") for m in INLINE.finditer(text, start, end)]


def code_regions(text: str) -> list[Protected]:
    """Return what is protected beyond single tokens, sorted and disjoint."""
    found = [Protected(start, end, "code") for start, end in merged(code_blocks(text))]
    return outermost(found + inline_regions(text, 0, len(text)))


def outermost(found: list[Protected]) -> list[Protected]:
    """Sort the spans and drop those that begin inside an earlier one."""
    out: list[Protected] = []
    for p in sorted(found, key=lambda p: (p.start, -p.end)):
        if not out or p.start >= out[-1].end:
            out.append(p)
    return out
