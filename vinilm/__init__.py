"""From cleaned text to features, with a MiniLM-style BERT encoder.

    from vinilm import FeatureExtractor

    fx = FeatureExtractor.from_pretrained("path/to/model")
    fx.encode(["Teh vSphere client&#39;s log", "a second text"])        # (2, hidden) float32

The names below are the public ones. Each is imported when it is first used, so that ``import vinilm`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vinilm.errors import BackendError, ModelError, TrainingError
    from vinilm.features import FeatureExtractor, Features
    from vinilm.tokenizer import VnlpTokenizer

__all__ = ["BackendError", "FeatureExtractor", "Features", "ModelError", "TrainingError", "VnlpTokenizer"]

_MODULES = {
    "BackendError": "vinilm.errors",
    "FeatureExtractor": "vinilm.features",
    "Features": "vinilm.features",
    "ModelError": "vinilm.errors",
    "TrainingError": "vinilm.errors",
    "VnlpTokenizer": "vinilm.tokenizer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
