"""A step as a process: what it says goes to the log and on to the user, signals go to it, its exit status is told."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from vinilm.recipes.reading import Step
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write
from vnlp_prep.terminal import duration

#: The log, in the folder of the recipe.
LOG = "recipe.log"


class Log:
    """The log: every command line, what it said, how long it took. Lines are on the disk as they come."""

    def __init__(self, folder: Path) -> None:
        """Open it, behind what it has. Raises OutputError."""
        self.path = folder / LOG
        try:
            self._file: IO[bytes] = self.path.open("ab", buffering=0)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def line(self, text: str = "") -> None:
        """Add a line."""
        self.raw(text.encode("utf-8", "backslashreplace") + b"\n")

    def raw(self, data: bytes) -> None:
        """Add what a step has said. Raises OutputError."""
        try:
            self._file.write(data)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def close(self) -> None:
        """Close it."""
        self._file.close()


@dataclass(frozen=True)
class Ended:
    """How a step ended."""

    #: 128 + N when signal N ended it.
    exit_status: int
    seconds: float
    #: The signal that asked us to end meanwhile.
    signalled: int | None = None


def run_step(step: Step, log: Log, show: Callable[[bytes], None]) -> Ended:
    """Run ``step`` to its end; ``show`` is given what it says. A signal that asks us to end goes on to it, once.

    It has a process group of its own, so that Ctrl-C reaches it through us alone; it reads nothing from the terminal.
    """
    log.line(f"# {datetime.now(UTC).isoformat(' ', 'seconds')}")
    log.line(f"$ {step.line}")
    started = time.monotonic()
    with _Signals() as signals:
        process = subprocess.Popen(  # noqa: S603  (a command of this project, no shell)
            step.tool.process(step.arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            process_group=0 if os.name == "posix" else None,
        )
        assert process.stdout is not None
        with process:
            signals.go_to(process)
            try:
                while data := os.read(process.stdout.fileno(), 65536):
                    log.raw(data)
                    show(data)
            except BaseException:
                process.terminate()  # the log or the terminal is gone: nobody would hear of it any more
                raise
    seconds = time.monotonic() - started
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    log.line(f"# exit status {status}, {duration(seconds)}")
    log.line()
    return Ended(status, seconds, signals.first)


class _Signals:
    """In its block, signals that ask us to end go on to a process; we end when that has."""

    def __init__(self) -> None:
        #: The first that came.
        self.first: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # What is ignored, as under nohup, stays so.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_to(self, process: subprocess.Popen[bytes]) -> None:
        """Have signals go to ``process``, also one that has come already."""
        self._process = process
        if self.first is not None:
            process.send_signal(self.first)

    def _came(self, number: int, _: object) -> None:
        if self.first is None:
            self.first = number
        if self._process is not None:
            self._process.send_signal(number)
