"""The weights: safetensors files only, so that nothing is unpickled; their headers are checked before they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.models.files import LARGE, inside, read_json, refuse_pointer
from vinilm.shape import BertShape

if TYPE_CHECKING:
    from torch import Tensor

# Weights that are, or may hold, Python objects or that nothing here reads: file name -> who can read it.
_OTHER_WEIGHTS = {
    "*.bin": "PyTorch",
    "*.pt": "PyTorch",
    "*.pth": "PyTorch",
    "*.ckpt*": "TensorFlow or Lightning",
    "*.h5": "TensorFlow",
    "*.msgpack": "Flax",
    "*.pkl": "pickle",
}
_FLOATS = ("F32", "F16", "BF16", "F64")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of the model in ``folder``, named as in BertModel. Raises ModelError for what cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = {}
    for file in weight_files(folder):
        try:
            weights.update(load_file(file))
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{file}: cannot be read as safetensors: {error}") from error
    return {standard_name(name): tensor for name, tensor in weights.items()}


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files of ``folder``: one, or the parts that its index names. Raises ModelError."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if not index.is_file():
        raise ModelError(_no_weights(folder))
    names = read_json(index, limit=LARGE).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ModelError(f"{index}: no weight_map; get the file again from its source")
    files = []
    for name in sorted({str(n) for n in names.values()}):
        file = inside(folder, name, index)
        if file.suffix != ".safetensors":
            raise ModelError(f"{index}: {name!r:.80} is no safetensors file, and no other is read")
        if not file.is_file():
            raise ModelError(f"{file}: missing, though {index.name} names it; get all parts of the model from its source")
        files.append(file)
    return tuple(files)


def _no_weights(folder: Path) -> str:
    others = {f.name: who for pattern, who in _OTHER_WEIGHTS.items() for f in sorted(folder.glob(pattern)) if f.is_file()}
    if not others:
        return f"{folder}: no model.safetensors; get the model's files again, all of them"
    name, who = next(iter(others.items()))
    target = f"{folder}-safetensors"
    if (folder / "modules.json").is_file():
        lines = (
            "from sentence_transformers import SentenceTransformer; "
            f"SentenceTransformer({str(folder)!r}).save_pretrained({target!r})"
        )
    else:
        source = {"TensorFlow": ", from_tf=True", "Flax": ", from_flax=True"}.get(who, "")
        lines = (
            "from transformers import AutoTokenizer, BertModel; "
            f"BertModel.from_pretrained({str(folder)!r}{source}).save_pretrained({target!r}); "
            f"AutoTokenizer.from_pretrained({str(folder)!r}).save_pretrained({target!r})"
        )
    version = " (with transformers 4, the last to read this format)" if who in ("TensorFlow", "Flax") else ""
    return (
        f"{folder}: its weights are only there as {name} ({who}); only safetensors files are read, which cannot run code "
        f"when they are read. If you trust the source, convert them in Python{version}: {lines}  Then use {target!r}"
    )


def check_weights(files: tuple[Path, ...], shape: BertShape) -> None:
    """Check that the files have every tensor of the encoder in its shape; only their headers are read. Raises ModelError.

    A head, a pooler and position ids may be there too; names may begin with ``bert.``, as in models with a head, and LayerNorm
    may have its old names, ``gamma`` and ``beta``.
    """
    found = {standard_name(name): (file, dims, kind) for file in files for name, dims, kind in _headers(file)}
    expected = dict(_tensors(shape))
    missing = [name for name in expected if name not in found]
    where = files[0] if len(files) == 1 else files[0].parent
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} of the {len(expected)} tensors that config.json calls for are missing, "
            f"{missing[0]} the first; the weights are of another model or not complete"
        )
    for name, dims in expected.items():
        file, stored, kind = found[name]
        if stored != dims:
            raise ModelError(f"{file}: {name} has the shape {stored}, but config.json calls for {dims}; they are of two models")
        if kind not in _FLOATS:
            raise ModelError(f"{file}: {name} is of the type {kind}; weights in floating point are needed ({', '.join(_FLOATS)})")
    if f"encoder.layer.{shape.num_hidden_layers}.output.dense.weight" in found:
        raise ModelError(
            f"{where}: there are more layers than num_hidden_layers ({shape.num_hidden_layers}) in config.json; "
            "correct config.json, or save the model anew with the layers that it uses"
        )


def standard_name(name: str) -> str:
    """Return the name that a tensor has in BertModel today.

    >>> standard_name("bert.embeddings.LayerNorm.gamma")
    'embeddings.LayerNorm.weight'
    """
    return name.removeprefix("bert.").replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _headers(file: Path) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield name, shape and type of each tensor in a safetensors file; the library checks the file's size and offsets."""
    from safetensors import SafetensorError, safe_open

    try:
        with file.open("rb") as source:
            refuse_pointer(file, source.read(64))
        with safe_open(str(file), framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (no mapping)
                piece = tensors.get_slice(name)
                yield name, tuple(piece.get_shape()), piece.get_dtype()
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file}: damaged, or no safetensors file: {error}; get it again from its source") from error


def _tensors(shape: BertShape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the tensors of the encoder: name, shape."""
    hidden, inner = shape.hidden_size, shape.intermediate_size

    def norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.LayerNorm.weight", (hidden,)
        yield f"{name}.LayerNorm.bias", (hidden,)

    def linear(name: str, out: int, into: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (out, into)
        yield f"{name}.bias", (out,)

    yield "embeddings.word_embeddings.weight", (shape.vocab_size, hidden)
    yield "embeddings.position_embeddings.weight", (shape.max_position_embeddings, hidden)
    yield "embeddings.token_type_embeddings.weight", (shape.type_vocab_size, hidden)
    yield from norm("embeddings")
    for i in range(shape.num_hidden_layers):
        at = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            yield from linear(f"{at}.attention.self.{name}", hidden, hidden)
        yield from linear(f"{at}.attention.output.dense", hidden, hidden)
        yield from norm(f"{at}.attention.output")
        yield from linear(f"{at}.intermediate.dense", inner, hidden)
        yield from linear(f"{at}.output.dense", hidden, inner)
        yield from norm(f"{at}.output")
