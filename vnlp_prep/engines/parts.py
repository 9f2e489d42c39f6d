"""Inputs -> parts, each of which is cleaned by itself, anywhere: ranges of lines or of row groups.

A part of a file of lines is a range of bytes, and the lines that begin in it; who reads a part looks for the first one. So a file
is cut without being read. The numbers of the lines are not known before all parts in front are: they are counted from the
beginning of the part, and put right at the end of the run, in the rejects, where alone they are shown. An archive cannot be cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from vnlp_prep.corpus.chunks import CHUNK_BYTES, Chunk, read_chunks
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.readers import known_format, split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.engines.storage import READ_BYTES, File, StoredInput, at_once, first_line, locate, opened
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow.parquet as pq

    from vnlp_prep.corpus.run import Options

#: Bytes in a part: some seconds of work, so that a machine that is lost costs little.
PART_BYTES = 128 * 1024 * 1024
#: Digits in the name of a shard, unless it takes more.
_DIGITS = 6
#: Suffix of a shard by its format.
_SUFFIXES = {"jsonl": ".jsonl", "text": ".txt", "parquet": ".parquet"}


@dataclass(frozen=True)
class Part:
    """A part of an input, and the name of the shard that it becomes.

    ``start`` and ``end`` are bytes, or row groups of a Parquet file; ``end`` None: all that is there.
    """

    file: File
    format: str
    start: int = 0
    end: int | None = None
    #: The number of the first row of a table, from 1.
    first_row: int = 1
    #: The number of the input, from 0.
    input: int = 0
    shard: str = ""
    #: True for the last part of an input that another one follows: its shard ends the last line, so that shards can be joined.
    is_followed: bool = False

    @property
    def first_line(self) -> int:
        """The number that the first line of the part is given. Only in the first part of a file is it 1, and the true one."""
        return 1 if self.start == 0 else 2


def cut(files: Sequence[File], options: Options, format: str | None, part_bytes: int = PART_BYTES) -> list[Part]:
    """Return the parts of all ``files``, in order.

    ``format`` None: by the name of each. Raises InputError for a file that its first bytes, or its schema, show not to be what it
    is taken for.
    """
    inputs = at_once(partial(_cut, options=options, format=format, part_bytes=part_bytes), files)
    digits = max(_DIGITS, len(str(sum(map(len, inputs)))))
    numbers = count()
    parts: list[Part] = []
    for number, found in enumerate(inputs):
        for part in found:
            packing = "" if part.format == "parquet" else split_name(part.file.path)[1]
            shard = f"part-{next(numbers):0{digits}d}{_SUFFIXES[part.format]}{packing}"
            is_followed = part is found[-1] and number + 1 < len(inputs)
            parts.append(replace(part, input=number, shard=shard, is_followed=is_followed))
    return parts


def _cut(file: File, options: Options, format: str | None, part_bytes: int) -> list[Part]:
    kind = format or known_format(file.path)
    if kind is None:
        raise InputError(f"{shown(file.path)}: the name does not tell the format; say --format jsonl, text or parquet")
    if kind == "parquet":
        return _cut_table(file, options, part_bytes)
    source = StoredInput(file, options.limits, Decoder(options.encoding))
    source.check()
    is_whole = kind == "text" and options.whole_file
    if is_whole or source.decoder.is_stream or split_name(file.path)[1] or file.size <= part_bytes or _is_packed(file):
        return [Part(file, kind)]
    return [Part(file, kind, start, min(start + part_bytes, file.size)) for start in range(0, file.size, part_bytes)]


def _is_packed(file: File) -> bool:
    """Return True for an archive, whatever its name says."""
    from vnlp_prep.corpus.readers import packing_of

    with opened(file.path) as stored:
        return bool(packing_of(stored.read(4)))


def _cut_table(file: File, options: Options, part_bytes: int) -> list[Part]:
    with table_file(file.path) as table:
        options.table().check(table.schema_arrow, shown(file.path))
        groups = [table.metadata.row_group(i) for i in range(table.num_row_groups)]
    parts: list[Part] = []
    start = size = rows = 0
    first_row = 1
    for i, group in enumerate(groups):
        if size and size + group.total_byte_size > part_bytes:
            parts.append(Part(file, "parquet", start, i, first_row))
            first_row += rows
            start, size, rows = i, 0, 0
        size += group.total_byte_size
        rows += group.num_rows
    return [*parts, Part(file, "parquet", start, len(groups), first_row)]


def table_file(path: str) -> pq.ParquetFile:
    """Open a Parquet file, which a ``with`` closes. Raises InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    system, inner = locate(path)
    try:
        return pq.ParquetFile(system.open_input_file(inner), pre_buffer=True)
    except FileNotFoundError:
        raise InputError(f"{shown(path)}: no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{shown(path)}: cannot be read as Parquet: {first_line(error)}") from None


class PartReader:
    """The chunks of one part."""

    def __init__(self, part: Part, options: Options) -> None:
        self.part = part
        #: Lines that were read so far.
        self.lines = 0
        #: What is wrong with the archive, once it has been read.
        self.damage: str | None = None
        self._options = options

    def chunks(self) -> Iterator[Chunk]:
        """Yield the lines in chunks; their offsets are those in the file, their numbers count from the beginning of the part.

        Raises InputError.
        """
        part = self.part
        is_whole = part.format == "text" and self._options.whole_file
        if part.end is None:
            source = StoredInput(part.file, self._options.limits, Decoder(self._options.encoding))
            chunks, offset = source.chunks(is_whole=is_whole), 0
        else:
            source = None
            offset, blocks = _lines_in(part.file.path, part.start, part.end)
            chunks = read_chunks(blocks, CHUNK_BYTES, self._options.limits.max_line_bytes)
        for chunk in chunks:
            self.lines += _count_lines(chunk)
            yield replace(chunk, number=chunk.number + part.first_line - 1, offset=chunk.offset + offset)
        if source is not None:
            self.damage = source.damage


def _count_lines(chunk: Chunk) -> int:
    if chunk.is_whole or chunk.length > len(chunk.data):
        return 1
    return chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n"))


def _lines_in(path: str, start: int, end: int) -> tuple[int, Iterator[bytes]]:
    """Return where the first line that begins in these bytes begins, and these lines as blocks of bytes."""
    blocks = _blocks_of_lines(path, start, end)
    offset = next(blocks)
    assert isinstance(offset, int)
    return offset, blocks  # type: ignore[return-value]


def _blocks_of_lines(path: str, start: int, end: int) -> Iterator[int | bytes]:
    with opened(path) as file:
        at = start
        if start:
            # A line begins behind a line end; one that begins at `end` or later is of the next part.
            at = start - 1
            file.seek(at)
            while at < end - 1:
                block = file.read(min(READ_BYTES, end - 1 - at))
                found = block.find(b"\n")
                if found >= 0:
                    at += found + 1
                    break
                at += len(block)
                if not block:
                    at = end
            else:
                at = end
        yield at
        if at >= end:
            return
        file.seek(at)
        ends = False
        while at < end and (block := file.read(min(READ_BYTES, end - at))):
            at += len(block)
            ends = block.endswith(b"\n")
            yield block
        # The last line may reach far into the next parts.
        while not ends and (block := file.read(READ_BYTES)):
            head, newline, _ = block.partition(b"\n")
            ends = bool(newline)
            yield head + newline
