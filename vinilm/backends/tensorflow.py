"""TensorFlow, by KerasHub's BertBackbone: for programs that are written in TensorFlow. Float32 only.

KerasHub reads the safetensors weights of transformers' BertModel by itself. Two things are put right afterwards: it has GELU's
approximation by tanh, where BERT has the exact one (the features would be off by 7e-3), and an epsilon of its own.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vinilm.backends import Backend
from vinilm.backends.keras_on_tensorflow import keras_on_tensorflow
from vinilm.backends.packed import joined, parts
from vinilm.errors import BackendError, ModelError
from vinilm.models.weights import weight_files

if TYPE_CHECKING:
    from vinilm.batches import Batch
    from vinilm.pooling import Floats
    from vinilm.shape import BertShape

with keras_on_tensorflow():
    import keras
    import keras_hub
    import safetensors.numpy
    import tensorflow as tf


def load(folder: Path, shape: BertShape, *, device: str | None, dtype: str | None) -> TensorFlowBackend:
    """Return the backend with the model in ``folder``. ``device``: ``cpu``, ``cuda``, ``cuda:N``; default: a GPU if any.

    Raises BackendError for a device or type that is not to be had, ModelError for weights that cannot be read.
    """
    if dtype not in (None, "auto", "float32"):
        raise BackendError(f"the backend 'tensorflow' has no dtype {dtype!r}; it has float32 (torch has bfloat16 and float16)")
    _limit_threads()
    gpus = _gpus()
    if device is None:
        device = "cuda:0" if gpus else "cpu"
    number = {"cuda": 0, **{f"cuda:{i}": i for i in range(len(gpus))}}.get(device, -1)
    if device != "cpu" and not 0 <= number < len(gpus):
        raise BackendError(f"TensorFlow has no device {device!r} here; it has cpu and {len(gpus)} GPUs (cuda:N)")
    return TensorFlowBackend(folder, shape, device=device if device == "cpu" else f"cuda:{number}")


class TensorFlowBackend(Backend):
    """BERT in TensorFlow, over rectangles of sequences that are nearly equal in length."""

    name = "tensorflow"

    def __init__(self, folder: Path, shape: BertShape, *, device: str) -> None:
        super().__init__(shape, device=device, dtype="float32")
        self._place = "/CPU:0" if device == "cpu" else f"/GPU:{device.removeprefix('cuda:')}"
        with tf.device(self._place):
            backbone = _backbone(folder, shape)
        if device != "cpu":
            # Products of 10 bits of precision are TensorFlow's default on a GPU: not float32. It is one setting for the process.
            tf.config.experimental.enable_tensor_float_32_execution(False)
            self.batch_tokens = 16384
        rectangle = tf.TensorSpec((None, None), tf.int32)

        @tf.function(input_signature=(rectangle, rectangle))  # type: ignore[untyped-decorator]
        def states(ids: Any, mask: Any) -> Any:
            inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": mask}
            return backbone(inputs, training=False)["sequence_output"]

        self._states = states

    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32."""
        return joined([self._run(part) for part in parts(batch)], self.shape.hidden_size)

    def _run(self, batch: Batch) -> Floats:
        ids, mask = batch.padded(self.shape.pad_token_id)
        with tf.device(self._place):
            states = self._states(tf.constant(ids, tf.int32), tf.constant(mask, tf.int32)).numpy()
        tokens: Floats = np.ascontiguousarray(states[mask.astype(bool)])
        return tokens


def _limit_threads() -> None:
    """Have TensorFlow, which looks at the processors of the process alone, keep to OMP_NUM_THREADS as the other backends do."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and tf.config.threading.get_intra_op_parallelism_threads() == 0:
        # Once TensorFlow runs, its threads are there.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))


def _gpus() -> list[Any]:
    """Return TensorFlow's GPUs, told to take memory as they need it and not all of it at once."""
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Once TensorFlow runs, its user has decided about memory.
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def _backbone(folder: Path, shape: BertShape) -> Any:
    """Return the encoder with its weights, exact GELU and the model's own epsilon. Raises ModelError, BackendError."""
    try:
        with _with_pooler(folder, shape) as preset:
            backbone = keras_hub.models.BertBackbone.from_preset(str(preset), dtype="float32")
    except (KeyError, ValueError, OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{folder}: KerasHub cannot read this model: {error}") from error
    exact = 0
    for block in backbone.transformer_layers:
        for layer in block._flatten_layers():
            if isinstance(layer, keras.layers.Dense) and layer.activation is not keras.activations.linear:
                layer.activation = _exact_gelu
                exact += 1
    for layer in backbone._flatten_layers():
        if isinstance(layer, keras.layers.LayerNormalization):
            layer.epsilon = shape.layer_norm_eps
    if exact != shape.num_hidden_layers:
        raise BackendError(
            f"this version of KerasHub ({keras_hub.__version__}) builds BERT in a way that is not known here: exact GELU cannot "
            "be set; choose another version, or another backend"
        )
    return backbone


def _exact_gelu(x: Any) -> Any:
    """Return x Phi(x) with the error function (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * (1.0 + tf.math.erf(x / math.sqrt(2.0)))


@contextlib.contextmanager
def _with_pooler(folder: Path, shape: BertShape) -> Iterator[Path]:
    """Give a folder that KerasHub can read: ``folder`` itself, or a temporary one with a pooler of zeros where it has none.

    KerasHub insists on the weights of the pooler, which no feature depends on, and which not every model has.
    """
    names: set[str] = set()
    files = weight_files(folder)
    for file in files:
        with safetensors.safe_open(file, framework="numpy") as tensors:
            names.update(tensors.keys())
    if any(name.endswith("pooler.dense.weight") for name in names):
        yield folder
        return
    prefix = "bert." if any(name.startswith("bert.") for name in names) else ""
    merged = {name: tensor for file in files for name, tensor in safetensors.numpy.load_file(file).items()}
    merged[f"{prefix}pooler.dense.weight"] = np.zeros((shape.hidden_size, shape.hidden_size), dtype=np.float32)
    merged[f"{prefix}pooler.dense.bias"] = np.zeros(shape.hidden_size, dtype=np.float32)
    with tempfile.TemporaryDirectory(prefix="vinilm-") as name:
        shutil.copy(folder / "config.json", name)
        safetensors.numpy.save_file(merged, Path(name, "model.safetensors"))
        yield Path(name)
