"""The encoder as a torch module that is written for export: plain operations that every runtime knows, and fuses.

What is laid out how is the matter of its two forms: :class:`vinilm.onnx_export.PackedEncoder`, which the backends of this package
run, and :class:`vinilm.exporting.standard.StandardEncoder`, for everybody else. The arithmetic of both is that of transformers'
BertModel: post-norm, exact GELU, scaled dot-product attention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vinilm.errors import ModelError

if TYPE_CHECKING:
    from vinilm.shape import BertShape


class GraphLayer(nn.Module):
    """One layer: its weights, and what it computes however the tokens are laid out."""

    def __init__(self, w: dict[str, Tensor], number: int, shape: BertShape) -> None:
        super().__init__()
        at = f"encoder.layer.{number}."
        self.heads, self.head_size = shape.num_attention_heads, shape.head_size
        # The scale of the attention's products goes into the queries.
        self.query = linear(w, f"{at}attention.self.query", scale=shape.head_size**-0.5)
        self.key, self.value = linear(w, f"{at}attention.self.key"), linear(w, f"{at}attention.self.value")
        self.out, self.out_norm = linear(w, f"{at}attention.output.dense"), norm(w, f"{at}attention.output", shape)
        self.up, self.down = linear(w, f"{at}intermediate.dense"), linear(w, f"{at}output.dense")
        self.down_norm = norm(w, f"{at}output", shape)

    def split(self, y: Tensor) -> Tensor:
        """Return ``y`` by heads: (sequences, longest, hidden) -> (sequences, heads, longest, head size)."""
        return y.view(*y.shape[:2], self.heads, self.head_size).transpose(1, 2)

    def attended(self, query: Tensor, key: Tensor, value: Tensor, attention_bias: Tensor) -> Tensor:
        """Return what attention makes of three (sequences, longest, hidden): one more."""
        # Written out, because runtimes know and fuse this form; matrix products and softmax are the attention's own.
        logits = torch.matmul(self.split(query), self.split(key).transpose(-1, -2)) + attention_bias
        return torch.matmul(torch.softmax(logits, -1), self.split(value)).transpose(1, 2).flatten(2)

    def finished(self, x: Tensor, context: Tensor) -> Tensor:
        """Return the layer's output for its input ``x`` and its attention's output: (..., hidden) all three."""
        x = self.out_norm(x + self.out(context))
        normed: Tensor = self.down_norm(x + self.down(functional.gelu(self.up(x))))
        return normed


class GraphEncoder(nn.Module):
    """An encoder's embeddings and layers; its forms say how the tokens come in."""

    layer: ClassVar[type[GraphLayer]] = GraphLayer

    def __init__(self, weights: dict[str, Tensor], shape: BertShape) -> None:
        """Take the tensors that it needs from ``weights``, named as in BertModel. Raises ModelError if one is missing."""
        super().__init__()
        w = {name: tensor.to(torch.float32) for name, tensor in weights.items() if tensor.is_floating_point()}
        try:
            self.words, self.positions, self.types = (
                parameter(w[f"embeddings.{name}_embeddings.weight"]) for name in ("word", "position", "token_type")
            )
            self.norm = norm(w, "embeddings", shape)
            self.layers = nn.ModuleList([self.layer(w, i, shape) for i in range(shape.num_hidden_layers)])
        except KeyError as error:
            raise ModelError(f"the weights have no tensor {error.args[0]}: they are not those of a BERT encoder") from error
        self.eval()


def parameter(tensor: Tensor) -> nn.Parameter:
    """Return ``tensor`` as a weight that is not trained."""
    return nn.Parameter(tensor, requires_grad=False)


def linear(w: dict[str, Tensor], name: str, *, scale: float = 1.0) -> nn.Linear:
    """Return the linear layer ``name`` out of ``w``, its outputs multiplied by ``scale``. Raises KeyError."""
    weight, bias = w[f"{name}.weight"] * scale, w[f"{name}.bias"] * scale
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight, layer.bias = parameter(weight), parameter(bias)
    return layer


def norm(w: dict[str, Tensor], name: str, shape: BertShape) -> nn.LayerNorm:
    """Return the layer norm of ``name`` out of ``w``. Raises KeyError."""
    layer = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
    layer.weight, layer.bias = parameter(w[f"{name}.LayerNorm.weight"]), parameter(w[f"{name}.LayerNorm.bias"])
    return layer
