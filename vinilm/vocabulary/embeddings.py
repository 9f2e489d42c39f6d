"""The rows of the weights that belong to tokens: a term begins as the mean of what its pieces have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.models.weights import standard_name

if TYPE_CHECKING:
    import torch

#: Tensors with a row for each token: the embeddings, and those of a head for masked words (its matrix is there only if it is not
#: that of the embeddings).
ROWS = (
    "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
    "cls.predictions.bias",
)


def write_with_terms(source: Path, target: Path, rows: Mapping[int, Sequence[int]]) -> None:
    """Copy a file of weights; each row in ``rows`` becomes the mean of others: id of the term -> ids of its pieces.

    Types and all other rows stay as they are. Raises ModelError, OutputError.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    from vinilm.models.tensors import write_tensors

    try:
        with safe_open(str(source), framework="pt") as file:
            metadata = file.metadata()
        tensors = load_file(source)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{source}: cannot be read as safetensors: {error}") from error
    for name, tensor in tensors.items():
        if standard_name(name) in ROWS:
            _set_means(source, name, tensor, rows)
    write_tensors(tensors, target, metadata)


def has_rows(file: Path) -> bool:
    """Whether a file of weights has a tensor with rows for tokens; of a model in parts, most have none."""
    from safetensors import safe_open

    with safe_open(str(file), framework="np") as tensors:
        return any(standard_name(name) in ROWS for name in tensors.keys())  # noqa: SIM118  (no mapping)


def _set_means(source: Path, name: str, tensor: torch.Tensor, rows: Mapping[int, Sequence[int]]) -> None:
    """Set the rows. All means are of the tensor as it was: no term has the place of another one's piece."""
    import torch

    if max(rows, default=0) >= len(tensor):
        raise ModelError(
            f"{source}: {name} has {len(tensor):,} rows, fewer than there are tokens; the weights are of another model"
        )
    with torch.no_grad():
        for row, pieces in rows.items():
            tensor[row] = tensor[list(pieces)].to(torch.float64).mean(dim=0).to(tensor.dtype)
