"""Rulers: lines drawn with ``-----``, ``=====``, ``*****``; which of them are decoration, and which mean something."""

from __future__ import annotations

import re

from vnlp_prep.edits import Edit

#: A token that may be a ruler.
RULER = re.compile(r"([-=*_~#])\1{4,}")
# Markdown's headings are up to six of them.
_HEADING_MARK = re.compile(r"#{1,6}")
# Beside words only these are decoration: "____" is a field to fill in, "####" a heading.
_BESIDE_WORDS = "-=*"
# A line under another one of at most this length, without a full stop, underlines a heading or the head of a table.
_HEADING = 40
_ENDS_SENTENCE = (".", "!", "?", ";", ",")
# AsciiDoc's headings are up to six "=" before the words, and nothing behind them.
_MOST_LEVELS = 6
# Of so many "=" are the marks of AsciiDoc's example blocks, which stand in pairs.
_BLOCK_MARK = range(4, _MOST_LEVELS + 1)
_ASCIIDOC = re.compile(r"^(?:={1,6} \S|\[[\w#.%][^\]\n]{0,100}\]$|:[\w-]+:(?: |$)|(?:image|include|xref)::?\S)", re.M)
# The line under the heads of a pandoc table; lines over and under the whole table are as wide.
_COLUMNS = re.compile(r"^ {0,3}-{3,}(?: +-{3,})+(?= *$)", re.M)
# How far a table or a block is looked at.
_BLOCK_REACH, _SIGN_REACH = 2_000, 800
# How far a line is looked at: more never decides.
_REACH = 300
# Lines of this length and more are rulers whatever they are drawn with.
_LONG = 10


def is_ruler(token: str) -> bool:
    """True if the token is drawn as a ruler is."""
    return RULER.fullmatch(token) is not None and not _HEADING_MARK.fullmatch(token)


def removal(edit: Edit, text: str) -> Edit | None:
    """Return ``edit``, which removes the ruler at its span, with the space beside it; None if the ruler means something.

    What stays: the line under or over a heading, table columns, the frame of a comment in code, masked passwords, fields to
    fill in, conflict markers of git, text art, marks of AsciiDoc's blocks, the edges of pandoc's tables.
    """
    start, end, mark = edit.start, edit.end, edit.before[0]
    left = text.rfind("\n", max(0, start - _REACH), start) + 1 or max(0, start - _REACH)
    right = text.find("\n", end, end + _REACH)
    right = min(len(text), end + _REACH) if right < 0 else right
    before, after = text[left:start].strip(), text[end:right].strip()
    if before or after:
        return _beside_words(edit, text, before, after) if mark in _BESIDE_WORDS else None
    above, below = _line_before(text, left), _line_after(text, right)
    if mark in "_~#" and len(edit.before) < _LONG:
        return None
    for line in (above, below):
        if line.startswith(("--", "#", "//", "/*", "*", "|", "+", "<<<<<<<")) and not is_ruler(line):
            return None  # the frame of a comment, a table
        if any(c in r"|\/" for c in line) and not any(c.isalpha() for c in line):
            return None  # text art
    if edit.before == "=======" and "<<<<<<< " in text[max(0, start - 20 * _REACH) : start]:
        return None
    if _is_block_mark(edit, text) or _is_table_edge(edit, text, left):
        return None
    if any(map(str.isalnum, above)):
        like_heading = len(above) <= _HEADING and not above.endswith(_ENDS_SENTENCE)
        if like_heading or abs(len(above) - len(edit.before)) <= 3:
            return None  # under a heading
    elif not above and abs(len(below) - len(edit.before)) <= 3 and any(map(str.isalnum, below)):
        return None  # over a heading
    return edit


def _is_block_mark(edit: Edit, text: str) -> bool:
    """True for one of a pair of lines that mark a block in a text that is AsciiDoc."""
    if edit.before[0] != "=" or len(edit.before) not in _BLOCK_MARK:
        return False
    low, high = max(0, edit.start - _BLOCK_REACH), edit.end + _BLOCK_REACH
    mark = f"\n{edit.before}\n"
    near = f"\n{text[low:high]}\n"
    # One mark that follows another shares its line break.
    if len(near.split(mark)) <= 2:
        return False
    return _ASCIIDOC.search(text, max(0, edit.start - _SIGN_REACH), edit.end + _SIGN_REACH) is not None


def _is_table_edge(edit: Edit, text: str, left: int) -> bool:
    """True for the first and the last line of a multi-line table of pandoc."""
    if edit.before[0] != "-":
        return False
    width = edit.end - left
    low, high = max(0, left - _BLOCK_REACH), edit.end + _BLOCK_REACH
    if text.find("-- ", low, high) < 0:
        return False
    return any(abs(m.end() - m.start() - width) <= 1 for m in _COLUMNS.finditer(text, low, high))


def _beside_words(edit: Edit, text: str, before: str, after: str) -> Edit | None:
    """A ruler at one end of a line of words, the line beginning with one: ``===== Summary =====``."""
    words = before + after
    if not before and edit.before[0] == "=" and len(edit.before) <= _MOST_LEVELS and not after.endswith("=="):
        return None
    framed = (not before and (after[0].isalnum() or after[0] in "\"'([")) or (not after and is_ruler(before.split()[0]))
    if not framed or not any(map(str.isalpha, words)):
        return None
    start, end = edit.start, edit.end
    if after and text[end : end + 1] == " ":
        end += 1
    elif not after and text[start - 1 : start] == " ":
        start -= 1
    return edit._replace(start=start, end=end, before=text[start:end])


def _line_before(text: str, left: int) -> str:
    end = max(0, left - 1)
    return text[max(text.rfind("\n", max(0, end - _REACH), end) + 1, end - _REACH) : end].strip() if left else ""


def _line_after(text: str, right: int) -> str:
    end = text.find("\n", right + 1, right + _REACH)
    return text[right + 1 : right + _REACH if end < 0 else end].strip()
