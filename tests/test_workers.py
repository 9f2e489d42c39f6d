"""Worker processes: the same results, errors that reach the caller, nothing left behind."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vnlp_prep import Preprocessor

ENDLESS = """
from itertools import count
from vnlp_prep import Preprocessor

if __name__ == "__main__":
    for i, _ in enumerate(Preprocessor().pipe((f"Teh cat {n}" for n in count()), workers=2)):
        if i == 100:
            print("running", flush=True)
"""


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


def test_an_error_in_a_worker_reaches_the_caller():
    with pytest.raises(TypeError, match="expected a str"):
        list(Preprocessor().pipe(["a", 5, "b"], workers=2, chunk_size=1))


def processes():
    """(pid, parent's pid, state) of every process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            yield int(path.parent.name), int(parent), state


def is_alive(pid):
    return any(p == pid and state != "Z" for p, _, state in processes())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout.readline() == "running\n"
    workers = [pid for pid, its_parent, _ in processes() if its_parent == parent.pid]
    assert len(workers) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))
