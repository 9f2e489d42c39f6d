"""Checkpoints: all that a run needs to go on, in folders that are whole or not there. Tensors and JSON; nothing is unpickled.

step-00000500/model.safetensors      parameters and buffers
              optimizer.safetensors  what AdamW remembers of each parameter
              random.safetensors     states of the random generators, of each process
              state.json             step, seconds
              SHA256SUMS             of the other files
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.errors import ModelError, TrainingError
from vinilm.models import write_checksums
from vinilm.models.files import expected_sums, sha256
from vinilm.models.tensors import write_tensors
from vinilm.training.tokens import write_json
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

_NAME = re.compile(r"step-(\d{8,})")
_FILES = ("model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json")


@dataclass(frozen=True)
class State:
    """Where a run is."""

    #: Steps that are done.
    step: int = 0
    #: Seconds of training, without interruptions.
    seconds: float = 0.0


def save_checkpoint(
    folder: Path, state: State, model: nn.Module, optimizer: optim.Optimizer, random: dict[str, Tensor], *, keep: int
) -> Path:
    """Write the checkpoint of ``state`` into ``folder`` and remove all but the last ``keep``. Raises OutputError.

    Those of later steps go, too: had they been whole, the run would have gone on from them.
    """
    final = folder / f"step-{state.step:08d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        write_tensors(tensors_of(model), temporary / "model.safetensors")
        write_tensors(_optimizer_tensors(model, optimizer), temporary / "optimizer.safetensors")
        write_tensors(random, temporary / "random.safetensors")
        write_json(temporary / "state.json", {"step": state.step, "seconds": state.seconds})
        write_checksums(temporary)
        for file in temporary.iterdir():
            _flush(file)
        if final.exists():  # of the same step, and damaged, or this run would not be here
            shutil.rmtree(final)
        temporary.rename(final)
        _flush(folder)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)  # a full disk needs the room
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise cannot_write(shown(temporary), error) from None
        raise
    there = _folders(folder)
    place = there.index(final)
    for other in (*there[: max(place + 1 - keep, 0)], *there[place + 1 :]):
        shutil.rmtree(other, ignore_errors=True)
    return final


def last_checkpoint(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the newest checkpoint whose files are as they were written, if there is one; and what is wrong with newer ones."""
    wrong = []
    for checkpoint in reversed(_folders(folder)):
        try:
            sums = expected_sums(checkpoint)
            for name in _FILES:
                if sums.get(checkpoint / name) != sha256(checkpoint / name):
                    raise ModelError(f"{checkpoint / name}: its SHA-256 is not the one in SHA256SUMS")
        except ModelError as error:
            wrong.append(str(error))
            continue
        return checkpoint, wrong
    return None, wrong


def read_state(checkpoint: Path) -> State:
    """Return where the run was."""
    return State(**json.loads((checkpoint / "state.json").read_text(encoding="utf-8")))


def load_checkpoint(checkpoint: Path, model: nn.Module, optimizer: optim.Optimizer, rank: int) -> dict[str, Tensor]:
    """Set model and optimizer to what the checkpoint says; return the states of the random generators of process ``rank``.

    Raises TrainingError if it is of another model.
    """
    import torch
    from safetensors.torch import load_file

    saved, own = load_file(checkpoint / "model.safetensors"), tensors_of(model)
    if saved.keys() != own.keys() or any(saved[name].shape != own[name].shape for name in own):
        raise TrainingError(
            f"{shown(checkpoint)}: of another model than the one that is trained; remove it to begin from the beginning"
        )
    places = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in saved.items():
            places[name].copy_(tensor)
    memory: dict[int, dict[str, Tensor]] = {}
    numbers = _numbers(model, optimizer)
    for name, tensor in load_file(checkpoint / "optimizer.safetensors").items():
        parameter, _, key = name.rpartition(":")
        memory.setdefault(numbers[parameter], {})[key] = tensor
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
    states = load_file(checkpoint / "random.safetensors")
    return {name.partition(".")[2]: tensor for name, tensor in states.items() if name.partition(".")[0] == str(rank)}


def remove_remains(folder: Path) -> None:
    """Remove what a run that was killed had not finished to write."""
    if folder.is_dir():
        for file in folder.glob(".step-*.tmp"):
            shutil.rmtree(file, ignore_errors=True)


def _folders(folder: Path) -> list[Path]:
    """Return the checkpoints, the oldest first."""
    if not folder.is_dir():
        return []
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)) and path.is_dir()]
    return [path for _, path in sorted(found)]


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Return parameters and saved buffers as safetensors wants them: each once, though it may have several names."""
    saved = model.state_dict(keep_vars=True)
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in saved}
    return {name: tensor.detach().contiguous() for name, tensor in {**dict(model.named_parameters()), **buffers}.items()}


def _optimizer_tensors(model: nn.Module, optimizer: optim.Optimizer) -> dict[str, Tensor]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        f"{names[id(parameter)]}:{key}": value.contiguous()
        for parameter, values in optimizer.state.items()
        for key, value in values.items()
    }


def _numbers(model: nn.Module, optimizer: optim.Optimizer) -> dict[str, int]:
    """Return the number that the optimizer has given each parameter, by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    parameters: list[Any] = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {names[id(parameter)]: number for number, parameter in enumerate(parameters)}


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk, as far as the system can do that."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
