"""Chunks: some lines of an input in a row, the unit of work, of packing and of resuming.

Where a chunk ends depends on the bytes of the input alone, so each run cuts an input alike; and a chunk is cleaned the same
whoever does it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vnlp_prep.corpus.records import CUT_BYTES, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Bytes from which on a chunk ends with the line that reaches them.
CHUNK_BYTES = 512 * 1024


@dataclass(slots=True)
class Chunk:
    """Lines in a row.

    ``number`` and ``offset`` are those of the first line, see :class:`Line`. A line that was too long to be held is a chunk of
    its own: ``data`` is its beginning, ``length`` the bytes that it had. ``damage`` says what is wrong with the archive that
    ends here; a last line without its end is not complete then. ``is_whole``: the data are one line, whatever is in them.
    """

    number: int
    offset: int
    data: bytes
    length: int
    damage: str | None = None
    is_whole: bool = False

    def lines(self) -> Iterator[Line]:
        r"""Yield the lines. They end at ``\n`` and nowhere else."""
        if self.is_whole or self.length > len(self.data):
            yield Line(self.number, self.offset, self.data, self.length)
            return
        number, offset = self.number, self.offset
        *complete, rest = self.data.split(b"\n")
        for part in complete:
            line = Line(number, offset, part + b"\n", len(part) + 1)
            number += 1
            offset += line.length
            yield line
        if rest:
            yield Line(number, offset, rest, len(rest))


def read_chunks(blocks: Iterable[bytes], size: int | None = CHUNK_BYTES, max_line_bytes: int = sys.maxsize) -> Iterator[Chunk]:
    """Cut a stream of bytes into chunks: each ends with the line that reaches ``size`` bytes.

    ``size`` None: with the last line that a block completes, so that nothing waits for what has not come yet. A line longer
    than ``max_line_bytes`` (its end not counted) is never held: only its beginning is kept.
    """
    number, offset = 1, 0
    lines: list[bytes] = []
    lines_size = 0
    last = _OpenLine(max_line_bytes)

    def chunk(data: bytes, length: int, count: int) -> Chunk:
        nonlocal number, offset
        made = Chunk(number, offset, data, length)
        number, offset = number + count, offset + length
        return made

    def complete() -> Chunk:
        nonlocal lines_size
        made = chunk(b"".join(lines), lines_size, len(lines))
        lines.clear()
        lines_size = 0
        return made

    for block in blocks:
        *ended, rest = block.split(b"\n")
        for part in ended:
            last.add(part)
            is_cut, length = last.is_cut, last.length + 1
            line = last.take() if is_cut else last.take() + b"\n"
            if is_cut:
                if lines:
                    yield complete()
                yield chunk(line, length, 1)
                continue
            lines.append(line)
            lines_size += length
            if size is not None and lines_size >= size:
                yield complete()
        if rest:
            last.add(rest)
        if size is None and lines:
            yield complete()
    if last.is_cut:
        if lines:
            yield complete()
        length = last.length
        yield chunk(last.take(), length, 1)
    elif lines or last.length:
        lines_size += last.length
        lines.append(last.take())
        yield complete()


class _OpenLine:
    """The bytes of a line that is not complete: all of them up to a cap, only the beginning of a longer one."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._pieces: list[bytes] = []
        self.length = 0

    @property
    def is_cut(self) -> bool:
        """True if the line is longer than the cap."""
        return self.length > self._max

    def add(self, piece: bytes) -> None:
        """Go on with the line."""
        self.length += len(piece)
        self._pieces.append(piece)
        if self.is_cut:
            self._pieces = [b"".join(self._pieces)[: min(CUT_BYTES, self._max)]]

    def take(self) -> bytes:
        """Return what is held of the line, and begin the next one."""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self.length = [], 0
        return data


def read_whole(blocks: Iterable[bytes], max_bytes: int = sys.maxsize) -> Iterator[Chunk]:
    """Yield the whole stream as one line, line ends and all; nothing if it is empty."""
    whole = _OpenLine(max_bytes)
    for block in blocks:
        whole.add(block)
    if whole.length:
        length = whole.length
        yield Chunk(1, 0, whole.take(), length, is_whole=True)
