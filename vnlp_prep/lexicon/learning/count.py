"""The words of a corpus with all that is counted of them: in one pass, in memory that the number of word types bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from vnlp_prep.lexicon.learning.prose import decoded, masked, names_in_code, words

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.pipeline import Preprocessor

#: Word types, and pairs of neighbours, that are held at a time. A type costs about 500 bytes, a pair 150.
MAX_TYPES = 500_000
MAX_PAIRS = 400_000
#: Sources beyond this many are not told apart any more.
MAX_SOURCES = 256
_MAX_SPELLINGS = 8  # of one word; the rest is noise
_MAX_PAIR = 24  # letters; what is longer was never one word


@dataclass(slots=True)
class Word:
    """What was counted of one word, in any case.

    ``sources`` is a set of bits, one a source; ``spellings`` counts the ways it is written, ``inside`` only where a capital
    means something; ``in_code`` counts the documents in which it stands in inline code.
    """

    count: int = 0
    documents: int = 0
    sources: int = 0
    in_code: int = 0
    spellings: dict[str, int] = field(default_factory=dict)
    inside: dict[str, int] = field(default_factory=dict)

    def add(self, other: Word) -> None:
        """Add what was counted elsewhere."""
        self.count += other.count
        self.documents += other.documents
        self.sources |= other.sources
        self.in_code += other.in_code
        for mine, theirs in ((self.spellings, other.spellings), (self.inside, other.inside)):
            for spelling, n in theirs.items():
                if spelling in mine or len(mine) < _MAX_SPELLINGS:
                    mine[spelling] = mine.get(spelling, 0) + n

    @property
    def source_count(self) -> int:
        """In how many sources it stands; 0 if the corpus names none."""
        return self.sources.bit_count()


class Counts:
    """The counts of a corpus. Add documents, or the counts of a part of it; in the same order the result is the same.

    When there are more than ``max_types`` word types, those that stand in one document only are forgotten, then those in two, and
    so on (lossy counting: Manku and Motwani, 2002); the same for pairs.
    """

    def __init__(self, max_types: int = MAX_TYPES, max_pairs: int = MAX_PAIRS) -> None:
        self.words: dict[str, Word] = {}
        #: "first second" -> how often two plain words stand next to each other, in lower case.
        self.pairs: dict[str, int] = {}
        self.documents = 0
        self.total = 0
        self.forgotten = 0
        self._max_types = max_types
        self._max_pairs = max_pairs

    def add(self, texts: Iterable[str], lexicon: Lexicon, source: int | None = None) -> None:
        """Count one document: all of its texts. ``source`` is the number of its source, from 0."""
        spellings: Counter[str] = Counter()
        inside: Counter[str] = Counter()
        names: set[str] = set()
        for text in texts:
            prose, code = masked(*decoded(text, _decoder()))
            names.update(name.lower() for name in names_in_code(code))
            for word, is_inside, before in words(prose, lexicon):
                spellings[word] += 1
                if is_inside:
                    inside[word] += 1
                if before and word.isalpha() and len(before) + len(word) <= _MAX_PAIR:
                    pair = f"{before} {word.lower()}"
                    self.pairs[pair] = self.pairs.get(pair, 0) + 1
        self.documents += 1
        self.total += spellings.total()
        bit = 0 if source is None else 1 << min(source, MAX_SOURCES - 1)
        seen: dict[str, Word] = {}
        for spelling, n in spellings.items():
            word_seen = seen.setdefault(spelling.lower(), Word(documents=1, sources=bit))
            word_seen.count += n
            word_seen.spellings[spelling] = n
            if spelling in inside:
                word_seen.inside[spelling] = inside[spelling]
        for name in names:
            seen.setdefault(name, Word(sources=bit)).in_code = 1
        self._take(seen)

    def merge(self, other: Counts) -> None:
        """Add the counts of another part of the corpus."""
        self.documents += other.documents
        self.total += other.total
        self.forgotten += other.forgotten
        for pair, n in other.pairs.items():
            self.pairs[pair] = self.pairs.get(pair, 0) + n
        self._take(other.words)

    def _take(self, new: dict[str, Word]) -> None:
        mine = self.words
        for low, word in new.items():
            known = mine.get(low)
            if known is None:
                mine[low] = word
            else:
                known.add(word)
        least = 1
        while len(mine) > self._max_types:
            kept = {low: w for low, w in mine.items() if w.documents + w.in_code > least}
            self.forgotten += len(mine) - len(kept)
            self.words = mine = kept
            least += 1
        least = 1
        while len(self.pairs) > self._max_pairs:
            self.pairs = {pair: n for pair, n in self.pairs.items() if n > least}
            least += 1


@lru_cache(maxsize=1)
def _decoder() -> Preprocessor:
    """Return the chain that only decodes, one a process."""
    from vnlp_prep.pipeline import Preprocessor

    return Preprocessor(stages=("html", "unicode"))
