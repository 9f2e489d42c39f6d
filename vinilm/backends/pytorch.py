"""The default backend: BERT in PyTorch over packed sequences: none is padded to the length of another.

The tokens of all sequences of a batch stand in one row of shape (tokens, hidden): the linear layers, nine tenths of the work,
see one large product; only attention looks at single sequences, and takes those of one length together, without a mask.
The arithmetic is that of Devlin et al. 2018 as transformers' BertModel has it: post-norm, exact GELU.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from vinilm.backends import Backend
from vinilm.backends.attention import Attention, Sequences, choose
from vinilm.backends.linear import Linear, make_linear
from vinilm.errors import BackendError
from vinilm.models.weights import read_weights

if TYPE_CHECKING:
    from vinilm.batches import Batch, Ints
    from vinilm.pooling import Floats
    from vinilm.shape import BertShape

# oneDNN compiles code for every number of rows that it meets, and keeps it. With few numbers there is little of it; so many rows
# more than needed cost less than compiling.
_ROWS = 32
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
        w = {name: tensor.to(device, torch.float32) for name, tensor in weights.items() if tensor.is_floating_point()}
        self._words = w["embeddings.word_embeddings.weight"]
        # One text a sequence: its tokens are all of the first type, so both can be added beforehand.
        self._positions = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
        self._norm = Norm(w, "embeddings", shape.layer_norm_eps)
        attend = choose(device, dtype, shape.num_attention_heads, shape.head_size)
        self._layers = [Layer(w, i, shape, dtype, attend, rows=self.batch_tokens) for i in range(shape.num_hidden_layers)]

    @torch.inference_mode()
    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32."""
        ids, positions = self._rows(batch.ids), self._rows(batch.positions)
        x = self._norm(functional.embedding(ids, self._words).add_(functional.embedding(positions, self._positions)))
        sequences = Sequences.of(batch, self._device)
        for layer in self._layers:
            x = layer(x, sequences)
        out: Floats = x[: len(batch.ids)].cpu().numpy()
        return out

    def _rows(self, values: Ints) -> Tensor:
        """Return ``values`` on the device; on a CPU with zeros behind them, to a multiple of ``_ROWS``."""
        rows = torch.from_numpy(values).to(self._device)
        return functional.pad(rows, (0, -len(values) % _ROWS)) if self._device.type == "cpu" else rows


class Norm:
    """Layer normalization."""

    def __init__(self, w: dict[str, Tensor], name: str, eps: float) -> None:
        self._weight, self._bias, self._eps = w[f"{name}.LayerNorm.weight"], w[f"{name}.LayerNorm.bias"], eps

    def __call__(self, x: Tensor) -> Tensor:
        """Return the rows of ``x`` normalized."""
        return functional.layer_norm(x, x.shape[-1:], self._weight, self._bias, self._eps)


class Layer:
    """One layer of the encoder.

    The products are computed in ``dtype``; the sums along the residual and the normalizations stay in float32. They are little
    work, and normalizing with 8 bits of precision alone would cost as much of the cosine as all of the products together.
    """

    def __init__(
        self, w: dict[str, Tensor], number: int, shape: BertShape, dtype: torch.dtype, attend: Attention, *, rows: int
    ) -> None:
        at = f"encoder.layer.{number}."
        self._heads, self._head_size, self._dtype = shape.num_attention_heads, shape.head_size, dtype

        def linear(*names: str, scales: Sequence[float] = (1.0,)) -> Linear:
            parts = zip(names, scales, strict=True)
            pairs = [(w[f"{at}{name}.weight"] * scale, w[f"{at}{name}.bias"] * scale) for name, scale in parts]
            weight, bias = (torch.cat(tensors).to(dtype) for tensors in zip(*pairs, strict=True))
            return make_linear(weight, bias, rows=rows)

        # The scale of the attention's products goes into the queries, so that nobody has to multiply by it again.
        names = "attention.self.query", "attention.self.key", "attention.self.value"
        self._qkv = linear(*names, scales=(self._head_size**-0.5, 1.0, 1.0))
        self._attend = attend
        self._out, self._out_norm = linear("attention.output.dense"), Norm(w, f"{at}attention.output", shape.layer_norm_eps)
        self._up, self._down = linear("intermediate.dense"), linear("output.dense")
        self._down_norm = Norm(w, f"{at}output", shape.layer_norm_eps)

    def __call__(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Return the layer's output for the rows of ``x``: (tokens, hidden), float32 both."""
        qkv = self._qkv(x.to(self._dtype)).view(len(x), 3, self._heads, self._head_size)
        x = self._out_norm(self._out(self._attend(qkv, sequences).flatten(1)).add(x))
        return self._down_norm(self._down(self._up.gelu(x.to(self._dtype))).add(x))


def _device(name: str | None) -> torch.device:
    """Return the device of that name. Raises BackendError if there is none."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BackendError(f"the device {name!r} cannot be used: {reason}; device='cpu' works everywhere") from error
    return device


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    """Return the type of that name; None is float32, ``auto`` the fastest. Raises BackendError for an unknown one."""
    if name == "auto":
        return _fastest(device)
    if name not in (None, *_DTYPES):
        raise BackendError(f"the backend 'torch' has no dtype {name!r}; it has auto, {', '.join(_DTYPES)}")
    return _DTYPES[name or "float32"]


def _fastest(device: torch.device) -> torch.dtype:
    """Return the fastest type: half precision where the processor has instructions for it."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    # Not public API; where it is missing, so is the certainty.
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    has = device.type == "cpu" and any(test() for test in tests if test is not None)
    return torch.bfloat16 if has else torch.float32
