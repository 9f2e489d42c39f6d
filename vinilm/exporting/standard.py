"""The encoder as other programs expect it: the inputs of transformers' BertModel, rectangles of (batch, sequence) with a mask.

These are the names and shapes that Optimum's export has too, so what knows those graphs takes these: sentence-transformers with
``backend="onnx"`` or ``"openvino"``, transformers.js, Hugging Face's text-embeddings-inference, and any program of your own.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vinilm.backends.packed import NOTHING
from vinilm.graph import GraphEncoder, GraphLayer

#: The inputs: whole numbers, (batch, sequence) each.
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
#: The output: (batch, sequence, hidden).
OUTPUT = "last_hidden_state"


class StandardLayer(GraphLayer):
    """One layer over a rectangle of tokens."""

    def forward(self, x: Tensor, attention_bias: Tensor) -> Tensor:
        """Return the layer's output for ``x``: (batch, sequence, hidden) both."""
        return self.finished(x, self.attended(self.query(x), self.key(x), self.value(x), attention_bias))


class StandardEncoder(GraphEncoder):
    """A BERT encoder with the usual inputs, written for export."""

    layer = StandardLayer

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the last hidden state, (batch, sequence, hidden). The mask: 1 for tokens, 0 for padding."""
        positions = functional.embedding(torch.arange(input_ids.shape[1]), self.positions)
        x = functional.embedding(input_ids, self.words) + positions + functional.embedding(token_type_ids, self.types)
        x = self.norm(x)
        bias = (1.0 - attention_mask.to(torch.float32))[:, None, None, :] * NOTHING
        for layer in self.layers:
            x = layer(x, bias)
        states: Tensor = x
        return states


def standard_examples() -> tuple[Tensor, ...]:
    """Return small inputs to trace the encoder with: two texts, one of them padded."""
    ids = torch.tensor([[101, 2, 3, 4, 102], [101, 2, 3, 102, 0]])
    return ids, (ids != 0).to(torch.int64), torch.zeros_like(ids)
