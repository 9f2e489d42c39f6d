"""The default backend: BERT in PyTorch over packed sequences, so that nothing is ever computed for padding.

The tokens of all sequences of a batch stand in one row of shape (tokens, hidden): the linear layers, nine tenths of the work,
see one large product; only attention looks at single sequences, and takes those of one length together, without a mask.
The arithmetic is that of Devlin et al. 2018 as transformers' BertModel has it: post-norm, exact GELU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from vinilm.backends import Backend
from vinilm.backends.linear import Linear, make_linear
from vinilm.weights import read_weights

if TYPE_CHECKING:
    from vinilm.batches import Batch
    from vinilm.pooling import Floats
    from vinilm.shape import BertShape

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(folder: Path, shape: BertShape, *, device: str | None, dtype: str | None) -> TorchBackend:
    """Return the backend with the weights in ``folder``. Raises BackendError for a device or type that is not to be had."""
    place = _device(device)
    return TorchBackend(read_weights(folder), shape, place, _dtype(dtype, place))


class TorchBackend(Backend):
    """BERT over packed sequences, on a CPU or a GPU."""

    name = "torch"

    def __init__(self, weights: dict[str, Tensor], shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(shape, device=str(device), dtype=str(dtype).removeprefix("torch."))
        self.batch_tokens = 1024 if device.type == "cpu" else 65536
        self._device = device
        w = {name: tensor.to(device, dtype) for name, tensor in weights.items() if tensor.is_floating_point()}
        self._words = w["embeddings.word_embeddings.weight"]
        # One text a sequence: its tokens are all of the first type, so both can be added beforehand.
        self._positions = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
        self._norm = w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"]
        self._layers = [_Layer(w, i, shape, self.batch_tokens) for i in range(shape.num_hidden_layers)]

    @torch.inference_mode()
    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32."""
        out: Floats = self._encode(batch).float().cpu().numpy()
        return out

    def _encode(self, batch: Batch) -> Tensor:
        ids, positions = torch.from_numpy(batch.ids), torch.from_numpy(batch.positions)
        if self._device.type != "cpu":
            ids, positions = ids.to(self._device), positions.to(self._device)
        x = functional.embedding(ids, self._words) + functional.embedding(positions, self._positions)
        x = _normed(x, self._norm, self.shape.layer_norm_eps)
        groups = _groups(batch)
        for layer in self._layers:
            x = layer(x, groups)
        return x


#: first token, end, sequences, length
_Group = tuple[int, int, int, int]


def _groups(batch: Batch) -> list[_Group]:
    starts = batch.starts.tolist()
    return [(starts[i], starts[i] + n * length, n, length) for i, n, length in batch.groups()]


class _Layer:
    """One layer of the encoder."""

    def __init__(self, w: dict[str, Tensor], number: int, shape: BertShape, rows: int) -> None:
        at = f"encoder.layer.{number}."
        self._heads, self._head_size, self._eps = shape.num_attention_heads, shape.head_size, shape.layer_norm_eps
        parts = [f"{at}attention.self.{name}" for name in ("query", "key", "value")]
        weight, bias = (torch.cat([w[f"{part}.{kind}"] for part in parts]) for kind in ("weight", "bias"))
        self._qkv = make_linear(weight, bias, rows=rows)

        def linear(name: str) -> Linear:
            return make_linear(w[f"{at}{name}.weight"], w[f"{at}{name}.bias"], rows=rows)

        def norm(name: str) -> tuple[Tensor, Tensor]:
            return w[f"{at}{name}.LayerNorm.weight"], w[f"{at}{name}.LayerNorm.bias"]

        self._out, self._out_norm = linear("attention.output.dense"), norm("attention.output")
        self._up, self._down = linear("intermediate.dense"), linear("output.dense")
        self._down_norm = norm("output")

    def __call__(self, x: Tensor, groups: list[_Group]) -> Tensor:
        x = self._out.plus(self._attend(self._qkv(x), groups), x)
        x = _normed(x, self._out_norm, self._eps)
        y = self._down.plus(self._up.gelu(x), x)
        return _normed(y, self._down_norm, self._eps)

    def _attend(self, qkv: Tensor, groups: list[_Group]) -> Tensor:
        """Self-attention within each sequence: (tokens, 3 * hidden) -> (tokens, hidden)."""
        out = qkv.new_empty(len(qkv), self._heads, self._head_size)
        for start, end, count, length in groups:
            # (sequences, length, 3, heads, size) -> three of (sequences, heads, length, size)
            q, k, v = qkv[start:end].view(count, length, 3, self._heads, self._head_size).permute(2, 0, 3, 1, 4).unbind()
            attended = functional.scaled_dot_product_attention(q, k, v)
            out[start:end].view(count, length, self._heads, self._head_size).copy_(attended.transpose(1, 2))
        return out.view(len(qkv), -1)


def _normed(x: Tensor, norm: tuple[Tensor, Tensor], eps: float) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], norm[0], norm[1], eps)


def _device(name: str | None) -> torch.device:
    return torch.device(name or "cpu")


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    return _DTYPES[name or "float32"]
