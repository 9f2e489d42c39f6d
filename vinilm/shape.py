"""The shape of a BERT encoder: what its ``config.json`` says, and what it costs to run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BertShape:
    """Sizes and constants of a BERT encoder (Devlin et al. 2018), named as in the ``config.json`` of transformers."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0

    @property
    def head_size(self) -> int:
        """Dimensions of an attention head."""
        return self.hidden_size // self.num_attention_heads

    def flops(self, tokens: int, length: float = 0.0) -> float:
        """Floating-point operations of ``tokens`` tokens in sequences of ``length``: matrix products, attention included.

        A multiplication and an addition count as two. Query, key, value and output projections are four squares of the hidden
        size, the feed-forward network two products with the intermediate size; attention adds two products with ``length``.
        """
        layer = 8 * self.hidden_size**2 + 4 * self.hidden_size * self.intermediate_size + 4 * self.hidden_size * length
        return tokens * self.num_hidden_layers * layer
