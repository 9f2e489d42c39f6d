"""How well a word fits between its neighbours: counts of pairs of words, in technical documentation and on the web.

Of two candidates for a misspelling, the neighbours often tell which was meant ("a ?tupe of node": ``type of`` is a pair that
people write, ``tape of`` hardly); and a correction that makes two seen pairs out of two unseen ones is right nearly always.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.lexicon.segmentation import pair_zipf
from vnlp_prep.lexicon.tables import lexicon_tables

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon

_REACH = 60  # code points to either side in which a neighbour is looked for
# Only white space, quotes and emphasis may stand between: punctuation parts sentences.
_WORD = r"([A-Za-z]+(?:['’][A-Za-z]+)?)"
_BEFORE = re.compile(_WORD + r"[*_\"”’)\]]{0,4}[ \t\r\n]{1,4}[*_\"“‘(\[]{0,4}$")
_AFTER = re.compile(r"[*_\"”’)\]]{0,4}[ \t\r\n]{1,4}[*_\"“‘(\[]{0,4}" + _WORD)
#: What ``fit`` says of a pair that nobody was seen to write, and the most that it ever says.
UNSEEN, MOST = -0.5, 4.0


class Neighbours(NamedTuple):
    """The words before and after a place, in lower case; None where there is none."""

    before: str | None
    after: str | None


def neighbours(text: str, start: int, end: int) -> Neighbours:
    """Return the words next to ``text[start:end]``.

    >>> text = "set the tupe (of) nodes"
    >>> neighbours(text, 8, 12)
    Neighbours(before='the', after='of')
    """
    low = max(0, start - _REACH)
    # The pattern must end at the place: it is tried in the last two tokens before only, not from the start of all that is near.
    farther, *last = text[low:start].rsplit(None, 2) or [""]
    before = _BEFORE.search(text, low + len(farther) if len(last) == 2 else low, start)
    after = _AFTER.match(text, end, end + _REACH)
    return Neighbours(before.group(1).lower() if before else None, after.group(1).lower() if after else None)


def fit(first: str | None, second: str | None, lexicon: Lexicon) -> float:
    """Return how much more often ``second`` follows ``first`` than by chance, in powers of ten; 0.0 without a neighbour."""
    if first is None or second is None or "'" in first or "'" in second:
        return 0.0  # the counts do not know contractions
    together = max(lexicon_tables().documentation_pair(f"{first} {second}") / 100, pair_zipf(first, second))
    if not together:
        return UNSEEN
    chance = lexicon.zipf(first) + lexicon.zipf(second) - 9.0
    return min(max(together - chance, UNSEEN), MOST)
