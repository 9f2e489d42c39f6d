"""Bytes -> a file that appears under its name whole or not at all.

What is written goes to a hidden file beside the final one, which is flushed to the disk and then renamed. It has a fixed name and
is locked, so a second run on the same output is refused, and what a killed run left can be gone on with, or is used again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.platform != "win32":
    import fcntl

_BLOCK_BYTES = 1024 * 1024


def open_output(path: str) -> DirectOutput | Partial:
    """Open ``path`` for writing; ``-`` is standard output. Raises OutputError."""
    if path == "-" or is_device(path):
        return DirectOutput(path)
    partial = Partial(path)
    partial.open()
    return partial


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


class DirectOutput:
    """Standard output, a device or a FIFO: what was written cannot be taken back. Raises OutputError."""

    def __init__(self, path: str) -> None:
        self.name = "standard output" if path == "-" else shown(path)
        #: Bytes written.
        self.size = 0
        try:
            self._file = FileIO(1 if path == "-" else path, "wb", closefd=path != "-")
        except OSError as error:
            raise cannot_write(self.name, error) from None

    def append(self, data: bytes) -> None:
        """Write ``data``. Raises OutputError, or BrokenPipeError if nobody reads any more."""
        try:
            _write(self._file, data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self.name, error) from None
        self.size += len(data)

    def commit(self) -> None:
        """Close it."""
        self._file.close()

    def abandon(self) -> None:
        """Close it."""
        self._file.close()


def partial_path(path: str | os.PathLike[str]) -> Path:
    """Return the name that the file has while it is in the making."""
    return Path(path).with_name(f".{Path(path).name}.vnlp-prep.tmp")


class Partial:
    """The file ``path`` in the making, which grows, and can be cut back.

    Nothing is made on the disk before the first byte, or ``open``. Every method raises OutputError for what the system refuses.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.name = shown(path)
        #: Bytes that it has.
        self.size = 0
        self._file: FileIO | None = None

    def open(self, *, keep: bool = False) -> None:
        """Open the file, empty; or with what a killed run left in it, if ``keep``. Raises OutputError if another run has it."""
        check_output(str(self.path))
        try:
            self._file = FileIO(open_locked(partial_path(self.path), empty=not keep), "r+b")
            self.size = self._file.seek(0, os.SEEK_END)
        except BlockingIOError:
            raise OutputError(f"{self.name}: another run is writing it") from None
        except OSError as error:
            raise cannot_write(self.name, error) from None

    @property
    def is_open(self) -> bool:
        """True if there is a file on the disk."""
        return self._file is not None

    def append(self, data: bytes) -> None:
        """Add ``data``; if that fails, what was there before stays."""
        if not data:
            return
        if self._file is None:
            self.open()
        assert self._file is not None
        try:
            _write(self._file, data)
        except OSError as error:
            self.cut(self.size)
            raise cannot_write(self.name, error) from None
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Forget what stands behind ``size`` bytes."""
        if self._file is None:
            return
        with self._errors():
            self._file.truncate(size)
            self._file.seek(size)
            self.size = size

    def read(self, start: int, size: int) -> bytes:
        """Return the bytes there, fewer if the file ends before."""
        if self._file is None:
            return b""
        with self._errors():
            self._file.seek(start)
            pieces: list[bytes] = []
            while size and (piece := self._file.read(min(size, _BLOCK_BYTES))):
                pieces.append(piece)
                size -= len(piece)
            self._file.seek(0, os.SEEK_END)
            return b"".join(pieces)

    def sync(self) -> None:
        """Have what was written on the disk."""
        if self._file is not None:
            with self._errors():
                os.fsync(self._file.fileno())

    def commit(self, convert: Callable[[FileIO, FileIO], None] | None = None) -> None:
        """Give the file its final name, once it is on the disk; ``convert`` writes what shall have that name instead."""
        if self._file is None:
            self.open()
        assert self._file is not None
        partial = partial_path(self.path)
        with self._errors():
            if convert is None:
                put_in_place(self._file.fileno(), partial, self.path)
            else:
                converted = partial.with_suffix(".new")
                self._file.seek(0)
                with FileIO(open_locked(converted), "r+b") as file:
                    try:
                        convert(self._file, file)
                        put_in_place(file.fileno(), converted, self.path)
                    except BaseException:  # it can be made again, and the disk may be full
                        converted.unlink(missing_ok=True)
                        raise
                partial.unlink()
        self._close()

    def abandon(self, *, keep: bool = False) -> None:
        """Let go of the file, and remove it unless another run is to go on with it."""
        try:
            if self._file is not None and not keep:
                with contextlib.suppress(OSError):
                    partial_path(self.path).unlink()
        finally:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(self.name, error) from None


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


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
