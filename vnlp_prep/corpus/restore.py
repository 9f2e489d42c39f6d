"""The way back: a cleaned file and its edit log -> the raw file, byte for byte (``edit_log.py`` has the format)."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.corpus.chunks import CHUNK_BYTES
from vnlp_prep.corpus.edit_log import CannotUndoError, restored_line
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.readers import Input, Limits
from vnlp_prep.corpus.records import Problem, shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vnlp_prep.corpus.records import Line


# Lines of the log can be longer than those of any input: a rejected one stands there in base64.
_LIMITS = Limits(max_line_bytes=2**30, max_ratio=math.inf)


class Restoring:
    """The way back of one output. Raises InputError when it is made if one of the two files cannot be read."""

    def __init__(self, output: str, log: str, *, file: str | None = None) -> None:
        """``file``: of several inputs that went into the output only this one comes back, else all, one behind the other."""
        self._output = Input(output, _LIMITS, Decoder("utf-8"))
        self._log = Input(log, _LIMITS, Decoder("utf-8"))
        self._file = None if file is None else shown(file)
        #: What is read.
        self.inputs = (self._output, self._log)
        for source in self.inputs:
            source.check()

    def pieces(self) -> Iterator[bytes]:
        """Yield the raw file in pieces.

        Raises InputError, with the place, when output and log do not belong together, when a line is in neither of them, and
        when the whole is not what was cleaned; that is known at its end.
        """
        held: list[bytes] = []
        size = 0
        for line in self._lines():
            held.append(line)
            size += len(line)
            if size >= CHUNK_BYTES:
                yield b"".join(held)
                held, size = [], 0
        yield b"".join(held)

    def _lines(self) -> Iterator[bytes]:
        entries = _Log(self._log)
        written = (line for chunk in self._output.chunks() for line in chunk.lines())
        has_any = False
        while entries.next is not None:
            name = entries.next["file"]
            is_wanted = self._file in (None, name)
            has_any |= is_wanted
            for line in _one_file(name, entries, written, self._output.name):
                if is_wanted:
                    yield line
        if next(written, None) is not None:
            raise InputError(f"{self._output.name}: has more lines than the edit log knows of")
        if not has_any:
            of_what = "" if self._file is None else f" of a file {self._file}"
            raise InputError(f"{self._log.name}: has no entry{of_what}; is it the edit log of this output?")


class _Log:
    """The entries of an edit log, one ahead."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._lines = (line for chunk in source.chunks() for line in chunk.lines())
        self._number = 0
        #: The entry at hand; None behind the last one.
        self.next: dict[str, Any] | None = self._read()

    def advance(self) -> None:
        """Go to the next entry. Raises InputError if it is none."""
        self.next = self._read()

    def _read(self) -> dict[str, Any] | None:
        line = next(self._lines, None)
        if line is None:
            return None
        self._number = line.number
        try:
            entry = orjson.loads(line.raw)
            if not isinstance(entry["file"], str) or not isinstance(entry["edits"], list) or "line" not in entry:
                raise TypeError
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise self.error("is no entry of an edit log") from None
        return dict(entry)

    def error(self, what: str) -> InputError:
        """Return what is wrong with the entry at hand."""
        return InputError(f"{self._source.name}:{self._number}: {what}")


def _one_file(name: str, entries: _Log, written: Iterator[Line], output: str) -> Iterator[bytes]:
    """Yield the lines of one input, up to its closing entry."""
    digest = hashlib.sha256()
    held = b""  # the last line: only behind it shows whether its end was its own
    number = 0
    while True:
        number += 1
        entry = entries.next
        if entry is None or entry["file"] != name:
            raise entries.error(f"the log of {name} ends too early; was its run interrupted?")
        if entry["line"] is None:
            if number > entry["lines"]:
                break
            line = _verbatim(written, output)
        elif entry["line"] == number:
            line = _undo(entry, entries, written, output)
            entries.advance()
        else:
            line = _verbatim(written, output)
        digest.update(held)
        if held:
            yield held
        held = line
    wanted = entry["sha256"]
    without_end = held.removesuffix(b"\n")
    for last in (held, without_end):  # where inputs share an output, a last line without its end was given one
        if wanted is None or _with(digest, last) == wanted:
            if last:
                yield last
            entries.advance()
            return
    raise InputError(f"{output}: is not what the run wrote, or the edit log is of another one: {name} has another SHA-256")


def _with(digest: hashlib._Hash, data: bytes) -> str:
    more = digest.copy()
    more.update(data)
    return more.hexdigest()


def _verbatim(written: Iterator[Line], output: str) -> bytes:
    line = next(written, None)
    if line is None:
        raise InputError(f"{output}: has fewer lines than the edit log knows of")
    return line.raw


def _undo(entry: dict[str, Any], entries: _Log, written: Iterator[Line], output: str) -> bytes:
    if "rejected" in entry:
        if "raw" not in entry:
            raise entries.error(f"line {entry['line']} was too long to be held, so it was not kept; the rest could be restored")
        return base64.b64decode(entry["raw"])
    line = _verbatim(written, output)
    try:
        return restored_line(entry, line)
    except (CannotUndoError, Problem, KeyError, TypeError, ValueError) as error:
        raise entries.error(f"does not fit {output}: {error}") from None
