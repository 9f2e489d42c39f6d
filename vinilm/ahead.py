"""Work that goes on while other work is done: one step ahead, in order; and a bar that shows it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


def ahead(work: Callable[[_A], _B], items: Iterable[_A], depth: int = 1) -> Generator[_B, None, None]:
    """Yield ``work(item)`` for each item, in order, made in a thread of its own, ``depth`` of them before they are asked for.

    The items are made in that thread too. They may come from a pipe that nobody writes to any more: that does not hold up
    the end of the program, only the work in hand does.
    """
    results: queue.Queue[tuple[_B | None, BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()
    at_work = threading.Lock()

    def put(result: _B | None, error: BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                results.put((result, error), timeout=0.1)
                return

    def make() -> None:
        try:
            for item in items:
                with at_work:
                    if stopped.is_set():
                        return
                    result = work(item)
                put(result, None)
                del item, result  # what was handed on is not held while the next one is waited for
            put(None, StopIteration())
        except BaseException as error:  # it is raised where the results are asked for
            put(None, error)

    threading.Thread(target=make, name="vinilm-ahead", daemon=True).start()
    try:
        while True:
            result, error = results.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield result  # type: ignore[misc]  # None only beside an error
            del result
    finally:
        stopped.set()
        # A thread that is inside a library when the interpreter ends can bring the process down.
        at_work.acquire()


@contextlib.contextmanager
def progress_bar(total: int, show: bool) -> Iterator[Callable[[int], object]]:
    """Show a bar of ``total`` texts on standard error; what is yielded moves it on by so many."""
    if not show:
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc="Texts", unit=" texts") as bar:
        yield bar.update
