"""ONNX Runtime, on the CPU, in float32.

The graph is our own export (:mod:`vinilm.onnx_export`), made when the model is loaded, or before and kept in the model's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from vinilm.backends import Backend
from vinilm.backends.packed import PackedInputs, joined, parts, usable_threads
from vinilm.errors import BackendError
from vinilm.onnx_export import onnx_bytes

if TYPE_CHECKING:
    from vinilm.batches import Batch
    from vinilm.pooling import Floats
    from vinilm.shape import BertShape


def load(folder: Path, shape: BertShape, *, device: str | None, dtype: str | None) -> OnnxRuntimeBackend:
    """Return the backend with the model in ``folder``.

    Raises BackendError for a device or type that it has not, ModelError for weights that cannot be read.
    """
    if device not in (None, "cpu"):
        raise BackendError(
            f"the backend 'onnx' runs on the CPU, not on {device!r}; choose device='cpu', or backend='torch' for a GPU"
        )
    if dtype not in (None, "auto", "float32"):
        raise BackendError(
            f"the backend 'onnx' has no dtype {dtype!r}; it has float32 (torch and openvino have bfloat16, openvino has int8)"
        )
    return OnnxRuntimeBackend(onnx_bytes(folder, shape), shape)


class OnnxRuntimeBackend(Backend):
    """BERT in ONNX Runtime over packed sequences."""

    name = "onnx"

    def __init__(self, graph: bytes, shape: BertShape, *, threads: int | None = None) -> None:
        """Load ``graph``, an ONNX file of :mod:`vinilm.onnx_export`; ``threads``: default all that the process may use."""
        super().__init__(shape, device="cpu", dtype="float32")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32."""
        return joined([self._run(part) for part in parts(batch)], self.shape.hidden_size)

    def _run(self, batch: Batch) -> Floats:
        states: Floats = np.asarray(self._session.run(None, PackedInputs.of(batch)._asdict())[0])
        return states
