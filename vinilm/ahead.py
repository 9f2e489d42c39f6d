"""Work that goes on while other work is done: one step ahead, in order; and a bar that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


def ahead(work: Callable[[_A], _B], items: Iterable[_A]) -> Iterator[_B]:
    """Yield ``work(item)`` for each item, in order; the next one is worked on in a thread while the caller has one.

    At most two results exist at a time. An error of ``work`` or of ``items`` comes out where its result would have.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="vinilm-ahead") as pool:
        waiting = [pool.submit(work, item) for item in _first(source)]
        while waiting:
            result = waiting.pop().result()
            waiting = [pool.submit(work, item) for item in _first(source)]
            yield result


def _first(source: Iterator[_A]) -> Iterator[_A]:
    for item in source:
        yield item
        return


@contextmanager
def progress_bar(total: int, show: bool) -> Iterator[Callable[[int], object]]:
    """Show a bar of ``total`` texts on standard error; what is yielded moves it on by so many."""
    if not show:
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc="Texts", unit=" texts") as bar:
        yield bar.update
