"""Files, archives and pipes as lines of bytes, in bounded memory.

An archive is unpacked block by block, all its members; its ratio is capped.
"""

from __future__ import annotations

import os
import stat
import zlib
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.chunks import CHUNK_BYTES, Chunk, read_chunks, read_whole
from vnlp_prep.corpus.encodings import Decoder, wide_encoding
from vnlp_prep.corpus.records import shown
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
_FORMATS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "text", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


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
    """Return ``jsonl``, ``text`` or ``parquet`` by the name of the file; a stream is JSONL. Raises InputError for other names."""
    if path == "-" or not is_regular(path):
        return "jsonl"
    format = known_format(path)
    if format is None:
        raise InputError(f"{shown(path)}: the name does not tell the format; say --format jsonl or --format text")
    return format


def known_format(path: str) -> str | None:
    """Return the format that the name of a file tells, None if it tells none. No archive holds Parquet."""
    stem, packing = split_name(path)
    format = _FORMATS.get(Path(stem).suffix.lower())
    return None if packing and format == "parquet" else format


def is_regular(path: str) -> bool:
    """True for a file, and for what is not there: who reads it will say so."""
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
        #: When it was changed last, in nanoseconds since 1970; None for a stream.
        self.changed_at: int | None = None
        #: Packed bytes read so far.
        self.packed = 0
        #: What is wrong with the archive or file, once reading has come to it; what stood before it was read.
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
            self.size, self.changed_at = kind.st_size, kind.st_mtime_ns

    def check(self) -> None:
        """Read the first bytes of a regular file and raise InputError if it cannot be what it is said to be."""
        if self.size is None or self.path == "-":
            return  # what is read from a stream is gone
        for _ in self._start(self._read()):
            break
        self.packed = 0

    def chunks(self, size: int | None = CHUNK_BYTES, *, is_whole: bool = False) -> Iterator[Chunk]:
        """Yield the lines in chunks, see :func:`read_chunks`; ``is_whole``: all of it is one line. Raises InputError."""
        blocks, cap = self._unpacked(), self.limits.max_line_bytes
        for chunk in read_whole(blocks, cap) if is_whole else read_chunks(blocks, size, cap):
            chunk.damage = self.damage
            yield chunk

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
                    if self.size is not None and self.path != "-" and self.packed < self.size and self.damage is None:
                        self.damage = f"it was cut to {self.packed:,} bytes while it was read"
                    return
                self.packed += len(block)
                yield block

    def _start(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack ``blocks`` by their first bytes, and hold those against the name and the encoding."""
        blocks = _with_first(blocks, 4)
        first = next(blocks, b"")
        packing = packing_of(first)
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
            raise InputError(
                f"{self.name}: is {wide.upper()}, not UTF-8; convert it, or say --encoding {wide} to a command that has it"
            )
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


def packing_of(start: bytes) -> str:
    """Return the suffix of the archive that begins so (``.gz``, ``.zst``), or nothing."""
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
