"""OpenVINO, on the CPU: the fastest way on x86 processors, in bfloat16 where they have instructions for it, or in int8.

The graph is that of :mod:`vinilm.onnx_export`, taken from PyTorch at once: in a second, without a file and the ONNX libraries.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vinilm.backends import Backend
from vinilm.backends.no_telemetry import no_telemetry
from vinilm.backends.packed import PackedInputs, joined, parts, usable_threads
from vinilm.errors import BackendError
from vinilm.models.weights import read_weights
from vinilm.onnx_export import PackedEncoder, example_inputs

with no_telemetry():
    import openvino

if TYPE_CHECKING:
    from vinilm.batches import Batch
    from vinilm.graph import GraphEncoder
    from vinilm.pooling import Floats
    from vinilm.shape import BertShape

#: dtype -> OpenVINO's name for what is computed in. What int8 leaves in floating point is computed in the fastest other type.
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def load(folder: Path, shape: BertShape, *, device: str | None, dtype: str | None) -> OpenVinoBackend:
    """Return the backend with the model in ``folder``. ``dtype``: ``float32``, ``bfloat16``, ``int8``, or ``auto``.

    int8 takes the graph that :func:`vinilm.quantize.quantize` wrote for just these weights into the folder, else makes one
    (minutes, nothing is written). Raises BackendError for a device or type that is not to be had, ModelError for weights
    that cannot be read.
    """
    if device not in (None, "cpu"):
        raise BackendError(
            f"the backend 'openvino' runs on the CPU, not on {device!r}; choose device='cpu', or backend='torch' for a GPU"
        )
    core = openvino.Core()
    fastest = "bfloat16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "float32"
    chosen = fastest if dtype == "auto" else dtype or "float32"
    if chosen not in (*_PRECISIONS, "int8"):
        raise BackendError(f"the backend 'openvino' has no dtype {dtype!r}; it has auto, float32, bfloat16, int8")
    if chosen == "bfloat16" and fastest != chosen:
        raise BackendError("this processor has no instructions for bfloat16; choose dtype='float32' or 'int8'")
    if chosen == "int8":
        from vinilm.quantize import quantized_graph

        return OpenVinoBackend(quantized_graph(folder, shape), shape, dtype=chosen, precision=_PRECISIONS[fastest])
    return OpenVinoBackend(float_graph(folder, shape), shape, dtype=chosen, precision=_PRECISIONS[chosen])


def float_graph(folder: Path, shape: BertShape) -> openvino.Model:
    """Return the encoder in ``folder`` as an OpenVINO graph in float32, all sizes of its inputs dynamic."""
    return to_openvino(PackedEncoder(read_weights(folder), shape), example_inputs(), PackedInputs._fields)


def to_openvino(encoder: GraphEncoder, examples: tuple[torch.Tensor, ...], names: Sequence[str]) -> openvino.Model:
    """Return ``encoder`` as an OpenVINO graph in float32, its inputs named ``names``; dynamic are all sizes but those of 1."""
    with torch.no_grad(), no_telemetry(), warnings.catch_warnings():
        # The deprecations of torch's tracer, which OpenVINO calls.
        warnings.simplefilter("ignore")
        model = openvino.convert_model(encoder, example_input=examples)
    for port, name in zip(model.inputs, names, strict=True):
        port.get_tensor().set_names({name})
    model.reshape({name: _dynamic(example) for name, example in zip(names, examples, strict=True)})
    return model


def save_graph(model: openvino.Model, target: Path, *, half: bool = False) -> Path:
    """Write ``model`` to ``target``, an ``.xml`` file, and its weights beside it (``half``: in float16). Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}-") as name:
        part = Path(name, target.name)
        openvino.save_model(model, part, compress_to_fp16=half)
        # The weights first: a graph that is there always finds its own.
        part.with_suffix(".bin").replace(target.with_suffix(".bin"))
        part.replace(target)
    return target


class OpenVinoBackend(Backend):
    """BERT in OpenVINO over packed sequences."""

    name = "openvino"

    def __init__(
        self, graph: openvino.Model, shape: BertShape, *, dtype: str, precision: str, threads: int | None = None
    ) -> None:
        """Compile ``graph`` for ``precision``, in OpenVINO's words; ``threads``: default all that the process may use."""
        super().__init__(shape, device="cpu", dtype=dtype)
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads or usable_threads(),
            # Two processes on one machine would else be pinned to the same processors.
            "ENABLE_CPU_PINNING": False,
            # It compiles code for the sizes that it meets, and would keep that of 5,000 of them.
            "CPU_RUNTIME_CACHE_CAPACITY": "512",
        }
        self._request = openvino.Core().compile_model(graph, "CPU", settings).create_infer_request()

    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32."""
        return joined([self._run(part) for part in parts(batch)], self.shape.hidden_size)

    def _run(self, batch: Batch) -> Floats:
        # The inputs are ours until it returns; the output's memory belongs to the next call, hence a copy of it.
        outputs = self._request.infer(list(PackedInputs.of(batch)), share_inputs=True, share_outputs=True)
        return np.array(outputs[0], dtype=np.float32)


def _dynamic(example: torch.Tensor) -> openvino.PartialShape:
    """Return the shape of an input: every size dynamic but those of 1."""
    return openvino.PartialShape([1 if size == 1 else -1 for size in example.shape])
