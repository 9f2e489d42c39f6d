"""The loss of MiniLMv2: how a student's self-attention relations differ from its teacher's.

Source: Wang et al., MiniLMv2: Multi-Head Self-Attention Relation Distillation for Compressing Pretrained Transformers
(arXiv 2012.15828), section 3.2. For the queries A of a layer (and likewise for its keys and its values), split into A_r relation
heads of d_r dimensions:

    R_a = softmax(A_a A_a^T / sqrt(d_r))                                        formula 7, 8
    L   = 1 / (A_r |x|) * sum over heads a, rows t of KL(R^T_a,t || R^S_a,t)    formula 6
    loss = L of queries + L of keys + L of values                               formula 5
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vnlp_prep.errors import SettingsError


class QKV(NamedTuple):
    """Queries, keys and values of one layer, before they are split into attention heads: (batch, length, hidden) each."""

    queries: Tensor
    keys: Tensor
    values: Tensor


class RelationLoss(NamedTuple):
    """The loss of each text of a batch, by relation: (batch,) each."""

    queries: Tensor
    keys: Tensor
    values: Tensor

    @property
    def total(self) -> Tensor:
        """The loss of each text (formula 5): (batch,)."""
        return self.queries + self.keys + self.values


def check_relation_heads(heads: int, **hidden_sizes: int) -> None:
    """Raise SettingsError if ``heads`` does not divide each of the hidden sizes, which are given by the name of their model."""
    for name, size in hidden_sizes.items():
        if heads < 1 or size % heads:
            fitting = [h for h in range(1, 129) if all(s % h == 0 for s in hidden_sizes.values())]
            raise SettingsError(
                f"relation-heads {heads} must divide the hidden size {size} of the {name}; "
                f"these divide all of them: {', '.join(map(str, fitting))}"
            )


def relation_loss(teacher: QKV, student: QKV, attention_mask: Tensor, heads: int) -> RelationLoss:
    """Return the loss of a batch; texts of all lengths are computed at once, and padding counts nowhere.

    ``attention_mask``: (batch, length), 1 for a token and 0 for padding. ``heads``: relation heads, which must divide both hidden
    sizes. The loss of a text does not depend on what else is in its batch. Computed in float32 at least. Nothing flows back into
    the teacher. Each text has at least one token.
    """
    losses = (_one_relation(t, s, attention_mask.bool(), heads) for t, s in zip(teacher, student, strict=True))
    return RelationLoss(*losses)


def _one_relation(teacher: Tensor, student: Tensor, mask: Tensor, heads: int) -> Tensor:
    with torch.autocast(student.device.type, enabled=False):  # a softmax over products: half precision would show
        target, found = _log_relations(teacher.detach(), mask, heads), _log_relations(student, mask, heads)
        # Padded columns have a probability of 0 on both sides, so nothing comes from them. (batch, heads, rows)
        divergence = functional.kl_div(found, target, reduction="none", log_target=True).sum(-1)
        # Padded rows are left out; then each text is divided by its heads and its own length.
        rows = (divergence * mask[:, None, :]).sum((1, 2))
        return rows / (heads * mask.sum(-1))


def _log_relations(projection: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Return the logarithms of R: (batch, heads, length, length). ``projection``: (batch, length, hidden)."""
    batch, length, hidden = projection.shape
    dtype = torch.promote_types(projection.dtype, torch.float32)
    vectors = projection.to(dtype).view(batch, length, heads, hidden // heads).transpose(1, 2)
    scores = vectors @ vectors.transpose(-1, -2) / (hidden // heads) ** 0.5
    # The smallest number, not minus infinity: the difference of two infinities would be no number.
    return scores.masked_fill(~mask[:, None, None, :], torch.finfo(dtype).min).log_softmax(-1)
