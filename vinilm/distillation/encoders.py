"""A BERT encoder for training, from a model folder, and vectors of whole texts from what it puts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vinilm.errors import BackendError, ModelError
from vinilm.models.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertConfig, BertModel

    from vinilm.models import ModelFolder

#: Poolings that a vector of a text can be learnt with.
TRAINABLE_POOLINGS = ("mean", "cls", "max")


def load_config(source: ModelFolder) -> BertConfig:
    """Return what ``config.json`` in ``source`` says. Raises BackendError if transformers is not installed."""
    try:
        from transformers import BertConfig
    except ImportError as error:
        raise BackendError(
            f'training needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[train]"'
        ) from error
    return BertConfig.from_pretrained(source.encoder, local_files_only=True)


def load_encoder(source: ModelFolder) -> BertModel:
    """Return the encoder in ``source``, in float32, without a pooler or a head. Raises ModelError, BackendError."""
    config = load_config(source)
    from transformers import BertModel

    config.architectures, config.dtype = ["BertModel"], "float32"
    encoder = BertModel(config, add_pooling_layer=False)
    weights = {name: tensor.float() for name, tensor in read_weights(source.encoder).items()}
    missing = encoder.load_state_dict({n: weights[n] for n in encoder.state_dict() if n in weights}, strict=False).missing_keys
    if missing:
        raise ModelError(f"{source.encoder}: {missing[0]} is missing; get the model again from its source")
    return encoder


def text_vectors(hidden_states: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Return one vector for each text, as :func:`vinilm.pooling.pool` has it: (texts, length, hidden) -> (texts, hidden).

    In float32. ``attention_mask``: (texts, length), 1 for a token. ``pooling``: one of ``TRAINABLE_POOLINGS``.
    """
    states = hidden_states.float()
    if pooling == "cls":
        return states[:, 0]
    is_token = attention_mask[:, :, None].bool()
    if pooling == "max":
        return states.masked_fill(~is_token, float("-inf")).amax(1)
    return states.masked_fill(~is_token, 0.0).sum(1) / is_token.sum(1)
