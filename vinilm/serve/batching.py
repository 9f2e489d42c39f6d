"""Dynamic batching by tokens: what waits is computed together, whichever request it came with, as soon as the encoder is free.

Nothing is delayed to wait for company: while one batch is computed the next one gathers. One thread computes; everything else
(adding, dropping, delivering) happens in the event loop, so that only the queue itself needs a lock.

Who came first is served first, but a request has its turn for one batch of tokens at a time: the texts of a large one stand in
line once for each batch that they fill, so that a single query need not wait until thousands of documents are through.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from vinilm.pooling import Floats
    from vinilm.serve.metrics import Metrics

_log = logging.getLogger("vinilm.serve")

#: Batches' worth of texts, from the head of the line, among which the companions of the first one are looked for.
_WINDOW = 2


class Item(NamedTuple):
    """One text that waits."""

    job: Job
    #: Its place among the texts of the job.
    row: int
    #: Its sequences of token ids: one, or the windows of a long text.
    sequences: list[list[int]]
    #: Its tokens, in all sequences.
    tokens: int
    #: What was admitted for it.
    cost: int


class Job:
    """The texts of one request, which may be computed in several batches."""

    def __init__(self, texts: int, hidden: int, loop: asyncio.AbstractEventLoop) -> None:
        """Make room for a vector for each of ``texts``."""
        self.vectors: Floats = np.empty((texts, hidden), dtype=np.float32)
        self.left = texts
        #: Resolved when all vectors are there; carries the error if there was one.
        self.finished: asyncio.Future[None] = loop.create_future()
        self.keys: list[int] = []
        #: When the next of its texts has its turn, in batches of tokens.
        self.turn = 0.0

    def fail(self, error: BaseException) -> None:
        """Let the request end with ``error``."""
        if not self.finished.done():
            self.finished.set_exception(error)


class Batcher:
    """The queue in front of the encoder, and the thread that works it off."""

    def __init__(
        self,
        compute: Callable[[Sequence[Item]], Floats],
        batch_tokens: int,
        metrics: Metrics,
        done: Callable[[int], None],
    ) -> None:
        """Set the queue up; the thread begins with :meth:`start`.

        ``compute`` returns (items, hidden) in the order of its items. ``done`` is called in the event loop with the cost of what
        was worked off.
        """
        self.batch_tokens = batch_tokens
        self._compute = compute
        self._metrics = metrics
        self._done = done
        self._waiting: dict[int, Item] = {}
        self._line: list[tuple[int, int]] = []  # a heap of (turn, key); keys that are not in _waiting any more were dropped
        self._turn = 0  # of the text that was served last
        self._tokens = 0
        self._changed = threading.Condition()
        self._closed = False
        self._keys = count()
        self._thread = threading.Thread(target=self._work, name="vinilm-encoder")
        self._loop: asyncio.AbstractEventLoop | None = None
        metrics.queue_texts.set_function(lambda: len(self._waiting))
        metrics.queue_tokens.set_function(lambda: self._tokens)

    def start(self) -> None:
        """Start computing; call it in the event loop that is to get the results."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def add(self, items: Sequence[Item]) -> None:
        """Queue ``items``; their job learns of the results."""
        with self._changed:
            for item in items:
                key = next(self._keys)
                item.job.keys.append(key)
                self._waiting[key] = item
                item.job.turn = max(item.job.turn, self._turn)
                heappush(self._line, (int(item.job.turn), key))
                item.job.turn += item.tokens / self.batch_tokens
                self._tokens += item.tokens
            self._changed.notify()

    def drop(self, job: Job) -> int:
        """Take what still waits of ``job`` out of the queue; return its cost. What is being computed now is finished."""
        cost = 0
        with self._changed:
            for key in job.keys:
                item = self._waiting.pop(key, None)
                if item is not None:
                    self._tokens -= item.tokens
                    cost += item.cost
        return cost

    def close(self, seconds: float | None = None) -> None:
        """End the thread after the batch that it is at, and wait for it, but no longer than ``seconds``."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    # --- in the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while batch := self._next():
            started = time.perf_counter()
            try:
                vectors: Floats | Exception = self._compute(batch)
            except Exception as error:
                # A batch that fails (a GPU out of memory, say) fails its own requests; the next one has its chance.
                _log.exception("computing a batch of %d texts failed", len(batch))
                vectors = error
            seconds = time.perf_counter() - started
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(self._deliver, batch, vectors, seconds)
            except RuntimeError:  # the loop was closed: nobody waits any more
                return
            # Nothing of a batch stays alive while the thread waits for the next one.
            del batch, vectors

    def _next(self) -> list[Item]:
        """Wait for work and take a batch: the first in line, and those that fit with it; empty when the queue was closed."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return []
            window: list[tuple[int, int]] = []
            tokens = 0
            while self._line and tokens < _WINDOW * self.batch_tokens:
                place = heappop(self._line)
                if place[1] in self._waiting:
                    window.append(place)
                    tokens += self._waiting[place[1]].tokens
            self._turn = window[0][0]
            keys = choose([(key, self._waiting[key].tokens) for _, key in window], self.batch_tokens)
            taken = set(keys)
            for place in window:
                if place[1] not in taken:
                    heappush(self._line, place)
            batch = [self._waiting.pop(k) for k in keys]
            self._tokens -= sum(item.tokens for item in batch)
            return batch

    # --- in the event loop ----------------------------------------------------------------------------------------------

    def _deliver(self, batch: list[Item], vectors: Floats | Exception, seconds: float) -> None:
        self._metrics.batch_texts.observe(len(batch))
        self._metrics.batch_tokens.observe(sum(item.tokens for item in batch))
        self._metrics.batch_seconds.observe(seconds)
        self._done(sum(item.cost for item in batch))
        for i, item in enumerate(batch):
            job = item.job
            if isinstance(vectors, Exception):
                job.fail(vectors)
                continue
            job.vectors[item.row] = vectors[i]
            job.left -= 1
            if not job.left and not job.finished.done():
                job.finished.set_result(None)


def choose(waiting: Sequence[tuple[int, int]], batch_tokens: int) -> list[int]:
    """Return the keys of the next batch out of (key, tokens), in ascending order of tokens.

    The first one always goes, so that none starves; with it go those nearest to it in length, up to ``batch_tokens``, because
    backends that pad lose least with sequences of one length.

    >>> choose([(1, 10), (2, 90), (3, 11), (4, 9), (5, 12)], 30)
    [4, 1, 3]
    """
    order = sorted(range(len(waiting)), key=lambda i: waiting[i][1])
    low = high = order.index(0)
    length = tokens = waiting[0][1]
    while True:
        below = waiting[order[low - 1]][1] if low else None
        above = waiting[order[high + 1]][1] if high + 1 < len(order) else None
        if below is not None and (above is None or length - below <= above - length):
            low, more = low - 1, below
        elif above is not None:
            high, more = high + 1, above
        else:
            return [waiting[i][0] for i in order]
        tokens += more
        if tokens > batch_tokens:
            # The last one was too much.
            low, high = (low + 1, high) if more == below else (low, high - 1)
            return [waiting[i][0] for i in order[low : high + 1]]
