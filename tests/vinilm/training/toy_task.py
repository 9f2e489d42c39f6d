"""A task of milliseconds for the loop, with dropout; as a program of its own, so that it can be killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from vinilm.models.tensors import write_tensors
from vinilm.training import checkpoints
from vinilm.training.folder import RunFolder
from vinilm.training.loop import train
from vinilm.training.processes import accelerator_for, run_identity
from vinilm.training.settings import Phase, TrainingSettings

ROWS, WIDTH = 8, 4


class ToyTask:
    """A network learns the sum of numbers; ``poison``: the step in which its loss is no number."""

    def __init__(self, *, micro: int = 4, dropout: float = 0.1, poison: int | None = None) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(WIDTH, 16), nn.Dropout(dropout), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 1))
        self.micro, self.poison = micro, poison

    def prepare(self, device):
        self.device = device

    def batch(self, step, rank, world):
        rows = np.random.Generator(np.random.Philox(key=[1, step])).normal(size=(ROWS, WIDTH)).astype(np.float32)
        rows[:, 0] *= 1 if step != self.poison else np.nan
        own = rows[rank::world]
        return [torch.from_numpy(own[i : i + self.micro]) for i in range(0, len(own), self.micro)]

    def items(self, rows):
        return {"rows": len(rows), "tokens": rows.numel()}

    def loss(self, rows, items):
        errors = (self.model(rows).squeeze(-1) - rows.sum(1)).square()
        return errors.sum() / items["rows"], {"worst": (errors > 1).sum() / items["rows"]}

    def evaluate(self, rank, world):
        assert not self.model.training
        rows = torch.linspace(-1, 1, 40).reshape(10, 4)[rank::world]
        return {"loss": float((self.model(rows).squeeze(-1) - rows.sum(1)).square().sum()), "rows": len(rows)}

    def figures(self, sums):
        return {"loss": sums["loss"] / sums["rows"]}

    def save(self, folder):
        write_tensors(self.model.state_dict(), folder / "model.safetensors")
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text("{}")


def settings(**changes):
    kept = {"device": "cpu", "checkpoint_every": 7, "evaluate_every": 5, "learning_rate": 0.01, **changes}
    return TrainingSettings((Phase(8, 12), Phase(16, 8)), **kept)


def run(folder, *, resume=False, watch=None, notice=lambda _: None, task=None, **changes):
    """Train the toy as a command does."""
    chosen = settings(**changes)
    accelerator = accelerator_for(chosen)
    identity = run_identity(accelerator, chosen)
    with RunFolder(Path(folder), identity, resume=resume, is_main=accelerator.is_main_process) as place:
        accelerator.wait_for_everyone()
        if place.finished:
            return None
        return train(task or ToyTask(), chosen, place, accelerator, watch=watch, notice=notice)


def main(folder, *, die_at=None, die_in_checkpoint=None, largest_file=None, dropout=0.1, micro=4, **changes):
    """Run, and be killed at a step, or before the checkpoint of a step has its name; ``largest_file``: bytes of one."""
    if largest_file is not None:
        import resource  # not everywhere

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it; the system's answer is what counts
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    def watch(progress):
        if progress.step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(made):
        if made.name == f".step-{die_in_checkpoint:08d}.tmp":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(made)

    if die_in_checkpoint is not None:
        real, checkpoints.write_checksums = checkpoints.write_checksums, dying
    run(folder, watch=watch, task=ToyTask(dropout=dropout, micro=micro), **changes)


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
