"""OpenVINO: ``openvino/openvino_model.xml`` and its smaller forms for every program; ``openvino/int8.xml`` for our backend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vinilm.backends import Backend, load_backend
from vinilm.batches import pack
from vinilm.errors import BackendError
from vinilm.exporting.checking import Exported, Run
from vinilm.exporting.sample import Sample
from vinilm.exporting.standard import INPUTS, OUTPUT, StandardEncoder, standard_examples
from vinilm.models.weights import read_weights
from vinilm.onnx_export import identity
from vinilm.pooling import Floats

if TYPE_CHECKING:
    import openvino

    from vinilm.batches import Batch
    from vinilm.shape import BertShape

#: The names that sentence-transformers uses; it takes the first by itself.
FILES = {
    "float32": Path("openvino", "openvino_model.xml"),
    "float16": Path("openvino", "openvino_model_fp16.xml"),
    "int8": Path("openvino", "openvino_model_qint8_quantized.xml"),
}


def export(folder: Path, shape: BertShape, weights: Sequence[str], texts: Sequence[str]) -> list[Exported]:
    """Write the encoder in ``folder`` there for OpenVINO, once for each of ``weights``: ``float32``, ``float16``, ``int8``.

    ``texts``: cleaned, to measure the ranges of activations with, for int8. Raises ModelError for weights that cannot be read,
    OSError.
    """
    from vinilm.backends.openvino import save_graph
    from vinilm.quantize import INT8_FILE, quantize

    exported = []
    for kind in weights:
        graph = standard_openvino(folder, shape)
        if kind == "int8":
            graph = _in_int8(graph, folder, shape, texts)
        target = save_graph(graph, folder / FILES[kind], half=kind == "float16")
        exported.append(Exported(FILES[kind], kind, _run(target, shape)))
        if kind == "int8":
            quantize(folder, shape, folder / INT8_FILE, texts)
            exported.append(Exported(INT8_FILE, kind, _run_packed(folder, shape), is_standard=False))
    return exported


def standard_openvino(folder: Path, shape: BertShape) -> openvino.Model:
    """Return the encoder in ``folder`` as an OpenVINO graph with the usual inputs: see :mod:`vinilm.exporting.standard`."""
    from vinilm.backends.openvino import to_openvino

    model = to_openvino(StandardEncoder(read_weights(folder), shape), standard_examples(), INPUTS)
    model.outputs[0].get_tensor().set_names({OUTPUT})
    return model


def _in_int8(graph: openvino.Model, folder: Path, shape: BertShape, texts: Sequence[str]) -> openvino.Model:
    from vinilm.quantize import calibration, in_int8

    def inputs(batch: Batch) -> dict[str, np.ndarray]:
        ids, mask = batch.padded(shape.pad_token_id)
        return dict(zip(INPUTS, (ids, mask, np.zeros_like(ids)), strict=True))

    return in_int8(graph, [inputs(batch) for batch in calibration(folder, shape, texts)], identity(folder))


def _run(file: Path, shape: BertShape) -> Run:
    @cache
    def compiled() -> Any:
        import openvino

        # By itself it would compute in bfloat16 where the processor can, and the difference would be that of bfloat16.
        return openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(sample: Sample) -> list[Floats]:
        return sample.rows(np.array(compiled()(sample.rectangles(shape.pad_token_id))[OUTPUT], dtype=np.float32))

    return run


def _run_packed(folder: Path, shape: BertShape) -> Run:
    """Return what runs the file as the backend does, which takes it only if it is of these weights."""

    @cache
    def backend() -> Backend:
        return load_backend("openvino", folder, shape, dtype="int8")

    def run(sample: Sample) -> list[Floats]:
        batch = pack(sample.ids)
        return np.split(backend().hidden_states(batch), batch.starts[1:])

    return run


def check_installed(weights: Sequence[str]) -> None:
    """Raise BackendError unless the libraries are there."""
    from vinilm.backends.no_telemetry import no_telemetry

    try:
        with no_telemetry():
            import openvino  # noqa: F401

            if "int8" in weights:
                import nncf  # noqa: F401
    except ImportError as error:
        raise BackendError(
            f'exporting for OpenVINO needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[openvino]"'
        ) from error
