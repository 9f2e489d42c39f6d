"""How much may wait, and when to come back: the door in front of a queue.

Work is measured before it is done (bytes, or tokens estimated from bytes), so that a request is turned away before it has cost
anything. Everything here happens in the event loop; there are no locks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from vinilm.serve.errors import OverloadedError

#: Nobody is asked to come back later than this (seconds), however long the queue.
MAX_RETRY_AFTER = 60.0
#: Weight of the newest observation in the running mean of the rate.
_NEWEST = 0.1


class Gate:
    """Admits work while less than ``limit`` units wait.

    A request is admitted whole, however large it is, if there is room at all: one that is larger than the limit gets its turn
    too. What waits is thus bounded by the limit and one request.
    """

    def __init__(self, limit: int, unit: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the gate. ``unit`` says in messages what ``limit`` counts."""
        self.limit = limit
        self.unit = unit
        self.waiting = 0
        #: Units per second while there was work; None before the first work is done.
        self.rate: float | None = None
        self._clock = clock
        self._since = 0.0  # when the work that is being done now began

    def admit(self, units: int) -> None:
        """Add ``units`` to what waits. Raises OverloadedError, with the time after which to come back, when there is no room."""
        if self.waiting >= self.limit:
            raise OverloadedError(
                f"{self.waiting} {self.unit} wait, and no more than {self.limit} may; try again later", self.retry_after()
            )
        if not self.waiting:
            self._since = self._clock()
        self.waiting += units

    def done(self, units: int) -> None:
        """Take ``units`` that were worked off from what waits."""
        now = self._clock()
        if now > self._since and units:
            rate = units / (now - self._since)
            # The mean is one of times, not of rates: a batch that took long weighs as much as it took.
            self.rate = rate if self.rate is None else 1 / ((1 - _NEWEST) / self.rate + _NEWEST / rate)
        self._since = now
        self.waiting -= units

    def drop(self, units: int) -> None:
        """Take ``units`` that nobody wants any more from what waits."""
        self.waiting -= units

    def retry_after(self) -> float:
        """Return the seconds in which what waits now will be worked off, scattered so that not all come back at once."""
        seconds = self.waiting / self.rate if self.rate else 1.0
        return min(MAX_RETRY_AFTER, seconds * random.uniform(0.5, 1.5))  # noqa: S311 - not for cryptography
