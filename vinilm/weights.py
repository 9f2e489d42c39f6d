"""The weights of an encoder, read from safetensors files: nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.model_checks import standard_name, weight_files

if TYPE_CHECKING:
    from torch import Tensor


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of the model in ``folder``, named as in BertModel.

    Raises ModelError when there are no weights, or a file is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = {}
    for file in weight_files(folder):
        try:
            weights.update(load_file(file))
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{file}: cannot be read as safetensors: {error}") from error
    return {standard_name(name): tensor for name, tensor in weights.items()}
