"""The loop: batch, loss, gradient, step; evaluation, metrics and checkpoints between. It knows no model and no loss.

What is trained, and on what, a :class:`Task` says. :func:`train` calls it like this, in every process:

    for step in range(steps):
        micro_batches = task.batch(step, rank, world)           # this process's part of the step; in a thread, ahead of time
        items = sum of task.items(m) over all of them, and over all processes
        for m in micro_batches:
            loss, parts = task.loss(m, items)                   # this micro-batch's SHARE of the loss of the step
            loss.backward()
        clip, AdamW, a line in metrics.jsonl

The loss of a step is the sum of the shares over all micro-batches of all processes. A share is therefore a sum over what counts
in the micro-batch, divided by how much of that there is in the whole step, which is what ``items`` is for:

    def items(self, m):        return {"masked": m.masked_count, "tokens": m.tokens}
    def loss(self, m, items):  return cross_entropy(..., reduction="sum") / items["masked"], {}

So the result does not depend on how a step is cut into micro-batches and processes, but for rounding.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn, optim

from vinilm.ahead import ahead
from vinilm.errors import TrainingError
from vinilm.training.checkpoints import State, last_checkpoint, load_checkpoint, read_state, save_checkpoint
from vinilm.training.folder import RunFolder
from vinilm.training.interrupts import Interrupts
from vinilm.training.metrics import Metrics, evaluations
from vinilm.training.processes import summed
from vinilm.training.random_state import restore, seed_all, state
from vinilm.training.schedule import learning_rate
from vinilm.training.settings import TrainingSettings
from vnlp_prep.command_line import SignalledError
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from accelerate import Accelerator

# As BERT and MiniLMv2 were trained (Devlin et al. 2018, Wang et al. 2021).
_BETAS, _EPSILON = (0.9, 0.999), 1e-6
#: Steps whose batches are ready before they are computed.
_AHEAD = 2


class Task(Protocol):
    """What is trained. All methods but ``batch`` are called in the main thread; a micro-batch may be any object."""

    @property
    def model(self) -> nn.Module:
        """What is trained. Other models that the task uses, such as a teacher, are no part of it.

        Every parameter that requires a gradient must get one in the last micro-batch of each step, with which processes add up
        their gradients: freeze the others (``requires_grad_(False)``).
        """

    def prepare(self, device: torch.device) -> None:
        """Bring to ``device`` what is not part of ``model``. Called once, before everything else."""

    def batch(self, step: int, rank: int, world: int) -> Sequence[Any]:
        """Return the micro-batches that process ``rank`` of ``world`` computes in ``step`` (from 0): at least one.

        A function of its arguments: no global random generator, nothing that depends on earlier calls. Runs in a thread.
        """

    def items(self, micro_batch: Any) -> Mapping[str, float]:
        """Return how much there is of all by which the loss is divided: name -> number, always the same names.

        ``tokens``, if it is there, is what the speed is measured by.
        """

    def loss(self, micro_batch: Any, items: Mapping[str, float]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the micro-batch's share of the loss of the step (a scalar), and of other figures of it for ``metrics.jsonl``.

        ``items``: summed over all micro-batches of the step, of all processes. Under autocast if the run is in bfloat16.
        """

    def evaluate(self, rank: int, world: int) -> Mapping[str, float]:
        """Return sums over this process's part of the held-out data: name -> number, always the same names.

        The model is in ``eval`` mode, without gradients. May not draw from a global random generator.
        """

    def figures(self, sums: Mapping[str, float]) -> Mapping[str, float]:
        """Return what is to be told of the sums of all processes, ``loss`` among them."""

    def save(self, folder: Path) -> None:
        """Write the model with all that belongs to it into ``folder``, which is empty. Checksums are added to it."""


@dataclass(frozen=True)
class Progress:
    """What is told of a run while it goes on."""

    step: int
    steps: int
    #: The line that was added to ``metrics.jsonl``.
    values: Mapping[str, Any]
    #: Seconds of training, without interruptions; and how many are left at this pace, None if that is not known yet.
    seconds: float
    left: float | None


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    steps: int
    seconds: float
    #: What the last evaluation told.
    figures: Mapping[str, float]


def train(
    task: Task,
    settings: TrainingSettings,
    folder: RunFolder,
    accelerator: Accelerator,
    *,
    watch: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Train the model of ``task`` and write it into ``folder``, which is open; go on from the checkpoint that is there, if any.

    Every process calls this. The same losses to the last bit, whether it is interrupted or not, on the same machine with the
    same number of threads (on a GPU: where its kernels are deterministic). ``watch`` is called in the first process; ``notice``
    is told, in all of them, from which step the run goes on, and of a checkpoint that is damaged.

    Raises TrainingError for a loss that is no number, and when the time is up; SignalledError for a signal that asks to end: in
    these two cases with a checkpoint. SettingsError for a batch that is too small for the processes, OutputError.
    """
    return _Run(task, settings, folder, accelerator, watch, notice).go()


class _Shares(nn.Module):
    """The loss as a module, so that whatever Accelerate does to a module is done around all that a task computes."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.model = task.model
        self._task = task

    def forward(self, micro_batch: Any, items: Mapping[str, float]) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self._task.loss(micro_batch, items)


class _Run:
    """The state of a run."""

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        folder: RunFolder,
        accelerator: Accelerator,
        watch: Callable[[Progress], None] | None,
        notice: Callable[[str], None],
    ) -> None:
        self.task, self.settings, self.folder, self.accelerator = task, settings, folder, accelerator
        self.watch, self.notice = watch, notice
        self.metrics = Metrics(folder.metrics)
        self.rank, self.world = accelerator.process_index, accelerator.num_processes
        self.state = State()
        self.figures: Mapping[str, float] = {}
        self._saved_step = -1  # of the last checkpoint; -1: there is none

    def go(self) -> Outcome:
        task, settings, device = self.task, self.settings, self.accelerator.device
        seed_all(settings.seed + self.rank)
        task.prepare(device)
        task.model.to(device)
        self.optimizer = _optimizer(task.model, settings, fused=device.type == "cuda")
        with warnings.catch_warnings():
            # torch 2.13 gives the setting that buffers are left alone a new name, which Accelerate does not know yet.
            warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
            self.module = self.accelerator.prepare(_Shares(task))
        self._restore()
        started = self._last_save = self._counted = self._step_started = time.monotonic()
        with Interrupts(patient=self.world > 1) as interrupts:
            if self._saved_step < 0:
                self._evaluate()
            task.model.train()
            with closing(ahead(self._batch, range(self.state.step, settings.steps), _AHEAD)) as batches:
                for micro_batches in batches:
                    items = self._agreed(micro_batches, interrupts, started)
                    self._step(micro_batches, items)
            if settings.steps > self._saved_step:
                self._save()
        if self.accelerator.is_main_process:
            self.folder.finish(task.save)
        self.accelerator.wait_for_everyone()
        return Outcome(settings.steps, self.state.seconds, self.figures)

    def _restore(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        checkpoint, damaged = last_checkpoint(self.folder.checkpoints)
        if checkpoint is not None:
            self.state = read_state(checkpoint)
            restore(load_checkpoint(checkpoint, self.task.model, self.optimizer, self.rank), self.accelerator.device)
            self._saved_step = self.state.step
        for reason in damaged:
            self.notice(f"a damaged checkpoint is passed over: {reason}")
        if checkpoint is not None or damaged:
            self.notice(f"going on after step {self.state.step:,} of {self.settings.steps:,}")
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            self.metrics.cut(self.state.step if checkpoint else -1)
            if told := evaluations(self.folder.metrics):
                self.figures = told[-1]

    def _batch(self, step: int) -> list[tuple[Any, Mapping[str, float]]]:
        return [(micro_batch, self.task.items(micro_batch)) for micro_batch in self.task.batch(step, self.rank, self.world)]

    def _count_time(self) -> None:
        """Add the time since this was last called."""
        now = time.monotonic()
        self.state = replace(self.state, seconds=self.state.seconds + now - self._counted)
        self._counted = now

    def _agreed(
        self, micro_batches: Sequence[tuple[Any, Mapping[str, float]]], interrupts: Interrupts, started: float
    ) -> dict[str, float]:
        """Return the items of the step, of all processes; before, do what all of them have to do at one time."""
        now, main = time.monotonic(), self.accelerator.is_main_process
        limit = self.settings.max_minutes
        flags = {
            ".interrupted": interrupts.number is not None,
            ".time is up": main and limit is not None and now - started >= limit * 60,
            ".save": main and now - self._last_save >= self.settings.checkpoint_minutes * 60,
        }
        if not micro_batches:
            raise SettingsError(
                f"step {self.state.step + 1:,}: the batch is too small for {self.world} processes, one has nothing to do; "
                "make the batch larger, or use fewer processes"
            )
        names = micro_batches[0][1]
        items = {name: math.fsum(own[name] for _, own in micro_batches) for name in names}
        total = summed(self.accelerator, {**flags, **items})
        done = {name: total.pop(name) for name in flags}
        if done[".interrupted"] or done[".time is up"]:
            if self.state.step > self._saved_step:
                self._save()
            if done[".interrupted"]:
                raise SignalledError(interrupts.number or 15)
            raise TrainingError(
                f"{shown(self.folder.root)}: the time is up after {self.state.step:,} of {self.settings.steps:,} steps; "
                "a checkpoint is written, go on with --resume"
            )
        if done[".save"]:
            self._save()
        return total

    def _step(self, micro_batches: Sequence[tuple[Any, Mapping[str, float]]], items: Mapping[str, float]) -> None:
        """Do a step, and what is due after it."""
        settings, step = self.settings, self.state.step
        rate = learning_rate(step, settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        shares: dict[str, Tensor] = {}
        for number, (micro_batch, _) in enumerate(micro_batches, 1):
            if number < len(micro_batches):
                with self.accelerator.no_sync(self.module):
                    self._backward(micro_batch, items, shares)
            else:
                self._backward(micro_batch, items, shares)
        total = summed(self.accelerator, {name: float(share) for name, share in shares.items()})
        norm = float(self._clipped())
        self._check(step + 1, {**total, "norm of the gradient": norm})
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        seconds = max(time.monotonic() - self._step_started, 1e-9)
        phase, _ = settings.place(step)
        self.state = replace(self.state, step=step + 1)
        values = {**total, "learning_rate": rate, "gradient_norm": norm, "length": settings.phases[phase].length}
        self._tell(values | ({"tokens_per_second": round(items["tokens"] / seconds, 1)} if "tokens" in items else {}))
        if self.state.step == settings.steps or not self.state.step % settings.evaluate_every:
            self._evaluate()
        if not self.state.step % settings.checkpoint_every:
            self._save()
        self._step_started = time.monotonic()

    def _check(self, step: int, values: Mapping[str, float]) -> None:
        """Raise TrainingError unless all values are finite: what is not finite spreads to all parameters, and stays."""
        bad = ", ".join(f"{name} {value}" for name, value in values.items() if not math.isfinite(value))
        if bad:
            raise TrainingError(
                f"{shown(self.folder.root)}: training has diverged at step {step:,} ({bad}); begin anew in another "
                "folder, with a lower --learning-rate, a longer --warmup, or --precision float32"
            )

    def _backward(self, micro_batch: Any, items: Mapping[str, float], shares: dict[str, Tensor]) -> None:
        loss, parts = self.module(micro_batch, items)
        # Processes average their gradients, but the loss is the sum of the shares.
        self.accelerator.backward(loss * self.world)
        for name, share in {"loss": loss, **parts}.items():
            shares[name] = shares.get(name, 0.0) + share.detach().double()  # a GPU is not waited for

    def _clipped(self) -> Tensor:
        """Return the norm of the gradient, which is shortened if the settings say so."""
        parameters = [p for p in self.module.parameters() if p.grad is not None]
        norm: Tensor = nn.utils.clip_grad_norm_(parameters, self.settings.clip or math.inf)
        return norm

    def _evaluate(self) -> None:
        model = self.task.model
        model.eval()
        with torch.no_grad(), self.accelerator.autocast():
            sums = self.task.evaluate(self.rank, self.world)
        model.train()
        self.figures = dict(self.task.figures(summed(self.accelerator, sums)))
        self._check(self.state.step, self.figures)
        self._tell({"evaluation": self.figures})

    def _tell(self, values: Mapping[str, Any]) -> None:
        if not self.accelerator.is_main_process:
            return
        self._count_time()
        line = {"step": self.state.step, **values, "seconds": round(self.state.seconds, 3)}
        self.metrics.add(line)
        if self.watch:
            seconds, step, steps = self.state.seconds, self.state.step, self.settings.steps
            self.watch(Progress(step, steps, line, seconds, seconds / step * (steps - step) if step and seconds else None))

    def _save(self) -> None:
        """Write a checkpoint. All processes come here at one step."""
        own = state(self.accelerator.device)
        random = {f"{self.rank}.{name}": tensor for name, tensor in own.items()}
        if self.world > 1:
            random = {}
            for name, tensor in own.items():
                gathered = self.accelerator.gather(tensor.to(self.accelerator.device)[None])
                random |= {f"{rank}.{name}": one.cpu().clone() for rank, one in enumerate(gathered)}
        if self.accelerator.is_main_process:
            self._count_time()
            self.metrics.sync()
            save_checkpoint(self.folder.checkpoints, self.state, self.task.model, self.optimizer, random, keep=self.settings.keep)
        self._saved_step, self._last_save = self.state.step, time.monotonic()
        self.accelerator.wait_for_everyone()


def _optimizer(model: nn.Module, settings: TrainingSettings, *, fused: bool) -> optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter 2019); biases and LayerNorm, the parameters of one dimension, do not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return optim.AdamW(groups, lr=settings.learning_rate, betas=_BETAS, eps=_EPSILON, fused=fused)
