"""The options that training commands share, and what they are read into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vinilm.training.settings import DEVICES, PRECISIONS, Phase, TrainingSettings
from vnlp_prep.command_line import complete_files, reading_options, take_limits
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.models import ModelFolder
    from vinilm.training.corpus import Corpus

_F = TypeVar("_F", bound=Callable[..., Any])

_CORPUS = (
    click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Of the inputs. Default: by the name."),
    reading_options,
    click.option("--clean/--no-clean", default=True, help="Clean the texts first, as the model asks. Default: --clean."),
    click.option(
        "--preprocess",
        metavar="FOLDER",
        shell_complete=complete_files,
        help="A saved preprocessor, instead of that of the model.",
    ),
    click.option("--heldout", type=float, default=0.05, metavar="SHARE", help="Of the texts, to evaluate on. Default: 0.05."),
    click.option(
        "--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes that clean. The result is the same."
    ),
    click.option(
        "--rejects",
        metavar="FILE",
        shell_complete=complete_files,
        help="Where rejected records go. Default: FOLDER/training/rejects.jsonl.",
    ),
)
# Field of TrainingSettings -> type, metavar, help.
_SETTINGS: dict[str, tuple[Any, str | None, str]] = {
    "batch_size": (int, "N", "Sequences a step, of all processes together."),
    "micro_batch": (int, "N", "Sequences that are computed at a time. Default: all of a step."),
    "learning_rate": (float, "X", "The highest; it rises, then falls to the end."),
    "warmup": (float, "SHARE", "Of the steps, in which the learning rate rises."),
    "weight_decay": (float, "X", "Of AdamW; not for biases and LayerNorm."),
    "clip": (float, "X", "Longest gradient; 0: as long as it is."),
    "precision": (click.Choice(PRECISIONS), None, "auto: bfloat16 on a GPU that has it, else float32."),
    "device": (click.Choice(DEVICES), None, "auto: a GPU if there is one."),
    "seed": (int, "N", "Of all that is random."),
    "evaluate_every": (int, "STEPS", "Between two evaluations."),
    "checkpoint_every": (int, "STEPS", "Between two checkpoints."),
    "checkpoint_minutes": (float, "MINUTES", "Between two checkpoints, if that is sooner."),
    "keep": (int, "N", "Checkpoints that are kept."),
    "max_minutes": (float, "MINUTES", "Then stop, with a checkpoint to go on from."),
}


def corpus_options(command: _F) -> _F:
    """Add the options that say what is read, and how; :func:`take_corpus` takes them."""
    for option in reversed(_CORPUS):
        command = option(command)
    return command


def training_options(*, phases: str, **defaults: Any) -> Callable[[_F], _F]:
    """Add ``--phase``, the options of ``TrainingSettings`` (see :func:`take_settings`), ``--resume`` and ``--quiet``.

    ``phases``: the default, separated by spaces. ``defaults``: those that are not as in the class.
    """
    known = {field.name: field.default for field in fields(TrainingSettings)} | defaults

    def add(command: _F) -> _F:
        options = [
            click.option(
                "--phase",
                multiple=True,
                default=tuple(phases.split()),
                metavar="LENGTH:STEPS[:BATCH]",
                help=f"Repeatable: steps with sequences of at most so many tokens. Default: {phases}.",
            )
        ]
        for name, (kind, metavar, text) in _SETTINGS.items():
            default = known[name]
            said = "" if default is None else f" Default: {default:g}." if kind is float else f" Default: {default}."
            options.append(click.option(_flag(name), name, type=kind, metavar=metavar, default=default, help=text + said))
        options.append(click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, if there is one."))
        options.append(click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error."))
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def take_settings(options: dict[str, Any]) -> TrainingSettings:
    """Return the settings that were given, and take them out of ``options``. Raises SettingsError."""
    phases = tuple(Phase.parse(text) for text in options.pop("phase"))
    return TrainingSettings(phases, **{name: options.pop(name) for name in _SETTINGS})


def take_corpus(inputs: Sequence[str], options: dict[str, Any], model: ModelFolder, output: str) -> Corpus:
    """Return the corpus that was named, and take what it depends on out of ``options``.

    Raises InputError for an input that cannot be read, SettingsError, OutputError for rejects that cannot be written and for an
    input in the folder that the run clears.
    """
    from vinilm.training.corpus import Corpus
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.inputs import find_inputs
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.run import Options

    limits = take_limits(options)
    field, whole_file, on_missing, encoding = (options.pop(n) for n in ("field", "whole_file", "on_missing", "encoding"))
    reading = Options(field, whole_file, on_missing, encoding, limits)
    format = options.pop("format")
    files = [file.path for file in find_inputs(inputs, format=format, outputs=output)]
    _check_inputs(files, Path(output) / "training")
    corpus = sources(files, reading, format, None)
    rejects = options.pop("rejects") or f"{output}/training/rejects.jsonl"
    check_outputs([source.input for source in corpus], [], rejects=[rejects])
    _check_rejects(rejects, Path(output))
    preprocessor = _preprocessor(options.pop("clean"), options.pop("preprocess"), model)
    return Corpus(corpus, reading, preprocessor, rejects, options.pop("heldout"), options.pop("workers"))


def _check_inputs(files: Sequence[str], work: Path) -> None:
    """Raise OutputError for an input in the folder ``work`` of a run, which would be removed with the rest of it."""
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.errors import OutputError

    for file in files:
        if file != "-" and {work.absolute(), work.resolve()} & {*Path(file).absolute().parents, *Path(file).resolve().parents}:
            raise OutputError(
                f"{shown(file)}: lies in {shown(work)}, which belongs to the run; choose another place for one of them"
            )


def _check_rejects(file: str, output: Path) -> None:
    """Raise OutputError for rejects that could not be written, or would be lost: before anything is read."""
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.errors import OutputError

    real, folder = Path(file).resolve(), output.resolve()
    cleared = [folder / "training" / name for name in ("corpus", "checkpoints", "model")]
    if real == folder or any(place in (real, *real.parents) for place in cleared):
        raise OutputError(f"{shown(file)}: rejects cannot be kept there, it is a folder of the run; choose another place")


def _preprocessor(clean: bool, saved: str | None, model: ModelFolder) -> Any:
    from vnlp_prep import Preprocessor

    if saved is not None:
        if not clean:
            raise SettingsError("--no-clean and --preprocess exclude each other")
        return Preprocessor.load(saved)
    if not clean:
        return None
    return Preprocessor.load(model.preprocessor) if model.preprocessor else Preprocessor()
