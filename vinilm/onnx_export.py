"""The encoder as an ONNX graph, exported with ``torch.onnx`` from the safetensors weights.

The graph works on packed sequences (:mod:`vinilm.backends.packed`), so that linear layers never compute padding. It has the
inputs of :class:`~vinilm.backends.packed.PackedInputs`, all of dynamic size, and one output, ``last_hidden_state`` of shape
(tokens, hidden). The arithmetic is that of transformers' BertModel: post-norm, exact GELU, scaled dot-product attention.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from vinilm.backends.packed import PackedInputs
from vinilm.batches import pack
from vinilm.errors import BackendError
from vinilm.graph import GraphEncoder, GraphLayer, parameter
from vinilm.models.weights import read_weights, weight_files

if TYPE_CHECKING:
    import onnx

    from vinilm.shape import BertShape

#: ONNX operator set of the graph: the first with GELU as one operator.
OPSET = 20
#: Where the graph lies in a model's folder. ``onnx/model.onnx`` is left to the graph that other programs look for
#: (:mod:`vinilm.exporting`): its inputs are others.
ONNX_FILE = Path("onnx") / "packed.onnx"
# Entry of the file's metadata that names what it was made from, and a number that changes when the graph does.
_IDENTITY = "vinilm.identity"
_GRAPH = 1
# What protobuf can read and write.
_LARGEST = 2**31 - 1


class PackedLayer(GraphLayer):
    """One layer: attention over the rectangle, everything else over the row of tokens."""

    def forward(self, x: Tensor, rows: Tensor, places: Tensor, attention_bias: Tensor) -> Tensor:
        """Return the layer's output for the tokens ``x``: (tokens, hidden) both."""
        # (tokens, hidden) -> (sequences, longest, hidden), and back
        query, key, value = (functional.embedding(rows, y) for y in (self.query(x), self.key(x), self.value(x)))
        context = self.attended(query, key, value, attention_bias)
        return self.finished(x, functional.embedding(places, context.flatten(0, 1)))


class PackedEncoder(GraphEncoder):
    """A BERT encoder over packed sequences, written for export."""

    layer = PackedLayer

    def __init__(self, weights: dict[str, Tensor], shape: BertShape) -> None:
        """Take the tensors that it needs from ``weights``, named as in BertModel. Raises ModelError if one is missing."""
        super().__init__(weights, shape)
        # One text a sequence: its tokens are all of the first type, so both can be added beforehand.
        self.positions = parameter(self.positions + self.types[0])
        del self.types

    def forward(self, input_ids: Tensor, position_ids: Tensor, rows: Tensor, places: Tensor, attention_bias: Tensor) -> Tensor:
        """Return the last hidden state, (tokens, hidden). For the inputs see :class:`~vinilm.backends.packed.PackedInputs`."""
        x = functional.embedding(input_ids, self.words) + functional.embedding(position_ids, self.positions)
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, rows, places, attention_bias)
        states: Tensor = x
        return states


def example_inputs() -> tuple[Tensor, ...]:
    """Return small inputs to trace the encoder with; no two of their sizes are equal, so that none is taken for another."""
    return tuple(torch.from_numpy(array) for array in PackedInputs.of(pack([[101, 2, 102], [101, 2, 3, 4, 102]])))


def identity(folder: Path) -> str:
    """Return what a graph made from the model in ``folder`` is known by: SHA-256 over its weights and its ``config.json``.

    Raises ModelError when there are no weights.
    """
    digest = hashlib.sha256(f"graph {_GRAPH} opset {OPSET}".encode())
    for file in (folder / "config.json", *weight_files(folder)):
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def onnx_model(folder: Path, shape: BertShape) -> onnx.ModelProto:
    """Return the encoder in ``folder`` as an ONNX model in memory.

    Raises ModelError when the weights cannot be read, BackendError when a library that torch.onnx needs is missing.
    """
    dynamic = torch.export.Dim.DYNAMIC
    sizes = tuple(dict.fromkeys(axes, dynamic) for axes in ((0,), (0,), (0, 1), (0,), (0, 3)))
    encoder = PackedEncoder(read_weights(folder), shape)
    model = to_onnx(encoder, example_inputs(), PackedInputs._fields, sizes, opset=OPSET)
    model.metadata_props.add(key=_IDENTITY, value=identity(folder))
    return model


def to_onnx(
    encoder: GraphEncoder, examples: tuple[Tensor, ...], names: Sequence[str], sizes: tuple[dict[int, Any], ...], *, opset: int
) -> onnx.ModelProto:
    """Return ``encoder`` as an ONNX model with one output, ``last_hidden_state``.

    ``examples``, ``names``, ``sizes``: of its inputs; ``sizes`` says which are dynamic, as torch.export has it.
    Raises BackendError when a library that torch.onnx needs is missing.
    """
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                encoder,
                examples,
                dynamo=True,
                optimize=True,
                opset_version=opset,
                input_names=list(names),
                output_names=["last_hidden_state"],
                dynamic_shapes=sizes,
                verbose=False,
            )
    except ImportError as error:
        raise BackendError(
            f'exporting to ONNX needs {error.name or "onnx and onnxscript"}; install it with: pip install "vnlp-prep[onnx]"'
        ) from error
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    return model


def export_onnx(folder: Path, shape: BertShape, target: Path) -> Path:
    """Write the encoder in ``folder`` to ``target``, an ``.onnx`` file, and return it; it appears whole or not at all.

    As ``folder / ONNX_FILE`` it is found and used by the backend ``onnx``, which otherwise exports when it loads.
    Raises ModelError and BackendError as :func:`onnx_model`, OSError when the file cannot be written.
    """
    return write_onnx(onnx_model(folder, shape), target)


def write_onnx(model: onnx.ModelProto, target: Path) -> Path:
    """Write ``model`` to ``target``, whole or not at all, and return it.

    Raises BackendError for a model that is too large for an ONNX file, OSError when the file cannot be written.
    """
    size = model.ByteSize()
    if size > _LARGEST:
        raise BackendError(f"{target.name}: {size:,} bytes are more than the 2 GB that an ONNX file holds; choose another format")
    data = model.SerializeToString()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def onnx_bytes(folder: Path, shape: BertShape) -> bytes:
    """Return the encoder as an ONNX file: that in ``folder`` if it was made from just these weights, else a new one."""
    file = folder / ONNX_FILE
    if file.is_file():
        data = file.read_bytes()
        if _identity_of(data) == identity(folder):
            return data
    made: bytes = onnx_model(folder, shape).SerializeToString()
    return made


def _identity_of(data: bytes) -> str | None:
    """Return what an ONNX file says it was made from; None for a file that is not ours."""
    import onnx

    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf's error has no public name; and whatever cannot be read is not ours
        return None
    return next((entry.value for entry in model.metadata_props if entry.key == _IDENTITY), None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's own remarks (deprecations inside torch, progress on standard output) to itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
