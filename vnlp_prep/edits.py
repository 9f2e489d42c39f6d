"""Edits: what a stage proposes, how edits are applied, composed, undone and located.

Every stage proposes edits over the text it was given; nothing else in the package rewrites text. Positions count
code points, as Python's ``str`` does. A list of edits is always sorted by ``start`` and disjoint, and no edit is an
insertion (``start < end``), so two edits never compete for one place.

>>> first = [Edit("html", "entity", 4, 9, "&#39;", "'", 1.0)]
>>> apply("Teh &#39;x", first)
"Teh 'x"
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple


class Edit(NamedTuple):
    """One proposed replacement of ``before`` (the text from ``start`` to ``end``) by ``after``.

    ``stage`` and ``rule`` say who proposed it and why; ``confidence`` is the probability (0 to 1) that it is right.
    """

    stage: str
    rule: str
    start: int
    end: int
    before: str
    after: str
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """The edit as a dictionary for JSON, keys in the order of the fields."""
        return self._asdict()


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` with ``edits`` carried out.

    Raises ValueError when an edit does not fit: out of order, overlapping, or ``before`` is not what stands there.
    """
    out: list[str] = []
    at = 0
    for e in edits:
        _, _, start, end, before, after, _ = e  # a third faster than by name, and pages have thousands
        if not at <= start < end <= len(text) or text[start:end] != before:
            raise ValueError(f"edit does not fit the text at {start}: {e!r}")
        out.append(text[at:start])
        out.append(after)
        at = end
    out.append(text[at:])
    return "".join(out)


class Alignment:
    """Positions before and after a list of edits, in both directions.

    A span that touches replaced text grows to the whole replacement; a deletion at the edge of a span stays outside, so
    that the word in ``<b>word</b>`` is found without its tags.
    """

    def __init__(self, edits: Sequence[Edit]) -> None:
        """Prepare the look-up for ``edits`` (sorted, disjoint): linear time; each look-up is a binary search."""
        self._old_starts = [e.start for e in edits]
        self._old_ends = [e.end for e in edits]
        self._new_starts: list[int] = []
        self._new_ends: list[int] = []
        shift = 0
        for _, _, start, end, _, after, _ in edits:
            self._new_starts.append(start + shift)
            shift += len(after) - (end - start)
            self._new_ends.append(end + shift)

    def old_span(self, start: int, end: int) -> tuple[int, int]:
        """Span of the text after the edits -> span of the text before them."""
        return _map_span(start, end, self._new_starts, self._new_ends, self._old_starts, self._old_ends)

    def new_span(self, start: int, end: int) -> tuple[int, int]:
        """Span of the text before the edits -> span of the text after them."""
        return _map_span(start, end, self._old_starts, self._old_ends, self._new_starts, self._new_ends)


def _map_span(
    start: int, end: int, from_starts: list[int], from_ends: list[int], to_starts: list[int], to_ends: list[int]
) -> tuple[int, int]:
    """Map a span from one side of an alignment to the other."""
    if start >= end:  # an empty span is a place: before it nothing is lost
        i = bisect_right(from_starts, start) - 1
        if i >= 0 and start < from_ends[i]:
            at = to_starts[i]
        else:
            at = start + (to_ends[i] - from_ends[i] if i >= 0 else 0)
        return at, at
    # The first edit that ends behind the start; an edit that ends at the start lies wholly before the span.
    i = bisect_right(from_ends, start)
    if i < len(from_starts) and from_starts[i] <= start and from_starts[i] < from_ends[i]:
        left = to_starts[i]
    else:
        left = start + (to_ends[i - 1] - from_ends[i - 1] if i else 0)
    # The last edit that starts before the end; an edit that starts at the end lies wholly behind the span.
    j = bisect_left(from_starts, end) - 1
    if j >= 0 and from_ends[j] >= end and from_starts[j] < from_ends[j]:
        right = to_ends[j]
    else:
        right = end + (to_ends[j] - from_ends[j] if j >= 0 else 0)
    return left, max(left, right)


def compose(text: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """Return one list of edits of ``text`` that does what ``first`` and then ``second`` do.

    ``first`` are edits of ``text``, ``second`` of ``apply(text, first)``. Edits that do not meet are kept as they are,
    moved to positions in ``text``. Where they meet (a spelling edit over a decoded reference, or around a removed tag) they
    become one edit: it carries the stage and rule of the later one and the lower confidence. An edit that ends up
    changing nothing is dropped. Linear in the number of edits and the text that they touch.
    """
    if not first:
        return list(second)
    if not second:
        return list(first)
    out: list[Edit] = []
    i = j = 0
    shift = 0  # position after first - position in text, for text behind the edits of first that were consumed
    while i < len(first) or j < len(second):
        group_first: list[Edit] = []
        group_second: list[Edit] = []
        # Open the group with the edit that comes first in the text between the two lists.
        left_first = first[i].start + shift if i < len(first) else None
        left_second = second[j].start if j < len(second) else None
        if left_second is None or (left_first is not None and left_first <= left_second):
            assert left_first is not None
            low, high = left_first, left_first + len(first[i].after)
            take_first = True
        else:
            low, high = left_second, second[j].end
            take_first = False
        begin_shift = shift
        while True:
            if take_first:
                e = first[i]
                high = max(high, e.start + shift + len(e.after))
                shift += len(e.after) - (e.end - e.start)
                group_first.append(e)
                i += 1
            else:
                high = max(high, second[j].end)
                group_second.append(second[j])
                j += 1
            if i < len(first) and group_second and first[i].start + shift < group_second[-1].end:
                take_first = True
            elif j < len(second) and group_first and second[j].start < high and _meets(group_first[-1], shift, second[j]):
                take_first = False
            else:
                break
        out += _merge(text, group_first, group_second, low, high, begin_shift, shift)
    return out


def _meets(e: Edit, shift: int, later: Edit) -> bool:
    """True if the replacement of ``e`` (whose text ends at ``e.end + shift``) shares text with ``later``."""
    end = e.end + shift
    return later.start < end and end - len(e.after) < later.end and bool(e.after)


def _merge(
    text: str, first: list[Edit], second: list[Edit], low: int, high: int, shift_before: int, shift_after: int
) -> list[Edit]:
    """Turn one group of edits that share text into edits of ``text`` (``low`` to ``high`` in the text after ``first``)."""
    if not second:
        return first
    if not first:
        return [e._replace(start=e.start - shift_before, end=e.end - shift_before) for e in second]
    start, end = low - shift_before, high - shift_after
    middle, at = [], start
    for e in first:
        middle += [text[at : e.start], e.after]
        at = e.end
    middle.append(text[at:end])
    between = "".join(middle)
    after, at = [], low
    for e in second:
        after += [between[at - low : e.start - low], e.after]
        at = e.end
    after.append(between[at - low :])
    before, result = text[start:end], "".join(after)
    if before == result:
        return []
    last = second[-1]
    confidence = min(e.confidence for e in (*first, *second))
    return [Edit(last.stage, last.rule, start, end, before, result, confidence)]


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text that remembers where it came from.

    ``raw`` is the text as it came, ``edits`` what was done to it (offsets in ``raw``), ``suggestions`` what was proposed but
    not done (offsets in ``raw`` too), ``text`` the result.
    """

    raw: str
    edits: tuple[Edit, ...] = ()
    suggestions: tuple[Edit, ...] = ()

    @classmethod
    def of(cls, raw: str, text: str, edits: Iterable[Edit], suggestions: Iterable[Edit]) -> Cleaned:
        """Return what ``text`` was made of by ``edits``; for a caller that has the text and need not have it worked out again."""
        cleaned = cls(raw, tuple(edits), tuple(suggestions))
        cleaned.__dict__["text"] = text  # where cached_property keeps it
        return cleaned

    @cached_property
    def text(self) -> str:
        """The cleaned text."""
        return apply(self.raw, self.edits)

    @cached_property
    def _alignment(self) -> Alignment:
        return Alignment(self.edits)

    def restore(self) -> str:
        """Return the raw text, rebuilt from the cleaned text and the edits alone."""
        out: list[str] = []
        at, shift, text = 0, 0, self.text
        for e in self.edits:
            start = e.start + shift
            out += [text[at:start], e.before]
            at = start + len(e.after)
            shift += len(e.after) - len(e.before)
        out.append(text[at:])
        return "".join(out)

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Span of ``text`` -> span of ``raw``, for highlighting and entities. Raises ValueError outside the text."""
        _check_span(start, end, len(self.text))
        return self._alignment.old_span(start, end)

    def clean_span(self, start: int, end: int) -> tuple[int, int]:
        """Span of ``raw`` -> span of ``text``. Raises ValueError outside the text."""
        _check_span(start, end, len(self.raw))
        return self._alignment.new_span(start, end)

    def __str__(self) -> str:
        """The cleaned text."""
        return self.text


def _check_span(start: int, end: int, length: int) -> None:
    if not 0 <= start <= end <= length:
        raise ValueError(f"span {start}:{end} is not within a text of {length} code points")


def moved_to_raw(edit: Edit, alignment: Alignment, raw: str) -> Edit:
    """Return ``edit`` (of the text behind ``alignment``) with the raw span that it stands for."""
    start, end = alignment.old_span(edit.start, edit.end)
    return edit._replace(start=start, end=end, before=raw[start:end])
