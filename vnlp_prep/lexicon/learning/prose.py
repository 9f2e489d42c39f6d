"""The words of a document that stand in its prose, and those that stand in its inline code.

The text is decoded first (HTML, Unicode), as the chain does before its stages for words. Code, templates, link targets, log lines
and lines of another language are left out: what they hold is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.words import code_spans, english, fences, line_kind, literal_blocks
from vnlp_prep.words.regions import INLINE, front_matter, merged

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.pipeline import Preprocessor

MAX_WORD = 40  # letters; longer runs are data
_MAX_TOKEN = 200
_MAX_LINE = 20_000  # code points of a line that are looked at: a longer one is data, or a book without line ends
_EDGES = "\"'*_()[]{},.;:!?|<>=`~“”‘’«»…–—"
_OPENING = "\"'([{“‘«|"
#: A sentence or a cell ends: what follows begins with a capital whatever it is.
_CLOSING = tuple(".!?:|")
_PAUSE = tuple(".,;:!?|)]}…–—")
_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.+-][A-Za-z0-9]+){0,5}")
# Versions, and numbers in base 16: they are protected by their shape, and nobody needs them in a list.
_DATA = re.compile(r"[vV]?\d[\d.]*(?:[.-]?[a-z]{1,5}\d*)?|[vV]\d+(?:\.[\dx]+)*(?:-\w+)*|(?=[a-f]*\d)[0-9a-f]{7,}|[xX]{3,}")
_IN_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+){0,3}")
_MAX_CODE = 60  # code points of inline code in which names are looked for
_ONE_LETTER = ("a", "A", "I")
_POSSESSIVE = ("'s", "’s")


class Word(NamedTuple):
    """One word of the prose: as it stands, whether its capitals mean something, and the word right before it, if any.

    ``inside``: the word before it in the sentence begins with a small letter, so this one is no start and in no title.
    ``before``: the plain lower-cased word before it, with nothing but white space between; empty otherwise.
    """

    text: str
    inside: bool
    before: str


def decoded(text: str, decoder: Preprocessor) -> tuple[str, list[tuple[int, int]]]:
    """Return the text behind the stages that decode, and where the bodies of its code elements are.

    ``decoder`` has the stages html and unicode only.
    """
    _, after, bodies = decoder._round(text, frozenset())
    return after, [(start, end) for start, end, _ in bodies]


def masked(text: str, code: list[tuple[int, int]]) -> tuple[str, list[str]]:
    """Return the text with a stop in the place of code, templates and link targets; and what stood in inline code."""
    head = front_matter(text)
    blocks = [*([head] if head else []), *literal_blocks(text), *fences(text)]
    inline = [*code_spans(text), *code]
    pieces: list[str] = []
    at = 0
    for start, end in merged([*blocks, *inline]):
        # A bar ends the sentence: words around code are no neighbours.
        pieces += [text[at:start], " | "]
        at = max(at, end)
    pieces.append(text[at:])
    short = [text[a:b].strip("`") for a, b in inline if b - a <= _MAX_CODE]
    return INLINE.sub(_stop, "".join(pieces)), short


def _stop(m: re.Match[str]) -> str:
    # The bracket closes what the link names: "](target)".
    return "] " if m.lastgroup == "link" else " | "


def words(text: str, lexicon: Lexicon) -> Iterator[Word]:
    """Yield the words of the lines that are English prose; ``text`` is decoded and masked."""
    for line in text.split("\n"):
        if not line or line.isspace():
            continue
        line = line[:_MAX_LINE]
        found = [_parsed(token) for token in line.split()]
        plain = [low for _, low, _, _ in found if low]
        if not plain or line_kind(line) is not None or not english(plain, lexicon):
            continue
        before, is_inside = "", False
        for word, low, opens, ends in found:
            if word:
                yield Word(word, is_inside, "" if opens else before)
            is_inside = word[:1].islower() and ends < 2
            before = low if not ends else ""


def names_in_code(pieces: list[str]) -> Iterator[str]:
    """Yield the words in inline code that look like the name of something: letters, digits, hyphens."""
    for piece in pieces:
        for token in piece.split()[:1]:
            if len(token) <= MAX_WORD and _IN_CODE.fullmatch(token) and not _DATA.fullmatch(token):
                yield token


@lru_cache(maxsize=1 << 17)
def _parsed(token: str) -> tuple[str, str, bool, int]:
    """What a token holds: its word, that in lower case if it is plain letters, whether something opens, and how it ends.

    The end is 0 for nothing, 1 for a pause, 2 for the end of a sentence.
    """
    if len(token) > _MAX_TOKEN:
        return "", "", True, 2
    core = token.strip(_EDGES)
    if core.endswith(_POSSESSIVE):
        core = core[:-2]
    # What stands behind the word: "done)." ends a sentence, "etc.," does not.
    tail = token[token.rfind(core) + len(core) :] if core else token
    ends = 2 if tail.endswith(_CLOSING) or (tail[:1] in ".!?" and tail) else 1 if tail.endswith(_PAUSE) else 0
    if not core or len(core) > MAX_WORD or not _SHAPE.fullmatch(core) or _DATA.fullmatch(core):
        return "", "", True, ends
    if len(core) == 1 and core not in _ONE_LETTER:
        return "", "", True, ends
    return core, core.lower() if core.isalpha() else "", token[0] in _OPENING, ends
