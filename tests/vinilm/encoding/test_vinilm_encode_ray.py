"""The engine on a real Ray cluster of two nodes: the same vectors as here, in order, also when an actor is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vinilm.encoding.chunks import Chunk
from vinilm.encoding.plan import EnginePlan
from vinilm.encoding.ray_engine import RayEngine
from vinilm.encoding.settings import Facts
from vinilm.errors import ModelError
from vnlp_prep import Preprocessor
from vnlp_prep.corpus.documents import Document
from vnlp_prep.corpus.records import Line
from vnlp_prep.errors import SettingsError

ray = pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[3]
WORDS = "Teh vSphere client&#39;s log is sooooo slow recieve the virtual machine datastore of cluster host !!!!!".split()

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the library that makes the model
]


def texts(count: int) -> list[str]:
    chance = random.Random(5)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, 40))) for _ in range(count)]


def chunks(*of: list[str]) -> list[Chunk]:
    return [Chunk(n, [Document("f", Line(i, 0, b"", 0), [t], name=i) for i, t in enumerate(some)]) for n, some in enumerate(of)]


def breaking(flag: Path) -> Preprocessor:
    """A preprocessor that kills its process at the text KILL, once, and breaks at BOOM. Pickled by value: it is no global."""

    class Breaking(Preprocessor):
        def __call__(self, text):
            for t in text:
                if "BOOM" in t:
                    raise ValueError("no good")
                if "KILL" in t and not flag.exists():
                    flag.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(text)

    return Breaking()


def test_chunks_come_out_in_order_though_an_actor_is_killed(tiny, tmp_path):
    flag = tmp_path / "killed"
    of = [texts(n) for n in (5, 0, 17, 3, 40, 8, 1, 12)]
    of[3][1] = "KILL"
    of[4][7] = of[4][30] = "BOOM"
    plan = EnginePlan(str(tiny), {"preprocess": breaking(flag), "backend": "torch", "device": "cpu"}, truncate_dim=32)
    engine = RayEngine(ray, plan)
    try:
        out = list(engine(chunks(*of)))
        again = list(engine(chunks(*of)))
    finally:
        engine.close()
    assert flag.exists()
    local = plan.made()
    expected = list(local(chunks(*of)))
    assert engine.facts == Facts.of(local)
    assert engine.facts.dimensions == 32
    for found in (out, again):
        assert [e.chunk.number for e in found] == list(range(len(of)))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.vectors, other.vectors, rtol=0, atol=1e-6)
            assert one.vectors.dtype == other.vectors.dtype
            assert (one.digest, one.tokens, one.truncated, one.failed) == (
                other.digest,
                other.tokens,
                other.truncated,
                other.failed,
            )
            assert (one.chunk.ids, list(one.chunk.rejects)) == (other.chunk.ids, list(other.chunk.rejects))
    assert out[4].failed == [(7, "ValueError: no good"), (30, "ValueError: no good")]


def test_what_an_actor_cannot_load_is_an_error_of_ours(tmp_path):
    with pytest.raises(ModelError, match="nosuch"):
        RayEngine(ray, EnginePlan(str(tmp_path / "nosuch")), actors=1)
    with pytest.raises(SettingsError, match="no place for an actor"):
        RayEngine(ray, EnginePlan("any"), gpus=1)


@pytest.fixture
def command(tiny, tmp_path, ray_cluster):
    """Start ``vinilm encode`` on a corpus of some records, one of them bad."""
    lines = [json.dumps({"id": f"n{i}", "text": text}).encode() for i, text in enumerate(texts(600))]
    lines[50] = b'{"id": "bad", "text": null}'
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    shared = ["in.jsonl", "-m", str(tiny), "--backend", "torch", "--chunk-records", "8", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def start(output: str, *more: str) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-m", "vinilm", "encode", *shared, "-o", output, *more]
        return subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.PIPE, env=environment)

    def run(output: str, *more: str) -> str:
        process = start(output, *more)
        said = process.communicate(timeout=180)[1].decode()
        assert process.returncode == 1, said
        return said

    run.start = start
    run.on_ray = ("--engine", "ray", "--address", ray_cluster)
    return run


def same_files(folder: Path, one: str, other: str) -> None:
    for more in (".ids.jsonl", ".rejects.jsonl"):
        assert (folder / (one + more)).read_bytes() == (folder / (other + more)).read_bytes()
    np.testing.assert_allclose(np.load(folder / one), np.load(folder / other), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_command_writes_the_same_files(command, tmp_path):
    command("here.npy")
    assert "600 records" in command("there.npy", *command.on_ray)
    same_files(tmp_path, "there.npy", "here.npy")


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(command, tmp_path):
    command("here.npy")
    process = command.start("there.npy", *command.on_ray)
    journal = tmp_path / ".there.npy.vinilm.journal"
    while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 3):
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "went on behind" in command("there.npy", *command.on_ray, "--resume")
    same_files(tmp_path, "there.npy", "here.npy")


def test_options_of_the_cluster_need_the_engine(tmp_path):
    from vinilm.cli import cli
    from vnlp_prep.command_line import exit_status

    (tmp_path / "in.jsonl").write_bytes(b"")
    assert exit_status(cli, ["encode", str(tmp_path / "in.jsonl"), "-m", "x", "-o", "v.npy", "--actors", "2"], "vinilm") == 2
