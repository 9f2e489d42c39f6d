"""Self-attention over packed sequences, in two ways: the same arithmetic, each the fastest somewhere.

Both take the queries, keys and values of a batch as one tensor (tokens, 3, heads, size), with the scale of 1 / sqrt(size) already
in the queries, and return (tokens, heads, size). Rows behind the last sequence are nobody's; what is returned for them is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from vinilm.batches import Batch


class Sequences(NamedTuple):
    """Where the sequences of a batch are."""

    #: (first token, end, number of sequences, length) of each run of sequences of one length.
    runs: list[tuple[int, int, int, int]]
    #: Where each sequence begins, and the end of the last: (sequences + 1,), int32, on the device.
    borders: Tensor
    #: The longest, in tokens.
    longest: int

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Sequences:
        """Return where the sequences of ``batch`` are."""
        starts = batch.starts.tolist()
        runs = [(starts[i], starts[i] + n * length, n, length) for i, n, length in batch.groups()]
        borders = torch.tensor([*starts, len(batch.ids)], dtype=torch.int32, device=device)
        return cls(runs, borders, int(batch.lengths[-1]))


Attention = Callable[[Tensor, Sequences], Tensor]


def choose(device: torch.device, dtype: torch.dtype, heads: int, size: int) -> Attention:
    """Return the fastest way for this device and type."""
    if device.type == "cuda" and dtype != torch.float32 and _has_variable_length(device, dtype, heads, size):
        return variable_length
    return by_length


def by_length(qkv: Tensor, sequences: Sequences) -> Tensor:
    """PyTorch's own attention, for all sequences of one length together: no mask, no padding.

    On a CPU, two products with a softmax between them are as fast, but oneDNN would compile code for every pair of length and
    number of sequences, and keep it: hundreds of megabytes.
    """
    out = qkv.new_zeros(len(qkv), *qkv.shape[2:])
    for start, end, count, length in sequences.runs:
        # (sequences, length, 3, heads, size) -> three of (sequences, heads, length, size)
        q, k, v = qkv[start:end].view(count, length, *qkv.shape[1:]).permute(2, 0, 3, 1, 4).unbind()
        attended = functional.scaled_dot_product_attention(q, k, v, scale=1.0)
        out[start:end].view(count, length, *out.shape[1:]).copy_(attended.transpose(1, 2))
    return out


def variable_length(qkv: Tensor, sequences: Sequences) -> Tensor:
    """All sequences in one kernel (FlashAttention; Dao 2023), on a GPU in half precision."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = qkv.unbind(1)
    where, longest = sequences.borders, sequences.longest
    out = varlen_attn(q, k, v, where, where, longest, longest, scale=1.0)
    assert isinstance(out, Tensor)
    return out


def _has_variable_length(device: torch.device, dtype: torch.dtype, heads: int, size: int) -> bool:
    """Return whether the one kernel works here: it depends on the GPU, the head size and the build of PyTorch."""
    qkv = torch.zeros(3, 3, heads, size, device=device, dtype=dtype)
    try:
        variable_length(qkv, Sequences([], torch.tensor([0, 1, 3], dtype=torch.int32, device=device), 2))
    except (ImportError, AttributeError, TypeError, RuntimeError, NotImplementedError):
        return False
    return True
