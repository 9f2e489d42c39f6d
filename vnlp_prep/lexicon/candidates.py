"""Known words near an unknown one: a symmetric-delete index (W. Garbe, SymSpell, 2012) that is mapped, not loaded.

A word and its misspelling within distance 2 share a string that both reach by deleting at most two letters, and it is enough
to look at the first seven. symspellpy holds this as a dictionary of Python strings: for 125,000 words that takes seconds and
hundreds of megabytes in every process. Here each deletion is one entry of a table of integers, built once with numpy into the
user's cache folder (or kept in memory where that cannot be written), checked by its length and digest, then mapped by every
process that needs it. ``tests/lexicon/test_candidates.py`` holds it against symspellpy.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

PREFIX = 7
MAX_DISTANCE = 2
_BUCKET_BITS = 21
_MASK = 0xFFFFFFFF
_FORMAT = b"vnlp-prep index 01.\n"
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
        """``table``: 2**21 + 1 bucket offsets, then word numbers, all unsigned 32-bit integers."""
        self._words = words
        self._offsets = table[: (1 << _BUCKET_BITS) + 1]
        self._ids = table[(1 << _BUCKET_BITS) + 1 :]

    @classmethod
    def open(cls, words: Sequence[str], fingerprint: str) -> CandidateIndex:
        """Map the index of ``words`` from the cache, or build it and leave it there for the next process."""
        key = hashlib.sha256(_FORMAT + fingerprint.encode() + str(len(words)).encode()).hexdigest()
        path = cache_folder() / f"candidates-{key[:32]}.idx"
        table = _mapped(path)
        if table is None:
            data = _build(words)
            _store(path, data)
            table = memoryview(data).cast("I")
        return cls(words, table)

    def near(self, word: str, distance: int = MAX_DISTANCE) -> list[tuple[str, int]]:
        """Return the known words at most ``distance`` (1 or 2) slips away from ``word`` (lower case), with their distance."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        prefix = [ord(c) & 31 or 27 for c in word[:PREFIX]]
        keep = _KEEP[len(prefix)]
        offsets, ids = self._offsets, self._ids
        found: set[int] = set()
        for kept in keep[: _ONE[len(prefix)]] if distance == 1 else keep:
            h = 0
            for i in kept:
                h = (h * 31 + prefix[i]) & _MASK
            h = ((h * 2654435761) & _MASK) >> (32 - _BUCKET_BITS)
            found.update(ids[offsets[h] : offsets[h + 1]])
        words = [self._words[i] for i in found]
        hits = process.extract(word, words, scorer=OSA.distance, score_cutoff=distance, limit=None)
        return [(w, d) for w, d, _ in hits]

    def far(self, word: str, distance: int, limit: int) -> list[tuple[str, int]]:
        """Return the known words nearest to ``word``: at most ``limit``, at most ``distance`` slips away. Looks at every word."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        hits = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=distance, limit=limit)
        return [(w, d) for w, d, _ in hits]


def cache_folder() -> Path:
    """The user's cache folder for this package: ``$VNLP_PREP_CACHE``, or by the platform's convention."""
    given = os.environ.get("VNLP_PREP_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vnlp-prep"


def _build(words: Sequence[str]) -> bytes:
    """Return the table for ``words``. A dozen passes over arrays instead of millions of Python strings."""
    import numpy as np

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
            hashes.append((h * np.uint32(2654435761)) >> np.uint32(32 - _BUCKET_BITS))
            numbers.append(rows)
    bucket, number = np.concatenate(hashes), np.concatenate(numbers)
    order = np.argsort(bucket, kind="stable")
    offsets = np.zeros((1 << _BUCKET_BITS) + 1, dtype=np.uint32)
    np.cumsum(np.bincount(bucket, minlength=1 << _BUCKET_BITS), out=offsets[1:])
    return offsets.tobytes() + number[order].astype(np.uint32).tobytes()


def _mapped(path: Path) -> memoryview | None:
    """Return the table in the cache file, or None when there is none or it is damaged."""
    try:
        with path.open("rb") as f:
            head = f.read(len(_FORMAT) + 32)
            size = os.fstat(f.fileno()).st_size - len(head)
            if not head.startswith(_FORMAT) or size % 4 or size <= 4 << _BUCKET_BITS:
                return None
            mapped = memoryview(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):
        return None
    if _digest(mapped[len(head) :]) != head[len(_FORMAT) :]:
        return None
    return mapped[len(head) :].cast("I")


def _store(path: Path, data: bytes) -> None:
    """Leave the table in the cache: whole or not at all, also when several processes do so at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".candidates-")
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(_FORMAT + _digest(memoryview(data)))
                f.write(data)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        pass  # no cache folder to be had: the next process builds it again


def _digest(data: memoryview) -> bytes:
    """BLAKE2 over the table's ends and samples between: a torn or foreign file is told without reading all of it."""
    digest = hashlib.blake2b(len(data).to_bytes(8, "little"), digest_size=32)
    step = max(1 << 16, len(data) // 64)
    for at in range(0, len(data), step):
        digest.update(data[at : at + 4096])
    digest.update(data[-4096:])
    return digest.digest()
