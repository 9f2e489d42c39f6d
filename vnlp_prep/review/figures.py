"""The figures of a report: changes by rule, by confidence and over the corpus; files; characters; pieces. Bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vnlp_prep.review.pieces import PieceCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vnlp_prep.edits import Edit

#: Where the classes of confidence begin; the last one ends at 1.
CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# Parts of the corpus in which changes are counted; a power of two, for two become one when there are too many.
_MAX_PARTS = 512
# Files that are counted one by one.
_MAX_FILES = 1000


class Timeline:
    """Counts by place in the corpus, in at most 512 parts of as many records each; they grow with the corpus.

    >>> timeline = Timeline()
    >>> for record in range(2000):
    ...     timeline.add(record, {"spelling": 1})
    >>> timeline.width, len(timeline.parts), timeline.records
    (4, 500, 2000)
    """

    def __init__(self) -> None:
        #: Records of a part; the last one may have fewer.
        self.width = 1
        self.records = 0
        #: By part: what was counted in it.
        self.parts: list[Counter[str]] = []

    def add(self, record: int, counts: dict[str, int]) -> None:
        """Count something in the record of that number (from 0)."""
        self.records = max(self.records, record + 1)
        while record // self.width >= _MAX_PARTS:
            pairs = zip(self.parts[::2], [*self.parts[1::2], Counter[str]()], strict=False)
            self.parts = [first + second for first, second in pairs]
            self.width *= 2
        part = record // self.width
        while len(self.parts) <= part:
            self.parts.append(Counter())
        if counts:
            self.parts[part].update(counts)

    def bars(self, most: int) -> list[tuple[int, int, Counter[str]]]:
        """Return at most ``most`` equal parts: number of the first record and of the last (from 1), and the counts."""
        step = -(-len(self.parts) // most)
        bars = []
        for start in range(0, len(self.parts), step or 1):
            counts: Counter[str] = Counter()
            for part in self.parts[start : start + step]:
                counts.update(part)
            first = start * self.width
            bars.append((first + 1, min(self.records, first + step * self.width), counts))
        return bars


@dataclass
class FileCounts:
    """What there was in one file."""

    records: int = 0
    changed: int = 0
    edits: int = 0
    suggestions: int = 0
    rejected: int = 0

    def add(self, other: FileCounts) -> None:
        """Count what ``other`` has counted."""
        self.records += other.records
        self.changed += other.changed
        self.edits += other.edits
        self.suggestions += other.suggestions
        self.rejected += other.rejected


@dataclass
class Figures:
    """What is counted beside the groups. Travels between processes; :meth:`merge` puts what was counted there together."""

    #: (stage, rule) -> changes, and suggestions.
    edit_rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    suggestion_rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Number of the class of confidence -> changes, and suggestions.
    edit_confidences: Counter[int] = field(default_factory=Counter)
    suggestion_confidences: Counter[int] = field(default_factory=Counter)
    #: Number of the class -> how many of its changes are wrong if their confidences are right: the sum of 1 - confidence.
    doubts: dict[int, float] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    #: Names as they are shown, in order; those above a limit count together under no name.
    files: dict[str, FileCounts] = field(default_factory=dict)
    #: Code points of the texts; None where the texts are not known.
    characters_before: int | None = None
    characters_after: int | None = None
    #: None without a vocabulary.
    pieces_before: PieceCounts | None = None
    pieces_after: PieceCounts | None = None

    def add_record(self, file: str, number: int, edits: Iterable[Edit], suggestions: Iterable[Edit]) -> None:
        """Count a record that was cleaned; ``number`` counts the records of the corpus, good and bad, from 0."""
        counts: Counter[str] = Counter()
        for e in edits:
            self.edit_rules[e.stage, e.rule] += 1
            number_of_class = _class_of(e.confidence)
            self.edit_confidences[number_of_class] += 1
            self.doubts[number_of_class] = self.doubts.get(number_of_class, 0.0) + 1 - e.confidence
            counts[e.stage] += 1
        suggested = 0
        for e in suggestions:
            self.suggestion_rules[e.stage, e.rule] += 1
            self.suggestion_confidences[_class_of(e.confidence)] += 1
            suggested += 1
        self.timeline.add(number, counts)
        self.file(file).add(FileCounts(1, bool(counts), counts.total(), suggested))

    @property
    def likely_wrong(self) -> float:
        """How many of the changes are wrong if their confidences are right."""
        return sum(self.doubts.values())

    def add_reject(self, file: str, number: int) -> None:
        """Count a record that was rejected."""
        self.timeline.add(number, {})
        self.file(file).add(FileCounts(rejected=1))

    def add_text(self, before: str, after: str) -> None:
        """Count the characters of a text."""
        self.characters_before = (self.characters_before or 0) + len(before)
        self.characters_after = (self.characters_after or 0) + len(after)

    def add_pieces(self, before: PieceCounts, after: PieceCounts) -> None:
        """Count the pieces of a text."""
        self.pieces_before, self.pieces_after = self.pieces_before or PieceCounts(), self.pieces_after or PieceCounts()
        self.pieces_before.add(before)
        self.pieces_after.add(after)

    def merge(self, other: Figures) -> None:
        """Count what ``other`` has counted, in the records behind those of this one."""
        for name in ("edit_rules", "suggestion_rules", "edit_confidences", "suggestion_confidences"):
            getattr(self, name).update(getattr(other, name))
        for i, doubt in other.doubts.items():
            self.doubts[i] = self.doubts.get(i, 0.0) + doubt
        start = self.timeline.records
        for i, counts in enumerate(other.timeline.parts):
            self.timeline.add(start + i * other.timeline.width, counts)
        for name, counts_of_file in other.files.items():
            self.file(name).add(counts_of_file)
        if other.characters_before is not None and other.characters_after is not None:
            self.characters_before = (self.characters_before or 0) + other.characters_before
            self.characters_after = (self.characters_after or 0) + other.characters_after
        if other.pieces_before is not None and other.pieces_after is not None:
            self.add_pieces(other.pieces_before, other.pieces_after)

    def file(self, name: str) -> FileCounts:
        """Return the counts of a file."""
        if name not in self.files and len(self.files) >= _MAX_FILES:
            name = ""
        return self.files.setdefault(name, FileCounts())


def _class_of(confidence: float) -> int:
    return bisect_right(CONFIDENCES, confidence) - 1
