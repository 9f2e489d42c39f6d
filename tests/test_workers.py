"""Work in several processes: order, bounded reading ahead, errors in their place, killed workers, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from tests.worker_tasks import SlowToStart, TwoArgumentsError, plain, work
from vnlp_prep import Preprocessor
from vnlp_prep.errors import WorkerError
from vnlp_prep.workers import Ready, map_in_processes

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

ENDLESS = """
from itertools import count
from vnlp_prep import Preprocessor

if __name__ == "__main__":
    for i, _ in enumerate(Preprocessor().pipe((f"Teh cat {n}" for n in count()), workers=2)):
        if i == 100:
            print("running", flush=True)
"""


def wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(0.02)


def processes():
    """(pid, parent's pid, state) of every process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            yield int(path.parent.name), int(parent), state


def is_alive(pid):
    return any(p == pid and state != "Z" for p, _, state in processes())


def children(pid=None):
    return {p for p, parent, state in processes() if parent == (pid or os.getpid()) and state != "Z"}


def worker_processes():
    """Those that this process has started to work: all its children but the resource tracker of multiprocessing."""
    return {pid for pid in children() if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "vnlp-prep-reader"]


# --- Order and back-pressure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_ahead", [False, True])
def test_results_come_in_the_order_of_the_tasks(read_ahead):
    tasks = [("sleep", 0.05 * (i % 3)) if i < 8 else Ready(i) if i % 7 == 0 else plain(i) for i in range(60)]
    wanted = [task.result if isinstance(task, Ready) else task for task in tasks]
    assert list(map_in_processes(work, iter(tasks), 2, read_ahead=read_ahead)) == wanted


@pytest.mark.parametrize("tasks", [[], [Ready(1)], [Ready(1), Ready(2)]])
@pytest.mark.parametrize("read_ahead", [False, True])
@needs_proc
def test_where_there_is_nothing_to_do_no_process_is_started(tasks, read_ahead):
    results = map_in_processes(work, tasks, 2, read_ahead=read_ahead)
    out = []
    for result in results:
        out.append(result)
        assert not worker_processes()
    assert out == [task.result for task in tasks]


@pytest.mark.parametrize("read_ahead", [False, True])
def test_a_slow_consumer_bounds_what_is_read(read_ahead):
    taken = 0

    def endless():
        nonlocal taken
        for n in count():
            taken += 1
            yield plain(n)

    with contextlib.closing(map_in_processes(work, endless(), 2, read_ahead=read_ahead)) as results:
        for n in range(20):
            assert next(results) == plain(n)
        time.sleep(1)  # time in which more could be read
        assert taken <= 20 + 2 * 4 + 4


def test_many_that_need_no_worker_are_not_held_up_and_not_held():
    taken = 0

    def tasks():
        nonlocal taken
        yield ("sleep", 0.5)
        for n in range(10_000):
            taken += 1
            yield Ready(n)

    results = map_in_processes(work, tasks(), 2)
    assert next(results) == ("sleep", 0.5)
    assert taken <= 2 * 4
    assert list(results) == list(range(10_000))


def test_a_source_that_lets_wait_does_not_hold_up_results():
    source = queue.Queue()
    results = map_in_processes(work, iter(source.get, None), 2, read_ahead=True)
    for n in range(5):
        source.put(plain(n))
        assert next(results) == plain(n)
    source.put(None)
    assert list(results) == []


def test_large_tasks_and_results_pass_each_other():
    """Both directions are more than a pipe holds: whoever waited for the other to read first would wait for ever."""
    tasks = [plain(bytes([n]) * 3_000_000) for n in range(12)]
    assert list(map_in_processes(work, tasks, 2)) == tasks


def test_an_endless_stream_is_read_only_as_far_as_needed():
    read = 0

    def texts():
        nonlocal read
        while True:
            read += 1
            yield f"Teh cat {read}"

    out = Preprocessor().pipe(texts(), workers=2, chunk_size=5)
    assert [next(out) for _ in range(10)] == [f"The cat {i}" for i in range(1, 11)]
    assert read < 100
    out.close()


@needs_proc
def test_workers_start_side_by_side(tmp_path):
    """What is sent to one that starts (and does not read yet) must not hold up the start of the next."""
    tasks = [plain(b"x" * 1_000_000) for _ in range(4)]
    results = map_in_processes(SlowToStart(str(tmp_path / "started")), tasks, 2)
    first = threading.Thread(target=lambda: next(results))
    first.start()
    wait_for(lambda: list(tmp_path.iterdir()))
    time.sleep(0.9)  # the first one to start sleeps still
    there = len(list(tmp_path.iterdir()))
    first.join()
    assert there == 2
    assert list(results) == tasks[1:]


# --- Errors -----------------------------------------------------------------------------------------------------------


def results_until_error(tasks, **options):
    """What comes out, and the exception that ends it."""
    out = []
    try:
        for result in map_in_processes(work, tasks, 2, **options):
            out.append(result)
    except Exception as error:
        return out, error
    return out, None


def test_an_error_in_a_worker_is_raised_in_its_place():
    tasks = [("sleep", 0.3), plain(1), ("raise", "boom"), *(plain(n) for n in range(10))]
    out, error = results_until_error(tasks)
    assert out == tasks[:2]
    assert isinstance(error, ValueError)
    assert str(error) == "boom"
    assert "in work" in "".join(error.__notes__)  # where in the worker it was


@pytest.mark.parametrize("read_ahead", [False, True])
def test_an_error_of_the_source_is_raised_in_its_place(read_ahead):
    def tasks():
        yield ("sleep", 0.3)
        yield plain(1)
        raise OSError("the source is gone")

    out, error = results_until_error(tasks(), read_ahead=read_ahead)
    assert out == [("sleep", 0.3), plain(1)]
    assert isinstance(error, OSError)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("raise what cannot be unpickled", "TwoArgumentsError: 7 and 7"),
        ("raise what cannot be pickled", "ValueError: <unlocked _thread.lock"),
        ("return what cannot be pickled", "cannot pickle '_thread.lock' object"),
    ],
)
def test_what_cannot_travel_says_what_it_was(what, message):
    out, error = results_until_error([plain(0), (what, 7), plain(1)])
    assert out == [plain(0)]
    assert message in str(error)


def test_an_error_in_a_worker_reaches_the_caller():
    texts = ["a", 5, "b"]
    out = Preprocessor().pipe(texts, workers=2, chunk_size=1)
    assert next(out) == "a"
    with pytest.raises(TypeError, match="expected a str"):
        next(out)


def test_a_task_that_cannot_be_unpickled_is_an_error():
    results = map_in_processes(work, [*map(plain, range(3)), ("what", TwoArgumentsError("a", "b"))], 2)
    assert [next(results) for _ in range(3)] == [*map(plain, range(3))]
    with pytest.raises(TypeError, match="second"):
        next(results)


# --- Workers that are killed ------------------------------------------------------------------------------------------


def place(task):
    return f"the task {task[0]!r}"


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_a_worker_that_is_killed_is_replaced(tmp_path, size):
    notices = []
    tasks = [*map(plain, range(5)), ("die once", (tmp_path / "died", size)), *map(plain, range(20))]
    out = list(map_in_processes(work, tasks, 2, place=place, notice=notices.append))
    assert out == [*tasks[:5], ("die once", b"x" * size), *tasks[6:]]
    (notice,) = notices
    assert "worker process " in notice
    assert "was killed by SIGKILL at the task 'die once'; that is done once more" in notice


@needs_proc
def test_workers_that_are_killed_from_outside_are_replaced():
    """Also before they have begun, and while they wait."""
    out = []
    tasks = [("sleep", 0.1)] * 40
    results = map_in_processes(work, tasks, 2)
    for n, result in enumerate(results):
        out.append(result)
        if n in (5, 12, 20):
            os.kill(max(worker_processes()), signal.SIGKILL)
    assert out == tasks


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (("die", 0), "a worker process was killed by SIGKILL twice at the task 'die'; if memory was short, fewer --workers"),
        (("end", 3), "a worker process ended with status 3 twice at the task 'end'"),
    ],
)
def test_a_task_that_costs_two_workers_is_named(task, message):
    notices = []
    tasks = [*map(plain, range(3)), task, *map(plain, range(20))]
    out = []
    with pytest.raises(WorkerError) as caught:
        out.extend(map_in_processes(work, tasks, 2, place=place, notice=notices.append))
    assert str(caught.value).startswith(message)
    assert ("memory" in str(caught.value)) == (task[0] == "die")
    assert len(notices) == 1


# --- Nothing is left behind -------------------------------------------------------------------------------------------


@needs_proc
@pytest.mark.parametrize("how", ["exhausted", "closed", "closed at work", "error", "killed"])
@pytest.mark.parametrize("read_ahead", [False, True])
def test_nothing_is_left_behind(how, read_ahead):
    before = worker_processes()
    endless = (("sleep", 30) if how == "closed at work" and n > 5 else plain(n) for n in count())
    tasks = {"exhausted": [plain(1)] * 5, "error": [("raise", "x")] * 5, "killed": [("die", 0)] * 5}.get(how, endless)
    results = map_in_processes(work, tasks, 2, read_ahead=read_ahead)
    if how in ("error", "killed"):
        with pytest.raises((ValueError, WorkerError)):
            next(results)
    elif how == "exhausted":
        assert len(list(results)) == 5
    else:
        assert [next(results) for _ in range(3)] == [plain(n) for n in range(3)]
        assert worker_processes() > before
        results.close()
    assert worker_processes() == before
    assert readers() == []


@needs_proc
def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout.readline() == "running\n"
    workers = children(parent.pid)
    assert len(workers) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_for(lambda: not any(map(is_alive, workers)))


STARTING = """
import sys
from tests.worker_tasks import SlowToStart, plain
from vnlp_prep.workers import map_in_processes

if __name__ == "__main__":
    try:
        list(map_in_processes(SlowToStart(sys.argv[1]), map(plain, range(9)), 2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("moment", ["starting", "started"])
def test_an_interrupt_from_the_terminal_is_for_the_main_process_alone(tmp_path, moment):
    """Ctrl-C goes to the workers as well; none may say anything, at whatever it was."""
    script = tmp_path / "starting.py"
    script.write_text(STARTING)
    (tmp_path / "marks").mkdir()
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "marks" / "m"],
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
    )
    marks = {"starting": 1, "started": 2}[moment]
    wait_for(lambda: len(list((tmp_path / "marks").iterdir())) >= marks)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"")
