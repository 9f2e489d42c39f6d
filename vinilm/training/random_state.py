"""The states of the random generators of Python, NumPy and torch as tensors, so that they can be saved without a pickle."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


def seed_all(seed: int) -> None:
    """Set all generators of this process."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw from ``seed`` within, and afterwards go on as if nothing had been drawn: for weights that begin so."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def state(device: torch.device) -> dict[str, Tensor]:
    """Return the states: name -> tensor, of the same shape in every process. On a GPU that of ``device`` is among them."""
    _, words, gauss = random.getstate()
    _, keys, place, has_gauss, cached = np.random.get_state()
    tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "python_gauss": torch.tensor(math.nan if gauss is None else gauss, dtype=torch.float64),
        "numpy": torch.tensor([*map(int, keys), place, has_gauss], dtype=torch.int64),
        "numpy_gauss": torch.tensor(cached, dtype=torch.float64),
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        tensors["cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def restore(tensors: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators to what ``state`` returned. Raises KeyError if a state is missing."""
    gauss = float(tensors["python_gauss"])
    random.setstate((3, tuple(tensors["python"].tolist()), None if math.isnan(gauss) else gauss))
    *keys, place, has_gauss = tensors["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), place, has_gauss, float(tensors["numpy_gauss"])))
    torch.set_rng_state(tensors["torch"].to(torch.uint8))
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["cuda"].to(torch.uint8), device)
