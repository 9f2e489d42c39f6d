"""The weights of an encoder, read from safetensors files: nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

#: Models with a head (BertForMaskedLM, BertForSequenceClassification) keep the encoder below this name.
_PREFIX = "bert."


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of ``model.safetensors`` (or of its numbered parts) in ``folder``, named as in BertModel.

    Raises ModelError when a file is missing or is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    files = [folder / "model.safetensors"]
    if not files[0].is_file():
        files = sorted(folder.glob("model-*-of-*.safetensors"))
    weights: dict[str, Tensor] = {}
    for file in files:
        try:
            weights.update(load_file(file))
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{file}: cannot be read as safetensors: {error}") from error
    if not weights:
        raise ModelError(f"{folder}: no model.safetensors in this folder")
    return {name.removeprefix(_PREFIX): tensor for name, tensor in weights.items()}
