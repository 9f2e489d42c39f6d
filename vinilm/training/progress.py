"""What people see of a training run: a bar on a terminal, a line for each evaluation anywhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from vnlp_prep.terminal import duration, rate

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from vinilm.training.loop import Progress


class TrainingProgress:
    """Shows where a run is, on standard error; in its block."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None

    def __enter__(self) -> TrainingProgress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            columns = [BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.fields[figures]}", markup=False)]
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.add_task("", total=None, figures="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show a step, or an evaluation."""
        values = progress.values
        if "evaluation" in values:
            self.say(f"step {progress.step:,} of {progress.steps:,}  held out: {figures(values['evaluation'])}{_left(progress)}")
        if self._bar:
            text = f"step {progress.step:,} of {progress.steps:,}"
            if "loss" in values:
                text += f"  loss {values['loss']:.3f}"
            if "tokens_per_second" in values:
                text += f"  {rate(values['tokens_per_second'], 1)} tokens/s"
            self._bar.update(self._bar.tasks[0].id, total=progress.steps, completed=progress.step, figures=text + _left(progress))

    def say(self, line: str) -> None:
        """Write a line, above the bar if there is one."""
        if self._bar:
            self._bar.console.print(line, markup=False, highlight=False)
        elif not self._quiet:
            click.echo(line, err=True)


def figures(values: Mapping[str, float]) -> str:
    """Return the figures of an evaluation for people.

    >>> figures({"loss": 2.3456, "accuracy": 0.51234})
    'loss 2.346, accuracy 51.2 %'
    """
    return ", ".join(
        f"{name.replace('_', ' ')} " + (f"{100 * value:.1f} %" if name.endswith("accuracy") else f"{value:.3f}")
        for name, value in values.items()
    )


def _left(progress: Progress) -> str:
    return f"  {duration(progress.left)} left" if progress.left else ""
