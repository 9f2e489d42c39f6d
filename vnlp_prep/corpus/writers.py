"""Bytes -> a file that appears under its name whole or not at all.

What is written goes to a hidden temporary file beside the final one, which is flushed to the disk and then renamed. The
temporary file has a fixed name and is locked, so a second run on the same output is refused, and one that was left by a
killed run is used again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, cast

from vnlp_prep.corpus.readers import split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.platform != "win32":
    import fcntl

_BUFFER_BYTES = 1024 * 1024


class Output(Protocol):
    """Where bytes go. After the last ``write`` either ``commit`` or ``abort`` is called, once."""

    name: str

    def write(self, data: bytes) -> None:
        """Write ``data``. Raises OutputError."""

    def flush(self) -> None:
        """Hand what was written to a reader who waits for it."""

    def mark(self) -> int:
        """Return a place to come back to with :meth:`rollback`. Raises OutputError."""

    def rollback(self, mark: int) -> None:
        """Take back what was written since ``mark``, where that can be done. Not for packed files."""

    def commit(self) -> None:
        """Finish. Raises OutputError; then nothing has changed under the final name."""

    def abort(self) -> None:
        """Forget what was written."""


def open_output(path: str) -> Output:
    """Open ``path`` for writing: ``-`` is standard output, ``.gz`` and ``.zst`` are packed. Raises OutputError."""
    if path == "-":
        return DirectOutput(path)
    check_output(path)
    if is_device(path):
        return DirectOutput(path)
    return AtomicOutput(path)


def check_output(path: str) -> None:
    """Raise OutputError if ``path`` must not or cannot be written: before anything is read."""
    if path == "-":
        return
    target = Path(path)
    if target.is_symlink():
        raise OutputError(f"{shown(path)}: is a symbolic link; name the file that it points to")
    if target.is_dir():
        raise OutputError(f"{shown(path)}: is a folder")
    if is_device(path):
        return
    if not target.parent.is_dir():
        raise OutputError(f"{shown(path)}: there is no folder {shown(target.parent)}; make it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{shown(path)}: the folder {shown(target.parent)} cannot be written to")


def is_device(path: str) -> bool:
    """Return True for what cannot be replaced by a file: a device, a FIFO, a socket."""
    try:
        kind = Path(path).stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(kind) or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


def cannot_write(name: str, error: OSError) -> OutputError:
    """Return ``error``, met in writing the file ``name``, as one that says what to do."""
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason += "; make room and run again"
    return OutputError(f"{name}: cannot be written: {reason}")


class _Buffer:
    """Collects small writes, and can forget them. Unlike io.BufferedWriter, which insists on writing."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._pieces: list[bytes] = []
        self._held = 0
        self._dropped = False

    def write(self, data: bytes) -> int:
        if not self._dropped:
            self._pieces.append(bytes(data))
            self._held += len(data)
            if self._held >= _BUFFER_BYTES:
                self.flush()
        return len(data)

    def flush(self) -> None:
        data = memoryview(b"".join(self._pieces))
        self.forget()
        while data:
            data = data[self._file.write(data) or 0 :]

    def forget(self) -> None:
        self._pieces, self._held = [], 0

    def drop(self) -> None:
        """Forget what is held, and from now on whatever a packer still wants to write."""
        self.forget()
        self._dropped = True


class _Output:
    """What all outputs share: a buffer, packing by name, errors that name the file."""

    def __init__(self, name: str, path: str, file: FileIO) -> None:
        self.name = name
        self._raw = file
        self._buffer = _Buffer(file)
        self._packer = _packer(path, self._buffer)
        self._write: Callable[[bytes], object] = self._packer.write if self._packer else self._buffer.write

    def write(self, data: bytes) -> None:
        """Write ``data``. Raises OutputError, or BrokenPipeError if nobody reads any more."""
        try:
            self._write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self.name, error) from None

    def flush(self) -> None:
        """Hand what was written to the operating system. Packed data waits until a block of it is full."""
        try:
            self._buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self.name, error) from None

    def _finish(self) -> None:
        if self._packer:
            self._packer.close()
        self._buffer.flush()

    def _drop(self) -> None:
        """Close without writing what is still held."""
        self._buffer.drop()
        self._raw.close()


def _packer(path: str, file: _Buffer) -> IO[bytes] | None:
    suffix = split_name(path)[1]
    if suffix == ".gz":
        import gzip

        # No name and no time inside: the same bytes for the same input.
        return cast("IO[bytes]", gzip.GzipFile("", "wb", 6, cast("IO[bytes]", file), mtime=0))
    if suffix == ".zst":
        import zstandard

        packer = zstandard.ZstdCompressor(write_checksum=True)
        return cast("IO[bytes]", packer.stream_writer(cast("IO[bytes]", file), closefd=False))
    return None


class DirectOutput(_Output):
    """Standard output, a device or a FIFO: there is no temporary file, and what was written cannot be taken back."""

    def __init__(self, path: str) -> None:
        name = "standard output" if path == "-" else shown(path)
        try:
            file = FileIO(1 if path == "-" else path, "wb", closefd=path != "-")
        except OSError as error:
            raise cannot_write(name, error) from None
        super().__init__(name, path, file)

    def mark(self) -> int:
        """Nothing can be taken back, so there is only one place."""
        self.flush()
        return 1

    def rollback(self, mark: int) -> None:  # noqa: ARG002
        """Drop what is still buffered."""
        self._buffer.forget()

    def commit(self) -> None:
        """Write what is still buffered. Raises OutputError."""
        try:
            self._finish()
        except BrokenPipeError:
            raise
        except OSError as error:
            self._drop()
            raise cannot_write(self.name, error) from None
        self._drop()

    def abort(self) -> None:
        """Drop what is still buffered."""
        self._drop()


class AtomicOutput(_Output):
    """A file that appears under its name whole or not at all.

    Raises OutputError when it is made if another run is writing it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._temporary = self._path.with_name(f".{self._path.name}.vnlp-prep.tmp")
        name = shown(path)
        try:
            descriptor = open_locked(self._temporary)
        except BlockingIOError:
            raise OutputError(f"{name}: another run is writing it") from None
        except OSError as error:
            raise cannot_write(name, error) from None
        super().__init__(name, path, FileIO(descriptor, "wb"))

    def mark(self) -> int:
        """Return a place to come back to with :meth:`rollback`. Raises OutputError."""
        self.flush()
        return self._raw.tell()

    def rollback(self, mark: int) -> None:
        """Take back what was written since ``mark``. Not for packed files."""
        self._buffer.forget()
        self._raw.truncate(mark)
        self._raw.seek(mark)

    def commit(self) -> None:
        """Flush to the disk and rename. Raises OutputError; then the old file is as it was."""
        try:
            self._finish()
            put_in_place(self._raw.fileno(), self._temporary, self._path)
        except OSError as error:
            self.abort()
            raise cannot_write(self.name, error) from None
        self._drop()

    def abort(self) -> None:
        """Remove the temporary file."""
        with contextlib.suppress(OSError):
            self._temporary.unlink()
        self._drop()


def open_locked(path: Path, *, empty: bool = True) -> int:
    """Open ``path`` for us alone, and by default empty. Raises BlockingIOError if another process has it, OSError."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if sys.platform == "win32":  # no locks: but there a file that is open cannot be replaced
        return os.open(path, flags | (os.O_TRUNC if empty else 0), 0o666)
    while True:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between our open and our lock another run may have renamed the file: then it is not ours.
            mine, there = os.fstat(descriptor), path.stat()
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                if not stat.S_ISREG(mine.st_mode) or mine.st_nlink != 1:
                    raise PermissionError(errno.EPERM, f"{path.name} is in the way; remove it")
                if empty:
                    os.ftruncate(descriptor, 0)
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def put_in_place(descriptor: int, temporary: Path, final: Path) -> None:
    """Give the file ``temporary``, open as ``descriptor``, its final name, once it is on the disk. Raises OSError."""
    os.fsync(descriptor)
    with contextlib.suppress(OSError):  # an older file's permissions stay
        os.fchmod(descriptor, stat.S_IMODE(final.stat().st_mode))
    temporary.replace(final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; where folders cannot be flushed the rename is still atomic."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
