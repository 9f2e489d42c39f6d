"""What a model folder says: read and checked before anything is computed with it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vinilm.errors import ModelError
from vinilm.models.config import bert_shape
from vinilm.models.files import CHECKSUMS, check_sum, expected_sums, sha256
from vinilm.models.finding import find_model
from vinilm.models.modules import check_lower_case, check_normalize, max_tokens_of, module_paths, pooling_of, prompts_of
from vinilm.models.tokenizer import tokenizer_file
from vinilm.models.weights import check_weights, weight_files
from vinilm.shape import BertShape
from vnlp_prep.pipeline import SAVED_FILES


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder says. All files named here are there, and fit together."""

    #: The folder as it was found.
    path: Path
    #: The folder with config.json, weights and tokenizer: ``path`` itself, but for folders of old sentence-transformers.
    encoder: Path
    shape: BertShape
    #: safetensors files: one, or the parts of a large model.
    weights: tuple[Path, ...]
    #: ``tokenizer.json``, or ``vocab.txt`` where there is no such file.
    tokenizer: Path
    #: Whether the tokenizer lower-cases.
    lower_case: bool
    #: ``mean``, ``cls``, ``max`` or ``none`` (features of tokens).
    pooling: str
    #: Whether vectors are brought to length 1.
    normalize: bool
    #: Tokens of a text that are used, special ones included; at most ``shape.max_position_embeddings``.
    max_tokens: int
    #: Texts to put before others, by name.
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    #: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.
    similarity: str = "cosine"
    #: The folder with the settings of the preprocessor that was saved with the model.
    preprocessor: Path | None = None
    #: SHA-256 over weights, tokenizer and the settings above: models with the same one give the same vectors.
    fingerprint: str = ""


def open_model(
    name: str | os.PathLike[str], *, cache_dir: str | os.PathLike[str] | None = None, revision: str | None = None
) -> ModelFolder:
    """Find a model (see ``find_model``), check its files and return what they say.

    Only the header of the weights is interpreted; their SHA-256 is computed, and compared where the folder (``SHA256SUMS``) or
    the hub's cache says what it should be. Raises ModelError that names the file and what to do.
    """
    folder = find_model(name, cache_dir=cache_dir, revision=revision)
    try:
        return _read(folder)
    except OSError as error:  # no permission, a disk that fails
        raise ModelError(f"{folder}: cannot be read: {error}") from error


def _read(folder: Path) -> ModelFolder:
    modules = module_paths(folder)
    encoder = modules["transformer"]
    shape = bert_shape(encoder)
    weights = weight_files(encoder)
    check_weights(weights, shape)
    tokenizer, lower_case, tokenizer_settings = tokenizer_file(encoder, shape)
    check_lower_case(encoder, lower_case)
    if "normalize" in modules:
        check_normalize(modules["normalize"])
    prompts, default_prompt_name, similarity = prompts_of(folder)
    settings = {
        "lower_case": lower_case,
        "pooling": _pooling(folder, modules, shape),
        "normalize": "normalize" in modules,
        "max_tokens": max_tokens_of(encoder, tokenizer_settings, shape),
        "prompts": prompts,
        "default_prompt_name": default_prompt_name,
        "similarity": similarity,
    }
    return ModelFolder(
        path=folder,
        encoder=encoder,
        shape=shape,
        weights=weights,
        tokenizer=tokenizer,
        preprocessor=next((f for f in (folder, *modules.values()) if (f / SAVED_FILES[0]).is_file()), None),
        fingerprint=_fingerprint(folder, [*weights, tokenizer], asdict(shape) | settings),
        **settings,  # type: ignore[arg-type]
    )


def write_checksums(folder: str | os.PathLike[str]) -> Path:
    """Write ``SHA256SUMS`` for the files in ``folder`` and below; ``open_model`` and ``sha256sum -c SHA256SUMS`` check it.

    Call it when the folder is complete. Raises ModelError when a file cannot be read, OSError when the sums cannot be written.
    """
    root = Path(folder)
    files = sorted(f.relative_to(root).as_posix() for f in root.rglob("*") if f.is_file() and f.name != CHECKSUMS)
    content = "".join(f"{sha256(root / name)}  {name}\n" for name in files)
    temporary = root / f".{CHECKSUMS}.{os.getpid()}"
    try:
        temporary.write_text(content, encoding="utf-8", newline="\n")
        return temporary.replace(root / CHECKSUMS)
    finally:
        temporary.unlink(missing_ok=True)


def _pooling(folder: Path, modules: dict[str, Path], shape: BertShape) -> str:
    if "pooling" in modules:
        return pooling_of(modules["pooling"], shape)
    # Without a list of modules, sentence-transformers takes the mean; with one, only what it lists.
    return "none" if (folder / "modules.json").exists() else "mean"


def _fingerprint(folder: Path, files: list[Path], settings: dict[str, object]) -> str:
    """Return the SHA-256 of the files' SHA-256 and the settings; the files' own sums are compared on the way."""
    expected = expected_sums(folder)
    sums = []
    for file in dict.fromkeys([*files, *(f for f in expected if f.is_file())]):
        found = sha256(file)
        check_sum(file, found, expected)
        if file in files:
            sums.append(found)
    content = json.dumps({"files": sums, "settings": settings}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
