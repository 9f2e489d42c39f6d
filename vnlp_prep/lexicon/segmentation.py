"""Splits of run-together words, by the counts of words and of pairs of words.

``best_split`` is quick and knows lower-case words only: the compounds stage asks it about unknown words. ``segment`` is for
hashtags, identifiers and search; its model, with more data to load, is in ``segmentation_model``.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.sources import WEB_TOTAL
from vnlp_prep.lexicon.tables import lexicon_tables

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

_MAX_PART = 24  # letters; no English word that is worth finding is longer
_MAX_TEXT = 2_000  # letters; longer runs are data, not words that were run together
# What stands between separators: Latin letters and digits with inner apostrophes; text in other scripts, which counts of
# English words cannot split; symbols.
_LATIN = "A-Za-z0-9\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff"
_RUN = re.compile(rf"(?P<words>[{_LATIN}]+(?:['’][{_LATIN}]+)*)|[^\x00-\x7f{_LATIN}\s]+|[^\w\s./\\:-]+")
# log10 probabilities, tuned on the development half of the hashtag and identifier sets: of an unknown word (less 1 for each
# letter), of a letter by itself, of two letters that are no common word.
_UNKNOWN, _LETTER, _TWO_LETTERS = -6.5, -6.5, -5.5
_COMMON_PAIR = 5.3  # Zipf: "of", "in", "to" are words, "re", "st", "li" are pieces
_DOMAIN_ONLY = 1.0  # Zipf of a word that only the domain writes as one
_LONG_PART, _RARE = 6, -9.0  # letters; log10 probability
_STATES = 6  # the best few last words at each place are enough to be right


class Split(NamedTuple):
    """A split of a word: its parts, the log10 probability of the sequence, and whether each pair of neighbours was seen."""

    parts: tuple[str, ...]
    score: float
    attested: bool


def pair_count(first: str, second: str) -> int:
    """How often the web has two words next to each other: wordsegment's list, from the Google web corpus; 0 for never."""
    return lexicon_tables().web_pair(f"{first} {second}")


def pair_zipf(first: str, second: str) -> float:
    """Frequency of two neighbouring words on the Zipf scale; 0.0 if the pair was never seen."""
    n = pair_count(first, second)
    return math.log10(n / WEB_TOTAL) + 9.0 if n else 0.0


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


def best_split(letters: str, lexicon: Lexicon) -> Split:
    """Return the most probable split of ``letters`` (lower case). Viterbi over word and pair counts: linear in its length."""
    if len(letters) > _MAX_TEXT:
        return Split((letters,), -math.inf, False)
    n = len(letters)
    web_pair = lexicon_tables().web_pair
    # best[i]: per length of the last word, the best way to cut letters[:i]: (score, length of the word before, or 0), and the
    # score of the last word by itself.
    best: list[dict[int, tuple[float, int, float]]] = [{} for _ in range(n + 1)]
    best[0][0] = (0.0, 0, 0.0)
    for i in range(1, n + 1):
        ways = best[i]
        for k in range(1, min(i, _MAX_PART) + 1):
            word = letters[i - k : i]
            if _LONG_PART < k < n and word not in lexicon:
                continue  # a long unknown piece is never a part
            alone = _word_score(word, lexicon)
            top, back = -math.inf, 0
            for length, (score, _, before) in best[i - k].items():
                # Where the pair was seen, its count tells more than the word by itself.
                if length and alone > _RARE and (pair := web_pair(f"{letters[i - k - length : i - k]} {word}")):
                    score += max(alone, math.log10(pair / WEB_TOTAL) - before)
                else:
                    score += alone
                if score > top:
                    top, back = score, length
            ways[k] = (top, back, alone)
        if len(ways) > _STATES:
            best[i] = dict(sorted(ways.items(), key=lambda item: -item[1][0])[:_STATES])
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
    r"""Return the most probable words of ``text``, in lower case. No gate: whatever can be split is split.

    White space and ``_ - . / \ :`` separate; other symbols come back as they are. Case and digits are hints.

    >>> segment("virtualmachinesettings"), segment("nodePortRange"), segment("get_vm-name"), segment("#top10songs")
    (['virtual', 'machine', 'settings'], ['node', 'port', 'range'], ['get', 'vm', 'name'], ['#', 'top', '10', 'songs'])
    """
    from vnlp_prep.lexicon.segmentation_model import is_abbreviation, is_camel, splitter

    if lexicon is None:
        from vnlp_prep.lexicon.lexicon import Lexicon

        lexicon = Lexicon.shipped()
    split = splitter(lexicon).split
    runs = list(_RUN.finditer(text))
    out: list[str] = []
    for m in runs:
        run = m.group()
        low = run.lower()
        # Between separators, what is known as it stands is a word by itself: the writer has cut already.
        known = is_abbreviation(low) or (len(runs) > 1 and low in lexicon and not is_camel(run))
        if m["words"] is None or known or len(run) > _MAX_TEXT:
            out.append(low)
        else:
            out += (part.lower() for part in split(run))
    return out
