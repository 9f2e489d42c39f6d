r"""The texts of a file, each with the way back from a place in it to the place in the file.

In a text file that is the same place. In a line of JSON an escape is several characters of the file: the text ``a\nb`` has its
``b`` in the third column, and in the fourth of what is written.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vnlp_prep.check.diff import Moved
from vnlp_prep.corpus.json_fields import find_strings
from vnlp_prep.corpus.records import BOM, field_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vnlp_prep.corpus.records import Record

#: A line and a column, both from 1.
LineColumn = tuple[int, int]

_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|u[0-9a-fA-F]{4}|.)")


class Origin(Protocol):
    """Where a text comes from."""

    def place(self, at: int) -> LineColumn:
        """Return line and column as they are told to people: of a text file, or of the field."""

    def offset(self, at: int) -> int:
        """Return the position in the body of the record (code points)."""

    def file_column(self, at: int) -> int:
        """Return the column in the file."""

    def written(self, text: str) -> str:
        """Return ``text`` as it is written into the file."""


class WholeText:
    """A text file: places are those of the file; a byte-order mark before it does not count."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def place(self, at: int) -> LineColumn:
        """See Origin."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def offset(self, at: int) -> int:
        """See Origin."""
        return at

    def file_column(self, at: int) -> int:
        """See Origin."""
        return self.place(at)[1]

    def written(self, text: str) -> str:
        """See Origin."""
        return text


class JsonString:
    """The value of a field in a line of JSON."""

    def __init__(self, line: int, start: int, literal: str, ascii_only: bool) -> None:
        """``start``: position of the first character behind the opening quote; ``literal``: what stands between the quotes."""
        self._line, self._start, self._ascii_only = line, start, ascii_only
        # Behind each escape: the position in the text, and how much longer the literal is up to there.
        self._ends, self._longer = [0], [0]
        for m in _ESCAPE.finditer(literal):
            longer = self._longer[-1] + len(m[0]) - 1
            self._ends.append(m.end() - longer)
            self._longer.append(longer)

    def place(self, at: int) -> LineColumn:
        """See Origin."""
        return self._line, at + 1

    def offset(self, at: int) -> int:
        """See Origin."""
        return self._start + at + self._longer[bisect_right(self._ends, at) - 1]

    def file_column(self, at: int) -> int:
        """See Origin."""
        return self.offset(at) + 1

    def written(self, text: str) -> str:
        """See Origin."""
        return json.dumps(text, ensure_ascii=self._ascii_only)[1:-1]


@dataclass(frozen=True)
class Passage:
    """A text to check: the field that it is in (None: a text file), and where it comes from."""

    field: str | None
    text: str
    origin: Origin


def passages(record: Record) -> Iterator[Passage]:
    """Yield the texts of a record. Raises Problem for an object that has a key twice."""
    if record.paths and record.paths[0]:
        spans = find_strings(record.body, record.paths)
        ascii_only = record.body.isascii()
        for path, text in zip(record.paths, record.texts, strict=True):
            start, end = (position + sign for position, sign in zip(spans[path], (1, -1), strict=True))
            literal = record.body[start:end].decode("utf-8")
            first = start if ascii_only else len(record.body[:start].decode("utf-8"))
            yield Passage(field_name(path), text, JsonString(record.line.number, first, literal, ascii_only))
    else:
        for text in record.texts:
            yield Passage(None, text, WholeText(text))


def rewritten(record: Record, edits: Iterable[tuple[int, int, str]]) -> tuple[bytes, list[Moved]]:
    """Return the bytes of a record with ``edits`` of its body (code points, disjoint) made and every other byte as it was.

    With where they are, in bytes.
    """
    raw = record.line.raw
    mark = BOM if raw.startswith(BOM) else b""
    body = record.body.decode("utf-8")
    pieces, moved = [mark], []
    at, old_size, new_size = 0, len(mark), len(mark)
    for start, end, new in sorted(edits):
        kept, gone, comes = body[at:start].encode("utf-8"), body[start:end].encode("utf-8"), new.encode("utf-8")
        old_size, new_size = old_size + len(kept), new_size + len(kept)
        moved.append(Moved(old_size, old_size + len(gone), new_size, new_size + len(comes)))
        old_size, new_size = old_size + len(gone), new_size + len(comes)
        pieces += [kept, comes]
        at = end
    return b"".join([*pieces, raw[old_size:]]), moved
