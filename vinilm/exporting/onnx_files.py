"""ONNX: ``onnx/model.onnx`` and its smaller forms for every program that knows such graphs; ``onnx/packed.onnx`` for ours."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vinilm.backends import Backend, load_backend
from vinilm.batches import pack
from vinilm.errors import BackendError
from vinilm.exporting.checking import Exported, Run
from vinilm.exporting.float16 import store_float16
from vinilm.exporting.sample import Sample
from vinilm.exporting.standard import INPUTS, OUTPUT, StandardEncoder, standard_examples
from vinilm.models.weights import read_weights
from vinilm.onnx_export import ONNX_FILE, export_onnx, to_onnx, write_onnx
from vinilm.pooling import Floats

if TYPE_CHECKING:
    import onnx

    from vinilm.shape import BertShape

#: Operator set of the standard graph: old enough for what people have, new enough for layer norm as one operator.
OPSET = 18
#: The names by which transformers.js picks a file (``dtype``); sentence-transformers takes the first by itself.
FILES = {
    "float32": Path("onnx", "model.onnx"),
    "float16": Path("onnx", "model_fp16.onnx"),
    "int8": Path("onnx", "model_quantized.onnx"),
}


def export(folder: Path, shape: BertShape, weights: Sequence[str]) -> list[Exported]:
    """Write the encoder in ``folder`` there as ONNX, once for each of ``weights``: ``float32``, ``float16``, ``int8``.

    Raises BackendError when the model is too large for the format, ModelError for weights that cannot be read, OSError.
    """
    model = standard_onnx(folder, shape)
    exported = []
    # What stores weights in another type changes the graph: last.
    for kind in sorted(weights, key=["float32", "int8", "float16"].index):
        target = folder / FILES[kind]
        if kind == "int8":
            _write_int8(model, shape, target)
        else:
            if kind == "float16":
                store_float16(model)
            write_onnx(model, target)
        exported.append(Exported(FILES[kind], kind, _run(target, shape)))
        if kind == "float32":
            export_onnx(folder, shape, folder / ONNX_FILE)
            exported.append(Exported(ONNX_FILE, kind, _run_packed(folder, shape), is_standard=False))
    return exported


def standard_onnx(folder: Path, shape: BertShape) -> onnx.ModelProto:
    """Return the encoder in ``folder`` as an ONNX model with the usual inputs: see :mod:`vinilm.exporting.standard`."""
    batch, sequence = torch.export.Dim("batch_size"), torch.export.Dim("sequence_length", max=shape.max_position_embeddings)
    sizes = tuple({0: batch, 1: sequence} for _ in INPUTS)
    return to_onnx(StandardEncoder(read_weights(folder), shape), standard_examples(), INPUTS, sizes, opset=OPSET)


def _write_int8(model: onnx.ModelProto, shape: BertShape, target: Path) -> None:
    """Write ``model`` with weights in 8 bits, a scale for each output; activations are quantized as they come.

    In float32 stays the second product of each feed-forward network, for the reason that :mod:`vinilm.quantize` gives.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    inner = {tensor.name for tensor in model.graph.initializer if tuple(tensor.dims)[:1] == (shape.intermediate_size,)}
    floating = [node.name for node in model.graph.node if node.op_type == "MatMul" and inner.intersection(node.input)]
    settings = {"weight_type": QuantType.QInt8, "per_channel": True, "nodes_to_exclude": floating}
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".int8-") as name, _without_remarks():
        write_onnx(model, whole := Path(name, "float32.onnx"))
        quantize_dynamic(whole, part := Path(name, target.name), **settings)
        part.replace(target)


def _run(file: Path, shape: BertShape) -> Run:
    @cache
    def session() -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(sample: Sample) -> list[Floats]:
        return sample.rows(np.asarray(session().run([OUTPUT], sample.rectangles(shape.pad_token_id))[0]))

    return run


def _run_packed(folder: Path, shape: BertShape) -> Run:
    """Return what runs the file as the backend does, which takes it only if it is of these weights."""

    @cache
    def backend() -> Backend:
        return load_backend("onnx", folder, shape)

    def run(sample: Sample) -> list[Floats]:
        batch = pack(sample.ids)
        return np.split(backend().hidden_states(batch), batch.starts[1:])

    return run


def check_installed(_: Sequence[str]) -> None:
    """Raise BackendError unless the libraries are there."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise BackendError(
            f'exporting to ONNX needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[onnx]"'
        ) from error


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep the quantizer's advice to itself: it gives it through the root logger, which would get a handler for it."""

    def drop(_: logging.LogRecord) -> bool:
        return False

    before = list(logging.root.handlers)
    logging.root.addFilter(drop)
    try:
        yield
    finally:
        logging.root.removeFilter(drop)
        for handler in logging.root.handlers[:]:
            if handler not in before:
                logging.root.removeHandler(handler)
