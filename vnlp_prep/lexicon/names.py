"""Unknown words that are names: of people, and of programs that are built from a known word."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

_MIN_LETTERS = 3
_COMMON = 2.5  # Zipf
_MAX_ACRONYM = 5
# What stands before a known word in names of programs: a-, e-, kernel, file, net, v... Before a short word that it might be a
# slip of, any letter does.
_PREFIXES, _ANY_PREFIX = frozenset("adefgkmnprvx"), 6
# What stands behind it: daemon, file system, control.
_SUFFIXES = ("d", "z", "fs", "ctl")
_SHORT = 6  # letters: "buildd" is a daemon, "recommendd" a slip
# A short word with a capital beside another that nobody knows is most often a part of somebody's name.
_MAX_PART, _REACH = 6, 24
_BESIDE_LEFT, _BESIDE_RIGHT = re.compile(r"([A-Z][A-Za-z]+)\*{0,2} $"), re.compile(r"\*{0,2} ([A-Z][A-Za-z]+)")

_TITLE, _TITLE_REACH = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sir|Herr|Frau)\.?[ \t]+(?:[A-Z]\.?[ \t]+)?$"), 20


def is_built(stem: str, term: str, lexicon: Lexicon) -> bool:
    """True if the unknown ``stem`` (lower case) is built as names of programs are: a known word with letters at its edge.

    "hostd", "overlayfs", "dentry", "kobject"; a letter that stands twice ("hostt", "ddata") is a slip. ``term``: the word that
    it might be a slip of.
    """
    if len(stem) <= _MAX_ACRONYM and not lexicon.spelling(term).islower():
        return True  # "vmsd" beside "VMs"
    if stem.endswith("ds"):
        stem = stem[:-1]  # several daemons
    rests = [stem[: -len(s)] for s in _SUFFIXES if stem.endswith(s) and (stem[-1] != stem[-2] or len(stem) <= _SHORT)]
    if stem[0] != stem[1] and (stem[0] in _PREFIXES or (stem[1:] == term and len(term) <= _ANY_PREFIX)):
        rests.append(stem[1:])
    return any(len(rest) >= _MIN_LETTERS and lexicon.known_zipf(rest) >= _COMMON for rest in rests)


def in_name(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """True if the capitalised word at a span is part of a person's name: it is one, or stands beside one."""
    word = text[start:end]
    if not word[0].isupper():
        return False
    if lexicon.is_name(word):
        return True
    left = _BESIDE_LEFT.search(text, max(0, start - _REACH), start)
    right = _BESIDE_RIGHT.match(text, end, end + _REACH)
    beside = [m.group(1) for m in (left, right) if m]
    if any(map(lexicon.is_name, beside)):
        return True
    return len(word) <= _MAX_PART and any(w not in lexicon for w in beside)


def counts_up(word: str, around: Container[str], lexicon: Lexicon) -> bool:
    """True for one of several names that count up by a letter behind a known word: "usera" where "userb" is ``around``."""
    stem, last = word[:-1].lower(), word[-1:].lower()
    if len(stem) < _MIN_LETTERS or not last.isascii() or not last.isalpha() or not lexicon.known_zipf(stem):
        return False
    neighbours = (stem + chr(ord(last) + step) for step in (-1, 1))
    return any(name in around and not lexicon.known_zipf(name) for name in neighbours)


def follows_title(text: str, start: int) -> bool:
    """True if "Dr." or the like stands before the place: a name follows, whatever it looks like."""
    return _TITLE.search(text, max(0, start - _TITLE_REACH), start) is not None
