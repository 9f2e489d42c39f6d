"""The changes of a fix as a unified diff, which ``git apply`` and ``patch`` take.

The lines that change are known, so nothing is searched for: it takes linear time, however large the file is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_CONTEXT = 3
_QUOTED = {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class Block(NamedTuple):
    """Lines in a row, as they are and as they shall be; where nothing changes, both are the same."""

    before: list[bytes]
    after: list[bytes]


class Moved(NamedTuple):
    """An edit: the span of bytes that goes, and the span of the result that stands in its place."""

    start: int
    end: int
    new_start: int
    new_end: int


def unified(name: str, blocks: Iterable[Block]) -> Iterator[bytes]:
    r"""Yield the diff of a file: nothing if no block changes anything. Lines end at ``\n`` and nowhere else."""
    old = new = 1  # numbers of the next lines
    head: deque[bytes] = deque(maxlen=_CONTEXT)
    hunk: list[bytes] = []
    start = (0, 0)
    counts = [0, 0]
    quiet = 0  # unchanged lines at the end of the hunk
    began = False

    def flush() -> Iterator[bytes]:
        nonlocal began
        extra = max(0, quiet - _CONTEXT)
        lines = hunk[: len(hunk) - extra] if extra else hunk
        if not began:
            yield f"--- {_quoted('a/' + name)}\n+++ {_quoted('b/' + name)}\n".encode()
            began = True
        ranges = (_range(first, count - extra) for first, count in zip(start, counts, strict=True))
        yield "@@ -{} +{} @@\n".format(*ranges).encode()
        for line in lines:
            yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"

    for block in blocks:
        if block.before == block.after:
            for line in block.before:
                if hunk:
                    hunk.append(b" " + line)
                    counts = [count + 1 for count in counts]
                    quiet += 1
                    if quiet > 2 * _CONTEXT:
                        yield from flush()
                        head.extend(piece[1:] for piece in hunk[-_CONTEXT:])
                        hunk = []
                else:
                    head.append(line)
            old += len(block.before)
            new += len(block.before)
            continue
        if not hunk:
            hunk = [b" " + line for line in head]
            start = (old - len(head), new - len(head))
            counts = [len(head), len(head)]
            head.clear()
        hunk += [b"-" + line for line in block.before] + [b"+" + line for line in block.after]
        counts = [counts[0] + len(block.before), counts[1] + len(block.after)]
        old += len(block.before)
        new += len(block.after)
        quiet = 0
    if hunk:
        yield from flush()


def blocks_of(before: bytes, after: bytes, edits: Sequence[Moved]) -> Iterator[Block]:
    """Yield the lines of a text in blocks; ``edits`` are what makes ``after`` of ``before``, in order."""
    at = number = 0
    while number < len(edits):
        edit = edits[number]
        # What stands between the edits is the same on both sides, also the line ends at which a block begins and ends.
        first = before.rfind(b"\n", at, edit.start) + 1 or at
        new_first = edit.new_start - (edit.start - first)
        last = _line_end(before, edit.end)
        while number + 1 < len(edits) and edits[number + 1].start < last:
            number += 1
            edit = edits[number]
            last = _line_end(before, edit.end)
        new_last = edit.new_end + last - edit.end
        yield from _same(_split(before[at:first]))
        yield from _trimmed(_split(before[first:last]), _split(after[new_first:new_last]))
        at = last
        number += 1
    yield from _same(_split(before[at:]))


def _trimmed(old: list[bytes], new: list[bytes]) -> Iterator[Block]:
    """Yield lines that were changed, without those at the end that were not."""
    count = 0
    while count < min(len(old), len(new)) and old[-1 - count] == new[-1 - count]:
        count += 1
    yield Block(old[: len(old) - count], new[: len(new) - count])
    yield from _same(old[len(old) - count :])


def _same(lines: list[bytes]) -> Iterator[Block]:
    if lines:
        yield Block(lines, lines)


def _line_end(data: bytes, at: int) -> int:
    """Return the position behind the line end at or behind ``at``, or the end."""
    found = data.find(b"\n", at)
    return len(data) if found < 0 else found + 1


def _split(data: bytes) -> list[bytes]:
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


def _range(start: int, count: int) -> str:
    # An empty range is named by the line before it.
    if count == 0:
        return f"{start - 1},0"
    return str(start) if count == 1 else f"{start},{count}"


def _quoted(name: str) -> str:
    """Return a name as git writes it: between quotation marks where it has characters that could deceive."""
    if any(char in _QUOTED or not char.isprintable() for char in name):
        return '"' + "".join(_QUOTED.get(c) or (c if c.isprintable() else _octal(c)) for c in name) + '"'
    return name


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))
