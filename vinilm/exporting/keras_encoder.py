"""The encoder in Keras 3, out of its own layers alone: a file of it loads with Keras and nothing else, without running code.

It is no model of KerasHub, which computes GELU by an approximation that BERT has not, and cannot save another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vinilm.backends.keras_on_tensorflow import keras_on_tensorflow
from vinilm.errors import ModelError
from vinilm.exporting.standard import INPUTS, OUTPUT

with keras_on_tensorflow():
    import keras
    from keras import layers, ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from vinilm.shape import BertShape

_EMBEDDINGS = {"words": "word", "positions": "position", "types": "token_type"}


def keras_encoder(weights: Mapping[str, Tensor], shape: BertShape) -> keras.Model:
    """Return the encoder with ``weights``, named as in BertModel: inputs and output as in :mod:`vinilm.exporting.standard`.

    Raises ModelError when a tensor is missing.
    """
    model = _architecture(shape)
    try:
        values = dict(_values(weights, shape))
    except KeyError as error:
        raise ModelError(f"the weights have no tensor {error.args[0]}: they are not those of a BERT encoder") from error
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(values[layer.name])
    return model


def _architecture(shape: BertShape) -> keras.Model:
    """Return the encoder with weights of no meaning."""
    hidden, epsilon = shape.hidden_size, shape.layer_norm_eps
    ids, mask, types = (layers.Input((None,), dtype="int32", name=name) for name in INPUTS)
    positions = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    x = layers.Add(name="embeddings")(
        [
            layers.Embedding(shape.vocab_size, hidden, name="words")(ids),
            layers.Embedding(shape.max_position_embeddings, hidden, name="positions")(positions),
            layers.Embedding(shape.type_vocab_size, hidden, name="types")(types),
        ]
    )
    x = layers.LayerNormalization(epsilon=epsilon, name="norm")(x)
    # (batch, 1, sequence): the same for each token that looks.
    tokens = ops.expand_dims(ops.cast(mask, "bool"), 1)
    for i in range(shape.num_hidden_layers):
        attend = layers.MultiHeadAttention(shape.num_attention_heads, shape.head_size, name=f"attention_{i}")
        x = layers.Add(name=f"attended_{i}")([x, attend(x, x, attention_mask=tokens)])
        x = layers.LayerNormalization(epsilon=epsilon, name=f"attention_norm_{i}")(x)
        # "gelu" is the exact one.
        y = layers.Dense(shape.intermediate_size, activation="gelu", name=f"up_{i}")(x)
        x = layers.Add(name=f"fed_forward_{i}")([x, layers.Dense(hidden, name=f"down_{i}")(y)])
        name = OUTPUT if i == shape.num_hidden_layers - 1 else f"norm_{i}"
        x = layers.LayerNormalization(epsilon=epsilon, name=name)(x)
    return keras.Model(dict(zip(INPUTS, (ids, mask, types), strict=True)), {OUTPUT: x}, name="bert")


def _values(weights: Mapping[str, Tensor], shape: BertShape) -> Iterator[tuple[str, list[Any]]]:
    """Yield for each layer its name and the values of its weights, in Keras's order and shapes. Raises KeyError."""

    def value(name: str) -> Any:
        return weights[name].float().numpy()

    def norm(name: str) -> list[Any]:
        return [value(f"{name}.LayerNorm.weight"), value(f"{name}.LayerNorm.bias")]

    def dense(name: str) -> list[Any]:
        return [value(f"{name}.weight").T, value(f"{name}.bias")]

    for name, theirs in _EMBEDDINGS.items():
        yield name, [value(f"embeddings.{theirs}_embeddings.weight")]
    yield "norm", norm("embeddings")
    hidden, heads, size = shape.hidden_size, shape.num_attention_heads, shape.head_size
    for i in range(shape.num_hidden_layers):
        at = f"encoder.layer.{i}"
        attention: list[Any] = []
        for name in ("query", "key", "value"):
            kernel, bias = dense(f"{at}.attention.self.{name}")
            attention += [kernel.reshape(hidden, heads, size), bias.reshape(heads, size)]
        kernel, bias = dense(f"{at}.attention.output.dense")
        yield f"attention_{i}", [*attention, kernel.reshape(heads, size, hidden), bias]
        yield f"attention_norm_{i}", norm(f"{at}.attention.output")
        yield f"up_{i}", dense(f"{at}.intermediate.dense")
        yield f"down_{i}", dense(f"{at}.output.dense")
        yield OUTPUT if i == shape.num_hidden_layers - 1 else f"norm_{i}", norm(f"{at}.output")


def load_keras(file: str) -> keras.Model:
    """Return the model in a ``.keras`` file; in safe mode: code in it would be refused."""
    return keras.saving.load_model(file, compile=False, safe_mode=True)


def run_keras(model: keras.Model, inputs: Mapping[str, Any]) -> Any:
    """Return the last hidden state for the inputs, (batch, sequence, hidden)."""
    feed = {name: np.asarray(value, dtype=np.int32) for name, value in inputs.items()}
    return np.asarray(keras.ops.convert_to_numpy(model(feed, training=False)[OUTPUT]), dtype=np.float32)
