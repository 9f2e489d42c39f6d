"""Documents as sections: a heading and the text below it, by the markup's own rules (Markdown, reST, AsciiDoc, HTML)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Section(NamedTuple):
    """A part of a document."""

    #: As plain text; empty for what stands before the first heading.
    heading: str
    #: The raw text below the heading, up to the next one of any level.
    body: str


class _Heading(NamedTuple):
    start: int
    end: int
    text: str


_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*\r?\n", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^[ \t>*+-]*(`{3,}|~{3,})")
_ATX = re.compile(r"^[ ]{0,3}#{1,6}[ \t]+(.*)$")
_SETEXT = re.compile(r"^[ ]{0,3}(?:=+|-{2,})[ \t]*$")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,500}>((?:[^<]|<(?!/?h[1-6]\b)){0,1000})</h\1\s*>", re.IGNORECASE)
_ASCIIDOC = re.compile(r"^={1,6}[ \t]+(\S.*)$")
_ASCIIDOC_BLOCK = re.compile(r"^(?:-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,}).*$")
_UNDERLINE = re.compile(r"^([=\-`:.'\"~^_*+#])\1{2,}[ \t]*$")
# Markup in a heading, and what is left of it.
_INLINE = (
    (re.compile(r"\{\{[^{}\n]{0,300}\}\}|\{[:#%][^{}\n]{0,300}\}|<br\b[^<>]{0,100}>|¶"), " "),
    (re.compile(r"!\[[^\]\n]{0,300}\]\([^()\n]{0,1000}\)|</?[A-Za-z][^<>]{0,500}>|\[\[[^\]\n]{0,200}\]\]"), ""),
    (re.compile(r"\[([^\]\n]{0,300})\](?:\([^()\n]{0,1000}\)|\[[^\]\n]{0,200}\])"), r"\1"),
    (re.compile(r"`{1,2}|\*{1,3}|(?<!\w)_{1,2}|_{1,2}(?!\w)"), ""),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


def sections(text: str, format: str) -> list[Section]:
    r"""Return the sections of a document in their order; ``format``: ``md``, ``rst``, ``adoc``, ``html`` or ``txt``.

    >>> sections("# One\ntext\n## Two *more*\nof it\n", "md")
    [Section(heading='One', body='text\n'), Section(heading='Two more', body='of it\n')]
    """
    text = text.replace("\r\n", "\n")
    begin = match.end() if (match := _FRONT_MATTER.match(text)) else 0
    found: list[Section] = []
    heading, at = "", begin
    for start, end, title in _HEADINGS[format](text, begin):
        found.append(Section(heading, text[at:start]))
        heading, at = plain(title), end
    found.append(Section(heading, text[at:]))
    return [section for section in found if section.heading or section.body.strip()]


def format_of(name: str, text: str) -> str:
    """Return the format of a document by the end of its name, else by what it begins with."""
    suffix = name.rsplit(".", 1)[-1].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    return "html" if re.match(r"\s*<(?:!doctype|html|head|body|h1)\b", text, re.IGNORECASE) else "md"


def plain(heading: str) -> str:
    """Return a heading without its markup, in one line.

    >>> plain("<a id='x'></a>Using `esxcli` with [vSphere](http://a.b) &amp; more {#using}")
    'Using esxcli with vSphere & more'
    """
    for pattern, replacement in _INLINE:
        heading = pattern.sub(replacement, heading)
    return " ".join(html.unescape(heading).split())


def _unclosed(title: str, mark: str) -> str:
    """Return a title without the marks that may close it, as in ``## Title ##``. Not by a pattern: those take time squared."""
    title = title.rstrip(" \t")
    bare = title.rstrip(mark)
    return bare.rstrip(" \t") if bare[-1:] in ("", " ", "\t") else title


def _lines(text: str, begin: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end (behind the line end) and content of each line."""
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end + 1
        yield begin, end, text[begin:end].rstrip("\n")
        begin = end


def _markdown(text: str, begin: int) -> Iterator[_Heading]:
    """Headings of CommonMark (4.2, 4.3) outside of fenced code, and those that are written in HTML."""
    fence = ""
    before: tuple[int, str] | None = None  # the line before, if it can be a heading with a line below
    in_paragraph = False  # a paragraph of several lines with a rule below is no heading that a person would search for
    for start, end, line in _lines(text, begin):
        mark = _FENCE.match(line)
        if fence or mark:
            if mark and not fence:
                fence = mark[1]
            elif mark and mark[1].startswith(fence):
                fence = ""
            before = None
        elif match := _ATX.match(line):
            yield _Heading(start, end, _unclosed(match[1], "#"))
            before = None
        elif before and _SETEXT.match(line):
            yield _Heading(before[0], end, before[1])
            before = None
        elif match := _HTML_HEADING.search(line):
            yield _Heading(start, end, match[2])
            before = None
        else:
            is_text = bool(line.strip())
            before = (start, line) if is_text and not in_paragraph and line[0].isalnum() and "|" not in line else None
            in_paragraph = is_text
            continue
        in_paragraph = False


def _rest(text: str, begin: int) -> Iterator[_Heading]:
    """Titles of reStructuredText: a line with punctuation of at least its length below, and perhaps above."""
    line_before: tuple[int, str] | None = None
    overline: int | None = None
    for start, end, line in _lines(text, begin):
        if _UNDERLINE.match(line):
            title = line_before[1].strip() if line_before else ""
            if title and not _UNDERLINE.match(title) and len(line.rstrip()) >= len(title) and line_before:
                yield _Heading(overline if overline is not None else line_before[0], end, title)
                line_before = overline = None
                continue
            overline = start
            line_before = None
            continue
        if line_before is not None:  # two lines of text: no title
            overline = None
        is_title = bool(line.strip()) and (overline is not None or not line[0].isspace())
        line_before = (start, line) if is_title else None
        if not line.strip():
            overline = None


def _asciidoc(text: str, begin: int) -> Iterator[_Heading]:
    """Titles of AsciiDoc outside of its delimited blocks."""
    block = ""
    for start, end, line in _lines(text, begin):
        if _ASCIIDOC_BLOCK.match(line):
            mark = line.rstrip()
            block = "" if mark == block or (block.startswith("```") and mark == "```") else block or mark
        elif not block and (match := _ASCIIDOC.match(line)):
            yield _Heading(start, end, _unclosed(match[1], "="))


def _html(text: str, begin: int) -> Iterator[_Heading]:
    """Headings of HTML."""
    for match in _HTML_HEADING.finditer(text, begin):
        yield _Heading(match.start(), match.end(), match[2])


_HEADINGS: dict[str, Callable[[str, int], Iterator[_Heading]]] = {
    "md": _markdown,
    "rst": _rest,
    "adoc": _asciidoc,
    "html": _html,
    "txt": _rest,
}
_SUFFIXES = {
    "md": "md", "mdx": "md", "markdown": "md", "rst": "rst", "adoc": "adoc", "asciidoc": "adoc", "html": "html", "htm": "html",
    "txt": "txt", "erb": "md",
}  # fmt: skip
#: Formats that documents can have.
FORMATS = tuple(_HEADINGS)
