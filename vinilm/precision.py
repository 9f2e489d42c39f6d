"""Vectors in fewer bits, as sentence-transformers has them: ``int8``, ``uint8``, ``binary``, ``ubinary``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vinilm.pooling import Floats
from vnlp_prep.errors import SettingsError

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


def quantized(vectors: Floats, precision: str) -> npt.NDArray[Any]:
    """Return the vectors (n, hidden) in ``precision``.

    ``int8`` and ``uint8``: each dimension spread over 256 steps between its smallest and largest value in ``vectors``.
    ``binary`` and ``ubinary``: one bit a dimension (above 0 or not), eight to a byte: (n, hidden / 8), signed or not.

    Raises SettingsError for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise SettingsError(f"precision={precision!r} is unknown; it is one of {', '.join(PRECISIONS)}")
    if precision == "float32":
        return vectors
    if precision.endswith("binary"):
        bits = np.packbits(vectors > 0, axis=-1)
        return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)
    low = vectors.min(axis=0)
    steps = (vectors.max(axis=0) - low) / 255
    places = (vectors - low) / np.where(steps == 0, 1, steps)
    result: npt.NDArray[Any] = places.astype(np.uint8) if precision == "uint8" else (places - 128).astype(np.int8)
    return result
