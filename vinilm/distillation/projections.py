"""Queries, keys and values of a layer, caught while the encoder computes them: nothing is computed a second time."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vinilm.distillation.relations import QKV

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle
    from transformers import BertModel

_NAMES = ("query", "key", "value")


def end_at_projections(encoder: BertModel) -> None:
    """Let the last layer of ``encoder`` compute its queries, keys and values, and nothing that comes of them.

    For a model of which only these are asked: it puts out what went into that layer. Its parameters and their names stay.
    """
    last: Any = encoder.encoder.layer[-1]
    projections = [getattr(last.attention.self, name) for name in _NAMES]

    def forward(hidden_states: Tensor, *_arguments: object, **_options: object) -> Tensor:
        for projection in projections:
            projection(hidden_states)
        return hidden_states

    last.forward = forward


class Projections:
    """Catches what the three projections of one layer put out, in every forward pass while it is open.

    >>> with Projections(encoder, 5) as caught:         # doctest: +SKIP
    ...     encoder(input_ids, attention_mask)
    ...     caught.take().queries.shape                 # (batch, length, hidden)
    """

    def __init__(self, encoder: BertModel, layer: int) -> None:
        """Watch the layer ``layer`` (counted from 0) of ``encoder``. Raises IndexError if there is no such layer."""
        block: Any = encoder.encoder.layer[layer]
        attention = block.attention.self
        self._caught: dict[str, Tensor] = {}
        self._hooks: list[RemovableHandle] = [
            getattr(attention, name).register_forward_hook(self._catch(name)) for name in _NAMES
        ]

    def _catch(self, name: str):  # type: ignore[no-untyped-def]  # the signature is torch's
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            self._caught[name] = output

        return hook

    def take(self) -> QKV:
        """Return what the last forward pass put out, and let go of it. Raises KeyError if there was none."""
        return QKV(*(self._caught.pop(name) for name in _NAMES))

    def close(self) -> None:
        """Watch no longer."""
        for hook in self._hooks:
            hook.remove()
        self._caught.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
