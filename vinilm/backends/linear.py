"""Linear layers for inference: y = x W^T + b, with GELU done in the same pass where that is possible.

On a CPU the weights are reordered once into the layout that oneDNN's kernels read. PyTorch has these operations for its own
compiler and not as public API, so they are tried at load time against ``torch.nn.functional.linear``; where they are missing, or
say anything else, the public function does the work.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

# What two orders of summation may differ by, relative to the largest value, in each type.
_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 4e-3}


class Linear(Protocol):
    """A linear layer over rows: (rows, inputs) -> (rows, outputs)."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return x W^T + b."""

    def gelu(self, x: Tensor) -> Tensor:
        """Return GELU(x W^T + b), with the exact error function."""


class PlainLinear:
    """A linear layer out of public functions only."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """Return x W^T + b."""
        return functional.linear(x, self._weight, self._bias)

    def gelu(self, x: Tensor) -> Tensor:
        """Return GELU(x W^T + b), with the exact error function."""
        return functional.gelu(self(x))


class PackedLinear:
    """A linear layer with its weight in oneDNN's own layout."""

    def __init__(self, weight: Tensor, bias: Tensor, rows: int) -> None:
        """Reorder ``weight`` for inputs of about ``rows`` rows. Raises AttributeError or RuntimeError where it cannot."""
        self._run = torch.ops.mkldnn._linear_pointwise
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """Return x W^T + b."""
        out: Tensor = self._run(x, self._weight, self._bias, "none", [], "")
        return out

    def gelu(self, x: Tensor) -> Tensor:
        """Return GELU(x W^T + b), with the exact error function."""
        out: Tensor = self._run(x, self._weight, self._bias, "gelu", [], "none")
        return out


def make_linear(weight: Tensor, bias: Tensor, *, rows: int) -> Linear:
    """Return the fastest layer that works here for inputs of about ``rows`` rows."""
    plain = PlainLinear(weight, bias)
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return plain
    try:
        packed = PackedLinear(weight, bias, rows)
        return packed if _agree(packed, plain, weight) else plain
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return plain


def _agree(packed: Linear, plain: Linear, weight: Tensor) -> bool:
    """Return whether the two layers say the same of a few rows."""
    # Not random: loading a model must not move the caller's random state.
    x = torch.linspace(-1, 1, 3 * weight.shape[1]).reshape(3, -1).to(weight.dtype)
    pairs = (packed(x), plain(x)), (packed.gelu(x), plain.gelu(x))
    tolerance = _TOLERANCE[weight.dtype]
    return all(torch.allclose(a.float(), b.float(), rtol=tolerance, atol=tolerance * float(b.abs().max())) for a, b in pairs)
