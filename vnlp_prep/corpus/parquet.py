"""Parquet: rows in chunks out of a file, and back into one with the same schema, row groups and compression.

On their way rows are Arrow record batches in the IPC stream format, one stream for each chunk, so that they can be sent to
another process and appended to a file that is not finished. pyarrow (the extra ``parquet``) is imported when it is needed.
"""

from __future__ import annotations

from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.chunks import CHUNK_BYTES, Chunk
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import FileIO

    import pyarrow as pa
    import pyarrow.parquet as pq

# Rows that are unpacked at a time.
_ROWS_AT_A_TIME = 256
# Metadata of a file that Arrow wrote: the schema as Arrow has it.
_ARROW_SCHEMA = b"ARROW:schema"
# What a compression is called in a file -> for the writer, where that differs.
_COMPRESSIONS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
# Metadata of a chunk's schema: which row group of which input it is of. It never reaches the output.
_ROW_GROUP = b"vnlp_prep.row_group"


def parquet_file(path: str) -> pq.ParquetFile:
    """Open a Parquet file. Raises InputError."""
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(f"{shown(path)}: reading Parquet needs pyarrow; pip install 'vnlp-prep[parquet]'") from None
    if not Path(path).is_file():
        raise InputError(f"{shown(path)}: Parquet is read from a file, not from a stream")
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise cannot_read(path, error) from None


def cannot_read(path: str, error: Exception) -> InputError:
    """Return what pyarrow says of a file as an error of ours."""
    return InputError(f"{shown(path)}: cannot be read as Parquet: {str(error).splitlines()[0][:200]}")


def read_chunks(path: str, number: int = 0) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks, none of which reaches over the end of a row group. Raises InputError.

    A chunk has as many bytes as one of lines, in memory: in the file a value that many rows share may stand once. ``number``: of
    the file among those that go into one output.
    """
    with parquet_file(path) as file:
        row = 1
        for index in range(file.num_row_groups):
            yield from row_group_chunks(file, index, row, path, {_ROW_GROUP: b"%d of %d" % (index, number)})
            row += file.metadata.row_group(index).num_rows


def row_group_chunks(
    file: pq.ParquetFile, index: int, first_row: int, path: str, marks: dict[bytes, bytes] | None = None
) -> Iterator[Chunk]:
    """Yield the rows of one row group in chunks. Raises InputError.

    ``first_row``: the number of its first row in the file, from 1; ``path``: what the file is called; ``marks``: more metadata
    for the schema of each chunk.
    """
    pyarrow = import_module("pyarrow")
    row = first_row
    try:
        for batches in _in_chunks(file.iter_batches(_ROWS_AT_A_TIME, row_groups=[index])):
            marked = {**(batches[0].schema.metadata or {}), **(marks or {})}
            data = stream_bytes([batch.replace_schema_metadata(marked or None) for batch in batches])
            yield Chunk(row, 0, data, len(data))
            row += sum(batch.num_rows for batch in batches)
    except (pyarrow.ArrowException, OSError) as error:
        raise cannot_read(path, error) from None


def _in_chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Put small batches together, and take large ones apart."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        rows = max(1, batch.num_rows * CHUNK_BYTES // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, rows):
            held.append(batch.slice(start, rows))
            size += held[-1].nbytes
            if size >= CHUNK_BYTES:
                yield held
                held, size = [], 0
    if held:
        yield held


def stream_bytes(batches: Sequence[pa.RecordBatch]) -> bytes:
    """Return record batches, of which there is at least one, as an IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def read_batches(data: bytes) -> list[pa.RecordBatch]:
    """Return the record batches in an IPC stream."""
    import pyarrow as pa

    with pa.ipc.open_stream(data) as reader:
        return list(reader)


def check_alike(paths: Sequence[str]) -> None:
    """Raise InputError unless all files have the same schema: their rows go into one file."""
    first: Any = None
    for path in paths:
        with parquet_file(path) as file:
            schema = file.schema_arrow
        if first is None:
            first = schema
        elif not schema.equals(first):
            raise InputError(f"{shown(path)}: has other columns than {shown(paths[0])}; only files that are alike go into one")


def write_file(pieces: FileIO, target: FileIO, like: str) -> None:
    """Write the chunks in ``pieces`` as a Parquet file to ``target``, with schema and compression of the file ``like``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with parquet_file(like) as file:
        schema, options = file.schema_arrow, writing_options(file)
    with pq.ParquetWriter(target, schema, **options) as writer:
        for group in _row_groups(pieces):
            table = pa.Table.from_batches([batch.replace_schema_metadata(schema.metadata) for batch in group], schema)
            if table.num_rows:
                writer.write_table(table, row_group_size=table.num_rows)


def _row_groups(pieces: FileIO) -> Iterator[list[pa.RecordBatch]]:
    for _, batches in groupby(_batches(pieces), lambda batch: batch.schema.metadata[_ROW_GROUP]):
        yield list(batches)


def _batches(pieces: FileIO) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    size = pieces.seek(0, 2)
    pieces.seek(0)
    file = pa.PythonFile(pieces, mode="r")
    while pieces.tell() < size:
        with pa.ipc.open_stream(file) as reader:
            yield from reader


def writing_options(file: pq.ParquetFile) -> dict[str, Any]:
    """Return how to write a file as this one was written: types, the compression of each column, and which have a dictionary."""
    metadata = file.metadata
    columns = [file.schema.column(i) for i in range(metadata.num_columns)]
    version = metadata.format_version
    if any("nanoseconds" in str(c.logical_type) or c.converted_type == "UINT_32" for c in columns if c.physical_type != "INT96"):
        version = "2.6"  # others than Arrow use what an older version of the format, as Arrow sees it, does not have
    options: dict[str, Any] = {
        "version": version,
        "use_deprecated_int96_timestamps": any(c.physical_type == "INT96" for c in columns),
        "store_schema": _ARROW_SCHEMA in (metadata.metadata or {}),
    }
    if metadata.num_row_groups and columns:
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        stored = [groups[0].column(i) for i in range(metadata.num_columns)]
        options["compression"] = {c.path_in_schema: _COMPRESSIONS.get(c.compression, c.compression) for c in stored}
        options["use_dictionary"] = [
            c.path_in_schema for i, c in enumerate(stored) if any(group.column(i).has_dictionary_page for group in groups)
        ]
    return options
