"""How a training run goes: how long, how fast, how often it is looked at and saved."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.models import ModelFolder

PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")
# [CLS], [SEP] and some words between.
_SHORTEST = 8


@dataclass(frozen=True)
class Phase:
    """A part of a run: so many steps with sequences of at most ``length`` tokens, ``batch_size`` of them a step.

    ``batch_size``: None: as the settings say. Raises SettingsError for a number that is out of range.
    """

    length: int
    steps: int
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.length < _SHORTEST:
            raise SettingsError(f"phase {self}: sequences have at least {_SHORTEST} tokens")
        if self.steps < 1:
            raise SettingsError(f"phase {self}: at least 1 step is needed")
        if self.batch_size is not None and self.batch_size < 1:
            raise SettingsError(f"phase {self}: at least 1 sequence a step is needed")

    def __str__(self) -> str:
        return f"{self.length}:{self.steps}" + (f":{self.batch_size}" if self.batch_size is not None else "")

    @classmethod
    def parse(cls, text: str) -> Phase:
        """Return the phase that ``LENGTH:STEPS`` or ``LENGTH:STEPS:BATCH`` stands for. Raises SettingsError.

        >>> Phase.parse("128:60000")
        Phase(length=128, steps=60000, batch_size=None)
        """
        if not re.fullmatch(r"\d{1,9}:\d{1,12}(:\d{1,9})?", text, re.ASCII):
            raise SettingsError(f"phase {text!r:.80}: LENGTH:STEPS or LENGTH:STEPS:BATCH is needed, as in 128:60000")
        return cls(*map(int, text.split(":")))


@dataclass(frozen=True)
class TrainingSettings:
    """All that the loop depends on. Raises SettingsError for a value that is out of range."""

    phases: tuple[Phase, ...]
    #: Sequences a step, of all processes together.
    batch_size: int = 32
    #: Sequences that a process computes at a time, gradients are summed over the rest; None: all of a step.
    micro_batch: int | None = None
    #: The highest learning rate; reached after the warm-up.
    learning_rate: float = 1e-4
    #: Share of all steps in which the learning rate rises; after that it falls, to the end.
    warmup: float = 0.06
    #: Of AdamW; biases and LayerNorm are left out.
    weight_decay: float = 0.01
    #: Longest gradient (its norm over all parameters); 0: gradients are not clipped.
    clip: float = 1.0
    precision: str = "auto"
    device: str = "auto"
    seed: int = 42
    #: Steps between two evaluations; there is one before the first step and one after the last in any case.
    evaluate_every: int = 500
    #: Steps, and minutes, between two checkpoints.
    checkpoint_every: int = 500
    checkpoint_minutes: float = 30.0
    #: Checkpoints that are kept.
    keep: int = 2
    #: After so many minutes the run stops with a checkpoint; None: no limit.
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        if not self.phases:
            raise SettingsError("a phase is needed: LENGTH:STEPS")
        for name in ("batch_size", "evaluate_every", "checkpoint_every", "keep"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("micro_batch", self.micro_batch is None or self.micro_batch >= 1, "at least 1")
        self._check("learning_rate", 0 < self.learning_rate <= 1, "above 0, at most 1")
        self._check("warmup", 0 <= self.warmup < 1, "a share of the steps, from 0 to below 1")
        self._check("weight_decay", 0 <= self.weight_decay < 1, "from 0 to below 1")
        self._check("clip", 0 <= self.clip < math.inf, "0 or more")
        self._check("seed", 0 <= self.seed < 2**32, "from 0 to 4,294,967,295")
        self._check("checkpoint_minutes", self.checkpoint_minutes > 0, "above 0")
        self._check("max_minutes", self.max_minutes is None or self.max_minutes > 0, "above 0")
        for name, known in (("precision", PRECISIONS), ("device", DEVICES)):
            self._check(name, getattr(self, name) in known, f"one of {', '.join(known)}")

    def _check(self, name: str, holds: bool, needed: str) -> None:
        if not holds:
            raise SettingsError(f"{name}={getattr(self, name)!r} is out of range: {needed}")

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def place(self, step: int) -> tuple[int, int]:
        """Return for a step, counted from 0, the number of its phase and its number in that phase. Raises IndexError."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number, step
            step -= phase.steps
        raise IndexError("behind the last step")

    def sequences(self, phase: Phase) -> int:
        """Return the sequences of a step in ``phase``, of all processes together."""
        return phase.batch_size or self.batch_size

    def identity(self) -> dict[str, Any]:
        """Return what a run that goes on must share with the one that was interrupted: name for people -> JSON value."""
        return {
            "phases": [str(phase) for phase in self.phases],
            "batch-size": self.batch_size,
            "micro-batch": self.micro_batch,
            "learning-rate": self.learning_rate,
            "warmup": self.warmup,
            "weight-decay": self.weight_decay,
            "clip": self.clip,
            "seed": self.seed,
            "evaluate-every": self.evaluate_every,
        }


def check_phases(settings: TrainingSettings, model: ModelFolder, processes: int) -> None:
    """Raise SettingsError for a phase that the model, or so many processes, cannot compute."""
    for phase in settings.phases:
        most = model.shape.max_position_embeddings
        if phase.length > most:
            raise SettingsError(
                f"phase {phase}: sequences of {phase.length:,} tokens, but {model.path.name} reads {most:,} at most "
                "(max_position_embeddings); choose a shorter length"
            )
        if settings.sequences(phase) < processes:
            raise SettingsError(
                f"phase {phase}: {settings.sequences(phase)} sequences a step are too few for {processes} processes"
            )
