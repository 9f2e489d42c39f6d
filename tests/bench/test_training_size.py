"""bench/training_size.py reads what a training run leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("safetensors")

import training_size

from vinilm.shape import BertShape


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    shape = BertShape(1000, 64, 2, 4, 128, 128)
    monkeypatch.setattr(training_size, "open_model", lambda _: type("Model", (), {"shape": shape}))
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "run.json").write_text(json.dumps({"identity": {"command": "pretrain"}}))
    lines = [{"step": 0, "evaluation": {"loss": 3.0}}]
    lines += [{"step": i, "length": 32, "tokens_per_second": rate} for i, rate in enumerate([1, 1, 1, 500, 700, 600], 1)]
    (tmp_path / "training" / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_the_first_steps_do_not_count(run):
    [rate] = training_size.rates(run, None)
    assert (rate.length, rate.steps, rate.tokens) == (32, 3, 600)
    layer = 8 * 64**2 + 4 * 64 * 128 + 4 * 64 * 32
    assert rate.operations == pytest.approx(600 * 3 * (2 * layer + 0.15 * 2 * (64**2 + 64 * 1000)))
    lines = list(training_size.table([rate], peak=0.001, operations=3600 * rate.operations))
    assert lines[2].endswith(f"| 600 | {rate.operations / 1e9:,.1f} | {rate.operations / 1e9:.1%} | 1.0 |")


def test_a_distillation_needs_its_teacher(run):
    (run / "training" / "run.json").write_text(json.dumps({"identity": {"command": "distill", "teacher-layer": 1}}))
    with pytest.raises(SystemExit, match="--teacher"):
        list(training_size.rates(run, None))
    [rate] = training_size.rates(run, run)
    layer = 8 * 64**2 + 4 * 64 * 128 + 4 * 64 * 32
    assert rate.operations == pytest.approx(600 * (layer + 3 * 2 * layer + 3 * 2 * 32 * (64 + 3 * 64)))


def test_the_page_has_the_same_formulas():
    page = (Path(__file__).resolve().parents[2] / "docs" / "training-size.md").read_text()
    block = page.split("operations for a token\n")[1].split(">>> relations_alone")[0]
    names: dict[str, object] = {}
    source = "def pretraining(shape, length, masked=0.15):\n" + "".join(
        line.removeprefix(">>> ").removeprefix("... ") for line in block.splitlines(keepends=True)
    )
    exec(source, names)
    a, b = BertShape(30522, 1024, 24, 16, 4096, 512), BertShape(30522, 768, 6, 12, 3072, 512)
    assert names["pretraining"](a, 128) == training_size.pretraining(a, 128)  # type: ignore[operator]
    assert names["distillation"](a, b, 512, 21) == training_size.distillation(a, b, 512, 21)  # type: ignore[operator]
