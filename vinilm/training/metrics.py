"""``metrics.jsonl``: a line of JSON for each step, and one for each evaluation. A run that goes on has each step once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write


class Metrics:
    """The file ``path``, to which lines are added. All methods raise OutputError for what the system refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut(self, step: int) -> None:
        """Forget all lines of steps behind ``step``, and what a run that was killed had not finished to write."""
        try:
            kept = [line for line in self._lines() if _step(line) <= step] if self.path.is_file() else []
            temporary = self.path.with_name(f".{self.path.name}.tmp")
            temporary.write_bytes(b"".join(kept))
            temporary.replace(self.path)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def _lines(self) -> list[bytes]:
        return [line + b"\n" for line in self.path.read_bytes().split(b"\n")[:-1]]

    def add(self, values: Mapping[str, Any]) -> None:
        """Add a line."""
        line = json.dumps(values, allow_nan=False).encode() + b"\n"
        try:
            with self.path.open("ab") as file:
                file.write(line)
        except OSError as error:
            raise cannot_write(shown(self.path), error) from None

    def sync(self) -> None:
        """Have what was written on the disk: before a checkpoint that counts on it."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())


def evaluations(path: Path) -> list[dict[str, float]]:
    """Return the figures of all evaluations in ``metrics.jsonl``, in order. Raises OSError."""
    lines = (json.loads(line) for line in path.read_bytes().splitlines())
    return [line["evaluation"] for line in lines if "evaluation" in line]


def _step(line: bytes) -> float:
    """Return the step of a line; a line that is not ours is behind all steps."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return float("inf")
