"""The backend ``onnx``: our export in ONNX Runtime, against transformers' BertModel."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from bert_reference import check_against_reference, no_tokens, shape_of

from vinilm import onnx_export
from vinilm.backends import load_backend
from vinilm.errors import BackendError, ModelError
from vinilm.onnx_export import ONNX_FILE, export_onnx, identity, onnx_bytes

# torch.export's own use of deprecated names; ours is that the export is right, which is tested.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*", "ignore::FutureWarning:torch.*")


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """The tiny model with its graph beside it."""
    folder = tmp_path_factory.mktemp("onnx") / "tiny"
    shutil.copytree(tiny, folder)
    assert export_onnx(folder, shape_of(folder), folder / ONNX_FILE) == folder / ONNX_FILE
    return folder


@pytest.fixture
def no_export(monkeypatch):
    """Make every new export an error."""
    monkeypatch.setattr(onnx_export, "onnx_model", lambda *_: pytest.fail("exported anew"))


def test_agrees_with_bert_model(exported):
    check_against_reference(load_backend("onnx", exported, shape_of(exported)), exported, longest=128)


def test_agrees_with_bert_model_on_a_real_model(minilm):
    before = sorted(minilm.rglob("*"))
    backend = load_backend("onnx", minilm, shape_of(minilm), device="cpu", dtype="float32")
    assert sorted(minilm.rglob("*")) == before
    assert (backend.name, backend.device, backend.dtype) == ("onnx", "cpu", "float32")
    check_against_reference(backend, minilm, longest=512)


def test_a_graph_in_the_folder_is_used(exported, no_export):
    backend = load_backend("onnx", exported, shape_of(exported))
    assert backend.hidden_states(no_tokens()).shape == (0, 64)
    assert [file.name for file in (exported / "onnx").iterdir()] == ["packed.onnx"]


@pytest.fixture
def marked_export(monkeypatch):
    """Make every new export a mark."""

    class Made:
        def SerializeToString(self):  # noqa: N802  (protobuf's name)
            return b"made anew"

    monkeypatch.setattr(onnx_export, "onnx_model", lambda *_: Made())


def test_a_graph_of_other_weights_is_not_used(exported, tmp_path, marked_export):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "changed"
    shutil.copytree(exported, folder)
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] = weights["embeddings.LayerNorm.bias"] + np.float32(0.5)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert identity(folder) != identity(exported)
    assert onnx_bytes(folder, shape_of(folder)) == b"made anew"


@pytest.mark.parametrize("data", [b"", b"\x00 no graph"])
def test_a_file_that_is_not_ours_is_not_used(exported, tmp_path, marked_export, data):
    folder = tmp_path / "broken"
    shutil.copytree(exported, folder)
    assert onnx_bytes(folder, shape_of(folder)) == (folder / ONNX_FILE).read_bytes()
    (folder / ONNX_FILE).write_bytes(data)
    assert onnx_bytes(folder, shape_of(folder)) == b"made anew"


def test_an_export_that_fails_leaves_no_file(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        export_onnx(exported, shape_of(exported), tmp_path / "x" / "packed.onnx")
    assert list((tmp_path / "x").iterdir()) == []


@pytest.mark.parametrize(("wrong", "says"), [({"device": "cuda"}, "runs on the CPU"), ({"dtype": "bfloat16"}, "it has float32")])
def test_says_what_it_has(exported, wrong, says):
    with pytest.raises(BackendError, match=says):
        load_backend("onnx", exported, shape_of(exported), **wrong)


def test_weights_of_something_else(exported, tmp_path):
    from safetensors.numpy import save_file

    folder = tmp_path / "other"
    shutil.copytree(exported, folder)
    save_file({"lm_head.weight": np.zeros((2, 2), np.float32)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="have no tensor"):
        load_backend("onnx", folder, shape_of(folder))
