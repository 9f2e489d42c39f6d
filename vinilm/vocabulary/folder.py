"""The folder of a model with other tokens: all that the source has, but weights of the old vocabulary; whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.models.files import CHECKSUMS, read_json_if_there, sha256
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from vinilm.models import ModelFolder

# Weights in other formats, and models that were made of them: they have the rows of the old vocabulary.
_OTHER_WEIGHTS = frozenset(
    (
        ".bin",
        ".ckpt",
        ".data",
        ".gguf",
        ".h5",
        ".keras",
        ".mlmodel",
        ".msgpack",
        ".onnx",
        ".onnx_data",
        ".ot",
        ".pb",
        ".pkl",
        ".pt",
        ".pth",
    )
)
_OPENVINO = "openvino*.xml"
#: Weights that were written -> their SHA-256. Terms come along when a model is trained or exported, this file does not: only a
#: folder that has it, and still has these weights, holds nothing that could not be made again.
MARKER = ".vinilm-vocab.json"
# What a training run keeps: it tells of the weights as they were before.
_TRAINING = "training"


def check_folder(output: Path, model: ModelFolder) -> None:
    """Raise OutputError if ``output`` must not or cannot become the folder of the new model: before anything is read."""
    name = shown(str(output))
    if output.is_symlink():
        raise OutputError(f"{name}: is a symbolic link; name the folder that it points to")
    if output.exists() and not output.is_dir():
        raise OutputError(f"{name}: is there and no folder; choose another name")
    mine, source = output.resolve(), model.path.resolve()
    if mine == source or mine in source.parents or source in mine.parents:
        raise OutputError(f"{name}: is the folder of the model itself, inside it or around it; the new model gets one of its own")
    if output.is_dir() and any(output.iterdir()) and not _is_ours(output):
        raise OutputError(
            f"{name}: is not empty, and not as this command has written it, or its model was trained since; choose another name, "
            "or remove it"
        )
    if not mine.parent.is_dir():
        raise OutputError(f"{name}: there is no folder {shown(str(mine.parent))}; make it first")
    if not os.access(mine.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{name}: the folder {shown(str(mine.parent))} cannot be written to")


def write_marker(folder: Path, weights: Sequence[str]) -> None:
    """Write down which weights, named by their places in ``folder``, this command has written. Raises ModelError, OSError."""
    sums = {name: sha256(folder / name) for name in weights}
    (folder / MARKER).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8", newline="\n")


def _is_ours(folder: Path) -> bool:
    """Whether this command wrote the folder, and nothing has trained its model since."""
    try:
        written = read_json_if_there(folder / MARKER)
        return bool(written) and all(sha256(folder / name) == said for name, said in written.items())
    except ModelError:  # a weight is gone, or this is another file of that name
        return False


@contextlib.contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Give an empty folder beside ``output``, which takes its place when all went well, and is removed if not. Raises OSError."""
    output = output.resolve()
    fresh, old = (output.with_name(f".{output.name}.{os.getpid()}.{what}") for what in ("new", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if output.is_dir() and any(output.iterdir()):
            output.replace(old)
        try:
            fresh.replace(output)
        except OSError:
            if old.exists():
                old.replace(output)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def copy_rest(model: ModelFolder, target: Path) -> list[str]:
    """Copy all files of the model but its weights and sums to ``target``; return what was left out: other, older weights.

    Hidden files stay behind, and so do folders that are links, and what a training run has kept. Raises OSError.
    """
    left_out = []
    was_trained = (model.path / _TRAINING / "run.json").is_file()
    for file in _files(model.path):
        name = file.relative_to(model.path)
        if file in model.weights or str(name) == CHECKSUMS or (was_trained and name.parts[0] == _TRAINING):
            continue
        if file.suffix in _OTHER_WEIGHTS or file.suffix == ".safetensors" or file.match(_OPENVINO):
            left_out.append(name.as_posix())
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)
    return left_out


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
