r"""Files, archives and pipes as lines of bytes, in bounded memory.

Lines end at ``\n`` and nowhere else. An archive is unpacked block by block, all its members; its ratio is capped.
"""

from __future__ import annotations

import os
import stat
import sys
import zlib
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.encodings import Decoder, wide_encoding
from vnlp_prep.corpus.records import CUT_BYTES, Line, shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Bytes read, and unpacked, at a time.
BLOCK_BYTES = 128 * 1024
#: The cap on the ratio of an archive does not bite below this many unpacked bytes.
RATIO_FLOOR_BYTES = 64 * 1024 * 1024

MAX_LINE_BYTES = 64 * 1024 * 1024
MAX_RATIO = 200
MAX_UNPACKED_BYTES = 1024**4

_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_SKIPPABLE = b"\x2a\x4d\x18"  # of a Zstandard frame: the three bytes behind 0x50 to 0x5f
_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "text"}


@dataclass(frozen=True)
class Limits:
    """What an input may cost: bytes in a line, unpacked bytes for each packed one, unpacked bytes in all."""

    max_line_bytes: int = MAX_LINE_BYTES
    max_ratio: float = MAX_RATIO
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES


def split_name(path: str) -> tuple[str, str]:
    """Return the name without the archive's suffix, and that suffix (``.gz``, ``.zst`` or nothing)."""
    for suffix in _MAGIC:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)], path[-len(suffix) :].lower()
    return path, ""


def format_of(path: str) -> str:
    """Return ``jsonl`` or ``text`` by the name of the file; a stream is JSONL. Raises InputError for other names."""
    if path == "-" or not _is_regular(path):
        return "jsonl"
    suffix = Path(split_name(path)[0]).suffix.lower()
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    raise InputError(f"{shown(path)}: the name does not tell the format; say --format jsonl or --format text")


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True


class Input:
    """One input: a file, a pipe, or standard input (``-``).

    Raises InputError when it is made if it cannot be read: no file, a folder, a socket, no permission.
    """

    def __init__(self, path: str, limits: Limits, decoder: Decoder) -> None:
        self.path = path
        self.name = "stdin" if path == "-" else shown(path)
        self.limits = limits
        self.decoder = decoder
        #: Packed bytes in all, None if that cannot be known.
        self.size: int | None = None
        #: Packed bytes read so far.
        self.packed = 0
        #: What is wrong with the archive, once reading has come to it; what stood before it was read.
        self.damage: str | None = None
        try:
            kind = os.fstat(0) if path == "-" else Path(path).stat()
        except OSError as error:
            raise InputError(f"{self.name}: {_reason(error)}") from None
        if stat.S_ISDIR(kind.st_mode):
            raise InputError(f"{self.name}: is a folder; name the files in it")
        if stat.S_ISSOCK(kind.st_mode) and path != "-":
            raise InputError(f"{self.name}: is a socket; pipe it into vnlp-prep -")
        self.identity = (kind.st_dev, kind.st_ino)
        if stat.S_ISREG(kind.st_mode):
            self.size = kind.st_size

    def check(self) -> None:
        """Read the first bytes of a regular file and raise InputError if it cannot be what it is said to be."""
        if self.size is None or self.path == "-":
            return  # what is read from a stream is gone
        for _ in self._start(self._read()):
            break
        self.packed = 0

    def batches(self) -> Iterator[list[Line]]:
        """Yield the lines, as lists of those that one block of bytes completes. Raises InputError."""
        return split_lines(self._unpacked(), self.limits.max_line_bytes)

    def whole(self) -> Iterator[list[Line]]:
        """Yield one list with the whole input as one line (none if it is empty). Raises InputError."""
        held = _Held(self.limits.max_line_bytes)
        for block in self._unpacked():
            held.add(block)
        if held.length:
            yield [held.take(1, 0)]

    def _unpacked(self) -> Iterator[bytes]:
        blocks = self._start(self._read())
        if self.decoder.is_stream:
            blocks = self.decoder.to_utf8(blocks)
        return blocks

    def _read(self) -> Iterator[bytes]:
        try:
            file = FileIO(0 if self.path == "-" else self.path, "rb", closefd=self.path != "-")
        except OSError as error:
            raise InputError(f"{self.name}: {_reason(error)}") from None
        with file:
            while True:
                try:
                    block = file.read(BLOCK_BYTES)
                except OSError as error:
                    raise InputError(f"{self.name}: {_reason(error)}") from None
                if not block:
                    return
                self.packed += len(block)
                yield block

    def _start(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack ``blocks`` by their first bytes, and hold those against the name and the encoding."""
        blocks = _with_first(blocks, 4)
        first = next(blocks, b"")
        packing = _packing(first)
        said = split_name(self.path)[1] if self.size is not None else ""
        if first and said and said != packing:
            what = f"a {packing} archive" if packing else "not an archive"
            raise InputError(f"{self.name}: is {what}, whatever its name says; rename it")
        blocks = _chain(first, blocks)
        if packing:
            blocks = self._capped(_gunzip(blocks) if packing == ".gz" else _unzstd(blocks))
            blocks = _with_first(blocks, 4)
            first = next(blocks, b"")
            blocks = _chain(first, blocks)
        if not self.decoder.is_stream and (wide := wide_encoding(first)):
            raise InputError(f"{self.name}: is {wide.upper()}, not UTF-8; say --encoding {wide}")
        yield from blocks

    def _capped(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        try:
            for block in blocks:
                total += len(block)
                if total > self.limits.max_unpacked_bytes:
                    raise InputError(
                        f"{self.name}: unpacks to more than {self.limits.max_unpacked_bytes:,} bytes; "
                        "if that is meant, raise --max-unpacked-bytes"
                    )
                if total > RATIO_FLOOR_BYTES and total > self.limits.max_ratio * self.packed:
                    raise InputError(
                        f"{self.name}: unpacks to more than {self.limits.max_ratio:g} times its size; "
                        "if that is meant, raise --max-ratio"
                    )
                yield block
        except _DamagedError as damaged:
            self.damage = str(damaged)


class _DamagedError(Exception):
    """An archive that ends early or is not right; what was unpacked before is."""


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (error.strerror or str(error)).lower()


def _packing(start: bytes) -> str:
    if start.startswith(_MAGIC[".gz"]):
        return ".gz"
    if start.startswith(_MAGIC[".zst"]) or (start[1:4] == _SKIPPABLE and 0x50 <= start[0] <= 0x5F):
        return ".zst"
    return ""


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _with_first(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """``blocks``, the first of which has at least ``size`` bytes if there are so many."""
    first = b""
    for block in blocks:
        first += block
        if len(first) >= size:
            break
    return _chain(first, blocks)


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack all members of a gzip file (RFC 1952); zeros behind the last one are padding."""
    member = zlib.decompressobj(wbits=31)
    between = False  # behind a member, before the next
    try:
        for block in blocks:
            while block:
                if between:
                    block = block.lstrip(b"\0")
                    if not block:
                        break
                    member, between = zlib.decompressobj(wbits=31), False
                if out := member.decompress(block, BLOCK_BYTES):
                    yield out
                between = member.eof
                block = member.unused_data if between else member.unconsumed_tail
        if not between:
            if out := member.flush():
                yield out
            if not member.eof:
                raise _DamagedError("the archive ends too early")
    except zlib.error as error:
        raise _DamagedError(f"the archive is damaged ({str(error).split(': ')[-1]})") from None


def _unzstd(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack all frames of a Zstandard file (RFC 8878)."""
    import zstandard

    # A window above 128 MiB would be memory that the file asks for; the zstd tool refuses it as well.
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    frame = unpacker.decompressobj()
    between = False
    try:
        for block in blocks:
            # Four bytes can unpack to 128 KiB, all of which one call returns: feed little.
            for at in range(0, len(block), 1024):
                piece = block[at : at + 1024]
                while piece:
                    if between:
                        frame, between = unpacker.decompressobj(), False
                    out = frame.decompress(piece)
                    for start in range(0, len(out), BLOCK_BYTES):
                        yield out[start : start + BLOCK_BYTES]
                    between = frame.eof
                    piece = frame.unused_data if between else b""
    except zstandard.ZstdError as error:
        raise _DamagedError(f"the archive is damaged ({str(error).split(': ')[-1].lower()})") from None
    if not between:
        raise _DamagedError("the archive ends too early")


class _Held:
    """The bytes of a line that is not complete: all of them up to a cap, only the beginning of a longer one."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.length = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self.length += len(piece)
        self._pieces.append(piece)
        if self.length > self.max_bytes:
            self._pieces = [b"".join(self._pieces)[: min(CUT_BYTES, self.max_bytes)]]

    def take(self, number: int, offset: int, end: bytes = b"") -> Line:
        """Return the line, closed by ``end``; what is held is forgotten."""
        if self.length <= self.max_bytes:
            self._pieces.append(end)
        line = Line(number, offset, b"".join(self._pieces), self.length + len(end))
        self.length, self._pieces = 0, []
        return line


def split_lines(blocks: Iterable[bytes], max_bytes: int = sys.maxsize) -> Iterator[list[Line]]:
    r"""Split a stream of bytes into lines at ``\n``; yield those that each block completes.

    A line longer than ``max_bytes`` (its line end not counted) is never held: only its beginning is kept.
    """
    number, offset = 1, 0
    held = _Held(max_bytes)
    for block in blocks:
        *complete, rest = block.split(b"\n")
        lines: list[Line] = []
        for part in complete:
            if held.length or len(part) > max_bytes:
                held.add(part)
                line = held.take(number, offset, b"\n")
            else:
                raw = part + b"\n"
                line = Line(number, offset, raw, len(raw))
            lines.append(line)
            number += 1
            offset += line.length
        if rest:
            held.add(rest)
        if lines:
            yield lines
    if held.length:
        yield [held.take(number, offset)]
