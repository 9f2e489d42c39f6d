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

#: Most rows in a chunk, however short they are.
_MAX_ROWS = 10_000
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

    ``number``: of the file among those that go into one output.
    """
    pyarrow = import_module("pyarrow")
    with parquet_file(path) as file:
        row = 1
        try:
            for index in range(file.num_row_groups):
                group = file.metadata.row_group(index)
                each = max(1, group.total_byte_size // max(1, group.num_rows))
                rows = max(1, min(_MAX_ROWS, CHUNK_BYTES // each))
                for batch in file.iter_batches(rows, row_groups=[index]):
                    marked = {**(batch.schema.metadata or {}), _ROW_GROUP: b"%d of %d" % (index, number)}
                    data = batch_bytes(batch.replace_schema_metadata(marked))
                    yield Chunk(row, 0, data, len(data))
                    row += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise cannot_read(path, error) from None


def batch_bytes(batch: pa.RecordBatch) -> bytes:
    """Return a record batch as an IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def read_batch(data: bytes) -> pa.RecordBatch:
    """Return the record batch in an IPC stream."""
    import pyarrow as pa

    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()


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
    """Return how to write a file as this one was written: the compression of each column, and which have a dictionary."""
    metadata = file.metadata
    if not metadata.num_row_groups or not metadata.num_columns:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(i) for i in range(metadata.num_columns)]
    return {
        "compression": {c.path_in_schema: c.compression for c in columns},
        "use_dictionary": [c.path_in_schema for c in columns if c.has_dictionary_page],
        "version": metadata.format_version,
    }
