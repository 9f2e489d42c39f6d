"""Processes under watch: how long they take, how much memory they and their workers have. Memory needs Linux (/proc)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: Seconds between two looks at a process, and at the memory of its workers, which costs the kernel more.
_LOOK, _LOOK_AT_WORKERS = 0.02, 0.25

#: Ends a program: prints its peak of memory, in MB. On Linux VmHWM, for ru_maxrss has what the parent had.
PEAK = """
def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        import resource, sys
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
"""

#: A fresh process for one sentence: seconds of the statements, and the peak.
COLD = """import time
started = time.perf_counter()
{code}
run({sentence!r})
seconds = time.perf_counter() - started
{peak}
import json
print(json.dumps({{"inside": seconds, "mb": peak()}}))
"""

#: The texts that stand in a file, once, and then again and again. Seconds of processor time: a neighbour adds little to them.
PASSES = """import json, sys, time
with open(sys.argv[1], encoding="utf-8", errors="surrogatepass") as file:
    texts = json.load(file)
{code}
for _ in range(1 + int(sys.argv[2])):
    started = time.process_time()
    for text in texts:
        run(text)
    print(time.process_time() - started)
"""


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a measured process: one thread for each library, the packages of this checkout."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    one = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": os.pathsep.join(paths), **more}


def cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _on_one_core() -> dict[str, Any]:
    """Return the options of a process that keeps to the last core. Where the system has no such thing, it runs where it likes."""
    if not hasattr(os, "sched_setaffinity"):
        return {}
    return {"preexec_fn": partial(os.sched_setaffinity, 0, {cores()[-1]})}


def python(program: str, *arguments: str, **more: str) -> tuple[float, str]:
    """Run a program in a fresh Python on one core; return the seconds of the whole process and what it printed.

    ``more`` goes into its environment. Raises SystemExit with what it said if it fails.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment(**more), capture_output=True, text=True, **_on_one_core()
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"a measured program failed:\n{program}\n{done.stderr}")
    return seconds, done.stdout


def cold(code: str, sentence: str, **more: str) -> dict[str, float]:
    """Start a fresh process for one sentence: seconds of all of it, seconds inside of Python, peak of memory in MB."""
    seconds, printed = python(COLD.format(code=code, sentence=sentence, peak=PEAK), **more)
    return {"s": seconds, **json.loads(printed)}


def passes(code: str, texts: Path, again: int) -> list[float]:
    """Return the seconds of the first pass over the texts of a fresh process, and of those after it."""
    _, printed = python(PASSES.format(code=code), str(texts), str(again))
    return [float(line) for line in printed.split()]


@dataclass
class Watched:
    """What was seen of a process: seconds, seconds of processor time, peak of memory in MB, and the memory of its workers."""

    status: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    #: The most private memory (USS) that each worker had, by process; the most that all had together, shared parts once (PSS).
    workers: dict[int, float] = field(default_factory=dict)
    total_mb: float = 0.0
    said: str = ""


def watch(command: Sequence[str], folder: Path, *, pinned: bool = False, memory: bool = False, **more: str) -> Watched:
    """Run a command line of Python in ``folder`` and watch it; ``memory``: its workers too, which slows it a little.

    Raises SystemExit with what it said if it ends with an error (1 is none: there were rejects).
    """
    seen, said = Watched(), folder / ".said"
    with said.open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            **(_on_one_core() if pinned else {}),
        )
        with _ended(process) as wait:
            look_at_workers = started
            while not wait(_LOOK):
                seen.peak_mb = max(seen.peak_mb, _kb(process.pid, "status", "VmHWM") / 1000)
                if memory and time.perf_counter() >= look_at_workers:
                    _look_at_workers(process.pid, seen)
                    look_at_workers = time.perf_counter() + _LOOK_AT_WORKERS
        seen.seconds = time.perf_counter() - started
        seen.cpu_s = _cpu_seconds(process.pid)
        seen.status = process.wait()
    seen.said = said.read_text(encoding="utf-8", errors="replace")
    said.unlink()
    if seen.status not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit status {seen.status}\n{seen.said}")
    return seen


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[Any]:
    """Yield a function that waits so many seconds, and says whether the process has ended, but does not reap it yet."""
    if not hasattr(os, "pidfd_open"):

        def wait_long(seconds: float) -> bool:
            time.sleep(seconds)
            return process.poll() is not None

        yield wait_long
        return
    handle = os.pidfd_open(process.pid)
    try:
        yield lambda seconds: bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def _look_at_workers(pid: int, seen: Watched) -> None:
    total = _kb(pid, "smaps_rollup", "Pss")
    for child in _children(pid):
        # Python starts another child beside the workers, which counts their semaphores.
        if "resource_tracker" in _read(child, "cmdline"):
            continue
        private = _kb(child, "smaps_rollup", "Private_Clean") + _kb(child, "smaps_rollup", "Private_Dirty")
        seen.workers[child] = max(seen.workers.get(child, 0.0), private / 1000)
        total += _kb(child, "smaps_rollup", "Pss")
    seen.total_mb = max(seen.total_mb, total / 1000)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return []


def _read(pid: int, name: str) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    return ""


def _kb(pid: int, name: str, key: str) -> float:
    """Return a figure of /proc in units of 1,000 bytes; 0 if the process is gone."""
    found = re.search(rf"^{key}:\s+(\d+) kB", _read(pid, name), re.MULTILINE)
    return int(found[1]) * 1.024 if found else 0.0


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process alone, without its children; also of one that ended and was not reaped yet."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if len(fields) > 12 else 0.0
