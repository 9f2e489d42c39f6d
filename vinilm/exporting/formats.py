"""The formats that there are, and how a command line names them."""

from __future__ import annotations

from collections.abc import Iterable

#: Format -> what its weights may be stored as, the first by default.
FORMATS: dict[str, tuple[str, ...]] = {
    "onnx": ("float32", "float16", "int8"),
    "openvino": ("float32", "float16", "int8"),
    "keras": ("float32",),
}

#: What may be asked for: ``onnx``, which is ``onnx:float32``, ``onnx:float16``, ...
NAMES = [f"{name}:{kind}" if i else name for name, kinds in FORMATS.items() for i, kind in enumerate(kinds)]

#: What the model's own weights may be stored as; ``as-is``: they are copied.
WEIGHTS = ("as-is", "float32", "float16")

#: What sentence-transformers does: as the source has it; not clean (its own module); clean (ours).
MODULES = ("as-is", "plain", "cleaning")


def by_format(names: Iterable[str]) -> dict[str, list[str]]:
    """Return what is asked for by format: its name -> what weights are stored as, in the order of FORMATS, each once.

    >>> by_format(["openvino:int8", "onnx", "openvino"])
    {'onnx': ['float32'], 'openvino': ['float32', 'int8']}
    """
    asked = {(name.partition(":")[0], name.partition(":")[2] or "float32") for name in names}
    found = {name: [kind for kind in kinds if (name, kind) in asked] for name, kinds in FORMATS.items()}
    return {name: kinds for name, kinds in found.items() if kinds}
