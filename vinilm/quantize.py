"""The encoder in 8-bit integers: post-training quantization with NNCF, for the backend ``openvino``.

Weights are quantized per output, activations per tensor by their ranges over calibration texts. Floating point stay the
products of attention, which integers make no faster, and the second product of each feed-forward network, whose inputs (after
GELU) have few large values among many small ones: with it all-MiniLM-L6-v2 would have a cosine of 0.997, without it 0.999.
Every model loses differently: measure the cosine against float32 on your own texts.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.backends.no_telemetry import no_telemetry
from vinilm.backends.openvino import float_graph, save_graph
from vinilm.backends.packed import PackedInputs
from vinilm.batches import Batch, pack, plan
from vinilm.errors import BackendError, ModelError
from vinilm.onnx_export import identity
from vinilm.tokens import Tokenizer
from vnlp_prep.lexicon.files import data_folder

if TYPE_CHECKING:
    import openvino

    from vinilm.shape import BertShape

#: Where the quantized graph lies in a model's folder; its weights lie beside it (``int8.bin``).
INT8_FILE = Path("openvino") / "int8.xml"
# Calibration: texts are cut to this many tokens, and so many tokens are taken together. Ranges do not need more.
_MAX_TOKENS = 256
_BATCH_TOKENS = 512
# Operations that stay in floating point: attention's two products, and the second one of the feed-forward network.
_FLOATING = [r"__module\.layers\.\d+/aten::matmul.*", r"__module\.layers\.\d+\.down/.*"]
# Entry of the graph's information that names what it was made from.
_IDENTITY = ["vinilm", "identity"]


def quantize(folder: Path, shape: BertShape, target: Path, texts: Iterable[str] | None = None) -> Path:
    """Write the encoder in ``folder``, quantized, to ``target`` (an ``.xml`` file, the weights beside it); return it.

    As ``folder / INT8_FILE`` it is used by the backend ``openvino`` with ``dtype="int8"``. ``texts``: a few hundred that are
    typical of what will be encoded, cleaned; default: the sample documents that come with ``vnlp_prep``. Takes about a minute.
    Raises BackendError when NNCF is not installed, ModelError when the model cannot be read, ValueError when there are no texts.
    """
    return save_graph(quantized(folder, shape, texts), target)


def quantized_graph(folder: Path, shape: BertShape) -> openvino.Model:
    """Return the quantized encoder: that in ``folder`` if it was made from just these weights, else a new one.

    Raises ModelError when the file in the folder is damaged, and as :func:`quantize`.
    """
    import openvino

    file = folder / INT8_FILE
    if file.is_file():
        try:
            model = openvino.Core().read_model(file)
        except RuntimeError as error:
            raise ModelError(f"{file}: cannot be read; quantize the model anew, or delete the file: {error}") from error
        if model.has_rt_info(_IDENTITY) and model.get_rt_info(_IDENTITY).astype(str) == identity(folder):
            return model
    return quantized(folder, shape)


def quantized(folder: Path, shape: BertShape, texts: Iterable[str] | None = None) -> openvino.Model:
    """Return the encoder in ``folder``, quantized, as an OpenVINO graph in memory; for the arguments see :func:`quantize`."""
    inputs = [PackedInputs.of(batch)._asdict() for batch in calibration(folder, shape, texts)]
    return in_int8(float_graph(folder, shape), inputs, identity(folder))


def calibration(folder: Path, shape: BertShape, texts: Iterable[str] | None = None) -> list[Batch]:
    """Return ``texts`` (default: the sample documents that are shipped) as batches to measure the ranges of activations with.

    Raises ValueError when there are no texts, ModelError.
    """
    sequences = _sequences(folder, sample_texts() if texts is None else texts, min(_MAX_TOKENS, shape.max_position_embeddings))
    if not sequences:
        raise ValueError("there are no texts to calibrate with")
    return [pack([sequences[i] for i in numbers]) for numbers in plan([len(s) for s in sequences], _BATCH_TOKENS)]


def in_int8(graph: openvino.Model, inputs: Sequence[Mapping[str, Any]], made_from: str) -> openvino.Model:
    """Return ``graph`` quantized by the ranges that ``inputs`` give; ``made_from``: the identity that is kept with it.

    Raises BackendError when NNCF is not installed.
    """
    try:
        with no_telemetry():
            import nncf
    except ImportError as error:
        raise BackendError('quantizing to int8 needs nncf; install it with: pip install "vnlp-prep[openvino]"') from error

    logging.getLogger("nncf").setLevel(logging.ERROR)
    # Standard output may be a pipe of vectors; progress is for standard error.
    with contextlib.redirect_stdout(sys.stderr), no_telemetry():
        model: openvino.Model = nncf.quantize(
            graph,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(patterns=_FLOATING),
            subset_size=len(inputs),
        )
    model.set_rt_info(made_from, _IDENTITY)
    return model


def _sequences(folder: Path, texts: Iterable[str], max_tokens: int) -> Sequence[list[int]]:
    """Return the texts as token ids, cut to ``max_tokens``."""
    from vinilm.models import open_model

    model = open_model(folder)
    tokenizer = Tokenizer.load(model.tokenizer, lower_case=model.lower_case)
    return [tokenizer.cut(ids, max_tokens) for ids in tokenizer.ids(list(texts))]


def sample_texts() -> list[str]:
    """Return the sample documents that are shipped with vnlp_prep."""
    lines = (data_folder() / "sample.jsonl").read_bytes().split(b"\n")
    return [json.loads(line)["text"] for line in lines if line]
