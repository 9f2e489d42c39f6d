"""What an interrupted run leaves, so that a later one can go on: the vectors so far, and a journal that vouches for them.

Both are hidden files beside the output, ``.NAME.vinilm.vectors`` and ``.NAME.vinilm.journal``. The journal's first line holds the
settings; each further line a chunk: what was read for it and what was written, as SHA-256. A line that was not finished, and
a chunk whose vectors are not all on the disk, do not count. So nothing depends on the order in which a system that
crashes had brought things to its disk.

The journal is locked as long as a run has it: a second run on one output is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write, open_locked
from vnlp_prep.errors import OutputError

#: Seconds of work that a crash of the whole system may cost. A process that is killed loses one chunk.
_SYNC_SECONDS = 2.0


@dataclass(frozen=True)
class Entry:
    """A chunk that is done."""

    #: Rows of vectors.
    rows: int
    tokens: int
    truncated: int
    #: SHA-256 of what was read: ids and texts.
    read: str
    #: SHA-256 of what was written: the bytes of the vectors.
    written: str
    #: Records that turned out bad when they were prepared: place among the good ones, reason.
    failed: list[tuple[int, str]] = field(default_factory=list)


class Journal:
    """The partial output of one run.

    Raises OutputError when it is made if another run has it or if it cannot be written.
    """

    def __init__(self, output: Path) -> None:
        self.name = shown(output)
        self.vectors = output.with_name(f".{output.name}.vinilm.vectors")
        self._path = output.with_name(f".{output.name}.vinilm.journal")
        #: The settings of the run that left it, None if there was none.
        self.settings: dict[str, Any] | None = None
        #: The chunks that are done.
        self.entries: list[Entry] = []
        self._ends: list[int] = []  # of the journal's lines
        self._synced = time.monotonic()
        try:
            self._journal = FileIO(open_locked(self._path, empty=False), "r+b")
        except BlockingIOError:
            raise OutputError(f"{self.name}: another run is writing it") from None
        except OSError as error:
            raise cannot_write(shown(self._path), error) from None
        try:
            self._vectors = open_beside(self.vectors)
        except OSError as error:
            if not self._journal.seek(0, os.SEEK_END):
                self._path.unlink()
            self._journal.close()
            raise cannot_write(shown(self.vectors), error) from None
        self._load()

    def _load(self) -> None:
        lines = self._journal.readall().split(b"\n")[:-1]  # what stands behind the last line end was not finished
        end = 0
        try:
            for i, line in enumerate(lines):
                value = json.loads(line)
                end += len(line) + 1
                if i == 0:
                    self.settings = dict(value)
                else:
                    self.entries.append(_entry(value))
                self._ends.append(end)
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # not ours, or torn by a crash: what stands before it counts

    @property
    def rows(self) -> int:
        """Rows of vectors that are done."""
        return sum(entry.rows for entry in self.entries)

    def start(self, settings: dict[str, Any], header: int) -> None:
        """Begin from the beginning, with ``header`` bytes left free for the output's own. Raises OutputError."""
        self.settings, self.entries, self._ends = settings, [], []
        try:
            self._cut(self._vectors, 0)
            self._cut(self._journal, 0)
            _write(self._vectors, bytes(header))
            self._add(settings)
        except OSError as error:
            raise cannot_write(self.name, error) from None

    def go_on(self, header: int, row_bytes: int) -> None:
        """Check what is there against the journal, and forget whatever is not as it says. Raises OutputError."""
        good, at = 0, header
        try:
            self._vectors.seek(header)
            for entry in self.entries:
                if _digest_of(self._vectors, entry.rows * row_bytes) != entry.written:
                    break
                good += 1
                at += entry.rows * row_bytes
            del self.entries[good:], self._ends[good + 1 :]
            self._cut(self._vectors, at)
            self._cut(self._journal, self._ends[-1])
        except OSError as error:
            raise cannot_write(self.name, error) from None

    def append(self, vectors: bytes, entry: Entry) -> None:
        """Add a chunk's vectors. Raises OutputError; then the chunk does not count."""
        try:
            _write(self._vectors, vectors)
            self._add(asdict(entry))
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._vectors.fileno())
                os.fsync(self._journal.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise cannot_write(self.name, error) from None
        self.entries.append(entry)

    def write_header(self, header: bytes) -> int:
        """Fill in what was left free at the beginning; return the descriptor of the file. Raises OSError."""
        self._vectors.seek(0)
        _write(self._vectors, header)
        return self._vectors.fileno()

    def close(self, *, keep: bool) -> None:
        """Let go of the files, and remove them unless they are to be kept."""
        if not keep:
            # The vectors have their final name by now, or nobody wants them. The lock goes last.
            for path in (self.vectors, self._path):
                with contextlib.suppress(OSError):
                    path.unlink()
        self._vectors.close()
        self._journal.close()

    def _add(self, value: dict[str, Any]) -> None:
        line = json.dumps(value).encode("ascii") + b"\n"
        _write(self._journal, line)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(line))

    @staticmethod
    def _cut(file: FileIO, size: int) -> None:
        file.truncate(size)
        file.seek(size)


def _entry(value: dict[str, Any]) -> Entry:
    """Return the entry in a line of the journal. Raises TypeError, ValueError or KeyError if it is none."""
    rows, tokens, truncated = (int(value[name]) for name in ("rows", "tokens", "truncated"))
    failed = [(int(place), str(why)) for place, why in value["failed"]]
    if min(rows, tokens, truncated, *(place for place, _ in failed)) < 0:
        raise ValueError("a negative number")
    return Entry(rows, tokens, truncated, str(value["read"]), str(value["written"]), failed)


def open_beside(path: Path) -> FileIO:
    """Open a hidden file of this run, which has the journal's lock, for reading and writing. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return FileIO(os.open(path, flags, 0o666), "r+b")


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _digest_of(file: FileIO, size: int) -> str:
    """Return the SHA-256 of the next ``size`` bytes, or of as many as there are."""
    digest = hashlib.sha256()
    while size and (block := file.read(min(size, 1024 * 1024))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest() if not size else ""
