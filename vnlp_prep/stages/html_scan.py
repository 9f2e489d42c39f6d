"""One scan of a text for everything that could be HTML: tags, comments, character references; and Markdown's code.

The scan only says what is there and where. Whether a tag is markup or a placeholder that looks like one is decided in
``html_markup``. Every step is linear: no pattern can backtrack over more than it has read once, and every search for
the end of something (``-->``, ``</script``) remembers its answer.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Final, NamedTuple

from vnlp_prep.stages.html_names import (
    ATTRIBUTES,
    BOOLEAN_ATTRIBUTES,
    CODE,
    FOREIGN,
    HIDDEN,
    KNOWN,
    PARAGRAPH,
    SURE,
)
from vnlp_prep.stages.html_references import decode
from vnlp_prep.stages.html_shown import diff_hunks, is_named
from vnlp_prep.words import literal_blocks

# Alternatives that each begin with another letter, because the regex engine skips to such a start quickly.
_EVENT: Final = re.compile(
    r"""
        <(?:
            (?P<slash>/?)(?P<name>[A-Za-z][A-Za-z0-9_:.-]*)(?P<tail>
                (?P<attributes>(?=[\s/>])[^<>"'`]*(?:(?:"[^"<]*"|'[^'<]*')[^<>"'`]*)*)>
                |)
            |(?P<bang>!(?:--|\[|(?i:doctype)\b)|\?[A-Za-z])
        )
        |&(?P<escapes>(?:amp;|AMP;|\#0*38;|\#[xX]0*26;)*)
            (?P<reference>\#(?:[0-9]+|[xX][0-9A-Fa-f]+)|[A-Za-z][A-Za-z0-9]*)(?P<semicolon>;?)
        |`(?:(?<!\\`)(?P<code>[^`\n&]{1,900})`(?!`)|`*)
        |~~~+
    """,
    re.VERBOSE,
)
# Whatever can make a difference: a name, a comment or the like, a reference.
_MARKUP: Final = {
    "<": re.compile(r"<(?:/?([A-Za-z][A-Za-z0-9_:.-]*)|!(?:--|\[|(?i:doctype)\b)|\?[A-Za-z])"),
    "&": re.compile("&()[#A-Za-z]"),
}
# A quoted attribute value with "<" in it, as templates write it; bounded, because a later tag may start inside.
_TAG_WITH_ANGLE: Final = re.compile(r"""[^<>"'`]*(?:(?:"[^"]*"|'[^']*')[^<>"'`]*)*>""")
_ANGLE_LIMIT: Final = 1_000
_ATTRIBUTE: Final = re.compile(r"""\s*([A-Za-z_@:*#(\[][A-Za-z0-9_.:@()\[\]-]*)(?:\s*=(?!=)\s*(["']|[^\s"'=<>`]))?""")
_LINE_PREFIX: Final = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])?[ \t]*")
_FENCE_END: Final = re.compile(r"(`+|~+)([ \t\r]*(?=\n|\Z))?")
_CODE_SPAN_LIMIT: Final = 1_000
_PREFIX_LIMIT: Final = 200
_BLANK_LINE: Final = r"\n[ \t]*\r?\n"
_PARAGRAPH_END: Final = re.compile(_BLANK_LINE)
_HTML_LANGUAGES: Final = re.compile(
    r"[ \t{.]*(?:x?html?|xml|svg|jsx|tsx|mdx|vue|svelte|erb|ejs|jsp|php|asp|handlebars|hbs|mustache|jinja2?|liquid|rss)"
    r"\b",
    re.I,
)
_NOWHERE: Final = (sys.maxsize, sys.maxsize)
# What an exporter escapes, and nothing else: decoded even in code.
_CODE_REFERENCE: Final = re.compile(r"&((?:amp;)*)(amp|lt|gt|quot|apos|#0*(?:39|34|60|62|38)|#[xX]0*(?:27|22|3[cCeE]|26))(;?)")


class Tag:
    """One thing of the shape of a tag with a known name."""

    __slots__ = ("attributes", "bare", "closing", "end", "markup", "name", "partner", "start")

    def __init__(self, start: int, end: int, name: str, closing: bool, attributes: str, bare: bool) -> None:
        self.start = start
        self.end = end
        self.name = name  # lower case
        self.closing = closing
        self.attributes = attributes
        self.bare = bare  # no attribute that shows that it is a tag
        self.partner: Tag | None = None
        self.markup = False


class Removal(NamedTuple):
    """A stretch that is no text whatever stands around it: a comment, a script, a declaration."""

    start: int
    end: int
    rule: str


class Reference(NamedTuple):
    """A possible character reference: ``&``, ``escapes`` (more escaped ampersands), ``name``, perhaps ``;``."""

    start: int
    end: int
    escapes: str
    name: str
    semicolon: bool
    in_code: bool


class Scan(NamedTuple):
    """What one scan has found, each list in the order of the text."""

    tags: list[Tag]
    removals: list[Removal]
    references: list[Reference]
    unknown: list[tuple[int, int, str, bool]]  # start, end, name, closing: XML and placeholders


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """As ``re.compile``, which has a cache too, but takes long to see that a flag is one."""
    return re.compile(pattern, re.I)


class _Finder:
    """Searches ahead, each part of the text at most once for each pattern: it remembers where the next hit is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next: dict[str, tuple[int, int]] = {}  # pattern -> (searched from, start of the hit or -1)

    def __call__(self, pattern: str, at: int) -> int:
        """Return the start of the first hit at or behind ``at``, or -1. ``at`` should not fall for one pattern."""
        known = self._next.get(pattern)
        if known is not None and known[0] <= at and (known[1] == -1 or known[1] >= at):
            return known[1]
        match = _compiled(pattern).search(self._text, at)
        found = match.start() if match else -1
        self._next[pattern] = (at, found)
        return found

    def closing(self, name: str, at: int) -> int:
        """Return the start of the next closing tag of the element, or -1."""
        return self(f"</{name}(?=[\\s/>])", at)


def may_hold_markup(text: str) -> bool:
    """Return False if all that a scan of the text could find are placeholders and code."""
    for sign, pattern in _MARKUP.items():
        # Looking for the sign by itself is ten times as fast as letting the pattern look.
        at = text.find(sign)
        while at >= 0:
            match = pattern.match(text, at)
            # <svg> and <math> go before names of FOREIGN.
            if match is not None and (not match[1] or match[1].lower() in KNOWN):
                return True
            at = text.find(sign, at + 1)
    return False


def scan(text: str, *, markdown: bool = True) -> Scan:
    """Return everything in ``text`` that could be HTML and does not stand in code of Markdown (or AsciiDoc, Jekyll).

    ``markdown=False``: the text is HTML, and backticks and indentation mean nothing.
    """
    tags: list[Tag] = []
    removals: list[Removal] = []
    references: list[Reference] = []
    unknown: list[tuple[int, int, str, bool]] = []
    find = _Finder(text)
    literal = iter(sorted([*literal_blocks(text), *diff_hunks(text)]) if markdown else ())
    literal_start, literal_end = next(literal, _NOWHERE)
    foreign = "<svg" in text or "<math" in text
    at = 0
    cdata_end = 0
    html_code_end = 0  # within the body of an HTML code element backticks are backticks
    search = _EVENT.search
    while (match := search(text, at)) is not None:
        start, at = match.span()
        while literal_end <= start:
            literal_start, literal_end = next(literal, _NOWHERE)
        if literal_start <= start:
            references += _code_references(text, start, literal_end)
            at = literal_end
            continue
        char = text[start]
        if char == "<":
            slash, name, attributes, bang = match.group(1, 2, 4, 5)
            if name is None:
                removal = _declaration(text, start, bang, find)
                if removal is not None and start >= cdata_end:
                    removals += removal
                    at = removal[0].end
                    cdata_end = removal[-1].end
                continue
            lowered = name if name.islower() else name.lower()
            if lowered not in KNOWN and not (foreign and lowered in FOREIGN):
                if attributes is not None and not attributes.endswith("/"):
                    unknown.append((start, at, name, slash == "/"))
                at = start + 1 + len(slash) + len(name)
                continue
            if attributes == "" and (lowered is name or lowered in SURE or name.isupper()):
                tag = Tag(start, at, lowered, slash == "/", "", bare=True)
            else:
                stop = start + 1 + len(slash) + len(name)
                maybe = _tag(text, start, stop, at, name, slash == "/", attributes)
                if maybe is None:
                    at = stop
                    continue
                tag = maybe
            at = tag.end
            tags.append(tag)
            if lowered in CODE and not tag.closing and start >= html_code_end:
                html_code_end = max(html_code_end, _code_element_end(tag, find))
            elif lowered in HIDDEN and not tag.closing:
                end = _hidden_end(text, tag, find)
                if end:
                    tags.pop()
                    removals.append(Removal(start, end, "script"))
                    at = end
        elif char == "&":
            references.append(Reference(start, at, match[6], match[7], match[8] == ";", in_code=False))
        elif match.lastgroup == "code":  # of the plainest kind, and nothing in it to decode
            if not markdown or start < html_code_end:
                at = start + 1
        elif markdown and start >= html_code_end:
            body = _markdown_code(text, start, at)
            if body is not None:
                body_start, body_end, at, is_markup = body
                if not is_markup:
                    references += _code_references(text, body_start, body_end)
    return Scan(tags, removals, references, unknown)


def _tag(text: str, start: int, stop: int, end: int, name: str, closing: bool, attributes: str | None) -> Tag | None:
    """Return the tag from ``start`` to ``end``, its name ending at ``stop``; None if its attributes are not of a tag."""
    if attributes is None:
        # Only worth a second look where a "<" in a quoted value is what ended the first one.
        longer = _TAG_WITH_ANGLE.match(text, stop, stop + _ANGLE_LIMIT) if text[stop : stop + 1].isspace() else None
        if longer is None:
            return None
        attributes, end = text[stop : longer.end() - 1], longer.end()
    lowered = name.lower()
    sure = lowered in SURE
    if not sure and lowered != name and not name.isupper():
        return None  # <Title>, <Object>: a type or a component
    stripped = attributes.strip(" \t\r\n\f/")
    if not stripped:
        return Tag(start, end, lowered, closing, "", bare=True)
    if closing:
        return None
    if "=" in stripped:
        return Tag(start, end, lowered, closing, stripped, bare=False) if _plausible(stripped) else None
    if all(word.lower() in BOOLEAN_ATTRIBUTES for word in stripped.split()):
        return Tag(start, end, lowered, closing, stripped, bare=not sure)
    return None


def _plausible(attributes: str) -> bool:
    """Return True if ``attributes`` begin as attributes of HTML do: `a<b and c == d>` is none."""
    if attributes.count("{") != attributes.count("}"):
        return False  # <div onClick={() => ...}>: the tag does not end at this ">"
    at = 0
    while match := _ATTRIBUTE.match(attributes, at):
        name, value = match[1].lower(), match[2]
        if value is None:
            if name not in BOOLEAN_ATTRIBUTES:
                return False
            at = match.end()
        else:
            return value in "\"'" or name in ATTRIBUTES or name.startswith(("data-", "aria-", "on"))
    return False


def _declaration(text: str, start: int, kind: str, find: _Finder) -> list[Removal] | None:
    """Return what a comment, doctype, CDATA section or processing instruction takes away, or None."""
    if kind == "!--":
        end = find("-->", start + 2)
        bang = find("--!>", start + 4)
        if bang != -1 and (end == -1 or bang < end):
            return [Removal(start, bang + 4, "comment")]
        return [Removal(start, end + 3, "comment")] if end != -1 else None
    if kind == "![":
        if text.startswith("<![CDATA[", start):
            end = find(r"\]\]>", start + 9)
            # Its content is text: only the marks go.
            return [Removal(start, start + 9, "cdata"), Removal(end, end + 3, "cdata")] if end != -1 else None
        if text.startswith(("<![if ", "<![endif]"), start):
            end = find(">", start)
            return [Removal(start, end + 1, "comment")] if end != -1 else None
        return None
    if kind[0] == "?":
        end = find(r"\?>", start + 2)
        if end == -1 or (text.startswith("<?xml", start) and _xml_follows(text, end + 2)):
            return None
        return [Removal(start, end + 2, "instruction")]
    end = text.find(">", start, start + _ANGLE_LIMIT)
    if end == -1 or "<" in text[start + 1 : end]:
        return None
    words = text[start + 9 : end].split(None, 1)
    if words and words[0].lower() not in KNOWN:
        return None  # the document type of some XML
    return [Removal(start, end + 1, "doctype")]


_NEXT_TAG: Final = re.compile(r"\s*<(?!!--)!?(?:DOCTYPE\s+)?([A-Za-z][\w:.-]*)", re.I)


def _xml_follows(text: str, at: int) -> bool:
    """Return True if the first tag behind an XML declaration is not of HTML: then it belongs to a shown file."""
    match = _NEXT_TAG.match(text, at)
    return match is not None and match[1].lower() not in KNOWN


def _code_element_end(tag: Tag, find: _Finder) -> int:
    """Return where the body of the code element ends, or 0 if nothing shows that it is one."""
    end = find.closing(tag.name, tag.end)
    if end != -1 and tag.name not in PARAGRAPH:
        blank = find(_BLANK_LINE, tag.end)  # an inline element does not reach over one
        if -1 < blank < end:
            return 0
    return max(end, 0)


def _hidden_end(text: str, tag: Tag, find: _Finder) -> int:
    """Return the end of the closing tag of a script, style or template, or 0 if there is none."""
    if tag.attributes.endswith("/"):
        return 0
    close = find.closing(tag.name, tag.end)
    end = text.find(">", close, close + _ANGLE_LIMIT) if close != -1 else -1
    if end == -1:
        return 0
    if tag.bare and is_mention(text, tag.start, tag.end) and is_mention(text, close, end + 1):
        return 0
    if close == tag.end and is_named(text, tag.start, end + 1):
        return 0
    return end + 1


def is_mention(text: str, start: int, end: int) -> bool:
    """Return True if the tag stands in a line of text like a word: `wrap it in a <div> tag`, `"<b>"`."""
    before = text[start - 1] if start else "\n"
    after = text[end] if end < len(text) else "\n"
    if before in " \t":
        if after not in " \t\r\n),.;:?!":
            return False
        last = text[max(0, start - _PREFIX_LIMIT) : start].rstrip(" \t")[-1:]
        return last not in ("", "\n", ">")  # at the start of a line, or behind a tag, it is no word
    return before + after in ('""', "''", "()", "``")


def _markdown_code(text: str, start: int, end: int) -> tuple[int, int, int, bool] | None:
    """Return body start, body end, end and "is HTML source" of the Markdown code that opens with ``text[start:end]``.

    None if these backticks or tildes open nothing.
    """
    length = end - start
    if length >= 3 and _starts_line(text, start):
        line_end = text.find("\n", end)
        if line_end == -1:
            line_end = len(text)
        info = text[end : min(line_end, end + 200)]
        if text[start] == "~" or "`" not in info:
            body_end, stop = _closing_fence(text, text[start:end], line_end)
            return line_end, body_end, stop, bool(_HTML_LANGUAGES.match(info))
    if text[start] == "~" or (start and text[start - 1] == "\\"):
        return None
    ticks = text[start:end]
    limit = min(len(text), end + _CODE_SPAN_LIMIT)
    blank = _PARAGRAPH_END.search(text, end, limit)
    if blank:
        limit = blank.start()
    at = text.find(ticks, end, limit)
    while at != -1:
        stop = at + length
        while stop < len(text) and text[stop] == "`":
            stop += 1
        if stop - at == length:
            return end, at, stop, False
        at = text.find(ticks, stop, limit)
    return None


def _closing_fence(text: str, fence: str, at: int) -> tuple[int, int]:
    """Return the span of the line, from the line break on, that closes a fence that opens on the line that ends at ``at``.

    An open fence runs to the end of the text, as in Markdown: a chunk of a document may end within it.
    """
    found = text.find(fence, at)
    while found >= 0:
        line = text.rfind("\n", at, found)
        marks = _FENCE_END.match(text, found)
        assert marks is not None
        if marks[2] is not None and line >= 0 and not text[line + 1 : found].strip(" \t>"):
            return line, marks.end()
        found = text.find(fence, marks.end(1))
    return len(text), len(text)


def _starts_line(text: str, at: int) -> bool:
    """Return True if only indentation, quote marks or a list marker stand before ``at`` on its line."""
    line = text.rfind("\n", max(0, at - _PREFIX_LIMIT), at) + 1
    if not line and at > _PREFIX_LIMIT:
        return False
    return _LINE_PREFIX.fullmatch(text, line, at) is not None


def _code_references(text: str, start: int, end: int) -> list[Reference]:
    """Return the references in Markdown's code that an exporter must have put there.

    Code that was escaped as a whole holds no bare ``<``, ``"`` or ``&``; where one is left, the references belong to
    the code. A body that is nothing but references, or that quotes one, shows them.
    """
    if text.find("&", start, end) == -1:
        return []
    body = text[start:end]
    found: list[Reference] = []
    rest: list[str] = []
    at = 0
    quotes = False
    for match in _CODE_REFERENCE.finditer(body):
        if not match[3]:
            return []
        before, after = body[match.start() - 1 : match.start()], body[match.end() : match.end() + 1]
        if before == after and before and before in "'\"`":
            return []
        name = match[2]
        quotes = quotes or decode(name) == '"'
        rest.append(body[at : match.start()])
        at = match.end()
        found.append(Reference(start + match.start(), start + at, match[1], name, semicolon=True, in_code=True))
    rest.append(body[at:])
    bare = "".join(rest)
    if not found or "<" in bare or "&" in bare or (quotes and '"' in bare) or not any(map(str.isalnum, bare)):
        return []
    return found
