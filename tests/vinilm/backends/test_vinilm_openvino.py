"""The backend ``openvino`` against transformers' BertModel: float32, bfloat16, int8."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("openvino")

import openvino
from bert_reference import check_against_reference, cosines, mixed_sequences, no_tokens, reference, shape_of

from vinilm.backends import load_backend
from vinilm.batches import pack
from vinilm.errors import BackendError, ModelError
from vinilm.pooling import pool

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HAS_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_agrees_with_bert_model(tiny):
    backend = load_backend("openvino", tiny, shape_of(tiny))
    check_against_reference(backend, tiny, longest=128)
    assert backend.hidden_states(no_tokens()).shape == (0, 64)


def test_agrees_with_bert_model_on_a_real_model(minilm):
    backend = load_backend("openvino", minilm, shape_of(minilm), device="cpu", dtype="float32")
    assert (backend.name, backend.device, backend.dtype) == ("openvino", "cpu", "float32")
    check_against_reference(backend, minilm, longest=512)


def test_a_result_is_not_overwritten_by_the_next(tiny):
    backend = load_backend("openvino", tiny, shape_of(tiny))
    first = backend.hidden_states(pack([[101, 2000, 102]]))
    copy = first.copy()
    backend.hidden_states(pack([[101, 3000, 102]]))
    assert np.array_equal(first, copy)


@pytest.mark.skipif(not HAS_BF16, reason="this processor has no bfloat16")
def test_bfloat16_keeps_the_cosine(minilm):
    backend = load_backend("openvino", minilm, shape_of(minilm), dtype="auto")
    assert backend.dtype == "bfloat16"
    sequences = mixed_sequences(512)
    batch = pack(sequences)
    assert cosines(backend.embeddings(batch, "mean"), pool(reference(minilm, sequences), batch, "mean")).min() >= 0.9999


def test_int8_from_the_folder(tiny, tmp_path, monkeypatch):
    pytest.importorskip("nncf")
    from vinilm import quantize

    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    shape = shape_of(folder)
    texts = ["The host was added to the cluster.", "Replace me by any text you'd like.", "vMotion failed: no space left."] * 4
    assert quantize.quantize(folder, shape, folder / quantize.INT8_FILE, texts) == folder / quantize.INT8_FILE
    assert sorted(file.name for file in (folder / "openvino").iterdir()) == ["int8.bin", "int8.xml"]

    monkeypatch.setattr(quantize, "quantized", lambda *_: pytest.fail("quantized anew"))
    backend = load_backend("openvino", folder, shape, dtype="int8")
    assert backend.dtype == "int8"
    sequences = mixed_sequences(128)
    states, expected = backend.hidden_states(pack(sequences)), reference(folder, sequences)
    assert cosines(states, expected).min() > 0.9
    # Not the float32 graph under another name.
    assert np.abs(states - expected).max() > 1e-4

    (folder / "openvino" / "int8.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"int8\.xml: cannot be read; quantize"):
        load_backend("openvino", folder, shape, dtype="int8")


def test_int8_of_other_weights_is_not_used(tiny, tmp_path, monkeypatch):
    pytest.importorskip("nncf")
    from vinilm import quantize

    folder = tmp_path / "tiny"
    shutil.copytree(tiny, folder)
    monkeypatch.setattr(quantize, "identity", lambda _: "of other weights")
    quantize.quantize(folder, shape_of(folder), folder / quantize.INT8_FILE, ["a text", "another one"])
    monkeypatch.undo()
    monkeypatch.setattr(quantize, "quantized", lambda *_: "made anew")
    assert quantize.quantized_graph(folder, shape_of(folder)) == "made anew"


def test_nothing_is_reported_and_nothing_written_at_home(tiny, tmp_path):
    """OpenVINO and NNCF would write a client id into the home folder and send statistics."""
    pytest.importorskip("nncf")
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import socket, os
connect = []
socket.socket.connect = lambda self, address: connect.append(address)
socket.getaddrinfo = lambda *a, **k: connect.append(a) or []
from pathlib import Path
from vinilm.quantize import quantized
from vinilm.shape import BertShape
before = dict(os.environ)
quantized(Path({str(tiny)!r}), BertShape(**{vars(shape_of(tiny))!r}), ["a text", "another one"])
assert dict(os.environ) == before
assert not connect, connect
"""
    settings = {**os.environ, "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[3])}
    settings = {name: value for name, value in settings.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL", "NNCF_CI")}
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
    assert not [file for file in home.rglob("*") if file.name in ("openvino_ga_cid", "openvino_telemetry", "stats")]


def test_int8_without_texts(tiny, tmp_path):
    pytest.importorskip("nncf")
    from vinilm.quantize import quantize

    with pytest.raises(ValueError, match="no texts"):
        quantize(tiny, shape_of(tiny), tmp_path / "int8.xml", [])


@pytest.mark.parametrize(
    ("wrong", "says"), [({"device": "cuda"}, "runs on the CPU"), ({"dtype": "float16"}, "it has auto, float32, bfloat16, int8")]
)
def test_says_what_it_has(tiny, wrong, says):
    with pytest.raises(BackendError, match=says):
        load_backend("openvino", tiny, shape_of(tiny), **wrong)
