"""Work in several processes: ordered, in bounded memory, the same results as in one; a worker that is killed is replaced.

Workers are spawned, not forked: safe with threads, and the same on every platform. Each holds the function that does the work,
made once, and has one task in hand and one waiting, so that it never idles. Results come back in the order of the tasks.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from vnlp_prep.errors import VnlpError, WorkerError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from vnlp_prep.edits import Cleaned
    from vnlp_prep.pipeline import Preprocessor

_T = TypeVar("_T")
_R = TypeVar("_R")

# Tasks of each worker: one at work, one waiting. Results that wait for an earlier one are held on top, up to as many again.
_IN_HAND = 2
_UNSETTLED = 2 * _IN_HAND
#: How often a task may cost a worker its life before it is given up.
_MOST_TRIES = 2
# Tasks that are read ahead of the workers.
_READ_AHEAD = 2
# Seconds that the thread that reads ahead is waited for in the end; one that waits for a pipe is left to it.
_LAST_READ = 1.0


class Ready(NamedTuple, Generic[_R]):
    """A result among the tasks: it is handed on in its place and needs no worker."""

    result: _R


class _Failed(NamedTuple):
    """What was raised instead of a next task."""

    error: Exception


@dataclass(eq=False)
class _Slot:
    """A task on its way, or its result."""

    task: Any
    tries: int = 0
    is_done: bool = False
    result: Any = None
    error: Exception | None = None


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    tasks: Connection
    results: Connection
    in_hand: deque[_Slot] = field(default_factory=deque)
    #: False while it starts: it reads nothing then, and whoever sent it much would wait for it.
    is_ready: bool = False


def map_in_processes(
    function: Callable[[_T], _R],
    tasks: Iterable[_T | Ready[_R]],
    count: int,
    *,
    read_ahead: bool = False,
    place: Callable[[_T], str] = lambda _: "the text that it was given",
    notice: Callable[[str], None] = lambda _: None,
) -> Generator[_R, None, None]:
    """Yield ``function(task)`` for each task, in order, worked out by ``count`` processes.

    ``function`` is pickled once for each process, tasks and results travel; an exception that it raises, or that ``tasks`` raise,
    is raised here, in its place: behind all results of the tasks before. ``read_ahead``: take the tasks in a thread, so that one
    that lets wait (a pipe) does not hold up results that are there. A process that is killed is replaced and its task, which
    ``place`` names, is done once more; ``notice`` is told. Raises WorkerError when a task costs a second one.
    """
    pool = _Pool(function, count, place, notice)
    source: _Tasks[_T | Ready[_R]] = _TasksAhead(tasks) if read_ahead else _Tasks(tasks)
    waiting: deque[_Slot] = deque()
    try:
        while True:
            while len(waiting) < count * _UNSETTLED and pool.has_room and source.has_next():
                task = source.next()
                if isinstance(task, _Failed):
                    waiting.append(_Slot(None, is_done=True, error=task.error))
                elif isinstance(task, Ready):
                    waiting.append(_Slot(None, is_done=True, result=task.result))
                else:
                    waiting.append(slot := _Slot(task))
                    pool.give(slot)
            if waiting and waiting[0].is_done:
                first = waiting.popleft()
                if first.error is not None:
                    raise first.error
                yield first.result
                continue
            if not waiting and source.is_exhausted:
                return
            wants_more = len(waiting) < count * _UNSETTLED and pool.has_room and not source.is_exhausted
            pool.wait([source.signal] if source.signal and wants_more else [])
    finally:
        source.close()
        pool.close()


class _Pool(Generic[_T, _R]):
    """The worker processes; started when there is something to do for them."""

    def __init__(
        self, function: Callable[[_T], _R], count: int, place: Callable[[_T], str], notice: Callable[[str], None]
    ) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._function = function
        self._count = count
        self._place = place
        self._notice = notice
        self._workers: list[_Worker] = []
        self._again: deque[_Slot] = deque()  # tasks of workers that are gone

    @property
    def has_room(self) -> bool:
        """True if a worker could have one more task."""
        return len(self._workers) < self._count or any(len(w.in_hand) < _IN_HAND for w in self._workers)

    def give(self, slot: _Slot) -> None:
        """Give the task to the worker that has least to do."""
        if len(self._workers) < self._count and all(w.in_hand for w in self._workers):
            self._workers.append(self._started())
        worker = min(self._workers, key=lambda w: len(w.in_hand))
        worker.in_hand.append(slot)
        if worker.is_ready:
            self._send(worker, slot)

    def _send(self, worker: _Worker, slot: _Slot) -> None:
        with contextlib.suppress(OSError):  # it is gone: wait() sees that as well
            worker.tasks.send(slot.task)

    def wait(self, more: list[Connection]) -> None:
        """Wait until a worker has a result or is gone, or one of ``more`` has something."""
        there = wait([*(w.results for w in self._workers), *more])
        for worker in [w for w in self._workers if w.results in there]:
            try:
                message = worker.results.recv_bytes()
            except (EOFError, OSError):
                self._replace(worker)
                continue
            if not message:
                worker.is_ready = True
                for slot in worker.in_hand:
                    self._send(worker, slot)
                continue
            try:
                is_good, value = ForkingPickler.loads(message)
            except Exception as error:
                is_good, value = False, error
            slot = worker.in_hand.popleft()
            slot.is_done, slot.task = True, None
            slot.result, slot.error = (value, None) if is_good else (None, value)
        while self._again and self.has_room:
            self.give(self._again.popleft())

    def _replace(self, worker: _Worker) -> None:
        """Take a worker that is gone out, and have what it had in hand done again."""
        self._workers.remove(worker)
        worker.process.join()
        how = _ending(worker.process.exitcode)
        self._again.extend(worker.in_hand)
        if not worker.in_hand:
            return
        slot = worker.in_hand[0]  # what it was at; the other one it had not begun
        slot.tries += 1
        where = self._place(slot.task)
        if slot.tries == _MOST_TRIES:
            hint = ""
            if worker.process.exitcode == -getattr(signal, "SIGKILL", 0):
                hint = "; if memory was short, fewer --workers need less, and so does a smaller --max-line-bytes"
            raise WorkerError(f"a worker process {how} twice at {where}{hint}")
        self._notice(f"worker process {worker.process.pid} {how} at {where}; that is done once more")

    def _started(self) -> _Worker:
        their_tasks, tasks = self._context.Pipe(duplex=False)
        results, their_results = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(their_tasks, their_results, self._function), name="vnlp-prep-worker", daemon=True
        )
        with _deaf_to_interrupts(), _thrifty():
            process.start()
        their_tasks.close()
        their_results.close()  # so that the end of the process is the end of the pipe
        return _Worker(process, tasks, results)

    def close(self) -> None:
        """End the workers, whatever they are at."""
        for worker in self._workers:
            worker.tasks.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.results.close()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Have processes that are started here not hear Ctrl-C: a terminal sends it to them too, and the main process decides.

    They could say so themselves only once they have started; before, each would end with a traceback on standard error.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # a process of the library, whose start would end what we begin
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What the C library of most Linuxes (glibc) reads when a process starts. By itself it takes what every thread frees for that
# thread's own use, and never gives large blocks back once they were freed: a quarter of what a worker has after a long run.
_ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(256 * 1024)}


@contextlib.contextmanager
def _thrifty() -> Iterator[None]:
    """Have processes that are started here hold little memory that they do not use, unless the user has settings of their own."""
    added = {name: value for name, value in _ALLOCATOR.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _ending(status: int | None) -> str:
    """Return how a process ended, for people."""
    if status is not None and status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with status {status}"


def _work(tasks: Connection, results: Connection, function: Callable[[Any], Any]) -> None:
    """What a worker process does: it takes tasks until the main process is gone, or ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides when to stop
    unread: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def take() -> None:
        # In a thread: the main process must never wait for us to read while we wait for it to read.
        while True:
            try:
                task = tasks.recv_bytes()
            except (EOFError, OSError):
                os._exit(1)  # nobody wants the result
            unread.put(task)

    threading.Thread(target=take, daemon=True).start()
    results.send_bytes(b"")  # that we are ready
    while True:
        task = unread.get()
        try:
            outcome = (True, function(ForkingPickler.loads(task)))
        except Exception as error:
            outcome = (False, _sendable(error))
        try:
            results.send(outcome)
        except BrokenPipeError:
            return
        except Exception as error:  # what cannot be pickled cannot be sent
            results.send((False, _sendable(error)))


def _sendable(error: Exception) -> Exception:
    """Return ``error`` with a note of where it was raised; only what it says if it cannot be put together again elsewhere."""
    said = f"{type(error).__name__}: {error}"
    where = f"In a worker process:\n{traceback.format_exc()}"
    try:
        error.add_note(where)
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        error = VnlpError(said)
        error.add_note(where)
    return error


class _Tasks(Generic[_T]):
    """The tasks, taken when they are wanted, by whoever wants them."""

    #: What tells that there may be a next task, for those that are not simply taken.
    signal: Connection | None = None

    def __init__(self, tasks: Iterable[_T]) -> None:
        self._tasks = iter(tasks)
        self._next: list[_T | _Failed] = []
        self.is_exhausted = False

    def has_next(self) -> bool:
        """True if there is a next task now, or what was raised instead of it."""
        if not self._next and not self.is_exhausted:
            try:
                self._next.append(next(self._tasks))
            except StopIteration:
                self.is_exhausted = True
            except Exception as error:
                self._next.append(_Failed(error))
                self.is_exhausted = True
        return bool(self._next)

    def next(self) -> _T | _Failed:
        """Return the next task; ``has_next`` was True."""
        return self._next.pop()

    def close(self) -> None:
        """Take no more."""


class _TasksAhead(_Tasks[_T]):
    """The tasks, taken by a thread, so many before they are wanted."""

    def __init__(self, tasks: Iterable[_T]) -> None:
        super().__init__(())
        self._source = tasks
        self._ready: queue.Queue[tuple[_T | None, BaseException | None]] = queue.Queue(_READ_AHEAD)
        self._stopped = threading.Event()
        # One byte for each task that is ready: a thread's queue cannot be waited for beside processes.
        self.signal, self._bell = multiprocessing.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._take, name="vnlp-prep-reader", daemon=True)
        self._thread.start()

    def _take(self) -> None:
        try:
            for task in self._source:
                self._put(task, None)
                if self._stopped.is_set():
                    return
            self._put(None, StopIteration())
        except BaseException as error:  # it is raised where the task is asked for
            self._put(None, error)

    def _put(self, task: _T | None, error: BaseException | None) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put((task, error), timeout=0.1)
                with contextlib.suppress(OSError):
                    self._bell.send_bytes(b"!")
                return

    def has_next(self) -> bool:
        if self._next or self.is_exhausted or self.signal is None or not self.signal.poll():
            return bool(self._next)
        self.signal.recv_bytes()
        task, error = self._ready.get()
        if isinstance(error, StopIteration):
            self.is_exhausted = True
        elif isinstance(error, Exception):
            self._next.append(_Failed(error))
            self.is_exhausted = True
        elif error is not None:
            raise error
        else:
            self._next.append(task)  # type: ignore[arg-type]  # None only beside an error
        return bool(self._next)

    def close(self) -> None:
        self._stopped.set()
        # A thread that is inside a library while the interpreter ends can bring the process down.
        self._thread.join(_LAST_READ)


# --- Cleaning ---------------------------------------------------------------------------------------------------------


class _CleanTexts:
    """What a worker of ``Preprocessor.pipe`` does."""

    def __init__(self, prep: Preprocessor) -> None:
        self._prep = prep

    def __call__(self, texts: list[str]) -> list[Cleaned]:
        return [self._prep.clean(text) for text in texts]


def clean_in_processes(prep: Preprocessor, texts: Iterable[str], workers: int, chunk_size: int) -> Iterator[Cleaned]:
    """Yield ``prep.clean(text)`` for each text, in order, worked out by ``workers`` processes."""
    unread = iter(texts)
    chunks = iter(lambda: list(islice(unread, chunk_size)), [])
    for cleaned in map_in_processes(_CleanTexts(prep), chunks, workers):
        yield from cleaned
