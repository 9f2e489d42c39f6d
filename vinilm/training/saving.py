"""A trained encoder as a model folder: with tokenizer, modules and cleaning of the model that it comes from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.integrations.modules_json import write_modules
from vinilm.models.tokenizer import tokenizer_file
from vinilm.vocabulary.record import RECORD
from vnlp_prep.pipeline import SAVED_FILES

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from vinilm.models import ModelFolder
    from vnlp_prep import Preprocessor

# What says how the tokenizer works, beside tokenizer.json and vocab.txt.
_TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def save_model(
    model: PreTrainedModel,
    source: ModelFolder,
    folder: Path,
    preprocessor: Preprocessor | None,
    *,
    more: Mapping[str, Tensor] | None = None,
) -> None:
    """Write ``model`` (BertModel, with a head or without) to ``folder``, with all else that the folder ``source`` has.

    ``preprocessor``: what its texts were cleaned with; None: what is in ``source``, if anything. ``more``: tensors to save with
    it that are not part of it. Raises OutputError, OSError.
    """
    from vinilm.models.tensors import write_tensors
    from vinilm.training.checkpoints import tensors_of

    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    write_tensors({**tensors_of(model), **(more or {})}, folder / "model.safetensors", {"format": "pt"})
    _save_tokenizer(source, folder)
    if (source.path / RECORD).is_file():  # not beside the tokenizer where that is in a folder of its own
        shutil.copyfile(source.path / RECORD, folder / RECORD)
    if preprocessor is not None:
        preprocessor.save(folder)
    elif source.preprocessor is not None:
        for name in SAVED_FILES:
            if (source.preprocessor / name).is_file():
                shutil.copyfile(source.preprocessor / name, folder / name)
    if (source.path / "modules.json").is_file():
        write_modules(
            folder,
            hidden_size=model.config.hidden_size,
            pooling=source.pooling,
            normalize=source.normalize,
            max_tokens=min(source.max_tokens, model.config.max_position_embeddings),
            prompts=source.prompts,
            default_prompt_name=source.default_prompt_name,
            similarity=source.similarity,
            clean=(folder / SAVED_FILES[0]).is_file(),
        )


def _save_tokenizer(source: ModelFolder, folder: Path) -> None:
    """Write ``tokenizer.json``, ``vocab.txt``, ``tokenizer_config.json``; ``source`` may have but one of the first two."""
    from vinilm.tokens import Tokenizer

    for name in _TOKENIZER_FILES:
        if (source.encoder / name).is_file():
            shutil.copyfile(source.encoder / name, folder / name)
    tokenizer = Tokenizer.load(source.tokenizer, lower_case=source.lower_case)
    if source.tokenizer.suffix == ".json":
        shutil.copyfile(source.tokenizer, folder / "tokenizer.json")
    else:
        tokenizer.save(folder / "tokenizer.json")
    words = source.encoder / "vocab.txt"
    if words.is_file():
        shutil.copyfile(words, folder / "vocab.txt")
    else:
        (folder / "vocab.txt").write_text(
            "".join(f"{token}\n" for token in tokenizer.vocabulary()), encoding="utf-8", newline="\n"
        )
    if not (folder / "tokenizer_config.json").is_file():
        settings: dict[str, Any] = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": source.lower_case,
            "model_max_length": source.max_tokens,
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    tokenizer_file(folder, source.shape)
