"""Which strings, that are not empty, were met before, in little memory: their hashes, in a table of fixed size.

A set takes about a hundred bytes a string, this takes eight. Two strings with one hash of 64 bits would be taken for one another:
that happens in less than one of 10^13 look-ups of strings that were not met. (The hashes are those of Python, with a secret key
for each process, so that nobody can choose strings for it.)

>>> met = StringsMet(bits=10)
>>> met.add(["host", "client"])
>>> sorted(met.among({"client", "cleint", "host"}))
['client', 'host']
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

# Where hashes are shorter, too many strings share one.
_HAS_HASHES = sys.hash_info.width >= 64


class StringsMet:
    """The strings that were added or met last, as far as there is room: each hash has four places, and the oldest one goes."""

    def __init__(self, bits: int) -> None:
        """``bits``: 2 to the power of that is the number of places, of 8 bytes each."""
        self._hashes = array("q", bytes(8 << bits))
        self._first = (1 << bits) - 4  # to get the first one of the four places out of a hash

    def among(self, strings: Iterable[str]) -> list[str]:
        """Return those of ``strings`` that were met."""
        if not _HAS_HASHES:
            return []
        hashes, first = self._hashes, self._first
        met = []
        for string in strings:
            h = hash(string)
            at = h & first
            if hashes[at] == h or hashes[at + 1] == h or hashes[at + 2] == h:
                met.append(string)
            elif hashes[at + 3] == h:  # the next to go
                met.append(string)
                self._put(h, at)
        return met

    def add(self, strings: Iterable[str]) -> None:
        """Remember ``strings``, none of which was met."""
        for string in strings:
            h = hash(string)
            self._put(h, h & self._first)

    def _put(self, h: int, at: int) -> None:
        """Make ``h`` the newest of the four hashes at ``at``; the oldest one, which it may be, goes."""
        hashes = self._hashes
        if hashes[at]:
            hashes[at + 1 : at + 4] = hashes[at : at + 3]
        hashes[at] = h
