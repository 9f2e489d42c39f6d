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
    fill in, conflict markers of git, text art.
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
    if any(map(str.isalnum, above)):
        like_heading = len(above) <= _HEADING and not above.endswith(_ENDS_SENTENCE)
        if like_heading or abs(len(above) - len(edit.before)) <= 3:
            return None  # under a heading
    elif not above and abs(len(below) - len(edit.before)) <= 3 and any(map(str.isalnum, below)):
        return None  # over a heading
    return edit


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
