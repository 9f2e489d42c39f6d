"""Whole HTML pages: the text of the main content, by way of an HTML5 tree (selectolax, lexbor).

The tree says what is text and what is navigation, script or hidden. It does not say where in the source a text stood,
so its texts are found again in the source, in order; what is found is kept and the rest between becomes edits. So the
edits are exact by construction, however the tree was built.

A text without HTML markup is no page, and a page that would cost the parser more than linear time is left to the
fragment mode: deep nesting makes every HTML5 parser slow.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from vnlp_prep.edits import Alignment, Edit, apply, compose
from vnlp_prep.stages import html as fragment
from vnlp_prep.stages.html_markup import mark
from vnlp_prep.stages.html_names import BLOCK, BOILERPLATE, CELL, CODE, KNOWN, OPTIONAL_CLOSE, PARAGRAPH, REPLACED, VOID
from vnlp_prep.stages.html_references import decode, legacy_prefix
from vnlp_prep.stages.html_scan import Tag, is_mention, scan

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from selectolax.lexbor import LexborNode

#: Deeper pages are left to the fragment mode: an HTML5 parser looks through all open elements for every new one.
MAX_DEPTH: Final = 1_000
#: Open formatting elements times tags: the parser may repeat all of the former in every paragraph.
MAX_REPEATED: Final = 2_000_000
#: A text of fewer words is a scrap: it gets exactly the text nodes of the tree, as `textContent` in a browser.
SCRAP_WORDS: Final = 10
#: If less than this share of the words is outside of what looks like navigation, the guess was wrong: all is kept.
LEAST_SHARE: Final = 0.1

#: In a text of at most so many characters an open comment, or `<svg>` at the start, is markup.
SCRAP_LENGTH: Final = 200

_DOCTYPE: Final = re.compile(r"\s*<!doctype\b", re.I)
_SCRAP: Final = re.compile(r"<!--|\A\s*<(?:\?xml|(?:svg|math|select|frame)\b(?!\s*>\s*\Z))", re.I)
# Attributes that HTML does not know, at the start: `<a x=y>z`.
_FOREIGN_ATTRIBUTE: Final = re.compile(r"\A\s*<([a-z][a-z0-9]*)\s+[a-z][\w:-]*=[^\s<>=][^<>=]*>\s*\S", re.I)
# What a placeholder or a type stands in: `user@<host>`, `--dl=<dl>`, `f(<q>)`, `Map<tr>`.
_BEFORE_PLACEHOLDER, _BEHIND_PLACEHOLDER = frozenset("=:/@-_.$#|[{(\"'`<,"), frozenset("=:/@-_.$#|[{)]}\"'`>,;")
_FORMATTING: Final = frozenset(("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"))
_PAGE: Final = frozenset(("html", "body", "main"))
_NO_TEXT: Final = frozenset(("script", "style", "template", "iframe", "noembed", "noframes"))
_ROLES: Final = frozenset(("navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "toolbar"))
_NONE_SHOWN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_WHITE: Final = " \t\n\r\f"
_RUN: Final = re.compile(r"[^ \t\n\r\f]+(?: [^ \t\n\r\f]+)*")
_RETURN: Final = re.compile(r"\r\n?")
_TAG_NAME: Final = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)")
_FIND_AHEAD: Final = 2_000
_TICKS: Final = re.compile(r"`+")


def scan_page(text: str, keep_marks: Container[int] = frozenset()) -> fragment.Markup:
    """Return the edits that leave the main content of the page, and its code spans (see ``HtmlStage.scan``).

    What a page shows may be escaped markup, so the result is cleaned as any text is, until nothing changes any more.
    """
    edits: list[Edit] = []
    code: list[tuple[int, int]] = []
    current = text
    for _ in range(fragment.MAX_ROUNDS):
        to_raw = Alignment(edits).old_span
        keep = fragment.KeptMarks(keep_marks, edits)
        markup = _one_page(current, keep) or fragment.scan_fragment(current, keep)
        if not markup.edits:
            return fragment.Markup(edits, code)
        code = fragment.merge_spans(code + [to_raw(start, end) for start, end in markup.code])
        edits = compose(text, edits, markup.edits)
        current = apply(current, markup.edits)
    return fragment.Markup([], [])


def _one_page(text: str, keep_marks: Container[int]) -> fragment.Markup | None:
    """Return the edits of the page ``text``, or None where it is none."""
    if "<" not in text:
        return None
    found = scan(text)
    if not (mark(text, found) or found.removals or _is_scrap(text, found.tags)) or not _is_parsable(text):
        return None
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(text).root
    if root is None:
        return None
    source = _Source(text)
    is_page = any(tag.name in _PAGE and tag.markup for tag in found.tags)
    writer = _read(root, source, keep_marks, is_page=is_page)
    edits = writer.edits(text)
    return fragment.Markup(edits, fragment.merge_spans(writer.code)) if edits else None


def _is_scrap(text: str, tags: list[Tag]) -> bool:
    """Return True for a bit of HTML that the fragment mode would not take for markup: `<svg>x`, `x<!-- y`, `x<table>y`."""
    if _DOCTYPE.match(text):
        return True
    if len(text) > SCRAP_LENGTH or "`" in text:
        return False
    foreign = _FOREIGN_ATTRIBUTE.match(text)
    if _SCRAP.search(text) is not None or (foreign is not None and foreign[1].lower() in KNOWN):
        return True
    return any(_is_loose(text, tag) for tag in tags)


def _is_loose(text: str, tag: Tag) -> bool:
    """Return True if nothing around an opening tag says that it is a placeholder, a type or mentioned."""
    before = text[tag.start - 1] if tag.start else "\n"
    behind = text[tag.end] if tag.end < len(text) else "\n"
    if tag.closing or behind.isspace():
        return False
    return before not in _BEFORE_PLACEHOLDER and behind not in _BEHIND_PLACEHOLDER and not is_mention(text, tag.start, tag.end)


def _is_parsable(text: str) -> bool:
    """Return True if the tree of the text can be built in about linear time and memory."""
    open_tags: Counter[str] = Counter()
    depth = formatting = deepest_formatting = count = 0
    for closing, name in _TAG_NAME.findall(text):
        count += 1
        name = name.lower()
        if name in VOID or name in OPTIONAL_CLOSE:
            continue
        if closing and not open_tags[name]:
            continue
        step = -1 if closing else 1
        open_tags[name] += step
        depth += step
        if name in _FORMATTING:
            formatting += step
            deepest_formatting = max(deepest_formatting, formatting)
        if depth > MAX_DEPTH:
            return False
    return deepest_formatting * count <= MAX_REPEATED


class _Piece(NamedTuple):
    """A stretch of decoded text, and the stretch of source it comes from."""

    at: int
    start: int
    end: int
    verbatim: bool


class _Source:
    """The source without tags, references decoded, with the way back to the source."""

    def __init__(self, text: str) -> None:
        self.pieces: list[_Piece] = []
        parts: list[str] = []
        at = length = 0

        def add(value: str, start: int, end: int, *, verbatim: bool) -> None:
            nonlocal length
            if value:
                self.pieces.append(_Piece(length, start, end, verbatim))
                parts.append(value)
                length += len(value)

        for start, end, value in _source_breaks(text):
            if start < at:
                continue
            add(text[at:start], at, start, verbatim=True)
            add(value, start, end, verbatim=False)
            at = end
        add(text[at:], at, len(text), verbatim=True)
        self.decoded = "".join(parts)
        self._ats = [piece.at for piece in self.pieces]
        self._cursor = 0

    def find(self, text: str) -> int:
        """Return where ``text`` stands in the decoded source behind the last text that was found, or -1."""
        cursor = self._cursor
        if not self.decoded.startswith(text, cursor):
            cursor = self.decoded.find(text, cursor, cursor + len(text) + _FIND_AHEAD)
            if cursor == -1:
                return -1
        self._cursor = cursor + len(text)
        return cursor

    def verbatim(self, at: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield (position in the decoded text, start and end in the source) of what stands there as it is."""
        i = bisect_right(self._ats, at) - 1
        while i < len(self.pieces) and self.pieces[i].at < end:
            piece = self.pieces[i]
            if piece.verbatim:
                first = max(at, piece.at)
                last = min(end, piece.at + piece.end - piece.start)
                if first < last:
                    yield first, piece.start + first - piece.at, piece.start + last - piece.at
            i += 1

    def place(self, at: int) -> tuple[int, int]:
        """Return the span in the source of the character at ``at`` of the decoded text."""
        piece = self.pieces[bisect_right(self._ats, at) - 1]
        start = piece.start + at - piece.at
        return (start, start + 1) if piece.verbatim else (piece.start, piece.end)


def _source_breaks(text: str) -> list[tuple[int, int, str]]:
    """Return the tags (value "") and references of the source. Not exact: only used to find texts again."""
    found = scan(text, markdown=False)
    breaks = [(tag.start, tag.end, "") for tag in found.tags]
    breaks += [(removal.start, removal.end, "") for removal in found.removals]
    breaks += [(start, end, "") for start, end, _, _ in found.unknown]
    for ref in found.references:
        name = "amp" if ref.escapes else ref.name
        value = decode(name) if ref.escapes or ref.semicolon or name[0] == "#" else None
        if value is not None:
            end = ref.start + 2 + ref.escapes.index(";") if ref.escapes else ref.end
            breaks.append((ref.start, end, value))
        elif prefix := legacy_prefix(name):
            breaks.append((ref.start, ref.start + 1 + len(prefix[0]), prefix[1]))
    if "\r" in text:
        breaks += [(match.start(), match.end(), "\n") for match in _RETURN.finditer(text)]
    breaks.sort()
    return breaks


class _Writer:
    """The text of the page as it grows: runs that stand in the source, and what is put between them."""

    def __init__(self, source: _Source, *, layout: bool) -> None:
        self._source = source
        self._layout = layout
        self._parts: list[tuple[str, int]] = []  # text, position in the decoded source or -1
        self._space = False
        self._break = 0
        self._prefix = ""
        self.code: list[tuple[int, int]] = []

    def text(self, value: str, at: int, *, preformatted: bool) -> None:
        """Write a text node that stands at ``at`` of the decoded source (-1: not found)."""
        if not self._layout or preformatted:
            if self._layout and self._break and not self._parts:
                value_start = len(value) - len(value.lstrip("\n"))
                value, at = value[value_start:], at + value_start if at >= 0 else at
            if value:
                self._flush()
                self._parts.append((value, at))
            return
        last = 0
        for match in _RUN.finditer(value):
            if match.start() > last:
                self._space = True
            self._flush()
            self._parts.append((match[0], at + match.start() if at >= 0 else -1))
            last = match.end()
        if last < len(value):
            self._space = True

    def put(self, value: str) -> None:
        """Write something that does not stand in the source."""
        self._flush()
        self._parts.append((value, -1))

    def space(self) -> None:
        """Ask for a space before the next word."""
        self._space = True

    def line_break(self, strength: int) -> None:
        """Ask for a tab (2), a line break (3) or a blank line (4) before the next word."""
        if self._layout:
            self._break = max(self._break, strength)

    def prefix(self, value: str) -> None:
        """Write ``value`` before the next word, if there is one."""
        if self._layout:
            self._prefix = value

    def _flush(self) -> None:
        value = ""
        if self._parts:
            value = {0: " " if self._space else "", 1: " ", 2: "\t", 3: "\n", 4: "\n\n"}[self._break]
        value += self._prefix
        if value:
            self._parts.append((value, -1))
        self._space, self._break, self._prefix = False, 0, ""

    def words(self) -> int:
        """Return about how many words were written."""
        return sum(len(value.split()) for value, at in self._parts)

    def edits(self, text: str) -> list[Edit]:
        """Return the edits of the source ``text`` that leave what was written."""
        out: list[Edit] = []
        put: list[str] = []
        at = 0

        def close(end: int) -> None:
            before, after = text[at:end], "".join(put)
            put.clear()
            if before != after:
                out.append(Edit("html", _rule(before, after), at, end, before, after, 1.0))

        for value, place in self._parts:
            if place < 0:
                put.append(value)
                continue
            done = 0
            for first, start, end in self._source.verbatim(place, place + len(value)):
                put.append(value[done : first - place])
                done = first - place + end - start
                if start == at and any(put):  # nothing to replace: an edit must not be an insertion
                    put.append(text[start])
                    close(start + 1)
                    at = start + 1
                else:
                    close(start)
                put.clear()
                at = end
            put.append(value[done:])
        if at < len(text):
            close(len(text))
        elif any(put):
            whole = "".join(value for value, _ in self._parts)
            return [Edit("html", "page", 0, len(text), text, whole, 1.0)] if whole != text else []
        return out


def _rule(before: str, after: str) -> str:
    if before[:1] == "&" and "<" not in before:
        return "entity"
    if before.isspace():
        return "space"
    if re.search(r">[^<]*[^\s<][^<]*<", before):
        return "boilerplate"  # text went, too
    return "cell" if after == "\t" else "block" if "\n" in after else "tag"


def _read(root: LexborNode, source: _Source, keep_marks: Container[int], *, is_page: bool) -> _Writer:
    """Write the text of the tree: of the main content if it is a whole page, else all of it."""
    nodes = _places(root, source)
    whole = _Walker(nodes, source, keep_marks, layout=True)
    whole.walk(root, main_only=False)
    if whole.writer.words() < SCRAP_WORDS:
        scrap = _Walker(nodes, source, keep_marks, layout=False)
        scrap.walk(root, main_only=False)
        return scrap.writer
    if not is_page:
        return whole.writer
    main = _Walker(nodes, source, keep_marks, layout=True)
    main.walk(_main_content(root), main_only=True)
    if main.writer.words() < LEAST_SHARE * whole.writer.words():
        return whole.writer
    return main.writer


def _main_content(root: LexborNode) -> LexborNode:
    """Return the element that holds the main content, or the whole tree."""
    for selector in ("main", "[role=main]", "article"):
        hits = root.css(selector)
        if len(hits) == 1:
            return hits[0]
    return root


def _places(root: LexborNode, source: _Source) -> dict[int, int]:
    """Return where in the decoded source the text nodes stand, by the nodes' addresses; all of them, in order."""
    places: dict[int, int] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_text_node:
            places[node.mem_id] = source.find(node.text_content or "")
        elif node.tag not in ("script", "style"):
            _push(stack, node)
    return places


def _push(stack: list[LexborNode], node: LexborNode) -> None:
    child = node.last_child
    while child is not None:
        stack.append(child)
        child = child.prev


class _Walker:
    """Goes through a tree without recursion and writes its text."""

    def __init__(self, places: dict[int, int], source: _Source, keep_marks: Container[int], *, layout: bool) -> None:
        self.writer = _Writer(source, layout=layout)
        self._places = places
        self._source = source
        self._keep_marks = keep_marks
        self._layout = layout
        self._code = 0  # how many code elements are open
        self._pre = 0
        self._cell = 0  # open cells that are kept on one line
        self._fresh_row = False

    def walk(self, root: LexborNode, *, main_only: bool) -> None:
        """Write the text under ``root``; ``main_only`` leaves out navigation and hidden parts."""
        stack: list[LexborNode | tuple[str, LexborNode, str]] = [root]
        while stack:
            item = stack.pop()
            if isinstance(item, tuple):
                self._leave(*item)
            elif item.is_text_node:
                value = item.text_content or ""
                self.writer.text(value, self._places.get(item.mem_id, -1), preformatted=self._pre > 0)
            elif item.is_element_node:
                name = item.tag or ""
                if name in _NO_TEXT or (main_only and self._is_left_out(item, name)):
                    if name in REPLACED and self._layout:
                        self.writer.space()
                    continue
                stack.append(("leave", item, self._enter(item, name)))
                child = item.last_child
                while child is not None:
                    stack.append(child)
                    child = child.prev

    @staticmethod
    def _is_left_out(node: LexborNode, name: str) -> bool:
        if name in BOILERPLATE or name in ("title", "head"):
            return True
        attributes = node.attributes
        if attributes:
            if "hidden" in attributes or (attributes.get("role") or "").lower() in _ROLES:
                return True
            if (attributes.get("aria-hidden") or "").lower() == "true" or _NONE_SHOWN.search(attributes.get("style") or ""):
                return True
        if name == "header":
            return node.css_first("h1") is None and not _is_inside(node, ("main", "article", "section"))
        return False

    def _enter(self, node: LexborNode, name: str) -> str:
        """Do what the start of an element asks for; return what its end must undo."""
        if not self._layout:
            return ""
        writer = self.writer
        if name in CELL:
            writer.line_break(3 if self._fresh_row else 2)
            self._fresh_row = False
            if node.css_first("table, ul, ol, pre, h1, h2, h3") is None:
                self._cell += 1
                return "cell"
            return ""
        self._break(name)
        if name == "tr":
            self._fresh_row = True
        elif name == "li":
            writer.prefix("- ")
        elif name in REPLACED:
            writer.space()
        if name in CODE:
            undo = self._enter_code(node)
            if name in ("pre", "listing", "xmp"):
                self._pre += 1
            return undo
        if name == "textarea":
            self._pre += 1
            return "code"
        return ""

    def _break(self, name: str) -> None:
        if name in PARAGRAPH or name in BLOCK:
            self.writer.line_break(1 if self._cell else 4 if name in PARAGRAPH else 3)

    def _enter_code(self, node: LexborNode) -> str:
        self._code += 1
        if self._code > 1:
            return "code"
        body = node.text(deep=True) or ""
        span = self._span(node)
        if span:
            self.writer.code.append(span)
        if not body.strip() or not ((span and span[0] in self._keep_marks) or fragment.shows_markup(body)):
            return "code"
        longest = max(map(len, _TICKS.findall(body)), default=0)
        if "\n" in body.strip("\n"):
            fence = "`" * max(3, longest + 1)
            self.writer.line_break(3)
            self.writer.put(fence)
            self.writer.line_break(3)
            return "\n" + fence
        ticks = "`" * (longest + 1)
        pad = " " if "`" in (body[0], body[-1]) else ""
        self.writer.put(ticks + pad)
        return pad + ticks

    def _span(self, node: LexborNode) -> tuple[int, int] | None:
        """Return where the text of a code element stands in the source."""
        first = last = None
        stack = [node]
        while stack:
            item = stack.pop()
            if item.is_text_node and item.text_content:
                at = self._places.get(item.mem_id, -1)
                if at >= 0:
                    first = at if first is None else first
                    last = at + len(item.text_content) - 1
            elif item.is_element_node:
                _push(stack, item)
        if first is None or last is None:
            return None
        return self._source.place(first)[0], self._source.place(last)[1]

    def _leave(self, _: str, node: LexborNode, undo: str) -> None:
        if not self._layout:
            return
        name = node.tag or ""
        if undo == "cell":
            self._cell -= 1
        elif name in CODE or name == "textarea":
            if name in ("pre", "listing", "xmp", "textarea"):
                self._pre -= 1
            if name in CODE:
                self._code -= 1
            if undo != "code":
                self._leave_marks(undo)
        self._break(name)
        if name in REPLACED:
            self.writer.space()

    def _leave_marks(self, undo: str) -> None:
        if undo[0] == "\n":
            self.writer.line_break(3)
            self.writer.put(undo[1:])
            self.writer.line_break(3)
        else:
            self.writer.put(undo)


def _is_inside(node: LexborNode, names: tuple[str, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in names:
            return True
        parent = parent.parent
    return False
