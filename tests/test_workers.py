"""Worker processes: the same results, errors that reach the caller, nothing left behind."""

import os
import signal
import subprocess
import sys
import time

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


def children(pid):
    listing = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if "spawn_main" in line]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return state[:1] not in ("", "Z")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout.readline() == "running\n"
    workers = children(parent.pid)
    assert len(workers) == 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
