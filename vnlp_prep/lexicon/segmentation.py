"""The best split of a run-together word, by the counts of words and of pairs of words."""

from __future__ import annotations

import importlib.resources
import math
import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

_MAX_PART = 24  # letters; no English word that is worth finding is longer
_MAX_TEXT = 2_000  # letters; longer runs are data, not words that were run together
# Where the case or kind of letters changes, words meet: "nodePort", "IPAddress", "utf8".
_BORDER = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z']+|[0-9]+|[^A-Za-z0-9\s_./\\:-]+")
# log10 probabilities, tuned on the development half of the hashtag and identifier sets: of an unknown word (less 1 for each
# letter), of a letter by itself, of two letters that are no common word.
_UNKNOWN, _LETTER, _TWO_LETTERS = -6.5, -6.5, -5.5
_COMMON_PAIR = 5.3  # Zipf: "of", "in", "to" are words, "re", "st", "li" are pieces
_DOMAIN_ONLY = 1.0  # Zipf of a word that only the domain writes as one
_LETTERS = re.compile(r"[a-z']+")
_PAIRS_TOTAL = 1_024_908_267_229  # words in the corpus that the pair counts come from (wordsegment's own constant)


class Split(NamedTuple):
    """A split of a word: its parts, the log10 probability of the sequence, and whether each pair of neighbours was seen."""

    parts: tuple[str, ...]
    score: float
    attested: bool


def pair_count(first: str, second: str) -> float:
    """How often the web has two words next to each other: wordsegment's list, from the Google web corpus; 0.0 for never."""
    return float(_web_pairs().get(f"{first} {second}", 0.0))


@lru_cache(maxsize=1)
def _web_pairs() -> dict[str, str]:
    # Counts stay text until they are asked for: nearly all of the 286,000 never are.
    text = (importlib.resources.files("wordsegment") / "bigrams.txt").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.split("\n") if line)


def pair_zipf(first: str, second: str) -> float:
    """Frequency of two neighbouring words on the Zipf scale; 0.0 if the pair was never seen."""
    n = pair_count(first, second)
    return math.log10(n / _PAIRS_TOTAL) + 9.0 if n else 0.0


def _word_score(word: str, lexicon: Lexicon) -> float:
    """log10 probability of a word; an unknown one costs the more the longer it is."""
    n = len(word)
    unknown = _UNKNOWN - n
    if n == 1:
        return lexicon.general_zipf(word) - 9.0 if word in "ai" else _LETTER
    z = lexicon.general_zipf(word) or (_DOMAIN_ONLY if word in lexicon else 0.0)
    if n == 2:
        return z - 9.0 if z > _COMMON_PAIR else max(_TWO_LETTERS, unknown)
    return z - 9.0 if z else unknown


def pair_score(first: str, second: str, lexicon: Lexicon) -> float:
    """log10 probability of ``second`` after ``first``: counted where the pair was seen, else the word by itself."""
    n = pair_count(first, second)
    alone = _word_score(second, lexicon)
    if not n:
        return alone
    return max(alone, math.log10(n / _PAIRS_TOTAL) - _word_score(first, lexicon))


def best_split(letters: str, lexicon: Lexicon) -> Split:
    """Return the most probable split of ``letters`` (lower case). Viterbi over word and pair counts: linear in its length."""
    if len(letters) > _MAX_TEXT:
        return Split((letters,), -math.inf, False)
    n = len(letters)
    # best[i]: per length of the last word, the best way to cut letters[:i]: (score, length of the word before, or 0)
    best: list[dict[int, tuple[float, int]]] = [{} for _ in range(n + 1)]
    best[0][0] = (0.0, 0)
    for i in range(1, n + 1):
        for k in range(1, min(i, _MAX_PART) + 1):
            word = letters[i - k : i]
            if k > 1 and word not in lexicon and k < n and k > 6:
                continue  # a long unknown piece is never a part
            alone = _word_score(word, lexicon)
            top, back = -math.inf, 0
            for length, (score, _) in best[i - k].items():
                if length:
                    pair = pair_score(letters[i - k - length : i - k], word, lexicon) if alone > -9.0 else alone
                    score += pair
                else:
                    score += alone
                if score > top:
                    top, back = score, length
            if top > -math.inf:
                best[i][k] = (top, back)
        if len(best[i]) > 6:  # the best few last words are enough to be right
            best[i] = dict(sorted(best[i].items(), key=lambda item: -item[1][0])[:6])
    if not best[n]:
        return Split((letters,), -math.inf, False)
    length = max(best[n], key=lambda k: best[n][k][0])
    score = best[n][length][0]
    parts: list[str] = []
    at = n
    while at > 0:
        parts.append(letters[at - length : at])
        at, length = at - length, best[at][length][1]
    parts.reverse()
    attested = all(pair_count(a, b) for a, b in pairwise(parts))
    return Split(tuple(parts), score, attested)


def segment(text: str, *, lexicon: Lexicon | None = None) -> list[str]:
    """Return the most probable words of ``text``, in lower case; camel case, digits and separators are borders. No gate.

    >>> segment("virtualmachinesettings"), segment("nodePortRange")
    (['virtual', 'machine', 'settings'], ['node', 'port', 'range'])
    """
    if lexicon is None:
        from vnlp_prep.lexicon.lexicon import Lexicon

        lexicon = Lexicon.shipped()
    out: list[str] = []
    for m in _BORDER.finditer(text):
        piece = m.group().lower()
        out += best_split(piece, lexicon).parts if _LETTERS.fullmatch(piece) else (piece,)
    return out
