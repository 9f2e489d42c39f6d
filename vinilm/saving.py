"""Writing a model folder that the whole ecosystem reads: the encoder, its tokenizer, how it pools, and how texts are cleaned."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.integrations.modules_json import write_modules
from vinilm.models import write_checksums
from vnlp_prep.pipeline import SAVED_FILES

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor
    from vinilm.models import ModelFolder

# Beside config and weights: what the tokenizers of transformers read, as far as it is there.
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def encoder_files(model: ModelFolder) -> list[Path]:
    """Return the files of the encoder and its tokenizer: config, weights, what the tokenizers of transformers read."""
    files = [model.encoder / "config.json", *model.weights, *model.encoder.glob("model*.safetensors.index.json")]
    return files + [model.encoder / name for name in _TOKENIZER_FILES if (model.encoder / name).is_file()]


def save(extractor: FeatureExtractor, folder: Path) -> None:
    """Write ``extractor`` to ``folder``, which is made if need be. Files of the same name are replaced. Raises OSError.

    The weights are copied as they are, in the type in which they were saved; of the backend nothing is saved.
    """
    model = extractor.model
    folder.mkdir(parents=True, exist_ok=True)
    for file in encoder_files(model):
        if not (folder / file.name).exists() or not (folder / file.name).samefile(file):
            shutil.copyfile(file, folder / file.name)
    if extractor.preprocessor:
        extractor.preprocessor.save(folder)
    else:
        for name in SAVED_FILES:  # of an extractor that was saved here before
            (folder / name).unlink(missing_ok=True)
    write_modules(
        folder,
        hidden_size=extractor.hidden_size,
        pooling=extractor.pooling,
        normalize=extractor.normalize,
        max_tokens=extractor.max_tokens,
        prompts=extractor.prompts,
        default_prompt_name=model.default_prompt_name,
        similarity=model.similarity,
        clean=extractor.preprocessor is not None,
    )
    write_checksums(folder)
    if extractor.preprocessor and find_spec("sentence_transformers"):
        # It takes the class that cleans only if it knows it; from now on in this process, it does.
        import vinilm.integrations.sentence_transformers  # noqa: F401
