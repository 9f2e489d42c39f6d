"""The conditions under which a set is evaluated: the text as it is, cleaned, damaged, damaged and then cleaned."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vinilm.evaluation.damage import KINDS, Damager
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.evaluation.encoder import Effort
    from vnlp_prep import Preprocessor

#: Their names, in the order in which they are shown.
CONDITIONS = ("raw", "cleaned", "damaged", "damaged-cleaned")


@dataclass(frozen=True)
class Condition:
    """What is done to the texts of both sides: queries and documents, training and test."""

    name: str
    damager: Damager | None = None
    is_cleaned: bool = False

    def texts(self, texts: Sequence[str], names: Sequence[str], preprocessor: Preprocessor, effort: Effort) -> list[str]:
        """Return the texts as they are under this condition; ``names`` tell equal ones apart when they are damaged."""
        found = list(texts)
        if self.damager:
            damaged = [self.damager(text, name) for text, name in zip(texts, names, strict=True)]
            effort.words += sum(d.words for d in damaged)
            effort.damaged_words += sum(d.damaged for d in damaged)
            found = [d.text for d in damaged]
        if self.is_cleaned:
            began = time.perf_counter()
            found = preprocessor(found)
            effort.cleaning_seconds += time.perf_counter() - began
        return found


@dataclass(frozen=True)
class Conditions:
    """Which conditions, and what damage: the share of words, its kinds, its seed; ``by_kind``: each kind alone as well."""

    names: tuple[str, ...] = CONDITIONS
    damage: float = 0.1
    kinds: tuple[str, ...] = KINDS
    by_kind: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in CONDITIONS]
        if unknown or not self.names:
            raise SettingsError(f"the condition {', '.join(unknown)!r} is unknown; conditions are {', '.join(CONDITIONS)}")
        self.damager()

    def damager(self, *kinds: str) -> Damager:
        """Return what damages with these kinds, by default all. Raises SettingsError."""
        return Damager(self.damage, kinds or self.kinds, self.seed)

    def each(self) -> list[Condition]:
        """Return the conditions in their order."""
        found = [_condition(name, self.damager()) for name in CONDITIONS if name in self.names]
        if self.by_kind and len(self.kinds) > 1:
            damaged = [name for name in self.names if name.startswith("damaged")]
            found += [_condition(name, self.damager(kind), f":{kind}") for kind in self.kinds for name in damaged]
        return found


def _condition(name: str, damager: Damager, suffix: str = "") -> Condition:
    return Condition(name + suffix, damager if name.startswith("damaged") else None, name.endswith("cleaned"))


def pairs(conditions: Iterable[str]) -> list[tuple[str, str]]:
    """Return which conditions are to be compared: each with the raw text, and what was cleaned with what was not.

    >>> pairs(["raw", "cleaned", "damaged", "damaged-cleaned"])
    [('cleaned', 'raw'), ('damaged', 'raw'), ('damaged-cleaned', 'raw'), ('damaged-cleaned', 'damaged')]
    """
    known = list(conditions)
    found = [(name, "raw") for name in known if name != "raw" and "raw" in known]
    for name in known:
        damaged = name.replace("damaged-cleaned", "damaged")
        if damaged != name and damaged in known:
            found.append((name, damaged))
    return found
