"""Vectors and their ids as files that other tools read: Parquet, NumPy, safetensors.

While a run goes on the vectors are raw rows in a hidden file (see ``journal.py``). For NumPy and safetensors that is already the
output but for its header, which has a fixed size and is filled in at the end, when the number of rows is known. Parquet
is made from it at the end, row group by row group: a Parquet file cannot be gone on with.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from vinilm.encoding.journal import Journal, open_beside
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write, put_in_place
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vinilm.encoding.chunks import Id

#: What vectors are stored as: the name on the command line -> the type of the numbers, little-endian.
DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}

#: Bytes of vectors in a row group, about.
_GROUP_BYTES = 16 * 1024 * 1024
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Layout:
    """What is in an output: the shape and type of its rows, and what it says of itself."""

    dimensions: int
    dtype: np.dtype[Any]
    #: Key -> value: model, settings.
    metadata: dict[str, str]

    @property
    def row_bytes(self) -> int:
        """Bytes of a vector."""
        return self.dimensions * self.dtype.itemsize


class Ids:
    """The ids of the rows, as lines of JSON in a hidden file that is written anew by every run."""

    def __init__(self, output: Path) -> None:
        """Raises OutputError."""
        self.path = output.with_name(f".{output.name}.vinilm.ids")
        #: Whether all of them are integers of 64 bits.
        self.are_integers = True
        self._file = self._open()

    def _open(self) -> io.BufferedRandom:
        try:
            raw = open_beside(self.path)
            raw.truncate(0)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None
        return io.BufferedRandom(raw)

    def add(self, ids: Iterable[Id]) -> None:
        """Add the ids of further rows. Raises OutputError."""
        try:
            for name in ids:
                self.are_integers = self.are_integers and isinstance(name, int) and name in _INT64
                self._file.write(orjson.dumps(name) + b"\n")
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def __iter__(self) -> Iterator[Id]:
        self._file.seek(0)
        return map(orjson.loads, self._file)

    def put_in_place(self, final: Path) -> None:
        """Give the file its final name. Raises OSError."""
        self._file.flush()
        put_in_place(self._file.fileno(), self.path, final)

    def close(self) -> None:
        """Remove what was not put in place."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


class Output(ABC):
    """A kind of file with vectors."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout

    @staticmethod
    def files(path: str) -> list[str]:
        """Return the names of the files that are written: this one, and the one with its ids."""
        return [path, f"{path}.ids.jsonl"]

    @property
    def header_bytes(self) -> int:
        """Bytes before the first vector."""
        return len(self.header(0))

    @abstractmethod
    def header(self, rows: int) -> bytes:
        """Return what stands before the vectors, of the same length for any number of ``rows``."""

    def finish(self, journal: Journal, ids: Iterable[Id], rows: int) -> None:
        """Have the output appear under its name, ``journal``'s vectors and all. Raises OutputError."""
        assert isinstance(ids, Ids)
        try:
            descriptor = journal.write_header(self.header(rows))
            # The vectors last: once they are there, all is.
            ids.put_in_place(Path(self.files(str(self.path))[1]))
            put_in_place(descriptor, journal.vectors, self.path)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None


class NumPy(Output):
    """An array of shape (rows, dimensions), for ``numpy.load(..., mmap_mode="r")``."""

    def header(self, rows: int) -> bytes:
        """Return the header of the format, version 1.0, which numpy itself pads to a multiple of 64 bytes."""
        out = io.BytesIO()
        shape = (rows, self.layout.dimensions)
        header = {"descr": self.layout.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, header)
        return out.getvalue()


class SafeTensors(Output):
    """A tensor ``vectors`` of shape (rows, dimensions), and what the vectors were made with in the metadata."""

    def header(self, rows: int) -> bytes:
        """Return the header of the format: a length of 8 bytes, JSON, and spaces up to that length."""
        size = (len(self._header(10**15)) + 7) // 8 * 8
        return size.to_bytes(8, "little") + self._header(rows).ljust(size)

    def _header(self, rows: int) -> bytes:
        kind = {"<f4": "F32", "<f2": "F16"}[self.layout.dtype.str]
        shape = [rows, self.layout.dimensions]
        tensor = {"dtype": kind, "shape": shape, "data_offsets": [0, rows * self.layout.row_bytes]}
        return json.dumps({"__metadata__": self.layout.metadata, "vectors": tensor}).encode("ascii")


class Parquet(Output):
    """Columns ``id`` and ``vector`` (a list of fixed size), for pandas, Polars, DuckDB, ``datasets`` and Spark."""

    @staticmethod
    def files(path: str) -> list[str]:
        """Return the name of the only file: the ids are in it."""
        return [path]

    def header(self, rows: int) -> bytes:  # noqa: ARG002
        """Nothing: the raw vectors are not the output."""
        return b""

    def finish(self, journal: Journal, ids: Iterable[Id], rows: int) -> None:
        """Write the Parquet file from the raw vectors. Raises OutputError."""
        assert isinstance(ids, Ids)
        temporary = self.path.with_name(f".{self.path.name}.vinilm.tmp")
        try:
            with open_beside(temporary) as file:
                file.truncate(0)
                self._write(file, journal.vectors, ids, rows)
                put_in_place(file.fileno(), temporary, self.path)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _write(self, file: io.FileIO, vectors: Path, ids: Ids, rows: int) -> None:
        pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        layout = self.layout
        kind = pa.from_numpy_dtype(layout.dtype)
        schema = pa.schema(
            [
                pa.field("id", pa.int64() if ids.are_integers and rows else pa.string(), nullable=False),
                pa.field("vector", pa.list_(pa.field("element", kind, nullable=False), layout.dimensions), nullable=False),
            ],
            metadata=layout.metadata,
        )
        names = iter(ids)
        group = max(1, _GROUP_BYTES // layout.row_bytes)
        # Floating-point numbers all but do not compress; ids do.
        settings = {"use_dictionary": False, "write_statistics": ["id"], "compression": {"id": "zstd"}}
        with vectors.open("rb") as raw, parquet.ParquetWriter(file, schema, **settings) as writer:
            for first in range(0, rows, group):
                count = min(group, rows - first)
                numbers = pa.array(np.fromfile(raw, layout.dtype, count * layout.dimensions))
                some = list(islice(names, count))
                column = pa.array(some if ids.are_integers else [str(name) for name in some], schema.field("id").type)
                lists = pa.FixedSizeListArray.from_arrays(numbers, type=schema.field("vector").type)
                writer.write_table(pa.Table.from_arrays([column, lists], schema=schema), row_group_size=count)


#: Suffix of the name -> kind of file.
OUTPUTS: dict[str, type[Output]] = {".parquet": Parquet, ".npy": NumPy, ".safetensors": SafeTensors}


def output_kind(path: str) -> type[Output]:
    """Return the kind of file that the name tells. Raises OutputError if it tells none, or needs a library."""
    kind = OUTPUTS.get(os.path.splitext(path)[1].lower())  # noqa: PTH122
    if kind is None:
        raise OutputError(f"{shown(path)}: the name does not tell what to write; end it in {', '.join(OUTPUTS)}")
    if kind is Parquet:
        try:
            import_module("pyarrow.parquet")
        except ImportError:
            raise OutputError(
                f'{shown(path)}: writing Parquet needs pyarrow; pip install "vnlp-prep[parquet]", or write .npy'
            ) from None
    return kind
