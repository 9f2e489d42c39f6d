"""Several sequences in a row of one length: as good as no padding, though documents are never joined.

Best fit, longest first, among the sequences of a stretch of the corpus: Krell et al. 2021, "Efficient sequence packing without
cross-contamination", with bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vinilm.training.chunks import SPECIAL, Chunks
from vinilm.training.tokens import GrowingArray, mapped

#: Sequences that are packed together.
_STRETCH = 1 << 16


@dataclass(frozen=True)
class PackedRows:
    """Rows of a fixed length, each of one or more sequences; on the disk."""

    chunks: Chunks
    #: The numbers of the sequences, row by row; shape (chunks,), int64.
    order: npt.NDArray[np.int64]
    #: Where each row begins in ``order``, and where the last one ends; shape (rows + 1,), int64.
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def fill(self) -> float:
        """Share of all places that is no padding."""
        return (len(self.chunks.tokens.ids) + SPECIAL * len(self.chunks)) / max(len(self) * self.chunks.length, 1)

    def row(self, number: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the sequences in a row."""
        return self.order[self.offsets[number] : self.offsets[number + 1]]


def make_rows(chunks: Chunks) -> None:
    """Pack the sequences into rows of ``chunks.length`` tokens. As ``make_chunks``: done once, by one process. Raises OSError."""
    order_path, offsets_path = _paths(chunks)
    if offsets_path.is_file():
        return
    arrays = [GrowingArray(path.with_name(f".{path.name}"), np.dtype(np.int64)) for path in (order_path, offsets_path)]
    order, offsets = arrays
    finished = False
    try:
        offsets.add([0])
        for start in range(0, len(chunks), _STRETCH):
            numbers = np.arange(start, min(start + _STRETCH, len(chunks)))
            for row in packed(chunks.lengths_of(numbers), chunks.length):
                order.add(numbers[row])
                offsets.add([order.length])
        finished = True
    finally:
        for array in arrays:
            array.close(finish=finished)
    for array, path in zip(arrays, (order_path, offsets_path), strict=True):
        array.path.replace(path)


def open_rows(chunks: Chunks) -> PackedRows:
    """Return the rows that ``make_rows`` has made."""
    order, offsets = (mapped(path) for path in _paths(chunks))
    return PackedRows(chunks, order, offsets)


def packed(lengths: npt.NDArray[np.int64], room: int) -> Iterator[list[int]]:
    """Yield the numbers of the sequences of each row, by their ``lengths``, none of which is above ``room``.

    >>> list(packed(np.array([3, 8, 5, 2, 6]), 8))
    [[1], [4, 3], [2, 0]]
    """
    rows: list[list[int]] = []
    # Rows by the room that is left in them, and the set of rooms for which there is one, as bits.
    by_room: list[list[int]] = [[] for _ in range(room + 1)]
    rooms = 0
    for number in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[number])
        fitting = rooms >> length
        if fitting:
            left = length + (fitting & -fitting).bit_length() - 1
            row = by_room[left].pop()
            if not by_room[left]:
                rooms ^= 1 << left
            rows[row].append(number)
        else:
            left, row = room, len(rows)
            rows.append([number])
        left -= length
        by_room[left].append(row)
        rooms |= 1 << left
    yield from rows


def _paths(chunks: Chunks) -> tuple[Path, Path]:
    tokens = chunks.tokens
    order, offsets = (tokens.folder / f"{tokens.name}.rows-{chunks.length}.{part}.npy" for part in ("order", "offsets"))
    return order, offsets
