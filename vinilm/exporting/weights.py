"""The model's own weights in another type: half the size in float16, and nearly the same vectors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.exporting.checking import Exported
from vinilm.exporting.sample import true_states
from vinilm.models.tensors import write_tensors
from vinilm.models.weights import read_weights, weight_files

if TYPE_CHECKING:
    from torch import Tensor

_WEIGHTS = "model.safetensors"


def store_weights(folder: Path, kind: str) -> Exported:
    """Store the weights in ``folder`` as ``kind`` (``float32`` or ``float16``), in one file, without heads and pooler.

    ``config.json`` says float32 afterwards, so that libraries compute in it: half precision is how the file is stored. Raises
    ModelError for weights that cannot be read, OutputError, OSError.
    """
    import torch

    old = {*weight_files(folder), *folder.glob("*.safetensors.index.json")}
    tensors = {name: t.to(getattr(torch, kind)).contiguous() for name, t in _encoder(read_weights(folder).items())}
    for file in old:
        file.unlink()
    write_tensors(tensors, folder / _WEIGHTS, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)  # the name that it had before
    config |= {"architectures": ["BertModel"], "dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return Exported(Path(_WEIGHTS), kind, lambda sample: true_states(folder, sample))


def _encoder(tensors: Iterable[tuple[str, Tensor]]) -> Iterable[tuple[str, Tensor]]:
    for name, tensor in tensors:
        if name.startswith(("embeddings.", "encoder.")) and tensor.is_floating_point():
            yield name, tensor
