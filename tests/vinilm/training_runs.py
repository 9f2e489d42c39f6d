"""Training commands as a user has them: in this process, in one of their own that can be killed, in several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from vinilm.cli import cli
from vnlp_prep.command_line import exit_status

ROOT = Path(__file__).resolve().parents[2]
#: ``accelerate launch`` with two processes on processors.
TWO_PROCESSES = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
TIMES = ("seconds", "tokens_per_second")


def vinilm(*args: Any) -> int:
    """Run the command in this process and return its exit status."""
    return exit_status(cli, [str(arg) for arg in args], "vinilm")


def process(*args: Any, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *launcher, "-m", "vinilm", *map(str, args)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def kill_after(run: subprocess.Popen[str], folder: Path, lines: int) -> None:
    """Kill (SIGKILL) a run when its metrics have so many lines."""
    while not (found := folder / "training/metrics.jsonl").exists() or len(found.read_bytes().splitlines()) < lines:
        assert run.poll() is None, run.stderr and run.stderr.read()
    run.kill()
    run.wait()


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics, without what a clock says."""
    lines = [json.loads(line) for line in (folder / "training" / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def figures(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics, those of an evaluation flat, so that they can be compared with a tolerance."""
    return [line | line.pop("evaluation", {}) for line in metrics(folder)]


def files(folder: Path) -> dict[Path, bytes]:
    """Return the files of a model."""
    return {file.relative_to(folder): file.read_bytes() for file in folder.glob("*") if file.is_file()}
