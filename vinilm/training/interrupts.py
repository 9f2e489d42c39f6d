"""Signals that ask a run to end: remembered, so that the step in hand is finished and a checkpoint is written."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Inside its block, the first signal that asks the process to end is only remembered, in ``number``.

    Signals that the process was started to ignore, as ``nohup`` does it, stay ignored.

    The second one ends it at once, as it would have without the block; not so with ``patient``: who starts several processes
    passes a signal on to each, which the terminal has reached already.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.number: int | None = None
        self._patient = patient
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        # Handlers can be set in the main thread alone; in another one, signals do what they did before.
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
            taken = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._take) for number in taken}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            return
        handler = self._before[number]
        if self._patient or handler is None:
            return
        if callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
