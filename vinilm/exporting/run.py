"""An export, from its beginning to its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.errors import ModelError
from vinilm.exporting.card import About, Facts, model_card, source_head
from vinilm.exporting.checking import Checked, checked
from vinilm.exporting.figures import copy_results, results_folder
from vinilm.exporting.folder import CARD, REPORT, check_target, copy_model, whole_folder
from vinilm.exporting.formats import by_format
from vinilm.exporting.sample import Sample, sample_of, true_states
from vinilm.exporting.training import TRAINING, training_facts
from vinilm.exporting.weights import store_weights
from vinilm.models import ModelFolder, open_model, write_checksums
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write
from vnlp_prep.errors import InputError, OutputError

if TYPE_CHECKING:
    from vinilm.pooling import Floats
    from vnlp_prep import Preprocessor

#: The recipe in an export.
RECIPE = "recipe.toml"
#: Libraries that have a part in what is written.
_LIBRARIES = (
    "vnlp-prep",
    "torch",
    "transformers",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "openvino",
    "nncf",
    "keras",
    "tensorflow",
)


@dataclass(frozen=True)
class Settings:
    """How a model is exported."""

    #: Names of :data:`vinilm.exporting.formats.NAMES`.
    formats: Sequence[str] = ("onnx",)
    #: What the model's own weights are stored as, one of :data:`vinilm.exporting.formats.WEIGHTS`.
    weights: str = "as-is"
    #: Of the model, in its card. Default: that of the folder.
    name: str | None = None
    license: str | None = None
    base_model: str | None = None
    language: str = "en"
    #: Whether a model without a preprocessor gets the shipped one.
    clean: bool = True
    #: ``as-is``, ``plain`` (sentence-transformers' own, which do not clean) or ``cleaning``.
    modules: str = "as-is"
    #: The folder that ``vinilm evaluate`` wrote. Default: what the model's folder has.
    results: str | None = None
    recipe: str | None = None
    #: A file of Markdown that goes into the card.
    notes: str | None = None
    #: Texts to measure the ranges of activations with, for int8. Default: the sample documents.
    texts: Sequence[str] | None = None


def export(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> list[Checked]:
    """Write the model ``source`` (see :func:`vinilm.models.find_model`) to the folder ``target``, with files for other runtimes.

    Every file is compared with the source; ``target`` appears when all of them passed, with a model card and ``SHA256SUMS``.
    ``say`` is told what goes on. Returns what was found of the files.

    Raises ModelError for a model that cannot be used, BackendError when a library is missing or a file is too far from the
    source, InputError, SettingsError, OutputError: then nothing is written, and an earlier export is as it was.
    """
    settings = settings or Settings()
    model, folder = open_model(source), Path(target)
    check_target(folder, model.path)
    # What may be wrong is found before the long work begins.
    modules = {name: import_module(f"vinilm.exporting.{name}_files") for name in by_format(settings.formats)}
    for name, weights in by_format(settings.formats).items():
        modules[name].check_installed(weights)
    results = results_folder(settings.results, model.path)
    recipe = _recipe(settings.recipe, model.path)
    notes = _content(Path(settings.notes)) if settings.notes is not None else None
    rewritten = settings.weights != "as-is"
    checks = _checks(model) if modules or rewritten else None
    with whole_folder(folder) as part:
        try:
            copied = _copied(model, part, settings)
            files = []
            if checks and rewritten:
                files.append(checked(store_weights(part, settings.weights), part, *checks, model.pooling))
                say(line_of(files[-1]))
                # The other files are those of the weights that the folder now has.
                copied = open_model(part)
                checks = _checks(copied) if modules else None
            if checks:
                files += _write_formats(copied, modules, settings, checks, say)
            training = training_facts(model.path)
            if training:
                _write_json(part / TRAINING, training)
            if recipe is not None:
                (part / RECIPE).write_text(recipe, encoding="utf-8")
            if results is not None:
                copy_results(results, part)
            about = _about(model, source, folder, settings)
            facts = Facts(about, copied, files, training, recipe, notes)
            _write_json(part / REPORT, _report(model, files, settings))
            (part / CARD).write_text(model_card(facts, part), encoding="utf-8")
            write_checksums(part)
        except OSError as error:
            if isinstance(error, (InputError, OutputError)):
                raise
            raise cannot_write(shown(folder), error) from None
    return files


def _copied(model: ModelFolder, part: Path, settings: Settings) -> ModelFolder:
    """Return the copy of ``model`` in ``part``. Raises ModelError if it is not the same model, OSError."""
    from vinilm.exporting.modules import set_modules
    from vnlp_prep import Preprocessor

    copy_model(model, part, Preprocessor() if settings.clean else None)
    set_modules(part, settings.modules)
    copied = open_model(part)
    if copied.fingerprint != model.fingerprint:
        raise ModelError(f"{model.path}: changed while it was copied; run again")
    return copied


def _checks(model: ModelFolder) -> tuple[Sample, Sequence[Floats]]:
    """Return what files are checked with, and what the ``model`` makes of it. Raises ModelError."""
    from vinilm.quantize import sample_texts

    sample = sample_of(model, sample_texts(), _preprocessor(model))
    return sample, true_states(model.encoder, sample)


def _write_formats(
    model: ModelFolder,
    modules: Mapping[str, Any],
    settings: Settings,
    checks: tuple[Sample, Sequence[Floats]],
    say: Callable[[str], None],
) -> list[Checked]:
    """Write and check what ``settings`` ask for, into the folder of ``model``. Raises as :func:`export`."""
    from vinilm.quantize import sample_texts

    files = []
    for name, weights in by_format(settings.formats).items():
        say(f"{name}: {', '.join(weights)}")
        more = []
        if name == "openvino":
            preprocessor, texts = _preprocessor(model), list(settings.texts or sample_texts())
            more = [preprocessor(texts) if preprocessor else texts]
        for exported in modules[name].export(model.encoder, model.shape, weights, *more):
            files.append(checked(exported, model.encoder, *checks, model.pooling))
            say(line_of(files[-1]))
    return files


def line_of(file: Checked) -> str:
    """Return what was found of a file, on a line."""
    return (
        f"{file.file.as_posix()}: {file.bytes / 1e6:,.1f} MB, weights in {file.weights}; beside the source in float32: cosine "
        f"{file.cosine:.6f} or better, largest difference {file.difference:.1g}"
    )


def _preprocessor(model: ModelFolder) -> Preprocessor | None:
    from vnlp_prep import Preprocessor

    return Preprocessor.load(model.preprocessor) if model.preprocessor is not None else None


def _recipe(named: str | None, model: Path) -> str | None:
    """Return the text of the recipe that was named, else of that in the model's folder, if there is one. Raises InputError."""
    file = Path(named) if named is not None else model / RECIPE
    if named is None and not file.is_file():
        return None
    return _content(file)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{shown(file)}: cannot be read: {error}") from None


def _about(model: ModelFolder, source: str | os.PathLike[str], folder: Path, settings: Settings) -> About:
    """Return what the card says of the model: what was asked for, else what the source's own card says."""
    head = source_head(model.path)
    base = settings.base_model or _text(head.get("base_model"))
    if base is None and not Path(source).exists():
        base = str(source)  # a name on the hub
    return About(
        settings.name or folder.resolve().name,
        settings.license or _text(head.get("license")),
        base,
        settings.language,
    )


def _text(value: Any) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, str) else None


def _report(model: ModelFolder, files: Sequence[Checked], settings: Settings) -> dict[str, Any]:
    return {
        "fingerprint": model.fingerprint,
        "formats": list(settings.formats),
        "files": [{**asdict(file), "file": file.file.as_posix()} for file in files],
        "versions": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
