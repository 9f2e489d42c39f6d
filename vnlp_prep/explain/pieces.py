"""A text with its edits, cut into pieces that each look one way, beside what becomes of them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vnlp_prep.edits import Edit
    from vnlp_prep.words import Protected

#: What a piece can be.
SAME, PROTECTED, SUGGESTED, REMOVED, ADDED, CUT = "same", "protected", "suggested", "removed", "added", "cut"
#: Code points shown on each side of a change; what lies further off is cut out.
CONTEXT = 60
_KINDS = (SAME, PROTECTED, SUGGESTED)


class Piece(NamedTuple):
    """A part of a text, and what it is."""

    text: str
    kind: str


class Part(NamedTuple):
    """What stands before and after: the same piece twice, or an edit (one side of which may be empty)."""

    before: Piece
    after: Piece

    @property
    def is_edit(self) -> bool:
        """True if the two sides differ."""
        return self.before.kind == REMOVED


class Lines(NamedTuple):
    """Parts that begin and end at line breaks which both sides have."""

    parts: list[Part]

    @property
    def is_edited(self) -> bool:
        """True if there is an edit in them."""
        return any(part.is_edit for part in self.parts)


def parts_of(
    text: str, edits: Iterable[Edit], suggestions: Iterable[Edit] = (), protected: Iterable[Protected] = ()
) -> list[Part]:
    """Cut ``text`` at its edits, and where a span begins or ends that is protected or for which something is suggested."""
    kinds = bytearray(len(text))
    spans = [(p.start, p.end, 1) for p in protected] + [(e.start, e.end, 2) for e in suggestions]
    for start, end, kind in spans:
        kinds[start:end] = bytes([kind]) * (end - start)
    parts: list[Part] = []
    at = 0
    for edit in edits:
        parts += _same(text, kinds, at, edit.start)
        parts.append(Part(Piece(edit.before, REMOVED), Piece(edit.after, ADDED)))
        at = edit.end
    return [*parts, *_same(text, kinds, at, len(text))]


def _same(text: str, kinds: bytearray, start: int, end: int) -> Iterator[Part]:
    at = start
    for kind, run in groupby(kinds[start:end]):
        size = sum(1 for _ in run)
        piece = Piece(text[at : at + size], _KINDS[kind])
        yield Part(piece, piece)
        at += size


def with_cuts(parts: Sequence[Part]) -> list[Part]:
    """Return ``parts`` with the middle of long stretches in which nothing changes cut out."""
    out: list[Part] = []
    for is_edit, group in groupby(parts, lambda part: part.is_edit):
        run = list(group)
        size = sum(len(part.before.text) for part in run)
        if is_edit or size <= 2 * CONTEXT:
            out += run
            continue
        is_first, is_last = not out, run[-1] is parts[-1]
        # A text without any edit shows its beginning.
        out += [] if is_first and not is_last else _head(run, CONTEXT * (1 + is_first))
        out.append(_CUT_PART)
        out += [] if is_last else _head(run[::-1], CONTEXT, from_end=True)[::-1]
    return out


_CUT_PART = Part(Piece(" … ", CUT), Piece(" … ", CUT))


def _head(run: Sequence[Part], size: int, from_end: bool = False) -> list[Part]:
    """Return the first of the parts, ``size`` code points in all; ``from_end``: they stand in reverse, their ends count."""
    out: list[Part] = []
    for part in run:
        text, kind = part.before
        piece = Piece(text[-size:] if from_end else text[:size], kind)
        out.append(Part(piece, piece))
        size -= len(piece.text)
        if size <= 0:
            break
    return out


def lines_of(parts: Sequence[Part]) -> list[Lines]:
    """Cut ``parts`` at the line breaks that do not change."""
    lines: list[Lines] = [Lines([])]
    for part in parts:
        if part.is_edit:
            lines[-1].parts.append(part)
            continue
        for number, text in enumerate(part.before.text.split("\n")):
            if number:
                lines.append(Lines([]))
            if text:
                piece = Piece(text, part.before.kind)
                lines[-1].parts.append(Part(piece, piece))
    return lines
