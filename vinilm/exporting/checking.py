"""How near an exported file comes to the source, and what is too far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vinilm.batches import Batch
from vinilm.errors import BackendError
from vinilm.exporting.sample import Sample
from vinilm.pooling import Floats, pool

#: Runs a file: the sample -> the last hidden state of each sequence, (tokens, hidden).
Run = Callable[[Sample], list[Floats]]


@dataclass(frozen=True)
class Bounds:
    """What a file may differ by."""

    #: Least cosine of a text's vector to that of the source.
    cosine: float
    #: Largest difference of a value of ``last_hidden_state``; layer norm keeps these values at about 1.
    difference: float


#: What its weights are stored as -> what a file may differ by. float32: two orders of summation. float16: 11 bits of each weight.
#: int8: a guard against weights that cannot be kept in 8 bits (texts of one or two tokens lose most); what the loss means for a
#: task must be measured on the task.
BOUNDS = {
    "float32": Bounds(0.99999, 1e-4),
    "float16": Bounds(0.9999, 5e-2),
    "int8": Bounds(0.95, 2.0),
}


@dataclass(frozen=True)
class Exported:
    """A file that was written, and how to run it."""

    #: Its place in the model's folder.
    file: Path
    #: ``float32``, ``float16`` or ``int8``.
    weights: str
    run: Run
    #: Whether it takes pairs of texts (token types), and texts of unequal length side by side.
    is_standard: bool = True


@dataclass(frozen=True)
class Checked:
    """What was found of a file."""

    file: Path
    weights: str
    cosine: float
    difference: float
    bytes: int


def checked(exported: Exported, folder: Path, sample: Sample, truth: Sequence[Floats], pooling: str) -> Checked:
    """Return how near a file in ``folder`` comes to the ``truth`` about ``sample``: all texts side by side, and two alone.

    ``pooling``: of the vectors that are compared. Raises BackendError for a file that is too far from it.
    """
    numbers = list(range(len(sample.ids))) if exported.is_standard else list(sample.single)
    cosines, differences = [], []
    for some in (numbers, numbers[:1], numbers[-1:]):
        found = exported.run(sample.part(some))
        for i, states in zip(some, found, strict=True):
            a, b = (_vector(s, sample.ids[i], pooling) for s in (states, truth[i]))
            cosines.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
            differences.append(np.abs(states - truth[i]).max())
    # NumPy's own, which do not pass over what is no number.
    cosine, difference = float(np.min(cosines)), float(np.max(differences))
    bounds = BOUNDS[exported.weights]
    # Written so that what is no number is refused, too.
    if not (cosine >= bounds.cosine and difference <= bounds.difference):
        raise BackendError(
            f"{exported.file}: not exported, for it is too far from the source: cosine {cosine:.6f} (at least {bounds.cosine} is "
            f"asked for), largest difference {difference:.2g} (at most {bounds.difference:g}), weights in {exported.weights}"
            + ("; leave out this format, or take float32" if exported.weights != "float32" else "")
        )
    size = sum(f.stat().st_size for f in {folder / exported.file, (folder / exported.file).with_suffix(".bin")} if f.is_file())
    return Checked(exported.file, exported.weights, cosine, difference, size)


def _vector(states: Floats, ids: Sequence[int], pooling: str) -> Floats:
    """Return the vector of one text: of a model without a pooling, the mean of its tokens."""
    batch = Batch(np.asarray(ids, dtype=np.int64), np.asarray([len(ids)], dtype=np.int64))
    vector: Floats = pool(states, batch, "mean" if pooling == "none" else pooling)[0]
    return vector
