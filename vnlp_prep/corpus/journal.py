"""What an interrupted run leaves, so that a later one can go on: a journal of the chunks that are done.

A hidden file beside the first output. Its first line holds what the outputs depend on; each further line is an entry: a chunk
that was written, or the end of an input. The bytes themselves stand in the files in the making (``writers.Partial``); the journal
vouches for them with number and digest. A line that was not finished, and a chunk whose bytes are not all there, do not count. So
nothing depends on the order in which a system that crashes had brought things to its disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.records import json_line, shown
from vnlp_prep.corpus.writers import cannot_write, open_locked
from vnlp_prep.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST_BYTES = 16
# Changes that a message lists.
_SHOWN_CHANGES = 4
#: Settings that follow from others: they are named only if nothing else has changed.
FOLLOW = ("cleaning", "features_sha256")


class CannotResumeError(SettingsError):
    """An interrupted run that cannot be gone on with: what it depends on has changed."""


@dataclass(frozen=True)
class Part:
    """Bytes that were added to a file."""

    size: int = 0
    digest: str = ""

    @classmethod
    def of(cls, data: bytes) -> Part:
        """Return what vouches for ``data``."""
        return cls(len(data), digest_of(data)) if data else cls()


@dataclass(frozen=True)
class Entry:
    """A chunk of the input ``job`` that is done, or (``is_end``) that nothing of it is left to do."""

    job: int
    is_end: bool = False
    #: Digest of what was read.
    read: str = ""
    output: Part = field(default_factory=Part)
    rejects: Part = field(default_factory=Part)
    edits: Part = field(default_factory=Part)
    #: True if the last line that was written lacks its end; None if none was written.
    is_midline: bool | None = None
    #: What was done, see ``Summary.to_dict``.
    summary: dict[str, Any] = field(default_factory=dict)
    #: What is wrong with the input, known at its end.
    damage: str | None = None

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Entry:
        """Return what ``asdict`` made a dictionary of. Raises TypeError, ValueError or KeyError for anything else."""
        parts = {name: Part(int(value[name]["size"]), str(value[name]["digest"])) for name in ("output", "rejects", "edits")}
        if min(part.size for part in parts.values()) < 0 or not isinstance(value["job"], int):
            raise ValueError("no entry of a journal")
        return cls(**{**value, **parts})


def digest_of(data: bytes) -> str:
    """Return what tells one piece of data from another: BLAKE2b, 128 bits, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


def journal_path(first_output: str) -> Path:
    """Return where the journal of a run is whose first output is ``first_output``."""
    return Path(first_output).with_name(f".{Path(first_output).name}.vnlp-prep.journal")


class Journal:
    """The journal of one run.

    Raises OutputError when it is made if another run has it, or if it cannot be written.
    """

    def __init__(self, first_output: str) -> None:
        self.path = journal_path(first_output)
        self.name = shown(first_output)
        #: What the outputs of the run that left it depend on; None if there was none.
        self.settings: dict[str, Any] | None = None
        #: What that run had done. The entries of this one are not held: there can be very many.
        self.entries: list[Entry] = []
        self._ends: list[int] = []  # of the lines of that run, in bytes
        self._count = 0
        try:
            self._file = FileIO(open_locked(self.path, empty=False), "r+b")
            self._load()
        except BlockingIOError:
            raise OutputError(f"{self.name}: another run is writing it") from None
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def _load(self) -> None:
        lines = self._file.readall().split(b"\n")[:-1]  # what stands behind the last line end was not finished
        end = 0
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # What cannot be read is not ours, or torn by a crash: what stands before it counts.
            for i, line in enumerate(lines):
                value = json.loads(line)
                if i:
                    self.entries.append(Entry.from_dict(value))
                else:
                    self.settings = dict(value)
                end += len(line) + 1
                self._ends.append(end)
        self._count = len(self.entries)

    @property
    def is_empty(self) -> bool:
        """True if nothing is done that a later run could go on from."""
        return not self._count

    def start(self, settings: dict[str, Any]) -> None:
        """Begin from the beginning. Raises OutputError."""
        self.settings, self.entries, self._ends, self._count = settings, [], [], 0
        try:
            self._file.truncate(0)
            self._file.seek(0)
            self._add(settings)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def cut(self, count: int) -> list[Entry]:
        """Keep the first ``count`` entries, and return them; they are not held any more. Raises OutputError."""
        kept, end = self.entries[:count], self._ends[count]
        self.entries, self._ends, self._count = [], [], count
        try:
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None
        return kept

    def append(self, entry: Entry) -> None:
        """Add an entry. Raises OutputError; then it does not count."""
        try:
            self._add(asdict(entry))
            if entry.is_end:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None
        self._count += 1

    def _add(self, value: dict[str, Any]) -> None:
        line = json_line(value)
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def close(self, *, keep: bool) -> None:
        """Let go of the journal, and remove it unless another run is to go on."""
        with self._file, contextlib.suppress(OSError):
            if not keep:
                self.path.unlink()


def check_same(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    output: str,
    otherwise: str = "leave --resume off to begin from the beginning",
) -> None:
    """Raise CannotResumeError with all that has changed since the interrupted run, if anything has; ``otherwise``: what to do."""
    changed = [
        f"{name} was {_said(before.get(name))} and is {_said(now.get(name))}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    ]
    if len(changed) > 1:
        changed = [change for change in changed if change.split(" was ")[0] not in FOLLOW]
    if len(changed) > _SHOWN_CHANGES:
        changed[_SHOWN_CHANGES:] = [f"and {len(changed) - _SHOWN_CHANGES:,} more"]
    if changed:
        raise CannotResumeError(
            f"{output}: cannot go on with the interrupted run: {'; '.join(changed)}; put that back, or {otherwise}"
        )


def _said(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:12] if len(text) == 64 else text or "empty"  # of a SHA-256 some figures do
