"""``vinilm export`` as a user has it; the exports themselves are tested elsewhere."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from vinilm import FeatureExtractor

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def folder(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "model").symlink_to(tiny)
    return tmp_path


def run(*args: str) -> int:
    from vinilm.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["export", *args])
    return ended.value.code


def test_a_model_is_exported_and_what_was_found_is_told(folder, capfd):
    pytest.importorskip("openvino")
    assert run("model", "-o", "out", "--format", "openvino", "--license", "mit", "--name", "acme/vm") == 0
    said = capfd.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == "openvino: float32"
    found = (
        r"openvino/openvino_model\.xml: 8\.\d MB, weights in float32; beside the source in float32: cosine 1\.000000 or better, "
    )
    assert re.fullmatch(found + r"largest difference \de-\d\d", lines[1])
    assert re.fullmatch(r"out: 1 files? for other runtimes, README\.md, SHA256SUMS; 1\d\.\d MB in all", lines[-1])
    assert json.loads((folder / "out" / "export.json").read_text())["formats"] == ["openvino"]
    assert "\nlicense: mit\n" in (folder / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["model"], "Missing option '-o'"),
        (["nowhere/model", "-o", "out"], "'nowhere/model' is not on this machine"),
        (["model", "-o", "model"], "model: is a link; name the folder itself"),
        (["model", "-o", "no/out"], "no/out: there is no folder no; make it first"),
        (["model", "-o", "out", "--format", "keras:int8"], "'keras:int8' is not one of"),
        (["model", "-o", "out", "--format", "none", "--format", "onnx"], "--format none goes with no other: none, onnx"),
        (["model", "-o", "out", "--results", "."], ".: no results.md there"),
        (["model", "-o", "out", "--recipe", "no.toml"], "no.toml: cannot be read"),
        (["model", "-o", "out", "--texts", "no.jsonl"], "no.jsonl: no such file"),
        (["model", "-o", "out", "--texts", "x.jsonl"], "x.jsonl: no text in the field text"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, args, message, capfd):
    Path("x.jsonl").write_text('{"body": "a"}\n')
    before = sorted(folder.rglob("*"))
    assert run(*args) == 2
    said = capfd.readouterr().err
    assert said.startswith("vinilm: error: ")
    assert said.count("\n") == 1
    assert message in said
    assert sorted(folder.rglob("*")) == before


def test_a_library_that_is_missing_is_named(folder, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert run("model", "-o", "out") == 2
    assert 'exporting to ONNX needs onnxscript, which is not installed: pip install "vnlp-prep[onnx]"' in capfd.readouterr().err
    assert not Path("out").exists()


def test_every_option_is_on_the_page():
    from vinilm.cli import cli

    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    command = cli.get_command(None, "export")
    options = [o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")]
    assert [o for o in options if f"`{o}" not in page and o != "--output"] == []


def test_weights_in_half_precision(folder, tiny, capfd):
    assert run("model", "-o", "out", "--format", "none", "--weights", "float16") == 0
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("model.safetensors: 4.1 MB, weights in float16; beside the source in float32: cosine ")
    assert re.fullmatch(r"out: README\.md, SHA256SUMS; \d\.\d MB in all", said[1])
    out = folder / "out"
    assert 1.9 < (tiny / "model.safetensors").stat().st_size / (out / "model.safetensors").stat().st_size < 2.1
    # Libraries compute in float32 all the same, and get nearly the same vectors.
    from transformers import AutoModel

    assert AutoModel.from_pretrained(out).dtype == torch.float32
    texts = ["The cluster cannot be reached.", "vm"]
    old, new = (FeatureExtractor.from_pretrained(f, preprocess=False).encode(texts) for f in (tiny, out))
    assert not np.array_equal(old, new)
    np.testing.assert_allclose(old, new, atol=2e-2)
