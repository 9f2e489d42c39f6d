"""Model folders for tests, written without torch: the smallest BERT there is, whole, for a test to break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "vm", "power", "##s", "on", "off", ".")
CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
TOKENIZER = {
    "version": "1.0",
    "added_tokens": [{"id": i, "content": w, "special": True} for i, w in enumerate(WORDS[:5])],
    "normalizer": {"type": "BertNormalizer", "lowercase": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {w: i for i, w in enumerate(WORDS)}},
}


def write(file: Path, content: object) -> None:
    """Write ``content`` as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def change(file: Path, **values: Any) -> None:
    """Set keys of a JSON object in ``file``."""
    write(file, json.loads(file.read_text(encoding="utf-8")) | values)


def tensors() -> dict[str, np.ndarray]:
    """Return random weights for CONFIG, by the names of BertModel."""
    rng = np.random.default_rng(5)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), 8),
        "embeddings.position_embeddings.weight": (32, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
    }
    layer = {
        **{f"attention.self.{name}": (8, 8) for name in ("query", "key", "value")},
        "attention.output.dense": (8, 8),
        "intermediate.dense": (16, 8),
        "output.dense": (8, 16),
    }
    norms = ["embeddings"]
    for i in range(2):
        for name, shape in layer.items():
            shapes[f"encoder.layer.{i}.{name}.weight"] = shape
            shapes[f"encoder.layer.{i}.{name}.bias"] = shape[:1]
        norms += [f"encoder.layer.{i}.attention.output", f"encoder.layer.{i}.output"]
    for name in norms:
        shapes |= {f"{name}.LayerNorm.weight": (8,), f"{name}.LayerNorm.bias": (8,)}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def make_model(folder: Path, *, sentence: bool = False) -> Path:
    """Write a whole model; ``sentence``: with the files of sentence-transformers (mean, normalised, 16 tokens)."""
    write(folder / "config.json", CONFIG)
    write(folder / "tokenizer.json", TOKENIZER)
    save_file(tensors(), folder / "model.safetensors")
    if sentence:
        write(folder / "modules.json", MODULES)
        write(folder / "1_Pooling" / "config.json", {"embedding_dimension": 8, "pooling_mode": "mean", "include_prompt": True})
        write(folder / "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})
        prompts = {"query": "query: ", "document": ""}
        write(
            folder / "config_sentence_transformers.json",
            {"prompts": prompts, "default_prompt_name": None, "similarity_fn_name": "dot"},
        )
    return folder
