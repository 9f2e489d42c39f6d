"""Files here, on a shared disk or in an object store: found, read and written through Arrow's file systems (or fsspec's).

pyarrow is imported when it is needed.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from vnlp_prep.corpus.chunks import read_chunks
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.inputs import find_inputs
from vnlp_prep.corpus.readers import Input, Limits, known_format
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from pyarrow.fs import FileSystem

#: Bytes read at a time: one request to an object store for each.
READ_BYTES = 4 * 1024 * 1024
# Requests in flight where there are many small ones.
_THREADS = 32
# File systems in which a file gets another name at once; elsewhere it appears when it is closed.
_RENAMING = re.compile(r"local|hdfs|py::fsspec\+.*'(?:file|local)'")

#: The folder, in a folder for output, that is there only as long as a run is not finished.
WORK = "_work"

_T = TypeVar("_T")
_R = TypeVar("_R")


def is_remote(path: str) -> bool:
    """Return True for a URI, such as ``s3://bucket/key``."""
    return "://" in path


def locate(path: str) -> tuple[FileSystem, str]:
    """Return the file system of a path or URI, and the path in it. Raises InputError if there is no such file system."""
    from pyarrow import fs

    if not is_remote(path):
        return fs.LocalFileSystem(), os.path.abspath(path)  # noqa: PTH100  (resolve() would follow links)
    try:
        system, inner = fs.FileSystem.from_uri(path)
    except (ValueError, OSError) as known_to_arrow:
        try:
            from fsspec.core import url_to_fs

            found, inner = url_to_fs(path)
        except (ImportError, ValueError, OSError) as error:
            raise InputError(f"{shown(path)}: no file system can be had for it: {error or known_to_arrow}") from None
        system = fs.PyFileSystem(fs.FSSpecHandler(found))
    return system, inner


@dataclass(frozen=True)
class File:
    """An input, and what tells whether it is still the same: bytes, and when it was changed (nanoseconds since 1970)."""

    path: str
    size: int
    changed_at: int | None


def find_files(paths: Sequence[str], format: str | None) -> list[File]:
    """Return the files that ``paths`` name, in order; a folder or pattern stands for those in it, sorted by their names.

    As on one machine; of a URI, the last part may be a pattern. Raises InputError for what cannot be found or read.
    """
    files: list[File] = []
    for path in paths:
        if path == "-":
            raise InputError("stdin: an engine reads files, for several machines cannot share a stream")
        if is_remote(path):
            files += _remote_files(path, format)
        else:
            files += [_file(named.path) for named in find_inputs([path], format=format)]
    return files


def _file(path: str) -> File:
    system, inner = locate(path)
    return _as_file(path, _info(system, inner, path))


def _as_file(path: str, info: Any) -> File:
    from pyarrow.fs import FileType

    if info.type == FileType.NotFound:
        raise InputError(f"{shown(path)}: no such file")
    if info.type != FileType.File or info.size is None:
        raise InputError(f"{shown(path)}: an engine reads regular files, for each is read in several places")
    return File(path, info.size, info.mtime_ns)


def _info(system: FileSystem, inner: str, path: str) -> Any:
    try:
        return system.get_file_info(inner)
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: cannot be read: {first_line(error)}") from None


def _remote_files(path: str, format: str | None) -> list[File]:
    from pyarrow.fs import FileSelector, FileType

    head, _, tail = path.rpartition("/")
    is_pattern = any(c in tail for c in "*[")
    system, inner = locate(head if is_pattern else path)
    if not is_pattern and (info := _info(system, inner, path)).type != FileType.Directory:
        return [_as_file(path, info)]
    folder = head if is_pattern else path.rstrip("/")
    try:
        found = system.get_file_info(FileSelector(inner, recursive=not is_pattern))
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: cannot be read: {first_line(error)}") from None
    files = []
    for info in sorted(found, key=lambda info: info.path):
        below = info.path[len(inner.rstrip("/")) + 1 :]
        if info.type != FileType.File or not _is_meant(below, tail if is_pattern else None, format):
            continue
        files.append(_as_file(f"{folder}/{below}", info))
    if not files:
        raise InputError(f"{shown(path)}: there is nothing to clean in it (.jsonl, .txt, .parquet, ...)")
    return files


def _is_meant(below: str, pattern: str | None, format: str | None) -> bool:
    from fnmatch import fnmatchcase

    if any(part.startswith((".", "_")) for part in below.split("/")) or below.endswith(".rejects.jsonl"):
        return False
    if pattern is not None:
        return fnmatchcase(below, pattern)
    return format is not None or known_format(below) is not None


class StoredInput(Input):
    """An input in any file system, read as one on this machine is."""

    def __init__(self, file: File, limits: Limits, decoder: Decoder) -> None:
        self.path = file.path
        self.name = shown(file.path)
        self.limits = limits
        self.decoder = decoder
        self.size, self.changed_at = file.size, file.changed_at
        self.packed = 0
        self.damage = None

    def _read(self) -> Iterator[bytes]:
        with opened(self.path) as file:
            while block := file.read(READ_BYTES):
                self.packed += len(block)
                yield block


@contextlib.contextmanager
def opened(path: str) -> Iterator[pa.NativeFile]:
    """Open a file for reading at any place. Raises InputError, also for what goes wrong while it is read."""
    import pyarrow as pa

    system, inner = locate(path)
    try:
        with system.open_input_file(inner) as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{shown(path)}: no such file") from None
    except InputError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{shown(path)}: cannot be read: {first_line(error)}") from None


class Folder:
    """A folder for output. Its files appear under their names whole or not at all. Raises InputError, see :func:`locate`."""

    def __init__(self, path: str) -> None:
        self.path = path.rstrip("/") or "/"
        self._system, self._inner = locate(path)
        self._inner = self._inner.rstrip("/")
        self._renames = bool(_RENAMING.search(self._system.type_name))

    def make(self) -> None:
        """Make the folder if it is not there. Raises OutputError."""
        with self._errors(""):
            self._system.create_dir(self._inner, recursive=True)

    def names(self, below: str = "") -> set[str]:
        """Return the names of what is in the folder, or in one in it. Raises OutputError."""
        from pyarrow.fs import FileSelector

        with self._errors(below):
            found = self._system.get_file_info(FileSelector(self._at(below), allow_not_found=True))
        return {info.base_name for info in found}

    def read(self, name: str, default: bytes | None = None) -> bytes:
        """Return the contents of a file; ``default`` if there is none. Raises OutputError."""
        from pyarrow.fs import FileType

        with self._errors(name):
            if default is not None and self._system.get_file_info(self._at(name)).type == FileType.NotFound:
                return default
        with self._errors(name), self._system.open_input_file(self._at(name)) as file:
            return bytes(file.read())

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Iterator[bytes]]:
        """Open a file for reading it line by line. Raises OutputError."""
        with self._errors(name), self._system.open_input_stream(self._at(name), compression=None) as file:
            yield (line.raw for chunk in read_chunks(iter(lambda: file.read(READ_BYTES), b"")) for line in chunk.lines())

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[pa.NativeFile]:
        """Open a file for writing; it is there when the block is left without an error. Raises OutputError.

        It may be written in two places at a time, as long as both write the same.
        """
        final = self._at(name)
        path = self._at(f"{WORK}/new/{uuid.uuid4().hex}") if self._renames else final
        with self._errors(name):
            if self._renames:  # in an object store there are no folders to be made
                for needed in (path, final):
                    self._system.create_dir(needed.rpartition("/")[0], recursive=True)
            file = self._system.open_output_stream(path, compression=None)
            try:
                yield file
                file.close()
                if self._renames:
                    self._flush(path)
                    self._system.move(path, final)
            except BaseException:
                with contextlib.suppress(Exception):
                    file.close()
                with contextlib.suppress(Exception):
                    self._system.delete_file(path)
                raise

    def write(self, name: str, data: bytes) -> None:
        """Write a file. Raises OutputError."""
        with self.writing(name) as file:
            file.write(data)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it, if it is there. Raises OutputError."""
        from pyarrow.fs import FileType

        with self._errors(name):
            info = self._system.get_file_info(self._at(name))
            if info.type == FileType.Directory:
                self._system.delete_dir(info.path)
            elif info.type == FileType.File:
                self._system.delete_file(info.path)

    def _at(self, name: str) -> str:
        return f"{self._inner}/{name}" if name else self._inner

    def _flush(self, path: str) -> None:
        """Bring a file to the disk before it gets its name, where that is up to us."""
        if self._system.type_name == "local":
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextlib.contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (InputError, OutputError):
            raise
        except (OSError, pa.ArrowException) as error:
            where = shown(f"{self.path}/{name}" if name else self.path)
            raise OutputError(f"{where}: cannot be written: {first_line(error)}") from None


def first_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def at_once(function: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Return ``function`` of each item, in order, many at a time: for what waits for a network."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, items))
