"""Damage as text meets it on its way: typed in a hurry, exported as HTML, read in the wrong encoding. Seeded; one kind or more.

Written from what happens to text, and from nothing that ``vnlp_prep`` knows: no list of it, no rule of it is read here. Nothing
is added that means something: no word, no quote. No word is damaged twice, and none beyond recognition, for that helps
nobody to see anything.

    html          a word in an inline element, its apostrophe as a reference, a hard space or line break behind it; and of some
                  texts as a whole the reserved characters escaped, the paragraphs in ``<p>``
    unicode       hard spaces and apostrophes in UTF-8 that was read as Windows-1252, soft hyphens, zero-width spaces, ligatures;
                  and of some texts as a whole typographic quotes and everything that is not ASCII misread
    repeats       a vowel or the last letter two to five times more, the punctuation behind the word three to six times
    run-together  the space to the next word is lost
    typos         one letter left out, typed twice, swapped with the next, or hit beside on a QWERTY keyboard; words of four
                  letters or more, seldom the first letter

Words with capitals inside (acronyms, identifiers) are spared by the last three. Code, addresses and markup are no prose.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from vinilm.evaluation.prose import Word, words
from vnlp_prep.errors import SettingsError

#: Kinds of damage.
KINDS = ("html", "unicode", "repeats", "run-together", "typos")
#: Texts that are exported, or misread, as a whole: so many times the share of words.
_WHOLE = 5


class Damaged(NamedTuple):
    """A text, and what was done to it."""

    text: str
    #: Words that could be damaged, and that were.
    words: int
    damaged: int


class _Edit(NamedTuple):
    start: int
    end: int
    new: str
    #: It is HTML already: nothing in it is escaped.
    is_markup: bool = False
    #: It was read in the wrong encoding, whatever became of the rest of the text.
    is_misread: bool = False


@dataclass(frozen=True)
class Damager:
    """Damages the share ``rate`` of the words of prose, each with one of ``kinds`` that can befall it, all as likely.

    The same ``seed``, text and name give the same damage. Raises SettingsError for a rate outside 0 to 1 or an unknown kind.
    """

    rate: float = 0.1
    kinds: tuple[str, ...] = KINDS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise SettingsError(f"damage={self.rate} must be above 0 and at most 1: the share of words that are damaged")
        if not self.kinds:
            raise SettingsError(f"no kind of damage is named; kinds are {', '.join(KINDS)}")
        if unknown := [kind for kind in self.kinds if kind not in KINDS]:
            raise SettingsError(f"damage of the kind {', '.join(unknown)} is unknown; kinds are {', '.join(KINDS)}")

    def __call__(self, text: str, name: str) -> Damaged:
        """Return ``text`` damaged; ``name`` tells equal texts apart.

        >>> Damager(1, ("typos",), seed=3)("The host has lost its network connection.", "a").text
        'The hosg has lot its ntework cnnection.'
        """
        chance = random.Random(f"{self.seed}\0{','.join(self.kinds)}\0{name}")  # noqa: S311 - not for cryptography
        is_misread = "unicode" in self.kinds and chance.random() < _WHOLE * self.rate
        is_exported = "html" in self.kinds and chance.random() < _WHOLE * self.rate
        found = words(text)
        edits: list[_Edit] = []
        for i, word in enumerate(found):
            if chance.random() >= self.rate or (edits and edits[-1].end > word.start):
                continue
            following = found[i + 1] if i + 1 < len(found) else None
            if edit := self._edit(text, word, following, chance):
                edits.append(edit)
        return Damaged(_applied(text, edits, is_misread, is_exported), len(found), len(edits))

    def _edit(self, text: str, word: Word, following: Word | None, chance: random.Random) -> _Edit | None:
        """Return damage to a word, of the first kind in a random order that can befall it."""
        kinds = list(self.kinds)
        while kinds:
            kind = kinds.pop(int(chance.random() * len(kinds)))
            if edit := _DAMAGE[kind](text, word, following, chance):
                return edit
        return None


def _applied(text: str, edits: Sequence[_Edit], is_misread: bool, is_exported: bool) -> str:
    def passed_on(piece: str, edit: _Edit | None = None) -> str:
        if is_misread or (edit and edit.is_misread):
            piece = _misread(_typographic(piece))
        if is_exported and not (edit and edit.is_markup):
            piece = escape(piece).replace("&#x27;", "&#39;")
        return piece

    out, at = [], 0
    for edit in edits:
        out += [passed_on(text[at : edit.start]), passed_on(edit.new, edit)]
        at = edit.end
    result = "".join([*out, passed_on(text[at:])])
    return _in_paragraphs(result) if is_exported else result


# --- HTML -------------------------------------------------------------------------------------------------------------

_INLINE = ("b", "i", "em", "strong", "u", 'span class="term"', 'font color="#333333"')


def _html(text: str, word: Word, _: Word | None, chance: random.Random) -> _Edit:
    start, end, found = word
    if "'" in found:
        return _Edit(start, end, found.replace("'", _pick(("&#39;", "&apos;", "&rsquo;", "&#8217;"), chance)), is_markup=True)
    if chance.random() < 0.4 and text[end : end + 1] == " ":
        return _Edit(start, end + 1, found + _pick(("&nbsp;", "&#160;", "<br>", "<br />\n"), chance), is_markup=True)
    tag = _pick(_INLINE, chance)
    return _Edit(start, end, f"<{tag}>{found}</{tag.split()[0]}>", is_markup=True)


def _in_paragraphs(text: str) -> str:
    """Return the text with its paragraphs in ``<p>``, but for those that begin with markup of another kind or are code."""
    out, in_code = [], False
    for paragraph in text.split("\n\n"):
        is_code = in_code or "```" in paragraph or "~~~" in paragraph
        in_code ^= (paragraph.count("```") + paragraph.count("~~~")) % 2 == 1
        out.append(f"<p>{paragraph}</p>" if not is_code and paragraph[:1].isalpha() else paragraph)
    return "\n\n".join(out)


# --- Unicode ----------------------------------------------------------------------------------------------------------

# What a word processor makes of apostrophes and quotes that are typed.
_TYPOGRAPHIC = (
    (re.compile(r"(?<=[A-Za-z])'(?=[a-z])"), "’"),
    (re.compile(r'(?<![^\s(])"(?=[A-Za-z])'), "“"),
    (re.compile(r'(?<=[A-Za-z.,])"(?=[\s).,:;]|\Z)'), "”"),
)
_LIGATURES = (("ffi", "ﬃ"), ("ffl", "ﬄ"), ("ff", "ﬀ"), ("fi", "ﬁ"), ("fl", "ﬂ"))


def _misread(text: str) -> str:
    """Return the text as a browser shows its UTF-8 that is said to be Windows-1252 (WHATWG: the five free bytes are controls)."""
    if text.isascii():
        return text
    data = text.encode("utf-8", "surrogatepass")
    return "".join(bytes([b]).decode("cp1252") if b not in _FREE else chr(b) for b in data)


_FREE = frozenset(b"\x81\x8d\x8f\x90\x9d")


def _typographic(text: str) -> str:
    for pattern, sign in _TYPOGRAPHIC:
        text = pattern.sub(sign, text)
    return text


def _unicode(text: str, word: Word, _: Word | None, chance: random.Random) -> _Edit:
    start, end, found = word
    if "'" in found:
        return _Edit(start, end, found.replace("'", "’"), is_misread=True)
    kind = chance.random()
    if kind < 0.5 and text[end : end + 1] == " ":
        return _Edit(start, end + 1, f"{found}\xa0", is_misread=True)
    if kind < 0.75 and (pair := next(((a, b) for a, b in _LIGATURES if a in found), None)):
        return _Edit(start, end, found.replace(*pair, 1))
    at = 1 + int(chance.random() * (len(found) - 1)) if len(found) > 1 else 1
    return _Edit(start, end, found[:at] + _pick(("\u200b", "\u00ad", "\u200c", "\ufeff"), chance) + found[at:])


# --- What fingers do --------------------------------------------------------------------------------------------------

_PUNCTUATION = re.compile(r"[.!?](?=\s|\Z)")


def _is_name(word: str) -> bool:
    """True for words with capitals inside: acronyms and identifiers, which are no prose that a finger slips on."""
    return not word[1:].islower()


def _repeats(text: str, word: Word, _: Word | None, chance: random.Random) -> _Edit | None:
    start, end, found = word
    if (mark := _PUNCTUATION.match(text, end)) and chance.random() < 0.5:
        return _Edit(start, end + 1, found + mark[0] * (3 + int(chance.random() * 4)))
    places = [i for i, c in enumerate(found) if c.isalpha() and (c.lower() in "aeiou" or i == len(found) - 1)]
    if _is_name(found) or not places:
        return None
    at = places[int(chance.random() * len(places))]
    return _Edit(start, end, found[:at] + found[at] * (2 + int(chance.random() * 4)) + found[at:])


def _run_together(text: str, word: Word, following: Word | None, _: random.Random) -> _Edit | None:
    if following is None or following.start != word.end + 1 or text[word.end] != " ":
        return None
    if len(following.text) < 2 or not following.text.islower() or _is_name(word.text):
        return None
    return _Edit(word.start, following.end, word.text + following.text)


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Key -> the letters beside, above and below it, each row half a key to the right of the one above."""
    at = {letter: (row, column + row / 2) for row, keys in enumerate(_ROWS) for column, letter in enumerate(keys)}
    return {
        a: "".join(b for b, (r, c) in at.items() if a != b and abs(r - row) <= 1 and abs(c - column) <= 1)
        for a, (row, column) in at.items()
    }


_BESIDE = _neighbours()


def _typo(_: str, word: Word, __: Word | None, chance: random.Random) -> _Edit | None:
    start, end, found = word
    letters = [i for i, c in enumerate(found) if c.isascii() and c.isalpha()]
    if len(letters) < 4 or _is_name(found):
        return None
    if chance.random() >= 0.05:
        letters = letters[1:]
    i = letters[int(chance.random() * len(letters))]
    letter = found[i]
    kind = chance.random()
    if kind < 0.3:
        return _Edit(start, end, found[:i] + found[i + 1 :])
    if kind < 0.5:
        return _Edit(start, end, found[:i] + letter + found[i:])
    if kind < 0.75:
        j = i + 1 if i + 1 < len(found) else i - 1
        a, b = min(i, j), max(i, j)
        if found[a].lower() != found[b].lower() and found[a].isalpha() and found[b].isalpha():
            pair = found[b] + found[a]
            # The shift key is held for the first letter, whichever it is.
            pair = pair.capitalize() if found[a].isupper() and found[b].islower() else pair
            return _Edit(start, end, found[:a] + pair + found[b + 1 :])
    hit = _pick(_BESIDE[letter.lower()], chance)
    hit = hit.upper() if letter.isupper() else hit
    # Beside the key: instead of it, or together with it.
    return _Edit(start, end, found[:i] + (hit if kind < 0.93 else letter + hit) + found[i + 1 :])


def _pick(choices: Sequence[str], chance: random.Random) -> str:
    return choices[int(chance.random() * len(choices))]


_DAMAGE: dict[str, Callable[[str, Word, Word | None, random.Random], _Edit | None]] = {
    "html": _html,
    "unicode": _unicode,
    "repeats": _repeats,
    "run-together": _run_together,
    "typos": _typo,
}
