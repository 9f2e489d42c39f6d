"""The files that make a model folder one of sentence-transformers; written without sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vinilm.errors import ModelError
from vinilm.pooling import POOLINGS

# Names that every version of sentence-transformers from 2 on resolves; it moves its classes, but keeps these.
_THEIRS = "sentence_transformers.models."
#: The module that cleans. sentence-transformers imports it by this name from the installed package: no code lies in the folder.
CLEANING_TRANSFORMER = "vinilm.integrations.sentence_transformers.CleaningTransformer"
#: The module that does not.
PLAIN_TRANSFORMER = _THEIRS + "Transformer"
_POOLING_KEYS = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}


def write_modules(
    folder: str | Path,
    *,
    hidden_size: int,
    pooling: str,
    normalize: bool,
    max_tokens: int,
    prompts: Mapping[str, str] | None = None,
    default_prompt_name: str | None = None,
    similarity: str = "cosine",
    clean: bool = True,
) -> None:
    """Write to ``folder``, beside model and tokenizer, what ``SentenceTransformer(folder)`` reads.

    ``pooling``: ``mean``, ``cls``, ``max``, or ``none`` (vectors for tokens, but none for a text). ``normalize``: vectors of
    length 1. ``max_tokens``: of a text, special ones included. ``clean``: texts are cleaned by the preprocessor that is saved in
    the folder. Raises ModelError for another pooling, OSError.
    """
    if pooling not in POOLINGS:
        raise ModelError(f"pooling {pooling!r} is unknown; it is one of {', '.join(POOLINGS)}")
    types = [("", CLEANING_TRANSFORMER if clean else PLAIN_TRANSFORMER)]
    target = Path(folder)
    _write(target / "sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})
    if pooling != "none":
        types.append(("1_Pooling", _THEIRS + "Pooling"))
        modes = {key: pooling == name for name, key in _POOLING_KEYS.items()}
        _write(target / "1_Pooling" / "config.json", {"word_embedding_dimension": hidden_size, **modes})
        if normalize:
            types.append(("2_Normalize", _THEIRS + "Normalize"))
            _write(target / "2_Normalize" / "config.json", {})
    _write(
        target / "config_sentence_transformers.json",
        {"prompts": dict(prompts or {}), "default_prompt_name": default_prompt_name, "similarity_fn_name": similarity},
    )
    # Last, for it is what makes the folder one of sentence-transformers.
    modules = [{"idx": i, "name": str(i), "path": path, "type": name} for i, (path, name) in enumerate(types)]
    _write(target / "modules.json", modules)


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
