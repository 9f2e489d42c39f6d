"""Keras: ``keras/model.keras``, which Keras 3 loads without any other library, whatever it runs on. Float32 only."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.errors import BackendError
from vinilm.exporting.checking import Exported, Run
from vinilm.exporting.sample import Sample
from vinilm.models.weights import read_weights
from vinilm.pooling import Floats

if TYPE_CHECKING:
    from vinilm.shape import BertShape

FILE = Path("keras", "model.keras")


def export(folder: Path, shape: BertShape, weights: Sequence[str]) -> list[Exported]:
    """Write the encoder in ``folder`` there for Keras; ``weights``: ``float32``, once.

    Raises ModelError for weights that cannot be read, OSError.
    """
    encoder = _encoder()
    target = folder / FILE
    model = encoder.keras_encoder(read_weights(folder), shape)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".keras-") as name:
        model.save(part := Path(name, target.name))
        part.replace(target)
    return [Exported(FILE, kind, _run(target, shape)) for kind in weights]


def _run(file: Path, shape: BertShape) -> Run:
    @cache
    def model() -> Any:
        return _encoder().load_keras(str(file))

    def run(sample: Sample) -> list[Floats]:
        return sample.rows(_encoder().run_keras(model(), sample.rectangles(shape.pad_token_id)))

    return run


def check_installed(_: Sequence[str]) -> None:
    """Raise BackendError unless Keras and TensorFlow are there, and Keras runs on TensorFlow."""
    _encoder()


def _encoder() -> Any:
    try:
        return import_module("vinilm.exporting.keras_encoder")
    except ImportError as error:
        raise BackendError(
            f'exporting for Keras needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[tensorflow]"'
        ) from error
