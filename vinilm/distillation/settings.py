"""What a student learns, and how much each part of it counts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from vnlp_prep.errors import SettingsError


@dataclass(frozen=True)
class DistillationSettings:
    """All that the loss depends on. Raises SettingsError for a value that is out of range."""

    #: Relation heads; None: as in the paper, 16 dimensions of the teacher each, or the next more that fit both models.
    relation_heads: int | None = None
    #: The teacher's layer whose relations are learnt, counted from 1; None: 21 of 24, else the last.
    teacher_layer: int | None = None
    #: What the loss of each part is multiplied by; 0: the part is left out.
    relations: float = 1.0
    alignment: float = 0.0
    mlm: float = 0.0
    #: Crops, as short as a query, of each sequence, for the alignment.
    crops: int = 2
    #: Share of the student's activations that are dropped while it learns.
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("relations", "alignment", "mlm"):
            self._check(name, 0 <= getattr(self, name) < math.inf, "0 or more")
        if not (self.relations or self.alignment or self.mlm):
            raise SettingsError("relations, alignment and mlm are all 0: there is nothing to learn")
        self._check("crops", self.crops >= 0, "0 or more")
        self._check("dropout", 0 <= self.dropout < 1, "from 0 to below 1")

    def _check(self, name: str, holds: bool, needed: str) -> None:
        if not holds:
            raise SettingsError(f"{name}={getattr(self, name)!r} is out of range: {needed}")

    def identity(self) -> dict[str, Any]:
        """Return what a run that goes on must share with the one that was interrupted: name for people -> JSON value."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items()}

    def layer_of(self, layers: int) -> int:
        """Return the teacher's layer whose relations are learnt, of ``layers``, counted from 1. Raises SettingsError.

        The paper takes layer 21 of BERT-large's 24, and the last one of base teachers.
        """
        layer = self.teacher_layer if self.teacher_layer is not None else 21 if layers == 24 else layers
        if not 1 <= layer <= layers:
            raise SettingsError(f"teacher-layer={layer} is out of range: the teacher has the layers 1 to {layers}")
        return layer

    def heads_of(self, teacher: int, student: int) -> int:
        """Return the relation heads for these hidden sizes. Raises SettingsError if they do not divide both.

        The paper has 64 for large teachers (1,024) and 48 for base ones (768): 16 dimensions of the teacher each.
        """
        from vinilm.distillation.relations import check_relation_heads

        heads = self.relation_heads
        if heads is None:
            heads = max(h for h in range(1, max(teacher // 16, 1) + 1) if teacher % h == 0 and student % h == 0)
        check_relation_heads(heads, teacher=teacher, student=student)
        return heads
