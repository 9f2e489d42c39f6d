"""The best split of hashtags, identifiers and other run-together text: a log-linear model of words, pairs and borders.

Each way to cut a run of letters and digits is scored by what its words look like (frequency on the web and in the lexicon;
unknown ones by their letters), how well neighbours go together, and where the cuts and the joints fall: at a capital, a digit,
inside a run of capitals. Case and digits are hints, not rules: ``BEAParty`` and ``McFly``, ``utf8`` and ``top10songs``.
The best way is found by Viterbi's algorithm, in time linear in the text's length. ``bench/fit_segment.py`` fits the weights.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise, takewhile
from typing import TYPE_CHECKING

from vnlp_prep.lexicon.morphology import is_regular_form
from vnlp_prep.lexicon.segmentation import pair_count
from vnlp_prep.lexicon.segmentation_letters import letters_score
from vnlp_prep.lexicon.sources import WEB_TOTAL
from vnlp_prep.lexicon.tables import web_tables

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

MAX_WORD = 24  # characters; longer words are found only where nothing cuts them
_STATES = 6  # the best few last words at each place are enough to be right
_CACHE = 1 << 16
_MIN_REGULAR = 6
# log10 probabilities: below _RARE each power of ten counts once more; two letters above _COMMON_TWO are words, not pieces.
_RARE, _COMMON_TWO, _MOST_UNCOMMON, _MOST_GAIN = -7.0, -4.5, 3.0, 6.0
_LONG = 9
_DICTIONARY_ZIPF = 3.5
_IMPOSSIBLE = -10.0
_PARTS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_YEAR = re.compile(r"(?:19|20)\d\d(?!\d)")
_ORDINAL = re.compile(r"\d*(?:1st|2nd|3rd|\dth)|\d\d+s")
_AMOUNT = re.compile(r"\d+(?:s|d|g|k|am|pm|x|m|p)")
# Abbreviations that programs write for words: rare in prose, common in identifiers.
_ABBREVIATIONS = frozenset(
    "addr alloc arg args arr attr attrs auth avg btn buf calc cb cfg char chk chr clk cmd cmp cnt col cols cond conf config conn "
    "const coord cpy ctl ctrl ctx cur curr db dbg decl def del dep deps desc dest dev diff dir dirs dist div dlg doc docs drv "
    "dst dup dx dy elem els enc env eq err esc eval ev evt exec expr ext fd fmt fn fp freq fs func fwd gen gfx hash hdr hex hw "
    "id ids idx iface impl inc inf info init inst int intf io ip iter itr jmp kb kbd key len lhs lib libs lst lvl mac max mem "
    "menu meta mgr mid min misc mod msec msg msgs mutex mv nav neg net num nr obj objs oct ofs op ops opt opts org orig os param "
    "params parm pci pid pix pkg pkt pnt pos pred pref prefs prev priv proc prog prop props proto ptr pts pwd qry qty rand rcv "
    "rec rect recv ref refs reg regs rel rem rep req res resp ret rev rgb rhs rm rnd rpc rst rx scr sec sect sel sem seq serv "
    "sess sig sim sin siz snd sock spec sql sqrt src ssl stat stats std stmt str strs struct sub svc swp sym sync sys sz tab tbl "
    "tcp tid tmp tok tot ts tx txt typ udp ui uid unk unreg upd uri url urls usr util utils val vals var vars vec ver vert vm "
    "vol win wnd wr wrt xml".split()
)

#: What the model looks at, and what each is worth, fitted by bench/fit_segment.py. A feature is counted for each word, each
#: pair of neighbours, each cut or each joint of a split.
WEIGHTS: dict[str, float] = {
    "abbreviation": 0.56,
    "amount": -0.05,
    "changes between letters and digits": -0.73,
    "cut after a capital": 0.03,
    "cut after capitals": 0.67,
    "cut at an apostrophe": -10.0,
    "cut before a digit": -1.39,
    "cut before a year": 0.11,
    "cut before many digits": -1.13,
    "cut before two digits": -1.24,
    "cut in a number": -10.0,
    "cut in capitals": 0.33,
    "cut in capitals, camel case": -0.04,
    "cut in small letters": 0.56,
    "cut in small letters, camel case": 0.08,
    "digits with letters": -0.92,
    "joint before a capital": -1.31,
    "joint before a capital, small start": -4.0,
    "known word with digits": -0.4,
    "known: letters above nine": -0.23,
    "known: letters and digits": 1.0,
    "known: log10 probability": 0.52,
    "known: not to the web": 0.12,
    "known: rare": -0.11,
    "known: seen, in no dictionary": -0.11,
    "known: to the domain only": -0.59,
    "known: to the web only": -0.07,
    "known: to the web only, letters above five": -0.48,
    "known: uncommon two letters": 0.29,
    "letter with digits": -1.09,
    "letters with a year": 0.84,
    "letters with digits": -1.79,
    "letters with many digits": -0.12,
    "number": 0.92,
    "one letter": -2.2,
    "ordinal": 0.87,
    "pair: gain": 0.6,
    "pair: loss": 0.38,
    "the letter s": -0.32,
    "the letters x, y, z": 0.38,
    "two letters with digits": -1.61,
    "unknown": -1.22,
    "unknown: length": -0.3,
    "unknown: letters' probability": 0.32,
    "unknown: regular form": 1.32,
    "unknown: three letters": 0.46,
    "whole text: known": -0.57,
    "whole text: unknown": 0.51,
    "word": -0.83,
}


def _add(features: dict[str, float], name: str, value: float = 1.0) -> None:
    features[name] = features.get(name, 0.0) + value


def word_features(word: str, lexicon: Lexicon) -> dict[str, float]:
    """Return the features of a lower-cased word by itself: letters, digits, or both in a row."""
    parts = _PARTS.findall(word)
    features: dict[str, float] = {"word": 1.0}
    for part in parts:
        if not part.isdecimal():
            _add_letters(features, part, lexicon)
    if len(parts) < 2:
        if word.isdecimal():
            _add(features, "number")
        return features
    first, second = parts[0], parts[1]
    _add(features, "changes between letters and digits", len(parts) - 2)
    if word in lexicon:
        _add(features, "known: letters and digits")
    if first.isdecimal():
        ordinal, amount = _ORDINAL.fullmatch(word), _AMOUNT.fullmatch(word)
        _add(features, "ordinal" if ordinal else "amount" if amount else "digits with letters")
        return features
    _add(features, ("letter with digits", "two letters with digits", "letters with digits")[min(len(first), 3) - 1])
    if len(first) > 2 and lexicon.zipf(first) > _DICTIONARY_ZIPF:
        _add(features, "known word with digits")
    if _YEAR.fullmatch(second):
        _add(features, "letters with a year")
    elif len(second) > 2:
        _add(features, "letters with many digits")
    return features


def _add_letters(features: dict[str, float], word: str, lexicon: Lexicon) -> None:
    n = len(word)
    if n == 1 and word not in "ai":
        _add(features, "one letter")
        if word in "sxyz":
            _add(features, "the letter s" if word == "s" else "the letters x, y, z")
        return
    plain = _plain(word)
    web = web_tables().count(plain) / WEB_TOTAL
    zipf = lexicon.zipf(word) or lexicon.zipf(plain)
    seen = 10 ** (zipf - 9.0) if zipf else 0.0
    if word in _ABBREVIATIONS:
        _add(features, "abbreviation")
    if not (web or seen):
        _add(features, "unknown")
        _add(features, "unknown: letters' probability", letters_score(plain))
        _add(features, "unknown: length", n)
        if n == 3:
            _add(features, "unknown: three letters")
        if n >= _MIN_REGULAR and is_regular_form(word, lexicon.known_zipf):
            _add(features, "unknown: regular form")
        return
    probability = math.log10((web + seen) / 2)
    _add(features, "known: log10 probability", probability)
    if n == 1:
        return
    if n == 2 and probability < _COMMON_TWO:
        _add(features, "known: uncommon two letters", min(_COMMON_TWO - probability, _MOST_UNCOMMON))
    if not seen:
        _add(features, "known: to the web only")
        _add(features, "known: to the web only, letters above five", max(0, n - 5))
    elif not web:
        _add(features, "known: not to the web")
    elif word not in lexicon:
        _add(features, "known: seen, in no dictionary")
    elif not lexicon.general_zipf(word):
        _add(features, "known: to the domain only")
    if probability < _RARE:
        _add(features, "known: rare", _RARE - probability)
    if n > _LONG:
        _add(features, "known: letters above nine", n - _LONG)


def _plain(word: str) -> str:
    """The word without apostrophes and accents, as the web's counts have it."""
    plain = word.replace("'", "").replace("’", "")
    return plain if plain.isascii() else "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def pair_features(first: str, second: str) -> dict[str, float]:
    """Return the features of two neighbouring words, lower case: how much oftener the web has the pair than chance would."""
    count = pair_count(first, second)
    if not count:
        return {}
    one, other = map(web_tables().count, (first, second))
    if not (one and other):
        return {}
    gain = math.log10(count * WEB_TOTAL / one / other)
    return {"pair: gain": min(gain, _MOST_GAIN)} if gain > 0 else {"pair: loss": gain}


def cut_feature(text: str, at: int, *, camel: bool) -> str | None:
    """Return the name of the feature of a cut before ``text[at]``, by the kinds of characters on both sides.

    ``camel``: the text has a capital after a small letter somewhere, so its writer marks borders.
    """
    before, after = text[at - 1], text[at]
    if before in "'’" or after in "'’":
        return "cut at an apostrophe"
    if before.isdecimal():
        if not after.isdecimal():
            return None
        return "cut before a year" if _YEAR.match(text, at) and not text[at - 2 : at].isdecimal() else "cut in a number"
    if after.isdecimal():
        if _YEAR.match(text, at):
            return "cut before a year"
        digits = sum(1 for _ in takewhile(str.isdecimal, text[at : at + 3]))
        return ("cut before a digit", "cut before two digits", "cut before many digits")[digits - 1]
    if not before.isupper():
        return None if after.isupper() else "cut in small letters, camel case" if camel else "cut in small letters"
    if not after.isupper():
        return "cut after capitals" if at > 1 and text[at - 2].isupper() else "cut after a capital"
    if at + 1 < len(text) and text[at + 1].islower():
        return None
    return "cut in capitals, camel case" if camel else "cut in capitals"


def is_abbreviation(word: str) -> bool:
    """True if programs write the lower-cased word for a longer one: ``init``, ``cfg``."""
    return word in _ABBREVIATIONS


class Splitter:
    """Finds the best split for one lexicon; remembers the scores of words and pairs."""

    def __init__(self, lexicon: Lexicon) -> None:
        """``lexicon`` says what is known, beside the counts of the web."""
        self._lexicon = lexicon
        self._word = lru_cache(_CACHE)(self._word_score)
        self._pair = lru_cache(_CACHE)(_pair_score)

    def _word_score(self, word: str) -> float:
        return score(word_features(word, self._lexicon))

    def split(self, text: str) -> list[str]:
        """Return the parts of ``text``, a run of letters, digits and inner apostrophes, as they are written there."""
        return next(self.best(text, 1))

    def best(self, text: str, limit: int) -> Iterator[list[str]]:
        """Yield up to ``limit`` splits of ``text``, about best first."""
        n, low = len(text), text.lower()
        if len(low) != n:  # a letter whose small form is two: nothing that English words are made of
            yield [text]
            return
        camel = is_camel(text)
        joints = _sums(_joints(text))
        # states[j]: ways to cut text[:j], best first: score, start of the last word, number of the way before it.
        states: list[list[tuple[float, int, int]]] = [[] for _ in range(n + 1)]
        states[0] = [(0.0, 0, 0)]
        keep = max(_STATES, limit)
        cuts = [0.0] + [score({name: 1.0}) if (name := cut_feature(text, at, camel=camel)) else 0.0 for at in range(1, n)]
        for end in range(1, n + 1):
            found = []
            for start in [*([0] if end > MAX_WORD and end == n else []), *range(max(0, end - MAX_WORD), end)]:
                word = low[start:end]
                alone = self._word(word) + cuts[start]
                if joints[end] != joints[start + 1] and not _is_spelling(text[start:end], self._lexicon):
                    alone += joints[end] - joints[start + 1]
                if start == 0 and end == n:
                    alone += score({_single(word_features(word, self._lexicon)): 1.0})
                for number, (so_far, begin, _) in enumerate(states[start]):
                    pair = self._pair(low[begin:start], word) if start else 0.0
                    found.append((so_far + alone + pair, start, number))
            found.sort(key=lambda state: -state[0])
            states[end] = found[:keep]
        for last in range(min(limit, len(states[n]))):
            parts: list[str] = []
            end, number = n, last
            while end:
                _, start, before = states[end][number]
                parts.append(text[start:end])
                end, number = start, before
            yield parts[::-1]


def features(parts: list[str], lexicon: Lexicon) -> dict[str, float]:
    """Return all features of one split, for fitting the weights."""
    text = "".join(parts)
    out: dict[str, float] = {}
    at = 0
    joints = _joints(text)
    for part in parts:
        of_word = word_features(part.lower(), lexicon)
        if len(parts) == 1:
            _add(of_word, _single(of_word))
        if at and (name := cut_feature(text, at, camel=is_camel(text))):
            _add(of_word, name)
        if not _is_spelling(part, lexicon):
            for joint in joints[at + 1 : at + len(part)]:
                if joint:
                    _add(of_word, joint)
        for name, value in of_word.items():
            _add(out, name, value)
        at += len(part)
    for first, second in pairwise(parts):
        for name, value in pair_features(first.lower(), second.lower()).items():
            _add(out, name, value)
    return out


def score(features: dict[str, float]) -> float:
    """Return the weighted sum of features: a log10 probability up to a constant."""
    return sum(WEIGHTS.get(name, 0.0) * value for name, value in features.items())


def is_camel(text: str) -> bool:
    """True if a capital follows a small letter somewhere."""
    return any(a.islower() and b.isupper() for a, b in pairwise(text))


def _single(of_word: dict[str, float]) -> str:
    return "whole text: unknown" if "unknown" in of_word else "whole text: known"


def _joints(text: str) -> list[str | None]:
    """The feature of not cutting before each character."""
    # Who begins small and goes on with capitals writes an identifier, and means each of them.
    strict = "joint before a capital, small start" if text[:2].islower() else "joint before a capital"
    out: list[str | None] = [None]
    for at in range(1, len(text)):
        before, after = text[at - 1], text[at]
        # The last capital of "XMLParser" begins a word; in "URLs" it does not.
        last_capital = before.isupper() and after.isupper() and at + 2 < len(text) and text[at + 1 : at + 3].islower()
        out.append(strict if last_capital or (before.islower() and after.isupper()) else None)
    return out


def _is_spelling(part: str, lexicon: Lexicon) -> bool:
    """True if the lexicon writes the word with these very capitals: ``vSphere``."""
    return not part.islower() and lexicon.spelling(part.lower()) == part


def _sums(joints: list[str | None]) -> list[float]:
    """Running sums of the scores of joints: of text[i:j], the joints inside are worth sums[j] - sums[i + 1]."""
    return list(accumulate((score({name: 1.0}) if name else 0.0 for name in joints), initial=0.0))


def _pair_score(first: str, second: str) -> float:
    return score(pair_features(first, second))


@lru_cache(maxsize=4)
def splitter(lexicon: Lexicon) -> Splitter:
    """The splitter of a lexicon, with what it remembers."""
    return Splitter(lexicon)
