"""``config.json``: what kind of encoder it is, and its sizes."""

from __future__ import annotations

import math
from pathlib import Path

from vinilm.errors import ModelError
from vinilm.models.files import Json, read_json
from vinilm.shape import BertShape

# Defaults of transformers' BertConfig and the largest value that is taken for a model and not for an attack.
_SIZES = {
    "vocab_size": (30522, 10_000_000),
    "hidden_size": (768, 65_536),
    "num_hidden_layers": (12, 1_000),
    "num_attention_heads": (12, 4_096),
    "intermediate_size": (3072, 1_000_000),
    "max_position_embeddings": (512, 1_000_000),
    "type_vocab_size": (2, 1_000),
}


def bert_shape(folder: Path) -> BertShape:
    """Return what ``config.json`` in ``folder`` says of the encoder. Raises ModelError for what is no plain BERT encoder."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(
            f"{file}: missing; a model folder has config.json, model.safetensors and tokenizer.json (or vocab.txt): "
            "get the model's files again, all of them"
        )
    config: Json = read_json(file)
    refuse_code(file, config)
    _refuse_other_kinds(file, config)
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{folder}: there is an adapter (adapter_config.json) besides the weights, which is not applied here; "
            "merge it into the model with the library peft (merge_and_unload), and use the saved folder"
        )
    sizes = {name: _size(file, config, name, default, most) for name, (default, most) in _SIZES.items()}
    if sizes["hidden_size"] % sizes["num_attention_heads"]:
        raise ModelError(f"{file}: hidden_size {sizes['hidden_size']} is no multiple of num_attention_heads; the file is damaged")
    eps = config.get("layer_norm_eps", 1e-12)
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not (math.isfinite(eps) and 0 < eps < 1):
        raise ModelError(f"{file}: layer_norm_eps is {eps!r:.80}, but it is a small number above 0; the file is damaged")
    pad = config.get("pad_token_id")
    pad = 0 if pad is None else pad
    if isinstance(pad, bool) or not isinstance(pad, int) or not 0 <= pad < sizes["vocab_size"]:
        raise ModelError(f"{file}: pad_token_id is {pad!r:.80}, but it is the number of a token; the file is damaged")
    return BertShape(**sizes, layer_norm_eps=float(eps), pad_token_id=pad)


def refuse_code(file: Path, config: Json) -> None:
    """Raise ModelError if the model wants its own code to be run."""
    if config.get("auto_map"):
        raise ModelError(
            f"{file}: the model brings its own Python code (auto_map), which is never run here. If it is a plain BERT all the "
            "same, load and save it with transformers' BertModel in a place you trust, and use the saved folder"
        )


def _refuse_other_kinds(file: Path, config: Json) -> None:
    kind = config.get("model_type", "bert")
    if kind != "bert":
        raise ModelError(f"{file}: a model of the type {kind!r:.80}; only BERT encoders (model_type 'bert') can be used")
    # gelu_python is the same exact function by its old name.
    wanted = {
        "hidden_act": ("gelu", "gelu_python"),
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
        "quantization_config": (None,),
    }
    for key, allowed in wanted.items():
        value = config.get(key, allowed[0])
        if value is not None and value not in allowed:
            raise ModelError(
                f"{file}: {key} is {value!r:.80}, which would need other arithmetic than BERT's ({key}: {allowed[0]!r}); "
                "use a BERT encoder in floating point"
            )


def _size(file: Path, config: Json, name: str, default: int, most: int) -> int:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ModelError(f"{file}: {name} is {value!r:.80}, but it is a whole number from 1 to {most:,}; the file is damaged")
    return value
