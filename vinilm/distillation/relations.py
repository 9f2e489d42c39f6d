"""The loss of MiniLMv2: how a student's self-attention relations differ from its teacher's.

Source: Wang et al., MiniLMv2: Multi-Head Self-Attention Relation Distillation for Compressing Pretrained Transformers
(arXiv 2012.15828), section 3.2. For the queries A of a layer (and likewise for its keys and its values), split into A_r relation
heads of d_r dimensions:

    R_a = softmax(A_a A_a^T / sqrt(d_r))                                        formula 7, 8
    L   = 1 / (A_r |x|) * sum over heads a, rows t of KL(R^T_a,t || R^S_a,t)    formula 6
    loss = L of queries + L of keys + L of values                               formula 5
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from vnlp_prep.errors import SettingsError

#: Relations that are made at a time, in numbers: elsewhere (memory is what limits), and on a processor (its cache).
_BLOCK = (1 << 26, 1 << 18)


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
    mask = attention_mask.bool()
    with torch.autocast(mask.device.type, enabled=False):  # a softmax over products: half precision would show
        pairs = zip(teacher, student, strict=True)
        return RelationLoss(*(_divergence(_split(t.detach(), heads), _split(s, heads), mask) for t, s in pairs))


def _split(projection: Tensor, heads: int) -> Tensor:
    """Return the vectors of the relation heads, in float32 at least: (batch, length, hidden) -> (batch, heads, length, d_r)."""
    wide = projection.to(torch.promote_types(projection.dtype, torch.float32))
    return wide.view(*projection.shape[:2], heads, -1).transpose(1, 2)


def _divergence(teacher: Tensor, student: Tensor, mask: Tensor) -> Tensor:
    """Return formula 6 for each text: (batch, heads, length, d_r) twice, (batch, length) -> (batch,)."""
    loss: Tensor = _Divergence.apply(teacher, student, mask)  # type: ignore[no-untyped-call]  # as torch has it
    return loss


class _Divergence(torch.autograd.Function):
    """Formula 6, with its gradient worked out beside it, block by block.

    Relations are far larger than what they are made from: (batch, heads, length, length). A block of them is made, used and
    forgotten while it is in the processor's cache; autograd would keep all of them, several times. With s the scores before the
    softmax, dL/ds of the student is R^S - R^T, times what the row is divided by.
    """

    @staticmethod
    def forward(ctx: Any, teacher: Tensor, student: Tensor, mask: Tensor) -> Tensor:
        batch, heads, length, _ = student.shape
        weights = mask / (heads * mask.sum(-1, keepdim=True))  # of each row; of padded rows 0
        loss = student.new_zeros(batch)
        gradient = torch.empty_like(student)
        texts = max(1, _BLOCK[student.device.type == "cpu"] // (heads * length * length))
        for start in range(0, batch, texts):
            block = slice(start, start + texts)
            columns, rows = ~mask[block, None, None, :], weights[block, None, :, None].to(student.dtype)
            target, target_scores, target_log = _softmax(teacher[block], columns)
            found, found_scores, found_log = _softmax(student[block], columns)
            # KL = sum of R^T (log R^T - log R^S), the logarithms without a second pass.
            divergence = (target_scores.sub_(found_scores).mul_(target)).sum(-1, keepdim=True) - target_log + found_log
            loss[block] = (divergence * rows).sum((1, 2, 3))
            if ctx.needs_input_grad[1]:
                slope = found.sub_(target).mul_(rows * student.shape[-1] ** -0.5)
                torch.matmul(slope + slope.transpose(-1, -2), student[block], out=gradient[block])
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[None, Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return None, gradient * slopes[0][:, None, None, None], None


def _softmax(vectors: Tensor, columns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return R (texts, heads, length, length), the scores less the highest of their row, and the logarithms of R's divisors.

    ``columns``: what is padding.
    """
    scores = (vectors * vectors.shape[-1] ** -0.5) @ vectors.transpose(-1, -2)
    # A padded column: far below all others, but a number, for a difference of two infinities is none.
    scores.masked_fill_(columns, torch.finfo(scores.dtype).min / 4)
    scores.sub_(scores.amax(-1, keepdim=True))
    relations = scores.exp()
    divisors = relations.sum(-1, keepdim=True)
    return relations.div_(divisors), scores, divisors.log_()
