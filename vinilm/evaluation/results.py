"""What an evaluation found: figures of systems under conditions, with intervals, differences, and what cleaning brings back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from vinilm.evaluation.bootstrap import Array, Difference, Figure, difference, interval, resampled
from vinilm.evaluation.conditions import pairs


class Key(NamedTuple):
    """Which figure."""

    system: str
    condition: str
    measure: str


class Recovery(NamedTuple):
    """What share of the loss by damage cleaning brings back; the loss is counted from the raw or from the cleaned text."""

    share: float
    #: 95 % interval.
    low: float
    high: float


class Cell(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass
class Result:
    """The figures of one set."""

    #: ``retrieval`` or ``classification``.
    task: str
    name: str
    #: What the set has: documents, queries, ...
    size: dict[str, int]
    #: Models first, in their order, then what they are compared with (BM25, the majority).
    systems: list[str]
    #: Of the systems, those that are models.
    models: list[str]
    conditions: list[str]
    measures: list[str]
    #: Ids of queries or test examples.
    items: list[str]
    #: Of classification: the labels of the test examples.
    truth: list[str] = field(default_factory=list)
    figures: dict[Key, Figure] = field(default_factory=dict)
    #: For each item what a system said: values by measure, or predicted labels by classifier.
    details: dict[Key, list[Any]] = field(default_factory=dict)
    #: (system, condition) -> texts, tokens, seconds.
    efforts: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    #: (system, condition, classifier) -> what was chosen for it.
    choices: dict[Key, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def _resampled(self) -> dict[Key, Array]:
        return dict(zip(self.figures, resampled(list(self.figures.values())), strict=True))

    @cached_property
    def cells(self) -> dict[Key, Cell]:
        """Every figure with its interval."""
        return {key: Cell(figure.value, *interval(self._resampled[key])) for key, figure in self.figures.items()}

    def value(self, system: str, condition: str, measure: str) -> float:
        """Return a figure: ``result.value("all-MiniLM-L6-v2", "raw", "nDCG@10")``. Raises KeyError if there is none."""
        return self.figures[Key(system, condition, measure)].value

    def difference(self, a: Key, b: Key) -> Difference:
        """Return a figure minus another of the same set, by paired bootstrap."""
        return difference(self.cells[a].value, self.cells[b].value, self._resampled[a], self._resampled[b])

    def between_conditions(self) -> dict[tuple[Key, str], Difference]:
        """Return (a figure, another condition) -> the difference to that condition, of all that are to be compared."""
        return {
            (key, other): self.difference(key, key._replace(condition=other))
            for key in self.figures
            for condition, other in pairs(self.conditions)
            if key.condition == condition and key.system in self.readers
        }

    def between_models(self) -> dict[Key, Difference]:
        """Return the difference of every other system to the first model, under each condition."""
        first = self.systems[0]
        return {key: self.difference(key, key._replace(system=first)) for key in self.figures if key.system != first}

    def recovery(self, system: str, measure: str, kind: str = "", reference: str = "raw") -> Recovery | None:
        """Return what share of the loss by damage cleaning brings back, None if the damage costs too little to tell.

        ``kind``: of the damage, if each kind was evaluated alone; ``reference``: ``raw`` or ``cleaned``. Too little: the
        interval of the loss holds zero.
        """
        suffix = f":{kind}" if kind else ""
        keys = [Key(system, c, measure) for c in (reference, f"damaged{suffix}", f"damaged-cleaned{suffix}")]
        if any(key not in self.figures for key in keys):
            return None
        whole, damaged, mended = (self._resampled[key] for key in keys)
        if interval(whole - damaged)[0] <= 0:
            return None
        # Resamples without a loss, at most a fortieth of them, have no share.
        is_loss = whole > damaged
        shares = (mended - damaged)[is_loss] / (whole - damaged)[is_loss]
        a, b, c = (self.cells[key].value for key in keys)
        return Recovery((c - b) / (a - b), *interval(shares))

    @property
    def readers(self) -> list[str]:
        """The systems that look at the text: all but the majority."""
        return self.systems if self.task == "retrieval" else self.models

    @property
    def kinds(self) -> list[str]:
        """Kinds of damage that were evaluated alone."""
        return list(dict.fromkeys(name.partition(":")[2] for name in self.conditions if ":" in name))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the figures of single items, for JSON."""
        return {
            "task": self.task,
            "name": self.name,
            "size": self.size,
            "notes": self.notes,
            "figures": [{**key._asdict(), **_rounded(cell)} for key, cell in self.cells.items()],
            "differences": [
                {**key._asdict(), "to": other, **_rounded(found)} for (key, other), found in self.between_conditions().items()
            ],
            "differences_between_systems": [
                {**key._asdict(), "to": self.systems[0], **_rounded(found)} for key, found in self.between_models().items()
            ],
            "brought_back": [
                {"system": system, "measure": measure, "damage": kind or "all", "of": reference, **_rounded(found)}
                for system in self.readers
                for measure in self.measures
                for kind in ("", *self.kinds)
                for reference in ("raw", "cleaned")
                if (found := self.recovery(system, measure, kind, reference))
            ],
            "speed": [{"system": s, "condition": c, **effort} for (s, c), effort in self.efforts.items()],
            "choices": [{**key._asdict(), "chosen": chosen} for key, chosen in self.choices.items()],
        }

    def per_item(self) -> list[dict[str, Any]]:
        """Return a record for each system, condition and measure (or classifier) with what it said of each item."""
        return [
            {"task": self.task, "set": self.name, **key._asdict(), "items": dict(zip(self.items, values, strict=True))}
            for key, values in self.details.items()
        ]


def _rounded(values: NamedTuple) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in values._asdict().items()}


def as_floats(values: Any) -> list[float]:
    """Return the values as JSON has them, not rounded: a later run compares them with its own."""
    return [float(value) for value in np.asarray(values)]
