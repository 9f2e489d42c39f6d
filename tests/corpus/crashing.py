"""Runs that die at a chosen step, as a kill or a crash would end them, without a process for each: thousands are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from vnlp_prep.corpus import journal, parquet, run, writers


class Died(BaseException):
    """The process ends here."""


class Steps:
    """Counts what changes the disk, and dies at step ``last``: from then on nothing reaches the disk, whatever tidies up.

    ``is_torn``: half of the bytes of the step are written, if it is one that writes.
    """

    def __init__(self, last: int = 0, *, is_torn: bool = False) -> None:
        self.count = 0
        self.has_died = False
        self._last = last
        self._is_torn = is_torn

    def _dies(self) -> bool:
        self.count += 1
        return self.count == self._last

    def step(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` as a step."""

        def stepping(*args: Any, **options: Any) -> Any:
            if self.has_died:
                return None
            if self._dies():
                self.has_died = True
                raise Died
            return function(*args, **options)

        return stepping

    def file(self) -> type[FileIO]:
        """Return a FileIO whose writes and cuts are steps."""
        steps = self

        class Stepping(FileIO):
            def write(self, data: Any) -> int:
                if steps.has_died:
                    return len(data)
                if steps._dies():
                    if steps._is_torn:
                        super().write(bytes(data)[: len(data) // 2])
                    steps.has_died = True
                    raise Died
                return super().write(data) or 0

            truncate = steps.step(FileIO.truncate)

        return Stepping


@contextmanager
def dying(last: int = 0, *, is_torn: bool = False) -> Iterator[Steps]:
    """Have whatever is run inside die at step ``last`` (0: never)."""
    steps = Steps(last, is_torn=is_torn)
    with pytest.MonkeyPatch.context() as patch:
        for module in (journal, writers):
            patch.setattr(module, "FileIO", steps.file())
        for owner, name in ((os, "fsync"), (os, "ftruncate"), (Path, "replace"), (Path, "unlink")):
            patch.setattr(owner, name, steps.step(getattr(owner, name)))
        yield steps


@contextmanager
def small_chunks(size: int = 100) -> Iterator[None]:
    """Cut inputs into chunks of a few lines."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, parquet):
            patch.setattr(module, "CHUNK_BYTES", size)
        patch.setattr(run, "_SMALL_BYTES", 0)
        yield
