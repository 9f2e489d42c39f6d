"""Exported files as other programs use them: the usual inputs, ONNX Runtime, OpenVINO and Keras, against BertModel."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("openvino")
pytest.importorskip("tensorflow")

import onnxruntime
import openvino
import torch

from vinilm import onnx_export
from vinilm.backends import load_backend
from vinilm.batches import pack
from vinilm.errors import BackendError
from vinilm.exporting import checking, standard
from vinilm.exporting.run import Settings, export
from vinilm.exporting.sample import Sample, true_states
from vinilm.features import FeatureExtractor
from vinilm.models import open_model

# Of torch.export, Keras and the quantizer, inside themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

FORMATS = ("onnx", "onnx:float16", "onnx:int8", "openvino", "openvino:float16", "keras")
TOLERANCE = {"float32": 2e-5, "float16": 5e-2}


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """The tiny model in every format but openvino:int8."""
    target = tmp_path_factory.mktemp("exports") / "tiny-1"
    # Its weights are drawn at random, and large: what int8 makes of them is not what it makes of a model.
    bounds = {**checking.BOUNDS, "int8": checking.Bounds(0.5, 10)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "BOUNDS", bounds)
        export(tiny, target, Settings(formats=FORMATS, license="apache-2.0"))
    return target


@pytest.fixture(scope="module")
def inputs():
    """Three rows of ids, two of them padded, one a pair of texts."""
    ids = np.array([[101, 2023, 2003, 102, 0, 0, 0], [101, 7592, 102, 2088, 2003, 102, 0], [101, 1, 2, 3, 4, 5, 102]])
    types = np.array([[0] * 7, [0, 0, 0, 1, 1, 1, 0], [0] * 7])
    return {"input_ids": ids, "attention_mask": (ids != 0).astype(np.int64), "token_type_ids": types}


@pytest.fixture(scope="module")
def expected(tiny, inputs):
    from transformers import BertModel

    model = BertModel.from_pretrained(str(tiny), attn_implementation="eager").eval()
    with torch.inference_mode():
        return model(**{k: torch.from_numpy(v) for k, v in inputs.items()}).last_hidden_state.numpy()


def difference(states, expected, inputs) -> float:
    assert states.shape == expected.shape
    assert states.dtype == np.float32
    return float(np.abs(states - expected)[inputs["attention_mask"] == 1].max())


@pytest.mark.parametrize(("name", "kind"), [("model", "float32"), ("model_fp16", "float16")])
def test_onnx_with_the_usual_inputs(exported, inputs, expected, name, kind):
    session = onnxruntime.InferenceSession(str(exported / "onnx" / f"{name}.onnx"))
    assert [i.name for i in session.get_inputs()] == ["input_ids", "attention_mask", "token_type_ids"]
    assert [i.shape for i in session.get_inputs()] == [["batch_size", "sequence_length"]] * 3
    [output] = session.get_outputs()
    assert (output.name, output.shape) == ("last_hidden_state", ["batch_size", "sequence_length", 64])
    assert difference(session.run(None, inputs)[0], expected, inputs) < TOLERANCE[kind]
    one = {name: array[2:, :5] for name, array in inputs.items()}
    assert session.run(None, one)[0].shape == (1, 5, 64)
    longest = {name: np.ones((2, 128), np.int64) for name in inputs}
    assert session.run(None, longest)[0].shape == (2, 128, 64)


def test_small_files_are_small(exported):
    sizes = {f.name: f.stat().st_size for f in exported.rglob("*") if f.is_file()}
    assert sizes["model_fp16.onnx"] < 0.55 * sizes["model.onnx"]
    assert sizes["model_quantized.onnx"] < 0.35 * sizes["model.onnx"]
    assert sizes["openvino_model_fp16.bin"] < 0.55 * sizes["openvino_model.bin"]


def test_onnx_in_int8_is_near(exported, inputs, expected):
    session = onnxruntime.InferenceSession(str(exported / "onnx" / "model_quantized.onnx"))
    [states] = session.run(None, inputs)
    found, true = (s[inputs["attention_mask"] == 1].ravel() for s in (states, expected))
    assert 0.9 < found @ true / np.linalg.norm(found) / np.linalg.norm(true) < 0.99999


@pytest.mark.parametrize(("name", "kind"), [("openvino_model", "float32"), ("openvino_model_fp16", "float16")])
def test_openvino_with_the_usual_inputs(exported, inputs, expected, name, kind):
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(exported / "openvino" / f"{name}.xml"), "CPU", settings)
    assert [port.get_any_name() for port in model.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    assert all(port.partial_shape == openvino.PartialShape([-1, -1]) for port in model.inputs)
    assert difference(model(inputs)["last_hidden_state"], expected, inputs) < TOLERANCE[kind]


def test_keras_with_the_usual_inputs(exported, inputs, expected):
    import keras

    file = exported / "keras" / "model.keras"
    model = keras.saving.load_model(file)  # in safe mode, which is the default
    feed = {name: array.astype(np.int32) for name, array in inputs.items()}
    assert difference(model.predict(feed, verbose=0)["last_hidden_state"], expected, inputs) < TOLERANCE["float32"]
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
    modules = set(re.findall(r'"module": "([a-z_]+)', json.dumps(config)))
    assert modules == {"keras"}
    assert "Lambda" not in json.dumps(config)


def test_our_own_backend_takes_its_file_from_the_folder(exported, tiny, monkeypatch):
    monkeypatch.setattr(onnx_export, "onnx_model", lambda *_: pytest.fail("exported anew"))
    shape = open_model(exported).shape
    batch = pack([[101, 102], [101, 2023, 2003, 102]])
    found = load_backend("onnx", exported, shape).hidden_states(batch)
    np.testing.assert_allclose(found, load_backend("torch", tiny, shape).hidden_states(batch), rtol=0, atol=2e-5)


def test_what_was_found_is_told(exported):
    report = json.loads((exported / "export.json").read_text())
    files = {f["file"]: f for f in report["files"]}
    assert set(files) == {
        *("onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_quantized.onnx", "onnx/packed.onnx"),
        *("openvino/openvino_model.xml", "openvino/openvino_model_fp16.xml", "keras/model.keras"),
    }
    assert files["onnx/model.onnx"]["difference"] < 2e-5
    assert 1e-5 < files["onnx/model_fp16.onnx"]["difference"] < 5e-2
    card = (exported / "README.md").read_text()
    for name, file in files.items():
        assert f"| `{name}` | {file['weights']} | " in card
    assert report["versions"]["onnx"]
    assert not list(exported.rglob(".*"))


def test_the_examples_of_the_card_run(exported, monkeypatch):
    pytest.importorskip("sentence_transformers")
    monkeypatch.chdir(exported.parent)
    blocks = re.findall(r"^```py\n(.*?)^```$", (exported / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert [re.search(r"FeatureExtractor|SentenceTransformer|AutoModel|InferenceSession|load_model", b)[0] for b in blocks] == [
        *("FeatureExtractor", "SentenceTransformer", "AutoModel", "InferenceSession", "load_model"),
    ]
    found = []
    for block in blocks:
        names: dict[str, object] = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(block, names)
        found.append(names)
    vectors = [np.asarray(names["vectors"]) for names in found[:3]]
    np.testing.assert_allclose(vectors[1], vectors[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(vectors[2], vectors[0], rtol=0, atol=1e-5)
    assert found[3]["states"].shape[::2] == (2, 64)


def test_vectors_are_those_of_the_source(exported, tiny):
    texts = ["Teh vSphere client&#39;s log is sooooo slow", "another text"]
    a, b = (FeatureExtractor.from_pretrained(folder).encode(texts) for folder in (tiny, exported))
    np.testing.assert_array_equal(a, b)


# What is refused


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_a_graph_that_is_wrong_is_refused_and_the_old_one_stays(exported, tiny, tmp_path, monkeypatch, name):
    monkeypatch.setattr(standard, "NOTHING", 0.0)  # the mask is not looked at any more
    old = tmp_path / "old"
    shutil.copytree(exported, old)
    before = {f: f.read_bytes() for f in old.rglob("*") if f.is_file()}
    with pytest.raises(BackendError, match=r"not exported, for it is too far from the source: cosine 0\."):
        export(tiny, old, Settings(formats=(name,)))
    assert {f: f.read_bytes() for f in old.rglob("*") if f.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_numbers_that_are_none_are_refused(exported, tiny):
    sample = Sample([[101, 102], [101, 2023, 102]], [[0, 0], [0, 0, 0]])
    truth = true_states(tiny, sample)

    def run(part):
        return [np.full((len(ids), 64), np.nan, np.float32) for ids in part.ids]

    with pytest.raises(BackendError, match="cosine nan"):
        checking.checked(checking.Exported(Path("x.onnx"), "float32", run), tiny, sample, truth, "mean")


@pytest.mark.slow
def test_int8_for_openvino(minilm, tmp_path):
    pytest.importorskip("nncf")
    files = export(minilm, tmp_path / "out", Settings(formats=("openvino:int8",)))
    assert [f.file.as_posix() for f in files] == ["openvino/openvino_model_qint8_quantized.xml", "openvino/int8.xml"]
    assert all(0.99 < f.cosine < 0.9999 for f in files)
    assert all(f.bytes < 40e6 for f in files)
