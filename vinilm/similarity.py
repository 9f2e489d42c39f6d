"""How alike vectors are: the four measures of sentence-transformers, larger is more alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vinilm.pooling import Floats, normalized
from vnlp_prep.errors import SettingsError

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def similarity(a: npt.ArrayLike, b: npt.ArrayLike, measure: str = "cosine") -> Floats:
    """Return the similarity of each of ``a`` (n, hidden) to each of ``b`` (m, hidden): (n, m).

    ``euclidean`` and ``manhattan`` are distances with a minus. Raises SettingsError for an unknown measure.
    """
    x = np.atleast_2d(np.asarray(a, dtype=np.float32))
    y = np.atleast_2d(np.asarray(b, dtype=np.float32))
    if measure == "cosine":
        x, y = normalized(x), normalized(y)
    if measure in ("cosine", "dot"):
        return x @ y.T
    if measure == "euclidean":
        squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
        return np.asarray(-np.sqrt(np.maximum(squares, 0)), dtype=np.float32)
    if measure == "manhattan":
        return -np.stack([np.abs(y - row).sum(1) for row in x]) if len(x) else np.empty((0, len(y)), np.float32)
    raise SettingsError(f"the similarity {measure!r} is unknown; it is one of {', '.join(SIMILARITIES)}")
