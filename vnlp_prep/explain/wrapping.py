"""Pieces of text wrapped into rows of a given width, as a terminal counts it: wide characters take two columns, marks none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.explain.pieces import ADDED, REMOVED, Piece
from vnlp_prep.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Shown where a line break is removed or comes in.
BREAK_MARK = "↵"


class _Cell(NamedTuple):
    """What a terminal draws as one character."""

    text: str
    kind: str
    width: int
    is_break: bool = False


#: One row: its pieces, and the columns that they take.
Row = tuple[list[Piece], int]


def width_of(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes.

    >>> [width_of(text) for text in ("log", "日本", "e\u0301")]
    [3, 4, 1]
    """
    if text.isascii():
        return len(text)
    import wcwidth

    return max(0, wcwidth.wcswidth(text))


def wrap(pieces: Iterable[Piece], width: int) -> list[Row]:
    r"""Wrap ``pieces`` into rows of at most ``width`` columns: at spaces where there are any, else anywhere.

    There is at least one row. What a terminal would not show is written as an escape; a line break that was edited ends a row.

    >>> wrap([Piece("see the ", "same"), Piece("日本語", "added")], 9)
    [([Piece(text='see the ', kind='same')], 8), ([Piece(text='日本語', kind='added')], 6)]
    """
    pieces = list(pieces)
    size = sum(len(piece.text) for piece in pieces)
    if size <= width and all(piece.text.isascii() and piece.text.isprintable() for piece in pieces):
        return [([piece for piece in pieces if piece.text], size)]
    rows: list[list[_Cell]] = [[]]
    used, space = 0, 0  # columns taken, and where behind the last space the row could be ended
    for cell in _cells(pieces):
        if used + cell.width > width and cell.text == " " and cell.kind not in (REMOVED, ADDED):
            rows.append([])  # the end of the row stands for the space
            used = space = 0
            continue
        while used + cell.width > width and rows[-1]:
            row = rows[-1]
            rest = row[space:] if space else []
            rows[-1] = row[: len(row) - len(rest)]
            rows.append(rest)
            used, space = sum(c.width for c in rest), 0
        rows[-1].append(cell)
        used += cell.width
        if cell.text == " ":
            space = len(rows[-1])
        elif cell.is_break:
            rows.append([])
            used = space = 0
    return [(_joined(row), sum(cell.width for cell in row)) for row in rows]


def _cells(pieces: Iterable[Piece]) -> Iterator[_Cell]:
    for text, kind in pieces:
        for number, line in enumerate(text.split("\n")):
            if number:
                yield _Cell(BREAK_MARK, kind, 1, is_break=True)
            shown = visible(line)
            if shown.isascii():
                yield from (_Cell(char, kind, 1) for char in shown)
            else:
                import wcwidth

                for cluster in wcwidth.iter_graphemes(shown):
                    yield _Cell(cluster, kind, width_of(cluster))


def _joined(row: list[_Cell]) -> list[Piece]:
    pieces: list[Piece] = []
    for cell in row:
        if pieces and pieces[-1].kind == cell.kind:
            pieces[-1] = Piece(pieces[-1].text + cell.text, cell.kind)
        else:
            pieces.append(Piece(cell.text, cell.kind))
    return pieces
