r"""Unicode damage: mojibake, control and invisible characters, look-alike forms of plain characters, NFC.

What is repaired is what a reader would not see or would call broken; what carries meaning stays (``™``, ``²``, ``½``,
``…``, dashes, emoji, other scripts). Mojibake is told and repaired by ftfy; the rest is done here, character by
character, so that every edit is as small as it can be and a clean line costs one search.

>>> from vnlp_prep.edits import apply
>>> def clean(text):
...     return apply(text, [e for e in UnicodeStage().propose(text) if e.confidence == 1.0])
>>> clean("The clientâ€™s Â½ GB soft\u200bware \u2013 10\u00a0²")
"The client's ½ GB software – 10 ²"
>>> clean("\x1b[31merror\x1b[0m: no ﬁle")
'error: no file'
>>> [(e.rule, e.after, e.confidence) for e in UnicodeStage().propose("log in at p\u0430ypal")]
[('confusable', 'paypal', 0.5)]
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from vnlp_prep.edits import Edit, apply, compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: Rounds of repair before a line is given up as unstable. Real damage needs two or three (mojibake of a ligature).
ROUNDS = 20
#: Longest piece, in code points, that ftfy sees at once: its work on one piece may grow faster than the piece.
PIECE = 20_000
#: Longest run of combining marks that is normalized (UAX #15, Stream-Safe Text Format): sorting a run is quadratic.
MARKS = 30

# --- What lets a text pass --------------------------------------------------------------------------------------------

_PLAIN_BYTES = b"\t\n\r" + bytes(range(0x20, 0x7F))
_ODD = re.compile(r"[^\t\n\r -~]")

# Symbols that no rule here touches and that, among themselves and ASCII, are never mojibake: dashes, bullets, dots,
# ©, ®, ™, arrows, symbols, emoji. Curly quotes and the no-break space join them in _SIMPLE: they have a rule, but one
# that looks at the character and its neighbours only.
_EMOTICONS = "\U0001f300-\U0001f3f3\U0001f3f5-\U0001faff"  # but for the black flag, which tag characters may follow
_SYMBOLS = f"\u00a9\u00ae\u2010-\u2017\u2022\u2026\u2122\u2190-\u21ff\u2600-\u27bf{_EMOTICONS}"
_SIMPLE = re.compile(rf"[\u00a0\u2018-\u201f{_SYMBOLS}]")

# A line that ftfy might call bad has one of these: a superset of ftfy.badness (tested against it), so that ftfy, which
# takes 0.1 s to import, is not asked about a lone "é". Characters of _CALM mean nothing beside each other, nor do the
# lines of a drawn box.
_ASCII = r"\x00-\x7f"
_OTHER = f"\u200b-\u200f\u3000-\u9fff\uac00-\ud7a3\ufe0f{_SYMBOLS}"  # in no known mojibake
_CALM = f"\u00a0\u00ab\u00ad\u00b4\u00b7\u00bb\u00bf\u2018-\u201f\u2039\u203a\u2500{_OTHER}"
_BOX = "\u2501-\u259f"
_QUIET = "\u00a0\u00ad\u00b7\u2010-\u2015\u2019\u2026\u2190-\u21ff\u2500\u2600-\u27bf\ufe0f\U0001f300-\U0001faff"
_MAYBE_BAD = re.compile(
    "[\x80-\x9fŒœ]|[ÃÂ] "
    f"|[^{_ASCII}{_CALM}{_BOX}][^{_ASCII}]|[^{_ASCII}][^{_ASCII}{_CALM}{_BOX}]"
    f"|[{_BOX}][^{_ASCII}{_BOX}{_QUIET}]|[^{_ASCII}{_BOX}{_QUIET}][{_BOX}]"
)

# --- Characters with a rule -------------------------------------------------------------------------------------------

_EMOJI = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u2bff\U0001f000-\U0001faff"
# Scripts whose letters change form or cluster at U+200C and U+200D: Arabic to Mandaic, Indic, Tibetan, Myanmar, Khmer,
# Mongolian.
_JOINING = "\u0600-\u085f\u0860-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
# Scripts written without spaces, where U+200B marks the word boundary: Thai, Lao, Tibetan, Myanmar, Khmer, Tai.
_SPACELESS = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf"
_QUOTES = "\"'\u00ab\u00bb\u2018-\u201f\u2039\u203a"
# What a variation selector cannot vary: ASCII (but for the bases of keycaps), Latin letters, spaces, another selector.
_NO_VARIANT = r"\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f\u00a0\u00c0-\u024f\u2000-\u200f\u2028-\u202f\ufe00-\ufe0f"

_RULES = {
    # Kept: the flags of England, Scotland, Wales ... are a black flag and tag characters.
    "flag": "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,16}\U000e007f",
    # ECMA-48 control sequences, operating system commands (window titles), choice of character set.
    "escape": r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)|[()][0-9A-Z]|[=>78])",
    "control": "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u206a-\u206f\ufff9-\ufffc]",
    "c1": "[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]",
    "tag": "[\U000e0000-\U000e007f]",
    "bidi": "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    "invisible": "|".join(
        (
            r"(?<![0-9])\u00ad|\u00ad(?![0-9])",  # between digits somebody may have meant it as a hyphen
            rf"(?<![{_SPACELESS}])\u200b|\u200b(?![{_SPACELESS}])",
            rf"(?<![{_JOINING}])\u200c(?![{_JOINING}])",
            rf"(?<![{_JOINING}])\u200d(?![{_JOINING}])(?:(?<![{_EMOJI}\ufe0f]\u200d)|(?![{_EMOJI}]))",
            r"[\u2060-\u2065\ufeff]",
            rf"(?<![^{_NO_VARIANT}])[\ufe00-\ufe0f]",
            "(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]",
        )
    ),
    # A no-break space beside a quotation mark is typography (French and others), not an accident.
    "space": rf"(?<![{_QUOTES}])\u00a0(?![{_QUOTES}])|[\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    "quote": "[\u02bc\u2018-\u201f]",
    "ligature": "[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]",
    "width": "[\uff01-\uffbe\uffc2-\uffc7\uffca-\uffcf\uffd2-\uffd7\uffda-\uffdc\uffe0-\uffe6\uffe8-\uffee]",
    "surrogate": "[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]",
}
_CHARACTERS = re.compile("|".join(f"(?P<{rule}>{pattern})" for rule, pattern in _RULES.items()))
_SIMPLE_RULES = re.compile("|".join(f"(?P<{rule}>{_RULES[rule]})" for rule in ("space", "quote")))
# Where a rule can begin: the look-arounds of _CHARACTERS cost too much to try them at every letter.
_CANDIDATE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\u02bc\u061c"
    "\u2000-\u200f\u2018-\u201f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff\ufb00-\ufb06\ufe00-\ufe0f\ufeff-\uffff"
    "\U0001f3f4\U000e0000-\U000e01ff]"
)

_CJK = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff\uac00-\ud7a3]")
_WIDE_PUNCTUATION = re.compile("[\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff60]")
# Bold and underlined text of old manual pages: a character struck over itself, or over an underscore.
_OVERSTRIKE = re.compile(r"_\x08(?=[^\x08\n])|([^\x08\n])\x08(?=\1)")
#: Code points of C1 that Windows-1252 leaves without a character: nothing can be made of them.
_LEFTOVERS = re.compile("[\x81\x8d\x8f\x90\x9d]")

# --- Normalization ----------------------------------------------------------------------------------------------------

# Characters that NFC neither changes nor joins to the one before (tested against unicodedata): a cut before is safe.
_INERT = (
    "\x00-\u02ff\u0388-\u0482\u2002-\u20cf\u2190-\u2328\u2400-\u2adb\u3003-\u3029\u3030-\u3098\u309b-\u30ff"
    "\u3400-\ua66e\uac00-\ud7a3\uff01-\uffef\U0001f000-\U0001faff"
)
_CLUSTER = re.compile(f"[{_INERT}]?[^{_INERT}]+")

# --- Confusables ------------------------------------------------------------------------------------------------------

#: Cyrillic and Greek letters drawn like a Latin one (from Unicode's confusables.txt, those alike in most fonts).
_CONFUSABLE = str.maketrans(
    "аеорсухіјѕԁһԛԝӏАВЕЅІЈКМНОРСТУХҮ" "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwlABESIJKMHOPCTYXY" "oABEZHIKMNOPTYX",
)  # fmt: skip
_LOOKALIKE = "".join(map(chr, _CONFUSABLE))
_MIXED = re.compile(f"(?<=[A-Za-z])[{_LOOKALIKE}]|[{_LOOKALIKE}](?=[A-Za-z])")
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 64  # code points of a word that is worth a report


class UnicodeStage:
    """Proposes the repair of Unicode damage; never needs to know what the text is about.

    Edits that are certain have confidence 1.0; words that mix Latin with look-alike letters are reported with 0.5.
    Repair is idempotent: the repaired text gets no edit again (but is reported again).
    """

    name = "unicode"

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:  # noqa: ARG002
        """Return the edits of ``text``, sorted and disjoint. ``code`` is ignored: damage in program text is damage too.

        Linear in the length of ``text``; never raises, also not for lone surrogates.
        """
        if text.isascii() and not text.encode().translate(None, _PLAIN_BYTES):
            return []
        edits: list[Edit] = []
        simple: list[Edit] = []  # edits of the current line, as long as nothing but quotes and spaces is odd in it
        at = line_end = 0
        while odd := _ODD.search(text, at):
            start, at = odd.span()
            if start >= line_end:
                edits += simple
                simple.clear()
                line_end = text.find("\n", at) + 1 or len(text)
            if not _SIMPLE.match(odd[0]):
                line_start = text.rfind("\n", 0, start) + 1
                line = text[line_start:line_end]
                edits += (_moved(e, line_start) for e in _with_reports(_line_edits(line), _confusables(line)))
                simple.clear()
                at = line_end
            elif m := _SIMPLE_RULES.match(text, start):
                simple.append(_character_edit(m))
        return edits + simple


def _moved(edit: Edit, by: int) -> Edit:
    return edit._replace(start=edit.start + by, end=edit.end + by)


def _line_edits(line: str) -> list[Edit]:
    """Return the edits of one line, repaired until nothing is left to repair; none when it does not come to rest."""
    edits: list[Edit] = []
    repaired: list[tuple[int, int]] = []
    now = line
    for _ in range(ROUNDS):
        rule_is_mojibake = False
        step = _mojibake_edits(now)
        if step:
            rule_is_mojibake = True
        else:
            step = _overstrike_edits(now) or _character_edits(now, bool(repaired)) or _nfc_edits(now) or _leftover_edits(now)
        if not step:
            return edits
        edits = _named(compose(line, edits, step), repaired) if edits else step
        if rule_is_mojibake:
            repaired = [(e.start, e.end) for e in edits if e.rule == "mojibake"]
        now = apply(now, step)
    return []


def _named(edits: list[Edit], repaired: list[tuple[int, int]]) -> list[Edit]:
    """Call edits that contain repaired mojibake by that name, whatever was done to its characters afterwards."""
    out, i = [], 0
    for e in edits:
        while i < len(repaired) and repaired[i][1] <= e.start:
            i += 1
        hit = i < len(repaired) and repaired[i][0] < e.end
        out.append(e._replace(rule="mojibake") if hit else e)
    return out


# --- Steps ------------------------------------------------------------------------------------------------------------


def _mojibake_edits(line: str) -> list[Edit]:
    """Return what ftfy's ``fix_encoding`` changes in ``line``, as small edits."""
    if not _MAYBE_BAD.search(line):
        return []
    from ftfy import TextFixerConfig, fix_encoding  # here: most texts never need it
    from ftfy.badness import is_bad

    edits: list[Edit] = []
    for start, end in _pieces(line):
        piece = line[start:end]
        if is_bad(piece):
            fixed = fix_encoding(piece, TextFixerConfig(explain=False))
            edits += (
                Edit("unicode", "mojibake", start + i, start + j, piece[i:j], after, 1.0)
                for i, j, after in _differences(piece, fixed)
            )
    return edits


def _pieces(line: str) -> Iterator[tuple[int, int]]:
    """Cut ``line`` into pieces of at most PIECE code points, behind a space where there is one."""
    at = 0
    while len(line) - at > PIECE:
        end = line.rfind(" ", at, at + PIECE) + 1 or at + PIECE
        yield at, end
        at = end
    yield at, len(line)


def _character_edits(line: str, all_widths: bool) -> list[Edit]:
    """Return edits of single characters and escape sequences.

    Full-width punctuation is the normal form in a line of Chinese, Japanese or Korean and stays there, unless
    ``all_widths``: a line that was mojibake gets the whole treatment.
    """
    edits: list[Edit] = []
    keep_wide = False if all_widths else None
    at = 0
    while candidate := _CANDIDATE.search(line, at):
        m = _CHARACTERS.match(line, candidate.start())
        at = m.end() if m else candidate.end()
        if m is None or m.lastgroup == "flag":
            continue
        if m.lastgroup == "width" and _WIDE_PUNCTUATION.match(m[0]):
            if keep_wide is None:
                keep_wide = bool(_CJK.search(line))
            if keep_wide:
                continue
        edits.append(_character_edit(m))
    return edits


def _character_edit(m: re.Match[str]) -> Edit:
    """Return the edit of one match of _CHARACTERS or _SIMPLE_RULES."""
    rule = str(m.lastgroup)
    return Edit("unicode", rule, m.start(), m.end(), m[0], _MAKE[rule](m[0]), 1.0)


def _nfc_edits(line: str) -> list[Edit]:
    """Return edits to Unicode normalization form C; a run of more than MARKS combining marks is left as it is."""
    edits = []
    for m in _CLUSTER.finditer(line):
        cluster = m[0]
        if len(cluster) > MARKS and _long_run().search(cluster):
            continue
        fixed = unicodedata.normalize("NFC", cluster)
        if fixed != cluster:
            for i, j, after in _differences(cluster, fixed):
                edits.append(Edit("unicode", "nfc", m.start() + i, m.start() + j, cluster[i:j], after, 1.0))
    return edits


@lru_cache(maxsize=1)
def _long_run() -> re.Pattern[str]:
    """Return the pattern of too many combining marks in a row. On first use it asks for each of 120,000 characters."""
    marks = [i for i in range(0x300, 0x1F000) if unicodedata.combining(chr(i))]
    return re.compile("[" + "".join(map(chr, marks)) + "]{" + str(MARKS + 1) + "}")


def _overstrike_edits(line: str) -> list[Edit]:
    """Return deletions of what a printer struck over, with its backspace."""
    if "\x08" not in line:
        return []
    return [Edit("unicode", "overstrike", m.start(), m.end(), m[0], "", 1.0) for m in _OVERSTRIKE.finditer(line)]


def _leftover_edits(line: str) -> list[Edit]:
    """Return deletions of the C1 controls that no repair could use as a clue: the last step of all."""
    return [Edit("unicode", "control", m.start(), m.end(), m[0], "", 1.0) for m in _LEFTOVERS.finditer(line)]


# --- Replacements -----------------------------------------------------------------------------------------------------


def _deleted(_: str) -> str:
    return ""


def _control(char: str) -> str:
    """Return a space for controls that separate (tab, feed, U+001C to U+001F): what they part must not join."""
    return " " if char in "\x0b\x0c\x1c\x1d\x1e\x1f" else ""


def _straight(quote: str) -> str:
    return '"' if "\u201c" <= quote <= "\u201f" else "'"


def _windows(char: str) -> str:
    """Return the Windows-1252 character that a Latin-1 reader made a C1 control of (as the HTML standard has it)."""
    return char.encode("latin-1").decode("cp1252")


def _expanded(ligature: str) -> str:
    """Return the letters of a ligature. NFKC would also change the long s and the Afrikaans apostrophe."""
    return {"\ufb05": "\u017ft", "\u0149": "'n"}.get(ligature) or unicodedata.normalize("NFKC", ligature)


def _normal_width(char: str) -> str:
    return unicodedata.normalize("NFKC", char)


def _joined(surrogates: str) -> str:
    """Return the character that a surrogate pair stands for; U+FFFD for one alone, which no file can hold."""
    if len(surrogates) == 1:
        return "\ufffd"
    return surrogates.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


_MAKE: dict[str, Callable[[str], str]] = {
    "escape": _deleted,
    "control": _control,
    "c1": _windows,
    "tag": _deleted,
    "bidi": _deleted,
    "invisible": _deleted,
    "space": lambda _: " ",
    "quote": _straight,
    "ligature": _expanded,
    "width": _normal_width,
    "surrogate": _joined,
}


# --- Differences ------------------------------------------------------------------------------------------------------

_BETWEEN = re.compile(r"[^\x00-\x7f]+")
_NOT_BETWEEN = re.compile(r"[\x00-\x7f]")
_ANCHOR = 4  # code points that must agree for two texts to be in step again
_WINDOW = 64  # where the search for an anchor begins; it widens fourfold


def _differences(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Yield ``(start, end, after)`` that turn ``old`` (not empty) into ``new``: sorted, disjoint, ``start < end``.

    Repair of mojibake mostly keeps ASCII as it is; then what lies between two ASCII characters is compared on its own.
    """
    old_gaps, new_gaps = _NOT_BETWEEN.split(old), _NOT_BETWEEN.split(new)
    if (
        len(old_gaps) == len(new_gaps)
        and _BETWEEN.sub("", old) == _BETWEEN.sub("", new)
        and all(a or not b for a, b in zip(old_gaps, new_gaps, strict=True))
    ):
        at = 0
        for a, b in zip(old_gaps, new_gaps, strict=True):
            if a != b:
                for i, j, after in _greedy_differences(a, b):
                    yield at + i, at + j, after
            at += len(a) + 1
    else:
        yield from _greedy_differences(old, new)


def _greedy_differences(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Like ``_differences``: at a difference, the nearest place where both agree again is looked up.

    The look-up begins in a small window, which widens while nothing is found: it costs what it skips, so that the
    whole is linear.
    """
    tail = 0
    shorter = min(len(old), len(new))
    while tail < shorter and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_end, new_end = len(old) - tail, len(new) - tail
    i = j = 0
    while i < old_end or j < new_end:
        if i < old_end and j < new_end and old[i] == new[j]:
            i, j = i + 1, j + 1
            continue
        x, y = _in_step_again(old, new, i, j, old_end, new_end)
        after = new[j:y]
        if x > i:
            yield i, x, after
        elif x < len(old):  # an insertion takes the character behind it with it
            yield i, x + 1, after + old[x]
            x, y = x + 1, y + 1
        else:  # ... or at the end the one before it
            yield i - 1, i, old[i - 1] + after
        i, j = x, y


def _in_step_again(old: str, new: str, i: int, j: int, old_end: int, new_end: int) -> tuple[int, int]:
    """Return the nearest ``(x, y)`` from ``(i, j)`` on with the same text at both; the ends when there is none."""
    window = _WINDOW
    while True:
        found: dict[str, int] = {}
        for y in range(j, min(j + window, new_end - _ANCHOR + 1)):
            found.setdefault(new[y : y + _ANCHOR], y)
        best = None
        for x in range(i, min(i + window, old_end - _ANCHOR + 1)):
            if best is not None and x - i >= best[0]:
                break
            y_or_none = found.get(old[x : x + _ANCHOR])
            if y_or_none is not None and (best is None or x - i + y_or_none - j < best[0]):
                best = (x - i + y_or_none - j, x, y_or_none)
        if best is not None:
            return best[1], best[2]
        if i + window >= old_end and j + window >= new_end:
            return old_end, new_end
        window *= 4


# --- Reports ----------------------------------------------------------------------------------------------------------


def _confusables(line: str) -> Iterator[Edit]:
    """Words whose letters are Latin but for some that only look it, with the Latin word that they look like."""
    at = 0
    while hit := _MIXED.search(line, at):
        # What is longer than any word is not read: the look around a hit is bounded.
        left = hit.start()
        while left > max(at, hit.start() - _LONGEST) and line[left - 1].isalpha():
            left -= 1
        m = _WORD.match(line, left, hit.end() + _LONGEST)
        assert m is not None  # a hit is a letter
        latin = m[0].translate(_CONFUSABLE)
        if latin.isascii() and len(latin) <= _LONGEST:
            yield Edit("unicode", "confusable", m.start(), m.end(), m[0], latin, 0.5)
        at = m.end()


def _with_reports(edits: list[Edit], reports: Iterable[Edit]) -> list[Edit]:
    """Merge reports into edits, in order; a report that meets an edit or an earlier report is dropped."""
    out: list[Edit] = []
    i = 0
    for report in reports:
        while i < len(edits) and edits[i].start < report.end:
            out.append(edits[i])
            i += 1
        if not out or out[-1].end <= report.start:
            out.append(report)
    return out + edits[i:]
