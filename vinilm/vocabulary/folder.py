"""The folder of a model with other tokens: all that the source has, but weights of the old vocabulary; whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.models.files import CHECKSUMS
from vinilm.vocabulary.record import RECORD
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
    if output.is_dir() and any(output.iterdir()) and not (output / RECORD).is_file():
        raise OutputError(f"{name}: is not empty, and was not written by this command; choose another name, or empty it")
    if not mine.parent.is_dir():
        raise OutputError(f"{name}: there is no folder {shown(str(mine.parent))}; make it first")
    if not os.access(mine.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{name}: the folder {shown(str(mine.parent))} cannot be written to")


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

    Hidden files stay behind, and so do folders that are links. Raises OSError.
    """
    left_out = []
    for file in _files(model.path):
        name = file.relative_to(model.path)
        if file in model.weights or str(name) == CHECKSUMS:
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
