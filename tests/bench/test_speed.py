"""Measuring speed, on a corpus of a few documents: that it runs and what it records, not how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import speed
import speed_processes as processes
import speed_systems as systems
from small_corpus import write_shared

BENCH = Path(speed.__file__).parent
SAMPLE = "<p>Teh host &amp; the <b>log</b></p>"


@pytest.mark.slow
def test_a_quick_run_measures_every_part(tmp_path: Path) -> None:
    shared = write_shared(tmp_path)
    command = [sys.executable, str(BENCH / "speed.py"), str(shared), "--quick", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == list(speed.PARTS)
    assert found["cold"]["systems"][systems.OWN]["s"] > found["cold"]["systems"]["Python alone"]["s"] > 0
    assert systems.NAIVE in found["systems"]["missing"], "there are no score scripts"
    own = found["systems"]["systems"][systems.OWN]
    assert own["first"] > 0
    assert own["warm"] > 0
    assert set(found["kinds"]["kinds"]) == {"HTML pages"}
    assert systems.PAGES in found["kinds"]["kinds"]["HTML pages"]["systems"]
    small, large = found["sizes"]["rows"]
    assert 0.05 <= small["mb"] < 0.06
    assert 0.2 <= large["mb"] < 0.21
    assert large["new_words"] > small["new_words"] > 0
    workers = found["workers"]
    assert workers["same_bytes"]
    assert {row["workers"] for row in workers["rows"]} >= {1, 2}
    assert workers["command"]["said"][0].startswith("15 records")
    assert set(found["outputs"]["rows"]) >= {".jsonl", ".jsonl.gz", ".jsonl.zst"}
    assert set(found["main"]["cpu_s_per_mb"]) == {"JSON lines", "JSON lines, gzip"}
    assert not list(tmp_path.glob("tmp*")), "nothing is left behind"


@pytest.mark.parametrize("name", [*systems.SYSTEMS, systems.PAGES, *systems.STARTS])
def test_the_code_of_every_system_defines_what_is_run(name: str, tmp_path: Path) -> None:
    system = {**systems.SYSTEMS, systems.PAGES: systems.PAGE_SYSTEM, **systems.STARTS}[name]
    if without := systems.missing(system, tmp_path):
        pytest.skip(f"without {without}")
    names: dict[str, object] = {}
    exec(systems.code_of(system, tmp_path), names)
    run = names["run"]
    assert callable(run)
    assert run(SAMPLE) is not None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_process_and_its_workers_are_watched(tmp_path: Path) -> None:
    program = """
import multiprocessing, time
def work(mb):
    held = b"x" * (mb * 1_000_000)
    time.sleep(1.5)
if __name__ == "__main__":
    started = time.process_time()
    while time.process_time() < started + 0.3:
        pass
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=work, args=(mb,)) for mb in (20, 60)]
    for child in children:
        child.start()
    for child in children:
        child.join()
"""
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    seen = processes.watch(["program.py"], tmp_path, memory=True)
    small, large = sorted(seen.workers.values())
    assert 20 < small < 45
    assert 35 < large - small < 45
    assert seen.total_mb > small + large
    assert seen.seconds > 1.5
    assert 0.3 <= seen.cpu_s < seen.seconds


def test_the_peak_of_a_process_is_its_own() -> None:
    held = b"x" * 200_000_000  # ru_maxrss of a child has what the parent had
    small, large = (processes.cold(f"x = b'x' * {size}\nrun = str", "a") for size in (0, 50_000_000))
    assert small["mb"] < 100 < len(held) / 1e6
    assert 45 < large["mb"] - small["mb"] < 55
    assert 0 < small["inside"] < small["s"]


def test_what_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        processes.python("1 / 0")
    with pytest.raises(SystemExit, match=r"no-such\.jsonl"):
        processes.watch(["-m", "vnlp_prep", "no-such.jsonl", "-o", "out.jsonl"], tmp_path)


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    shared = write_shared(tmp_path)
    with tempfile.TemporaryDirectory() as folder, pytest.raises(SystemExit, match="MB of disk"):
        speed.measure_sizes(speed.Plan(shared, Path(folder), sizes=(1e9,)))


@pytest.mark.parametrize(("cores", "counts"), [(1, [1, 2]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_numbers_of_workers(cores: int, counts: list[int]) -> None:
    assert speed.counts_of_workers(cores) == counts


@pytest.mark.parametrize("arguments", [[], ["nowhere"], [".", "--only", "nothing"], [".", "--quick", "--keep"]])
def test_wrong_arguments_are_refused(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH / "speed.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
