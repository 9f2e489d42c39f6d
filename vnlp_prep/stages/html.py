r"""The HTML stage: markup out, character references decoded, everything that only looks like markup left alone.

Text that reaches an encoder is rarely a clean HTML document: it is Markdown with some HTML in it, a fragment, or HTML
that was escaped once or twice on its way. So this is no parser with a tree but one scan with offsets (``html_scan``),
a decision for each tag (``html_markup``), and edits, one for each tag and reference.

>>> from vnlp_prep.edits import apply
>>> def clean(text: str) -> str:
...     return apply(text, HtmlStage().propose(text))
>>> clean("<b>T</b>eh client&#39;s log<br>is at <your-path> &amp;amp; <std::vector<int>>")
"Teh client's log\nis at <your-path> & <std::vector<int>>"
>>> clean("cp <source> <target> && Map<String, List<A>>, AT&T, http://x.y/?a=1&copy=2")
'cp <source> <target> && Map<String, List<A>>, AT&T, http://x.y/?a=1&copy=2'
>>> clean("&lt;p&gt;Hello&lt;/p&gt;")
'Hello'
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from vnlp_prep.edits import Alignment, Edit, compose
from vnlp_prep.stages.html_markup import mark
from vnlp_prep.stages.html_names import BLOCK, CELL, CODE, KNOWN, PARAGRAPH, REPLACED
from vnlp_prep.stages.html_references import decode, decode_named, is_legacy, legacy_prefix
from vnlp_prep.stages.html_scan import Reference, Scan, Tag, may_hold_markup, scan
from vnlp_prep.words import is_data
from vnlp_prep.words.regions import code_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

#: Removing markup can bring markup to light (escaped tags); a text that is not stable after so many rounds is
#: left alone.
MAX_ROUNDS: Final = 8

_NAME: Final = "html"
_URL_LOOK_BACK: Final = 2_000
_DATA_LINE = 2_000  # a line is looked at this far to either side
_INDENT_LIMIT: Final = 200
_PARAGRAPH_REACH = 1_000
#: A text that begins so is HTML through and through: a backtick in it is no mark of Markdown.
_DOCUMENT: Final = re.compile(r"\ufeff?\s*(?:<!doctype\s+html|<html)\b", re.I)
_SPACE: Final = re.compile(r"[\s<>\"'`]")
_URL: Final = re.compile(r"://|\?[^\s=&]*=|www\.|&[\w.%-]+=", re.I)
_SHOWN: Final = re.compile(r"</?([A-Za-z][\w:.-]*)|<!|<\?|&(?:#[\dxX]|[A-Za-z][A-Za-z\d]*;)")
_ALT: Final = re.compile(r"""(?:^|\s)alt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_TICKS: Final = re.compile(r"`+")


class Markup(NamedTuple):
    """What the HTML stage says of a text.

    ``edits`` take the markup away; ``code`` are the spans of the text that are bodies of code elements (``<pre>``,
    ``<code>`` ...) whose tags go: sorted and disjoint. ``text`` is what the edits make of it, where that is known.
    """

    edits: list[Edit]
    code: list[tuple[int, int]]
    text: str | None = None


class HtmlStage:
    """Removes markup and decodes character references. See ``docs/html.md`` for the rules."""

    name = _NAME

    def __init__(self, *, page: bool = False) -> None:
        """``page``: every text is a whole HTML page; keep its main content only (``html_page``)."""
        self.page = page

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:  # noqa: ARG002
        """Return the edits of ``scan(text)``. ``code`` is not looked at: no stage runs before this one."""
        return self.scan(text).edits

    def scan(self, text: str, keep_marks: Container[int] = frozenset()) -> Markup:
        """Return the edits of ``text`` and where its code stands.

        ``keep_marks`` holds starts of code spans (as an earlier call returned them) whose tags become Markdown's marks,
        backticks or a fence, instead of vanishing.

        >>> from vnlp_prep.edits import apply
        >>> HtmlStage().scan("Run <code>ls -l</code>").code
        [(10, 15)]
        >>> apply("Run <code>ls -l</code>", HtmlStage().scan("Run <code>ls -l</code>", {10}).edits)
        'Run `ls -l`'
        """
        if "<" not in text and "&" not in text:
            return Markup([], [])
        if self.page:
            from vnlp_prep.stages.html_page import scan_page

            return scan_page(text, keep_marks)
        return scan_fragment(text, keep_marks)


def scan_fragment(text: str, keep_marks: Container[int] = frozenset()) -> Markup:
    """Return the edits that leave no markup in ``text``, whatever it is, and its code (see ``HtmlStage.scan``)."""
    if not may_hold_markup(text):
        return Markup([], [])
    edits, code, current = _one_round(text, keep_marks.__contains__)
    if not edits:
        return Markup([], [])
    for _ in range(MAX_ROUNDS - 1):
        if not may_hold_markup(current):
            return Markup(edits, code, current)
        more, more_code, after = _one_round(current, KeptMarks(keep_marks, edits).__contains__)
        if not more:
            return Markup(edits, code, current)
        if more_code:
            to_raw = Alignment(edits).old_span
            code = merge_spans(code + [to_raw(start, end) for start, end in more_code])
        edits = compose(text, edits, more)
        current = after
    return Markup([], [])


class KeptMarks:
    """``keep_marks`` for a text on which some edits were carried out already."""

    def __init__(self, keep_marks: Container[int], edits: list[Edit]) -> None:
        """``edits`` are those that made the text at hand out of the one that ``keep_marks`` speaks of."""
        self._keep_marks = keep_marks
        self._edits = edits
        self._alignment: Alignment | None = None

    def __contains__(self, start: object) -> bool:
        """Return True if the code that starts at ``start`` keeps its marks."""
        if self._alignment is None:
            self._alignment = Alignment(self._edits)
        return isinstance(start, int) and self._alignment.old_span(start, start)[0] in self._keep_marks


# An edit in the making: start, end, rule, strength (what it needs in its place: see _STRENGTH), and what is put there: text, or
# None where a tag vanishes. A plain tuple, because pages have thousands.
_Change = tuple[int, int, str, int, str | None]


class _Changes(NamedTuple):
    """The edits in the making, sorted and disjoint, by columns."""

    starts: list[int]
    ends: list[int]
    rules: list[str]
    strengths: list[int]
    afters: list[str | None]

    @classmethod
    def of(cls, rows: list[_Change]) -> _Changes:
        """Sort ``rows``, and drop those that overlap an earlier one."""
        rows.sort()
        columns = cls([], [], [], [], [])
        last = 0
        for start, end, rule, strength, after in rows:
            if start >= last:
                columns.starts.append(start)
                columns.ends.append(end)
                columns.rules.append(rule)
                columns.strengths.append(strength)
                columns.afters.append(after)
                last = end
        return columns


def _one_round(text: str, keep: Callable[[int], bool]) -> tuple[list[Edit], list[tuple[int, int]], str]:
    """Return the edits and code spans of ``text`` as it stands, without what they bring to light, and the text behind them."""
    found = scan(text, markdown=not _DOCUMENT.match(text))
    mark(text, found)
    code = _code_elements(found.tags)
    for tag in found.tags:
        tag.partner = None  # two that refer to each other are freed late, and pages have thousands
    changes = _changes(text, found, [(opening.end, closing.start) for opening, closing in code])
    if not changes.starts:
        return [], [], text
    afters = _layout(text, changes)
    _keep_code_marks(text, code, changes, afters, keep)
    edits: list[Edit] = []
    made: list[str] = []
    at = 0
    for start, end, rule, after in zip(changes.starts, changes.ends, changes.rules, afters, strict=True):
        before = text[start:end]
        if before != after:
            edits.append(Edit(_NAME, rule, start, end, before, after, 1.0))
            made += text[at:start], after
            at = end
    bodies = [(opening.end, closing.start) for opening, closing in code if opening.end < closing.start]
    return edits, bodies, "".join((*made, text[at:]))


def _code_elements(tags: list[Tag]) -> list[tuple[Tag, Tag]]:
    """Return the opening and closing tags of the outermost code elements.

    An element that begins in one block and ends in another (`<td><code>a</cod></td> ... <td>b</code>`) was never closed: its
    tags go, but what stands between is no code.
    """
    code: list[tuple[Tag, Tag]] = []
    opening: Tag | None = None
    crossed = False
    for tag in tags:
        if not tag.markup:
            continue
        if opening is None:
            if not tag.closing and tag.partner and tag.name in CODE:
                opening, crossed = tag, False
        elif tag is opening.partner:
            if not crossed:
                code.append((opening, tag))
            opening = None
        elif tag.closing and tag.partner and tag.partner.start < opening.start and (tag.name in BLOCK or tag.name in CELL):
            crossed = True
    return code


def _changes(text: str, found: Scan, code: list[tuple[int, int]]) -> _Changes:
    """Return what goes or is replaced."""
    changes = [_tag_change(tag) for tag in found.tags if tag.markup]
    changes += [(start, end, rule, 1 if rule == "script" else 0, None) for start, end, rule in found.removals]
    changes += _decoded(text, found.references, code)
    changes += _cell_gaps(text, found.tags)
    return _Changes.of(changes)


def _cell_gaps(text: str, tags: list[Tag]) -> Iterator[_Change]:
    """Yield the line breaks between cells that stand on lines of their own: a tab parts them better.

    Only where the texts of both cells stand next to the tags; else the line breaks are the author's.
    """
    last: Tag | None = None
    for tag in tags:
        if not tag.markup:
            continue
        if last is not None and last.closing and not tag.closing and last.name in CELL and tag.name in CELL:
            gap = text[last.end : tag.start]
            inside = (text[last.start - 1], text[tag.end : tag.end + 1])
            if "\n" in gap and gap.isspace() and not any(map(str.isspace, inside)):
                yield last.end, tag.start, "cell", 0, None
        last = tag


def _tag_change(tag: Tag) -> _Change:
    strength = 0 if tag.closing and tag.name in CELL else _STRENGTH.get(tag.name, 0)
    if tag.name == "img":
        alt = _alternative(tag.attributes)
        if alt:
            return tag.start, tag.end, "alt", strength, alt
    return tag.start, tag.end, _RULES[strength], strength, None


# What must part the texts on both sides of a tag: 1 a space between two words, 2 a tab, 3 a line break, 4 a blank line.
_STRENGTH: Final = {
    **dict.fromkeys(REPLACED, 1),
    **dict.fromkeys(CELL, 2),
    **dict.fromkeys(BLOCK, 3),
    **dict.fromkeys(PARAGRAPH, 4),
}
_RULES: Final = ("tag", "tag", "cell", "block", "block")  # by strength


def _alternative(attributes: str) -> str:
    """Return the text of an image if it says something: at least two words. `alt="logo"` is no text of the document."""
    match = _ALT.search(attributes)
    if match is None:
        return ""
    alt = " ".join((match[1] or match[2] or "").split())
    return alt if " " in alt else ""


def _decoded(text: str, references: list[Reference], code: list[tuple[int, int]]) -> list[_Change]:
    """Return the changes for those of ``references`` that are references."""
    changes: list[_Change] = []
    spans = iter(code)
    span = next(spans, None)
    url_from, url_to, in_url = 0, 0, False
    for ref in references:
        start, end, escapes, name, semicolon, in_markdown = ref
        while span is not None and span[1] <= start:
            span = next(spans, None)
        if in_markdown:
            value = decode(name)
            if value is not None:
                changes.append((start, end, "double-escape" if escapes else "entity", 0, value))
            continue
        if escapes:
            first = start + 1 + escapes.index(";") + 1
            if span is not None and span[0] <= start:
                # In a code element one level is the markup's, the next is what the author wants to show.
                changes.append((start, first, "entity", 0, "&"))
            elif semicolon and (value := decode(name)) is not None:
                changes.append((start, end, "double-escape", 0, value))
            else:
                last = start + 1 + len(escapes)
                changes.append((start, last, "entity" if last == first else "double-escape", 0, "&"))
            continue
        if semicolon:
            value = decode(name)
            if value is not None:
                shown = _is_quoted(text, start, end) or (value == '"' and _is_data(text, start))
                is_sure = name[0] == "#" or is_legacy(name) or not _is_address_of(text, start, end)
                if is_sure and not shown:
                    changes.append((start, end, "entity", 0, value))
                continue
        if not url_from <= start < url_to:
            url_from, url_to, in_url = _token(text, start)
        if in_url:
            continue
        change = _unterminated(text, start, name)
        if change is not None:
            changes.append(change)
    return changes


def _unterminated(text: str, start: int, name: str) -> _Change | None:
    """Return the change for a reference without semicolon in prose, or None.

    The standard decodes the longest name that fits, also in the middle of a word. A program's `&notify`,
    `&timestamp=` or `f(&reg)` is told from it: what follows must not go on, unless the whole word is some name of the
    standard (`&notin`).
    """
    if name[0] == "#":
        value = decode(name)
        assert value is not None
        return start, start + 1 + len(name), "entity", 0, value
    prefix = legacy_prefix(name)
    if prefix is None or (prefix[0] != name and decode_named(name) is None):
        return None
    end = start + 1 + len(name)
    following = text[end : end + 2]
    # A list of arguments ("f(&reg, &copy)") takes addresses.
    if following[:1] in ("=", "_", "(", "[", ")", ":", "-", ",") or (following[:1] == "." and following[1:].isalnum()):
        return None
    if start and text[start - 1] in "&=":
        return None
    return start, start + 1 + len(prefix[0]), "entity", 0, prefix[1]


def _is_quoted(text: str, start: int, end: int) -> bool:
    """Return True for a reference that the text shows: it stands alone between quotation marks (`write "&lt;" instead`)."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return before == after and before in ('"', "'")


def _is_address_of(text: str, start: int, end: int) -> bool:
    """Return True for the C statement `p = &order;`: its semicolon ends the line."""
    if end < len(text) and text[end] not in "\r\n":
        return False
    before = text[max(0, start - 3) : start].rstrip()
    return before.endswith("=")


def _token(text: str, at: int) -> tuple[int, int, bool]:
    """Return the white-space token around ``at`` (bounded) and whether it is a URL or has the query part of one."""
    start = max(0, at - _URL_LOOK_BACK)
    before = text[start:at]
    for i in range(len(before) - 1, -1, -1):
        if before[i] in " \t\r\n<>\"'`":
            start += i + 1
            break
    match = _SPACE.search(text, at, at + _URL_LOOK_BACK)
    end = match.start() if match else min(len(text), at + _URL_LOOK_BACK)
    return start, end, _URL.search(text, start, end) is not None


def _layout(text: str, changes: _Changes) -> list[str]:
    """Return what stands in the place of every change.

    Tags that follow each other with white space only are one gap. A gap gets what its strongest tag needs, unless the
    white space in and around it does that already.
    """
    starts, ends, rules, strengths, texts = changes
    afters = [after or "" for after in texts]
    i = 0
    done = 0  # where the text behind the last gap or decoded reference starts
    lines = _Lines(text)
    count = len(starts)
    while i < count:
        start, end, strength, strongest = starts[i], ends[i], strengths[i], i
        if texts[i] is not None:
            if rules[i] == "alt":
                afters[i] = _spaced(text, start, end, afters[i])
            done = end
            i += 1
            continue
        spaces = ""
        i += 1
        while i < count and texts[i] is None:
            if starts[i] > end:
                between = text[end : starts[i]]
                if not between.isspace():
                    break
                spaces += between
            if strengths[i] > strength:
                strength, strongest = strengths[i], i
            end = ends[i]
            i += 1
        if strength:
            limit = starts[i] if i < count else len(text)
            before, after = _space_before(text, done, start), _space_after(text, end, limit)
            is_first = len(before) == start  # of the text, or what is before goes, too
            is_last = end + len(after) == len(text)
            if not is_first and not is_last:
                breaks = sum(_is_br(text, starts[k], ends[k]) for k in range(strongest, i)) if strength == 3 else 0
                afters[strongest] = _separator(text, strength, breaks, before + spaces + after, start, end, lines)
        done = end
    return afters


def _space_before(text: str, start: int, end: int) -> str:
    """Return the white space at the end of ``text[start:end]``."""
    if end == start or not text[end - 1].isspace():
        return ""
    lead = text[start:end]
    return lead[len(lead.rstrip()) :]


def _space_after(text: str, start: int, end: int) -> str:
    """Return the white space at the start of ``text[start:end]``."""
    if start == end or not text[start].isspace():
        return ""
    tail = text[start:end]
    return tail[: len(tail) - len(tail.lstrip())]


class _Lines:
    """Tells of the lines of a text, in their order, whether a line break would spoil them; each is looked at once, if at all."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = self._seen = 0
        self._row: bool | None = None

    def is_row(self, at: int) -> bool:
        """Return True if the line at ``at`` is a row of a Markdown table, JSON, SQL, CSV. ``at`` must not fall."""
        start = self._text.rfind("\n", self._seen, at) + 1
        self._seen = at
        if start:
            self._start, self._row = start, None
        if self._row is None:
            self._row = _is_row(self._text, self._start)
        return self._row


def _is_row(text: str, line_start: int) -> bool:
    """Return True if a line starts there that a line break would spoil: a row of a Markdown table, JSON, SQL, CSV."""
    if text[line_start : line_start + _INDENT_LIMIT].lstrip(" \t")[:1] == "|":
        return True
    return _is_data(text, line_start)


def _is_data(text: str, at: int) -> bool:
    """Return True if the line around ``at`` is JSON, SQL or CSV: quotation marks and line breaks mean something there."""
    start = text.rfind("\n", max(0, at - _DATA_LINE), at) + 1
    if not start and at > _DATA_LINE:
        return False
    end = text.find("\n", at, at + _DATA_LINE)
    return is_data(text[start : at + _DATA_LINE if end < 0 else end])


def _is_br(text: str, start: int, end: int) -> bool:
    return end - start <= 6 and text[start + 1 : start + 3].lower() == "br"


def _separator(text: str, strength: int, breaks: int, spaces: str, start: int, end: int, lines: _Lines) -> str:
    """Return what a gap from ``start`` to ``end`` needs, ``spaces`` being the white space in and around it."""
    if strength == 1:
        return " " if not spaces and text[start - 1].isalnum() and text[end : end + 1].isalnum() else ""
    if "\n" in spaces:
        return ""
    if lines.is_row(start):
        return "" if spaces else " "  # a line break would end the row
    if strength == 2:
        return "" if "\t" in spaces else "\t"
    return "\n\n" if strength == 4 or breaks > 1 else "\n"


def _spaced(text: str, start: int, end: int, alt: str) -> str:
    """Return the text of an image, apart from words on both sides."""
    before = " " if start and text[start - 1].isalnum() else ""
    after = " " if text[end : end + 1].isalnum() else ""
    return before + alt + after


def _keep_code_marks(
    text: str,
    code: list[tuple[Tag, Tag]],
    changes: _Changes,
    afters: list[str],
    keep: Callable[[int], bool],
) -> None:
    """Put Markdown's code marks in the place of the tags of code that needs them.

    That is the code whose start ``keep`` names, and code that shows markup or references: without a mark nothing would
    tell them from real ones.
    """
    if not code:
        return
    starts, ends = changes.starts, changes.ends
    kept: list[tuple[int, int]] = []  # the changes of the tags
    bodies: list[str] = []
    for opening, closing in code:
        first, last = bisect_left(starts, opening.start), bisect_left(starts, closing.start)
        if starts[first : first + 1] != [opening.start] or starts[last : last + 1] != [closing.start]:
            continue
        parts, at = [], opening.end
        for i in range(first + 1, last):
            parts += [text[at : starts[i]], afters[i]]
            at = ends[i]
        body = "".join([*parts, text[at : closing.start]])
        if body.strip() and (keep(opening.end) or shows_markup(body)):
            kept.append((first, last))
            bodies.append(body)
    elements = [(starts[first], ends[last]) for first, last in kept]
    stray: dict[int, set[int]] = {}
    for (first, last), (start, end), body in zip(kept, elements, bodies, strict=True):
        longest = max(map(len, _TICKS.findall(body)), default=0)
        if "\n" in body:
            fence = "`" * max(3, longest + 1)
            left = afters[first]
            if not left.endswith("\n") and not _at_line_start(text, start):
                left += "\n"
            right = afters[last].lstrip("\n")
            if text[end : end + 1] not in ("", "\n", "\r") or right:
                right = "\n" + right
            afters[first] = left + fence + ("" if body.startswith("\n") else "\n")
            last_line = body[body.rfind("\n") + 1 :]
            afters[last] = ("" if not last_line else "\n" + last_line if last_line.isspace() else "\n") + fence + right
        else:
            block = start // _PARAGRAPH_REACH
            if block not in stray:
                stray[block] = _stray_ticks(text, block, elements)
            ticks = "`" * next(n for n in count(longest + 1) if n not in stray[block])
            space = " " if body[0] == "`" or body[-1] == "`" else ""
            afters[first] += ticks + space
            afters[last] = space + ticks + afters[last]


def _stray_ticks(text: str, block: int, elements: list[tuple[int, int]]) -> set[int]:
    """Return the lengths of the runs of backticks that pair with none; marks of that length would pair with them.

    ``block``: the number of the 1,000 characters to look at, with as many on either side; ``elements``: code that gets marks of
    its own, sorted.
    """
    start, end = max(0, (block - 1) * _PARAGRAPH_REACH), min((block + 2) * _PARAGRAPH_REACH, len(text))
    if text.find("`", start, end) < 0:
        return set()
    outside, done = [], start
    for first, last in elements[bisect_left(elements, (start, 0)) : bisect_left(elements, (end, 0))]:
        outside.append(text[done:first])
        done = last
    around = "".join([*outside, text[done:end]])
    spans = list(code_spans(around))
    ends = [span[1] for span in spans]
    stray = set()
    for match in _TICKS.finditer(around):
        i = bisect_left(ends, match.end())
        if i == len(spans) or spans[i][0] > match.start():
            stray.add(match.end() - match.start())
    return stray


def shows_markup(body: str) -> bool:
    """Return True if the text of a code element holds what would count as markup outside of it."""
    return any(match[1] is None or match[1].lower() in KNOWN for match in _SHOWN.finditer(body))


def _at_line_start(text: str, at: int) -> bool:
    line = text[max(0, at - _INDENT_LIMIT) : at].rstrip(" \t")
    return not line or line[-1] == "\n"


def merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ``spans`` sorted, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
