"""A line of a file, the record that stands in it, and why a record is rejected."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vnlp_prep.edits import Edit

#: How much of a line that is too long to be held is kept for the rejects, in bytes.
CUT_BYTES = 4096

BOM = b"\xef\xbb\xbf"


class Problem(Exception):  # noqa: N818  (no error of the program: a fact about a record)
    """Why a record cannot be cleaned.

    ``code`` is short and stable, for programs (``invalid-utf-8``); ``sentence`` is for people; ``field`` names the
    text field that has the problem, if it is one field's.
    """

    def __init__(self, code: str, sentence: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.field = field


@dataclass(slots=True)
class Line:
    """One line of a file, as bytes, its line end included.

    ``number`` counts from 1; ``offset`` is the position of the first byte in the file (behind decompression and, for
    UTF-16 and its like, behind the conversion to UTF-8). ``length`` is the number of bytes the line had: more than
    ``len(raw)`` when the line was longer than the cap and ``raw`` is only its beginning.
    """

    number: int
    offset: int
    raw: bytes
    length: int

    @property
    def is_cut(self) -> bool:
        """True if the line was too long to be held."""
        return self.length > len(self.raw)


@dataclass(slots=True)
class Record:
    """The record in a line: the texts to clean, and what is needed to put them back.

    ``body`` is the line as UTF-8 without byte-order mark and line end, ``end`` the line end as it was. ``paths`` are
    the keys that lead to each of the ``texts`` (empty for plain text). A blank line has no texts; neither has a
    record that is passed on as it is. ``notes`` are edits made in reading (a byte-order mark), ``encoding`` is what
    the line was decoded from, if that was not UTF-8.
    """

    line: Line
    body: bytes
    end: bytes
    paths: list[tuple[str, ...]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    is_blank: bool = False
    notes: list[Edit] = field(default_factory=list)
    encoding: str | None = None

    def unchanged(self) -> bytes:
        """Return the line as it is written if no text changes: as it came, but for what was done in reading it."""
        return self.body + self.end if self.notes or self.encoding else self.line.raw


def field_name(path: tuple[str, ...]) -> str | None:
    """Return the name of a field as it is given on the command line; None for plain text."""
    return ".".join(path) if path else None


def reject_dict(file: str, line: Line, problem: Problem) -> dict[str, Any]:
    """Return what the rejects file says of a line: place, reason, and its bytes in base64."""
    entry: dict[str, Any] = {
        "file": file,
        "line": line.number,
        "byte_offset": line.offset,
        "reason": problem.code,
        "message": problem.sentence,
    }
    if problem.field is not None:
        entry["field"] = problem.field
    if line.is_cut:
        entry["truncated"] = True
        entry["length"] = line.length
    entry["raw"] = base64.b64encode(line.raw).decode("ascii")
    return entry


def json_line(entry: dict[str, Any]) -> bytes:
    """``entry`` as one line of JSON in ASCII, which also holds lone surrogates."""
    return json.dumps(entry).encode("ascii") + b"\n"


def shown(path: str | os.PathLike[str]) -> str:
    """Return a file name that can be printed and stored: what is not UTF-8 or not printable is escaped."""
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
