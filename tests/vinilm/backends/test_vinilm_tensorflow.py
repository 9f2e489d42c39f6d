"""The backend ``tensorflow`` against transformers' BertModel.

In a process of its own, as Keras cannot change what it runs on once it is imported; in one only, as TensorFlow starts slowly.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
if find_spec("tensorflow") is None or find_spec("keras_hub") is None:
    pytest.skip("needs tensorflow and keras-hub", allow_module_level=True)

from bert_reference import TOLERANCE, mixed_sequences, reference, shape_of

RUN = """
import json, os, sys
from pathlib import Path
import numpy as np
from vinilm.backends import load_backend
from vinilm.batches import pack
from vinilm.errors import BackendError
from vinilm.shape import BertShape

for job in json.loads(sys.stdin.read()):
    folder, shape = Path(job["folder"]), BertShape(**job["shape"])
    try:
        backend = load_backend("tensorflow", folder, shape, **job["how"])
    except BackendError as error:
        print(error)
        continue
    assert (backend.name, backend.device, backend.dtype) == ("tensorflow", "cpu", "float32")
    together = backend.hidden_states(pack(job["sequences"]))
    assert together.flags.c_contiguous and together.dtype == np.float32
    assert backend.hidden_states(pack([])).shape == (0, shape.hidden_size)
    alone = np.concatenate([backend.hidden_states(pack([ids])) for ids in job["sequences"]])
    np.save(job["out"], np.stack([together, alone]))
assert os.environ["KERAS_BACKEND"] == "torch", "the environment is put back"
assert "torch" not in sys.modules, "the backend needs no torch"
"""


def run(code, jobs=()):
    """Run Python code in a process that sees no GPU, and whose Keras would run on torch."""
    settings = {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(Path(__file__).parents[3]), "KERAS_BACKEND": "torch"}
    return subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def unusual(tiny, tmp_path_factory):
    """A model below a prefix, without a pooler and with an epsilon of its own."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path_factory.mktemp("tensorflow") / "unusual"
    shutil.copytree(tiny, folder)
    weights = {f"bert.{k}": v for k, v in load_file(folder / "model.safetensors").items() if not k.startswith("pooler")}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}))
    return folder


@pytest.fixture(scope="module")
def done(minilm, unusual, tmp_path_factory):
    """What one process printed and computed: features of both models by folder, each in one batch and one by one."""
    out = tmp_path_factory.mktemp("states")
    jobs, files = [], {}
    for folder, longest, how in (
        (minilm, 512, {"device": "cpu", "dtype": "float32"}),
        (unusual, 128, {}),
        (minilm, 2, {"device": "cuda"}),
        (minilm, 2, {"dtype": "bfloat16"}),
    ):
        file = files.setdefault(folder, str(out / f"{folder.name}.npy"))
        sequences = mixed_sequences(longest)
        jobs.append({"folder": str(folder), "shape": vars(shape_of(folder)), "how": how, "sequences": sequences, "out": file})
    before = sorted(unusual.rglob("*"))
    process = run(RUN, jobs)
    assert process.returncode == 0, process.stderr[-2000:]
    assert sorted(unusual.rglob("*")) == before
    return process.stdout, {folder: np.load(file) for folder, file in files.items()}


def check(done, folder, longest):
    together, alone = done[1][folder]
    np.testing.assert_allclose(together, reference(folder, mixed_sequences(longest)), rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(alone, together, rtol=TOLERANCE, atol=TOLERANCE)


def test_agrees_with_bert_model_on_a_real_model(done, minilm):
    check(done, minilm, 512)


def test_a_model_with_a_prefix_without_pooler_and_with_its_own_epsilon(done, unusual):
    check(done, unusual, 128)


def test_says_what_it_has(done):
    device, dtype = done[0].splitlines()
    assert "it has cpu and 0 GPUs" in device
    assert "it has float32" in dtype


def test_keras_on_something_else():
    process = run("import keras, vinilm.backends as b; b.load_backend('tensorflow', None, None)")
    assert "BackendError: Keras is already running on torch" in process.stderr
    assert "KERAS_BACKEND=tensorflow" in process.stderr
