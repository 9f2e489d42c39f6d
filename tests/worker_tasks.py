"""What worker processes do in the tests of them. It is a module of its own, for each process imports it: a light one."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path


class TwoArgumentsError(Exception):
    """One that pickle cannot put together again."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def work(task):
    """Do what the task says."""
    what, value = task
    if what == "sleep":
        time.sleep(value)
    elif what == "raise":
        raise ValueError(value)
    elif what == "raise what cannot be unpickled":
        raise TwoArgumentsError(value, value)
    elif what == "raise what cannot be pickled":
        raise ValueError(threading.Lock())
    elif what == "return what cannot be pickled":
        return threading.Lock()
    elif what == "end":
        os._exit(value)
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "die once":
        marker, size = value
        if not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return what, b"x" * size
    return task


class SlowToStart:
    """A function that takes long to arrive in another process."""

    def __init__(self, marker):
        self._marker = marker

    def __setstate__(self, state):
        self.__dict__ = state
        Path(f"{self._marker}.{os.getpid()}").touch()
        time.sleep(1.5)

    def __call__(self, task):
        return task


def plain(n):
    return ("give back", n)
