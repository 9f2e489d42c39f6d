"""The way back: a cleaned file and its edit log -> the raw file, byte for byte (``edit_log.py`` has the format)."""

from __future__ import annotations

import base64
import hashlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vnlp_prep.corpus.chunks import CHUNK_BYTES
from vnlp_prep.corpus.edit_log import CannotUndoError, NoEntryError, entry_in, restored_line
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.readers import Input, Limits, known_format
from vnlp_prep.corpus.records import Problem, shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vnlp_prep.corpus.records import Line


# Both files are our own, and lines of the log can be longer than those of any input: a rejected one stands there in base64.
_LIMITS = Limits(max_line_bytes=sys.maxsize, max_ratio=math.inf, max_unpacked_bytes=sys.maxsize)


class _Cleaned(NamedTuple):
    """An input, and the output that it went to, as they were named."""

    file: str
    output: str


class Restoring:
    """The way back of one output. Raises InputError when it is made if one of the two files cannot be read."""

    def __init__(self, output: str, log: str, *, file: str | None = None) -> None:
        """``file``: of several inputs that went into the output only this one comes back, else all, one behind the other."""
        if known_format(output) == "parquet":
            raise InputError(f"{shown(output)}: is Parquet; only files of lines can be restored")
        self._path = output
        self._output = Input(output, _LIMITS, Decoder("utf-8"))
        self._log = Input(log, _LIMITS, Decoder("utf-8"))
        self._file = None if file is None else shown(file)
        #: What is read.
        self.inputs = (self._output, self._log)
        for source in self.inputs:
            source.check()
        if self._log.size is None:
            raise InputError(f"{self._log.name}: an edit log is read twice, so it must be a file")

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
        cleaned = _inputs_in(self._log)
        ours = self._which_output(cleaned)
        entries = _Log(self._log)
        written = (line for chunk in self._output.chunks() for line in chunk.lines())
        for file, output in cleaned:
            if output != ours:
                entries.skip()
                continue
            for line in _one_file(file, entries, written, self._output.name):
                if self._file in (None, file):
                    yield line
        if next(written, None) is not None:
            raise InputError(f"{self._output.name}: has more lines than the edit log knows of")

    def _which_output(self, cleaned: list[_Cleaned]) -> str:
        """Return which of the outputs of the log this one is. Raises InputError if that cannot be told."""
        if self._file is not None:
            outputs = {output for file, output in cleaned if file == self._file}
        else:
            outputs = {output for _, output in cleaned}
        if not outputs:
            of_what = "" if self._file is None else f" of a file {self._file}"
            raise InputError(f"{self._log.name}: has no entry{of_what}; is it the edit log of this output?")
        if len(outputs) > 1:
            outputs = {output for output in outputs if output == shown(self._path)} or {
                output for output in outputs if Path(output).name == shown(Path(self._path).name)
            }
        if len(outputs) != 1:
            raise InputError(
                f"{self._log.name}: is the log of several outputs, and which of them {self._output.name} is cannot be told by its"
                " name; say --file NAME, with the name of an input that is in it"
            )
        return outputs.pop()


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

    def skip(self) -> None:
        """Go behind the next entry that closes an input."""
        while self.next is not None and self.next["line"] is not None:
            self.advance()
        self.advance()

    def _read(self) -> dict[str, Any] | None:
        line = next(self._lines, None)
        if line is None:
            return None
        self._number = line.number
        try:
            return entry_in(line.raw)
        except NoEntryError as error:
            raise self.error(str(error)) from None

    def error(self, what: str) -> InputError:
        """Return what is wrong with the entry at hand."""
        return InputError(f"{self._source.name}:{self._number}: {what}")


def _inputs_in(source: Input) -> list[_Cleaned]:
    """Return the inputs of which there is an edit log, in order. Raises InputError if one is not complete."""
    entries = _Log(source)
    found = []
    while (entry := entries.next) is not None:
        if entry["line"] is None:
            found.append(_Cleaned(entry["file"], entry["output"]))
        entries.advance()
        if entry["line"] is not None and (entries.next is None or entries.next["file"] != entry["file"]):
            raise entries.error(f"the log of {entry['file']} ends too early; was its run interrupted?")
    return found


def _one_file(name: str, entries: _Log, written: Iterator[Line], output: str) -> Iterator[bytes]:
    """Yield the lines of one input, up to its closing entry."""
    digest = hashlib.sha256()
    held = b""  # the last line: only behind it shows whether its end was its own
    number = 0
    while True:
        number += 1
        entry = entries.next
        assert entry is not None  # there is a closing entry
        if entry["line"] is None:
            if entry["lines"] is None:
                raise entries.error(f"{name} is Parquet; only files of lines can be restored")
            if number > entry["lines"]:
                break
            line = _verbatim(written, output).raw
        elif entry["line"] == number:
            line = _undo(entry, entries, written, output)
            entries.advance()
        else:
            line = _verbatim(written, output).raw
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


def _verbatim(written: Iterator[Line], output: str) -> Line:
    line = next(written, None)
    if line is None:
        raise InputError(f"{output}: has fewer lines than the edit log knows of")
    return line


def _undo(entry: dict[str, Any], entries: _Log, written: Iterator[Line], output: str) -> bytes:
    if "rejected" in entry and "raw" not in entry:
        raise entries.error(f"line {entry['line']} of {entry['file']} was too long to be held: it is neither here nor there")
    where = output
    try:
        if "rejected" in entry:
            return base64.b64decode(entry["raw"], validate=True)
        if "bytes" in entry:
            return restored_line(entry, _whole(written, entry["bytes"], output))
        line = _verbatim(written, output)
        where = f"{output}:{line.number}"
        return restored_line(entry, line.raw)
    except (CannotUndoError, Problem, KeyError, TypeError, ValueError) as error:
        raise entries.error(f"does not fit {where}: {error}") from None


def _whole(written: Iterator[Line], size: int, output: str) -> bytes:
    """Return what was written of a whole file. Raises CannotUndoError."""
    lines: list[bytes] = []
    while size > 0:
        lines.append(_verbatim(written, output).raw)
        size -= len(lines[-1])
    data = b"".join(lines)
    if size == -1 and data.endswith(b"\n"):  # which it was given because another file came behind it
        return data[:-1]
    if size:
        raise CannotUndoError("it has another size")
    return data
