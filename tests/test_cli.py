"""The command line as a user has it: a process of its own, with the real preprocessor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DIRTY = b'{"id": 0.10, "text": "Teh vSphere client&#39;s log is sooooo slow!!!!!"}\n'
CLEAN = b'{"id": 0.10, "text": "The vSphere client\'s log is so slow!"}\n'
COMMAND = [sys.executable, "-m", "vnlp_prep"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def vnlp(*args, stdin=b"", **options):
    return subprocess.run([*COMMAND, *args], input=stdin, capture_output=True, timeout=60, check=False, **options)


def started(*args, **options):
    return subprocess.Popen([*COMMAND, *args], stdin=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def wait_for(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 s")


def test_a_file_is_cleaned_without_a_command(folder):
    (folder / "x.jsonl").write_bytes(DIRTY)
    for args in (["x.jsonl"], ["clean", "x.jsonl"], ["--field", "text", "x.jsonl"]):
        done = vnlp(*args)
        assert (done.returncode, done.stdout) == (0, CLEAN)
        assert b"1 record, 1 changed" in done.stderr
        assert b"\x1b" not in done.stderr
    assert vnlp("x.jsonl", "--quiet").stderr == b""


def test_standard_input(folder):
    done = vnlp("-", "-o", "out.jsonl", stdin=DIRTY + b"bad\n")
    assert done.returncode == 1
    assert (folder / "out.jsonl").read_bytes() == CLEAN
    assert (folder / "out.jsonl.rejects.jsonl").exists()
    done = vnlp("-", "--format", "text", stdin=b"\xff\nTeh end\n")
    assert (done.returncode, done.stdout) == (1, b"The end\n")
    assert json.loads((folder / "stdin.rejects.jsonl").read_bytes())["file"] == "-"
    done = vnlp("/dev/stdin", stdin=DIRTY)
    assert done.stdout == CLEAN


def test_workers(folder):
    (folder / "x.jsonl").write_bytes((DIRTY + b"\nbad\n" + DIRTY.replace(b"log", b"lgo")) * 200)
    one = vnlp("x.jsonl", "-o", "one.jsonl")
    two = vnlp("x.jsonl", "-o", "two.jsonl", "--workers", "2")
    assert (one.returncode, two.returncode) == (1, 1)
    assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes()
    assert (folder / "one.jsonl.rejects.jsonl").read_bytes() == (folder / "two.jsonl.rejects.jsonl").read_bytes()


def test_lines_are_handed_on_as_they_come():
    """A pipe that stays open must not hold up what was read from it."""
    process = started("-", stdout=subprocess.PIPE)
    process.stdin.write(DIRTY)
    process.stdin.flush()
    assert process.stdout.readline() == CLEAN
    process.stdin.write(DIRTY * 2)
    process.stdin.flush()
    assert process.stdout.readline() == CLEAN
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_leaves_nothing_under_the_final_name(folder, number, status, workers):
    (folder / "out.jsonl").write_bytes(b"old")
    process = started("-", "-o", "out.jsonl", "--workers", workers, "--edits", "e.jsonl", start_new_session=True)
    process.stdin.write(DIRTY * 500 + b"bad\n")
    process.stdin.flush()
    wait_for((folder / ".out.jsonl.vnlp-prep.tmp").exists)
    time.sleep(0.5)
    process.send_signal(number)
    process.wait(30)
    process.stdin.close()
    assert process.returncode == status
    assert (folder / "out.jsonl").read_bytes() == b"old"
    left = sorted(p.name for p in folder.iterdir())
    if number != signal.SIGKILL:
        assert left == ["out.jsonl"]
        assert process.stderr.read().strip() == b""
    else:
        assert all(name == "out.jsonl" or name.startswith(".") for name in left)
    process.stderr.close()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # workers of a process that was killed
    # The next run is not in the way of what the killed one left.
    assert vnlp("-", "-o", "out.jsonl", "--edits", "e.jsonl", stdin=DIRTY).returncode == 0
    assert (folder / "out.jsonl").read_bytes() == CLEAN


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_that_is_ignored_stays_ignored(folder, workers):
    """As nohup does it: a terminal that goes away ends nothing."""
    process = started(
        *("-", "-o", "out.jsonl", "--workers", workers),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.stdin.write(DIRTY * 500)
    process.stdin.flush()
    wait_for((folder / ".out.jsonl.vnlp-prep.tmp").exists)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGHUP)
    process.communicate(DIRTY, timeout=60)
    assert process.returncode == 0
    assert (folder / "out.jsonl").read_bytes() == CLEAN * 501


def test_a_reader_that_goes_away(folder):
    (folder / "x.jsonl").write_bytes(DIRTY * 20_000)
    done = subprocess.run(
        f"{sys.executable} -m vnlp_prep x.jsonl | head -n 1; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == CLEAN + b"141\n"
    assert done.stderr == b""


def test_standard_output_that_is_full_or_closed(folder):
    (folder / "x.jsonl").write_bytes(DIRTY)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "x.jsonl"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"vnlp-prep: error: standard output: cannot be written: no space left")
    done = subprocess.run(f"{sys.executable} -m vnlp_prep x.jsonl >&-", shell=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_help_and_version():
    done = vnlp("--help")
    assert done.returncode == 0
    assert b"Examples:" in done.stdout
    assert b"Exit status" in done.stdout
    assert vnlp().returncode == 2
    for command in ("clean", "explain"):
        assert b"Examples:" in vnlp(command, "--help").stdout
    from vnlp_prep import __version__

    assert vnlp("--version").stdout == f"vnlp-prep {__version__}\n".encode()


def test_help_loads_no_heavy_library():
    code = "import sys; from vnlp_prep import cli; cli._status(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    loaded = done.stdout.split("\n")[-2]
    for name in ("rich", "orjson", "bs4", "ftfy", "zstandard", "multiprocessing"):
        assert f"'{name}'" not in loaded


def test_errors_are_one_line(folder):
    (folder / "x.jsonl").write_bytes(DIRTY)
    for args in (
        ["explain"],
        ["explain", "--bad", "x"],
        ["x.jsonl", "--lexicon", "none.tsv"],
        ["x.jsonl", "--threshold", "7"],
        ["clean"],
    ):
        done = vnlp(*args)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"vnlp-prep: error: ")
        assert done.stderr.count(b"\n") == 1
