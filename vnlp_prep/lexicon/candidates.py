"""Known words near an unknown one: a symmetric-delete index (W. Garbe, SymSpell, 2012) that is mapped, not loaded.

A word and its misspelling within distance 2 share a string that both reach by deleting at most two letters, and it is enough
to look at the first seven. symspellpy holds this as a dictionary of Python strings: for 125,000 words that takes seconds and
hundreds of megabytes in every process. Here each deletion is one entry of a table of integers, built once with numpy into the
user's cache folder (or kept in memory where that cannot be written), checked by its length and digest, then mapped by every
process that needs it; a user's own words get a small index beside the shipped one. ``tests/lexicon/test_candidates.py`` holds
it against symspellpy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations

from vnlp_prep.lexicon.cache import cache_folder, leave, mapped
from vnlp_prep.lexicon.wordlist import WordList

PREFIX = 7
MAX_DISTANCE = 2
_MOST_BITS, _FEWEST_BITS = 21, 8  # of the number of a bucket
_MASK = 0xFFFFFFFF
_FORMAT = b"vnlp-prep index 02.\n"
_HEAD = len(_FORMAT) + 32  # and a digest
# All ways to keep the letters of a prefix after deleting at most two: positions that stay, by length.
_KEEP = {
    n: tuple(
        tuple(i for i in range(n) if i not in gone) for d in range(min(MAX_DISTANCE, n) + 1) for gone in combinations(range(n), d)
    )
    for n in range(PREFIX + 1)
}
# The first of them delete at most one letter.
_ONE = {n: n + 1 for n in range(PREFIX + 1)}


class CandidateIndex:
    """Finds the words within edit distance 2 (insertions, deletions, replacements, swaps of neighbours) of another."""

    def __init__(self, words: Sequence[str], table: memoryview) -> None:
        """``table``: 2**bits + 1 bucket offsets, then word numbers, all unsigned 32-bit integers."""
        self._words = words if isinstance(words, WordList) else WordList.of(words)
        self._shift = 32 - _bits(len(words))
        buckets = 1 << _bits(len(words))
        self._offsets, self._ids = table[: buckets + 1], table[buckets + 1 :]

    @classmethod
    def open(cls, words: Sequence[str], fingerprint: str) -> CandidateIndex:
        """Map the index of ``words`` from the cache, or build it and leave it there for the next process."""
        key = hashlib.sha256(_FORMAT + fingerprint.encode() + str(len(words)).encode()).hexdigest()
        path = cache_folder() / f"candidates-{key[:32]}.idx"
        table = _table_of(mapped(path), len(words))
        if table is None:
            built = _build(words)
            if leave(path, _FORMAT, _digest(memoryview(built)), built):
                table = _table_of(mapped(path), len(words))  # of this memory, all processes have one copy
            if table is None:
                table = memoryview(built).cast("I")
        return cls(words, table)

    @classmethod
    def build(cls, words: Sequence[str]) -> CandidateIndex:
        """Index ``words`` in memory."""
        return cls(words, memoryview(_build(words)).cast("I"))

    def near(self, word: str, distance: int = MAX_DISTANCE) -> list[tuple[str, int]]:
        """Return the known words at most ``distance`` (1 or 2) slips away from ``word`` (lower case), with their distance."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        prefix = [ord(c) & 31 or 27 for c in word[:PREFIX]]
        keep = _KEEP[len(prefix)]
        offsets, ids, shift = self._offsets, self._ids, self._shift
        found: set[int] = set()
        for kept in keep[: _ONE[len(prefix)]] if distance == 1 else keep:
            h = 0
            for i in kept:
                h = (h * 31 + prefix[i]) & _MASK
            h = ((h * 2654435761) & _MASK) >> shift
            found.update(ids[offsets[h] : offsets[h + 1]])
        hits = process.extract(word, self._words.at(found), scorer=OSA.distance, score_cutoff=distance, limit=None)
        return [(w, d) for w, d, _ in hits]

    @cached_property
    def _all(self) -> list[str]:
        return list(self._words)

    def far(self, word: str, distance: int, limit: int) -> list[tuple[str, int]]:
        """Return the known words nearest to ``word``: at most ``limit``, at most ``distance`` slips away. Looks at every word."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        hits = process.extract(word, self._all, scorer=OSA.distance, score_cutoff=distance, limit=limit)
        return [(w, d) for w, d, _ in hits]


class ExtendedIndex:
    """The index of the shipped words, with a user's own added to it and others taken out: that one is not built again."""

    def __init__(self, shipped: CandidateIndex, own: CandidateIndex, gone: frozenset[str]) -> None:
        """``gone``: words that are not to be found though the shipped index has them."""
        self._shipped, self._own, self._gone = shipped, own, gone

    def near(self, word: str, distance: int = MAX_DISTANCE) -> list[tuple[str, int]]:
        """As that of ``CandidateIndex``."""
        return [hit for hit in self._shipped.near(word, distance) if hit[0] not in self._gone] + self._own.near(word, distance)

    def far(self, word: str, distance: int, limit: int) -> list[tuple[str, int]]:
        """As that of ``CandidateIndex``."""
        hits = self._shipped.far(word, distance, limit + len(self._gone))
        left = [hit for hit in hits if hit[0] not in self._gone]
        return sorted(left + self._own.far(word, distance, limit), key=lambda hit: hit[1])[:limit]


def _bits(words: int) -> int:
    """Return how many bits the number of a bucket has, so that most buckets have few words, and few are empty."""
    return max(_FEWEST_BITS, min((words * len(_KEEP[PREFIX])).bit_length() - 1, _MOST_BITS))


def _build(words: Iterable[str]) -> bytes:
    """Return the table for ``words``. A dozen passes over arrays instead of millions of Python strings."""
    import numpy as np

    words = list(words)
    bits = _bits(len(words))
    codes = np.zeros((len(words), PREFIX), dtype=np.uint32)
    lengths = np.fromiter((min(len(w), PREFIX) for w in words), dtype=np.int64, count=len(words))
    for n in range(1, PREFIX + 1):
        rows = np.flatnonzero(lengths == n)
        if len(rows):
            text = "".join(words[i][:n] for i in rows.tolist()).encode("utf-32-le")
            letters = np.frombuffer(text, dtype=np.uint32).reshape(-1, n) & 31
            codes[rows, :n] = np.where(letters == 0, 27, letters)
    hashes, numbers = [], []
    for n in range(1, PREFIX + 1):
        rows = np.flatnonzero(lengths == n).astype(np.uint32)
        for kept in _KEEP[n]:
            h = np.zeros(len(rows), dtype=np.uint32)
            for i in kept:
                h = h * np.uint32(31) + codes[rows, i]
            hashes.append((h * np.uint32(2654435761)) >> np.uint32(32 - bits))
            numbers.append(rows)
    bucket, number = np.concatenate(hashes), np.concatenate(numbers)
    order = np.argsort(bucket, kind="stable")
    offsets = np.zeros((1 << bits) + 1, dtype=np.uint32)
    np.cumsum(np.bincount(bucket, minlength=1 << bits), out=offsets[1:])
    return offsets.tobytes() + number[order].astype(np.uint32).tobytes()


def _table_of(data: memoryview | None, words: int) -> memoryview | None:
    """Return the table in a cache file's bytes, or None when there are none or they are damaged."""
    if data is None:
        return None
    head, table = bytes(data[:_HEAD]), data[_HEAD:]
    if (
        not head.startswith(_FORMAT)
        or len(table) % 4
        or len(table) <= 4 << _bits(words)
        or _digest(table) != head[len(_FORMAT) :]
    ):
        return None
    return table.cast("I")


def _digest(data: memoryview) -> bytes:
    """BLAKE2 over the table's ends and samples between: a torn or foreign file is told without reading all of it."""
    digest = hashlib.blake2b(len(data).to_bytes(8, "little"), digest_size=32)
    step = max(1 << 16, len(data) // 64)
    for at in range(0, len(data), step):
        digest.update(data[at : at + 4096])
    digest.update(data[-4096:])
    return digest.digest()
