"""What a run did, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vnlp_prep.edits import Edit

#: Distinct changes that are counted at a time; longer replacements than this many code points are not listed.
_MAX_CHANGES = 20_000
_MAX_CHANGE_LENGTH = 40

#: stage, before, after
Change = tuple[str, str, str]


class TopChanges:
    """The most frequent changes, in bounded memory: when there are too many, the rarer half is forgotten."""

    def __init__(self) -> None:
        self._counts: Counter[Change] = Counter()

    def add(self, edits: Iterable[Edit]) -> None:
        """Count ``edits``."""
        self._counts.update(
            (e.stage, e.before, e.after)
            for e in edits
            if len(e.before) <= _MAX_CHANGE_LENGTH and len(e.after) <= _MAX_CHANGE_LENGTH
        )
        self._forget()

    def merge(self, other: TopChanges) -> None:
        """Count what ``other`` has counted."""
        self._counts.update(other._counts)
        self._forget()

    def _forget(self) -> None:
        if len(self._counts) > _MAX_CHANGES:
            self._counts = Counter(dict(self._counts.most_common(_MAX_CHANGES // 2)))

    def top(self, count: int, stage: str | None = None) -> list[tuple[Change, int]]:
        """Return the ``count`` most frequent changes (of ``stage``), ties in alphabetical order."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return list(islice((item for item in ranked if stage is None or item[0][0] == stage), count))


@dataclass
class Summary:
    """What a run did: records, blank lines, rejects, changes, bytes read (unpacked), seconds."""

    records: int = 0
    changed: int = 0
    blank_lines: int = 0
    passed: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    suggestions: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    changes: TopChanges = field(default_factory=TopChanges)
    #: Files to which rejects were written, in order.
    reject_files: list[str] = field(default_factory=list)
    #: Inputs that could not be read to their end, with the reason.
    damaged: list[tuple[str, str]] = field(default_factory=list)
    #: Records, good and bad, that an interrupted run had done, and the bytes that it had read.
    resumed: int = 0
    resumed_bytes: int = 0

    def add(self, other: Summary) -> None:
        """Take in what was done with a chunk: all that is counted."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.changes.merge(other.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return what is counted, without zeros and without the most frequent changes: what a journal keeps."""
        counts = {name: getattr(self, name) for name in _COUNTS} | {name: dict(getattr(self, name)) for name in _COUNTERS}
        return {name: value for name, value in counts.items() if value}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Summary:
        """Return what ``to_dict`` made a dictionary of."""
        made = cls()
        for name, v in value.items():
            setattr(made, name, Counter(v) if name in _COUNTERS else v)
        return made


_COUNTS = ("records", "changed", "blank_lines", "passed", "bytes_read", "suggestions")
_COUNTERS = ("rejects", "edits", "encodings")
