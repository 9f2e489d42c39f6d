"""The learning rate: it rises linearly from almost nothing, then falls linearly; the last step still learns."""

from __future__ import annotations

from vinilm.training.settings import TrainingSettings


def warmup_steps(settings: TrainingSettings) -> int:
    """Return in how many steps the learning rate rises."""
    return round(settings.warmup * settings.steps)


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """Return the learning rate of ``step``, counted from 0.

    Both lines reach 0 one step outside of the run, so that no step is spent at a learning rate of 0.

    >>> from vinilm.training.settings import Phase
    >>> settings = TrainingSettings((Phase(128, 8),), learning_rate=0.4, warmup=0.5)
    >>> [round(learning_rate(step, settings), 2) for step in range(8)]
    [0.08, 0.16, 0.24, 0.32, 0.4, 0.3, 0.2, 0.1]
    """
    rising, total = warmup_steps(settings), settings.steps
    if step < rising:
        return settings.learning_rate * (step + 1) / (rising + 1)
    return settings.learning_rate * (total - step) / (total - rising)
