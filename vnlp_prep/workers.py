"""Cleaning in several processes: ordered, in bounded memory, the same results as in one."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from vnlp_prep.edits import Cleaned

if TYPE_CHECKING:
    from vnlp_prep.pipeline import Preprocessor

# Chunks in flight for each worker: one at work, one waiting, so that nobody idles and memory stays small.
_IN_FLIGHT = 3
_prep: Preprocessor | None = None  # the preprocessor of this worker process


def _start(prep: Preprocessor) -> None:
    """Set this worker process up: the main process decides when to stop, and without it there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    global _prep
    _prep = prep


def end_with_parent() -> None:
    """Wait for the main process to end, however it ends (SIGKILL leaves it no time to tell)."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _clean(texts: list[str]) -> list[Cleaned]:
    assert _prep is not None
    return [_prep.clean(t) for t in texts]


def clean_in_processes(prep: Preprocessor, texts: Iterable[str], workers: int, chunk_size: int) -> Iterator[Cleaned]:
    """Yield ``prep.clean(text)`` for each text, in order, worked out by ``workers`` processes."""
    source = iter(texts)
    waiting: deque[Future[list[Cleaned]]] = deque()
    # Spawned, not forked: safe with threads, and the same on every platform.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(prep,)) as pool:
        try:
            while True:
                while len(waiting) < workers * _IN_FLIGHT and (chunk := list(islice(source, chunk_size))):
                    waiting.append(pool.submit(_clean, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
