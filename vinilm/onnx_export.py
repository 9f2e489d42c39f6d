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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from vinilm.backends.packed import PackedInputs
from vinilm.batches import pack
from vinilm.errors import BackendError, ModelError
from vinilm.models.weights import read_weights, weight_files

if TYPE_CHECKING:
    import onnx

    from vinilm.shape import BertShape

#: ONNX operator set of the graph: the first with GELU as one operator.
OPSET = 20
#: Where an exported graph lies in a model's folder.
ONNX_FILE = Path("onnx") / "model.onnx"
# Entry of the file's metadata that names what it was made from, and a number that changes when the graph does.
_IDENTITY = "vinilm.identity"
_GRAPH = 1


class PackedEncoder(nn.Module):
    """A BERT encoder over packed sequences, written for export."""

    def __init__(self, weights: dict[str, Tensor], shape: BertShape) -> None:
        """Take the tensors that it needs from ``weights``, named as in BertModel. Raises ModelError if one is missing."""
        super().__init__()
        w = {name: tensor.to(torch.float32) for name, tensor in weights.items() if tensor.is_floating_point()}
        try:
            self.words = _parameter(w["embeddings.word_embeddings.weight"])
            # One text a sequence: its tokens are all of the first type, so both can be added beforehand.
            types = w["embeddings.token_type_embeddings.weight"][0]
            self.positions = _parameter(w["embeddings.position_embeddings.weight"] + types)
            self.norm = _norm(w, "embeddings", shape)
            self.layers = nn.ModuleList([PackedLayer(w, i, shape) for i in range(shape.num_hidden_layers)])
        except KeyError as error:
            raise ModelError(f"the weights have no tensor {error.args[0]}: they are not those of a BERT encoder") from error
        self.eval()

    def forward(self, input_ids: Tensor, position_ids: Tensor, rows: Tensor, places: Tensor, attention_bias: Tensor) -> Tensor:
        """Return the last hidden state, (tokens, hidden). For the inputs see :class:`~vinilm.backends.packed.PackedInputs`."""
        x = functional.embedding(input_ids, self.words) + functional.embedding(position_ids, self.positions)
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, rows, places, attention_bias)
        states: Tensor = x
        return states


class PackedLayer(nn.Module):
    """One layer: attention over the rectangle, everything else over the row of tokens."""

    def __init__(self, w: dict[str, Tensor], number: int, shape: BertShape) -> None:
        super().__init__()
        at = f"encoder.layer.{number}."
        self.heads, self.head_size = shape.num_attention_heads, shape.head_size
        # The scale of the attention's products goes into the queries.
        self.query = _linear(w, f"{at}attention.self.query", scale=shape.head_size**-0.5)
        self.key, self.value = _linear(w, f"{at}attention.self.key"), _linear(w, f"{at}attention.self.value")
        self.out, self.out_norm = _linear(w, f"{at}attention.output.dense"), _norm(w, f"{at}attention.output", shape)
        self.up, self.down = _linear(w, f"{at}intermediate.dense"), _linear(w, f"{at}output.dense")
        self.down_norm = _norm(w, f"{at}output", shape)

    def forward(self, x: Tensor, rows: Tensor, places: Tensor, attention_bias: Tensor) -> Tensor:
        """Return the layer's output for the tokens ``x``: (tokens, hidden) both."""

        def heads(y: Tensor) -> Tensor:
            # (tokens, hidden) -> (sequences, heads, longest, head size)
            rectangle = functional.embedding(rows, y)
            return rectangle.view(*rectangle.shape[:2], self.heads, self.head_size).transpose(1, 2)

        # Written out, because runtimes know and fuse this form; matrix products and softmax are the attention's own.
        logits = torch.matmul(heads(self.query(x)), heads(self.key(x)).transpose(-1, -2)) + attention_bias
        context = torch.matmul(torch.softmax(logits, -1), heads(self.value(x)))
        # (sequences, heads, longest, head size) -> (tokens, hidden)
        context = functional.embedding(places, context.transpose(1, 2).flatten(2).flatten(0, 1))
        x = self.out_norm(x + self.out(context))
        normed: Tensor = self.down_norm(x + self.down(functional.gelu(self.up(x))))
        return normed


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
    encoder = PackedEncoder(read_weights(folder), shape)
    dynamic = torch.export.Dim.DYNAMIC
    sizes = tuple(dict.fromkeys(axes, dynamic) for axes in ((0,), (0,), (0, 1), (0,), (0, 3)))
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                encoder,
                example_inputs(),
                dynamo=True,
                optimize=True,
                opset_version=OPSET,
                input_names=list(PackedInputs._fields),
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
    model.metadata_props.add(key=_IDENTITY, value=identity(folder))
    return model


def export_onnx(folder: Path, shape: BertShape, target: Path) -> Path:
    """Write the encoder in ``folder`` to ``target``, an ``.onnx`` file, and return it; it appears whole or not at all.

    As ``folder / ONNX_FILE`` it is found and used by the backend ``onnx``, which otherwise exports when it loads.
    Raises ModelError and BackendError as :func:`onnx_model`, OSError when the file cannot be written.
    """
    data = onnx_model(folder, shape).SerializeToString()
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


def _parameter(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)


def _linear(w: dict[str, Tensor], name: str, *, scale: float = 1.0) -> nn.Linear:
    weight, bias = w[f"{name}.weight"] * scale, w[f"{name}.bias"] * scale
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight, layer.bias = _parameter(weight), _parameter(bias)
    return layer


def _norm(w: dict[str, Tensor], name: str, shape: BertShape) -> nn.LayerNorm:
    layer = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
    layer.weight, layer.bias = _parameter(w[f"{name}.LayerNorm.weight"]), _parameter(w[f"{name}.LayerNorm.bias"])
    return layer


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
