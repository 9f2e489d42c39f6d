"""The folder of a run: at its end a model, until then what the run needs to go on.

    FOLDER/training/run.json        what the run depends on, whether it is finished, and how many records were rejected
                    metrics.jsonl   a line for each step
                    corpus/         the tokens
                    checkpoints/
                    model/          the model in the making

The model's files appear in FOLDER when all of them are written, ``SHA256SUMS`` the last; then corpus and checkpoints go.

A folder that is not empty is one of a run only if ``run.json`` says so: what lies in any other one is somebody's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vinilm.models import write_checksums
from vinilm.models.files import CHECKSUMS
from vinilm.training.checkpoints import last_checkpoint, read_state, remove_remains
from vinilm.training.tokens import TokenStore, has_tokens, write_json
from vnlp_prep.corpus.journal import check_same
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write, open_locked
from vnlp_prep.errors import OutputError

_LOCK = ".lock"
_OTHERWISE = "name a new folder, or remove this one if it is a run of yours"
#: What is there before the index is.
_FIRST = {_LOCK, ".run.json.tmp"}


class RunFolder:
    """The folder ``root`` of one run; in its block, this process has it for itself.

    ``identity``: what the run depends on, name for people -> JSON value. ``resume``: go on with an interrupted run, if there is
    one. Of several processes the first one opens it (``is_main``); the others only read what that one has made.

    Raises OutputError for a folder that cannot be used, or in which there is a run and ``resume`` is not set; CannotResumeError
    for a run that depends on something else.
    """

    def __init__(self, root: Path, identity: Mapping[str, Any], *, resume: bool = False, is_main: bool = True) -> None:
        self.root = root
        self.work = root / "training"
        self.corpus = self.work / "corpus"
        self.checkpoints = self.work / "checkpoints"
        self.metrics = self.work / "metrics.jsonl"
        self.rejects = self.work / "rejects.jsonl"
        self._index = self.work / "run.json"
        self._identity = json.loads(json.dumps(identity))  # as it is read back
        self._resume = resume
        self._is_main = is_main
        self._lock: int | None = None
        self._goes_on = False
        self._rejected = 0

    def __enter__(self) -> RunFolder:
        if self._is_main:
            self._check()
            try:
                self.work.mkdir(parents=True, exist_ok=True)
                self._lock = open_locked(self.work / _LOCK)
                self._begin()
            except BlockingIOError:
                raise OutputError(f"{shown(self.root)}: another run has it") from None
            except OSError as error:
                self._unlock()
                raise error if isinstance(error, OutputError) else cannot_write(shown(self.work), error) from None
            except BaseException:
                self._unlock()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                (self.work / _LOCK).unlink()
            os.close(self._lock)
            self._lock = None

    def _check(self) -> None:
        """Refuse a folder that is not ours to write into."""
        if self.root.is_symlink() or (self.root.exists() and not self.root.is_dir()):
            raise OutputError(f"{shown(self.root)}: is no folder; name a new one")
        if not self.root.absolute().parent.is_dir():
            raise OutputError(f"{shown(self.root)}: there is no folder {shown(self.root.parent)}; make it first")
        if self.root.is_dir() and any(self.root.iterdir()) and not self._is_ours():
            raise OutputError(f"{shown(self.root)}: is not empty, and what is there is of no training run; name a new folder")

    def _is_ours(self) -> bool:
        """Whether what lies in the folder is of a run, so that it may be removed and replaced. Raises OutputError."""
        if self._index.is_file():
            self._read()
            return True
        # A run that was killed before it had written its index leaves nothing else.
        alone = [entry.name for entry in self.root.iterdir()] == [self.work.name]
        return alone and self.work.is_dir() and {entry.name for entry in self.work.iterdir()} <= _FIRST

    def _begin(self) -> None:
        remove_remains(self.checkpoints)
        there = self._read()
        checkpoint, wrong = last_checkpoint(self.checkpoints)
        self._goes_on = checkpoint is not None
        if self.finished or checkpoint or wrong:
            if not self._resume:
                what = (
                    "finished"
                    if self.finished
                    else "interrupted" + (f" after {read_state(checkpoint).step:,} steps" if checkpoint else "")
                )
                raise OutputError(f"{shown(self.root)}: a run is there, {what}; go on with --resume, or name another folder")
            check_same(there.get("identity", {}), self._identity, shown(self.root), "name another folder")
        if checkpoint and has_tokens(self.corpus):
            TokenStore.open(self.corpus)  # of damaged ones others would be made; whether these are the same, nobody would know
        if self.finished:
            self._tidy()
        else:
            write_json(self._index, {"finished": False, "identity": self._identity})

    def _read(self) -> dict[str, Any]:
        """Return what the index says; nothing if there is none. Raises OutputError for one that no run has written."""
        if not self._index.is_file():
            return {}
        try:
            content = json.loads(self._index.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise OutputError(f"{shown(self._index)}: cannot be read: {error}; {_OTHERWISE}") from None
        if not isinstance(content, dict) or not isinstance(content.get("identity"), dict) or "finished" not in content:
            raise OutputError(f"{shown(self._index)}: not as a training run has written it; {_OTHERWISE}")
        return content

    @property
    def finished(self) -> bool:
        """Whether the model is there."""
        return bool(self._read().get("finished"))

    @property
    def rejected(self) -> int:
        """Records that a finished run has rejected: its exit status is the same when it is asked for again."""
        count = self._read().get("rejected")
        return count if isinstance(count, int) else 0

    def remember_rejects(self, count: int) -> None:
        """Have it written down, when the run is finished, how many records were rejected."""
        self._rejected = count

    def forget_corpus(self) -> None:
        """Remove the tokens that lie there, unless the run goes on from a checkpoint, and so with these."""
        if not self._goes_on:
            shutil.rmtree(self.corpus, ignore_errors=True)

    def finish(self, save: Callable[[Path], None]) -> None:
        """Have ``save`` write the model's files into a folder, then give them their names. Raises OutputError."""
        making = self.work / "model"
        try:
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            save(making)
            sums = write_checksums(making)
            (self.root / CHECKSUMS).unlink(missing_ok=True)
            for file in sorted(f for f in making.rglob("*") if f.is_file() and f != sums):
                target = self.root / file.relative_to(making)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
            sums.replace(self.root / CHECKSUMS)
            write_json(self._index, {"finished": True, "identity": self._identity, "rejected": self._rejected})
        except BaseException as error:
            shutil.rmtree(making, ignore_errors=True)  # a full disk needs the room
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise cannot_write(shown(self.root), error) from None
            raise
        self._tidy()

    def _tidy(self) -> None:
        for folder in (self.work / "model", self.checkpoints, self.corpus):
            shutil.rmtree(folder, ignore_errors=True)
