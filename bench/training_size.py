"""What training runs do a second: tokens, operations, and the share of a peak that is.

    python bench/training_size.py out/vinilm-docs/pretrain out/vinilm-docs/distill --teacher out/vinilm-docs/pretrain
    python bench/training_size.py RUN --peak 989 --hours 5.3e18

Reads the folders of ``vinilm pretrain`` and ``vinilm distill`` as they are; nothing is run. The formulas are those of
docs/training-size.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from vinilm.models import open_model
from vinilm.shape import BertShape

#: Share of the tokens that pretraining hides, if the run does not say another.
MASKED = 0.15
#: Steps that are left out: the first ones wait for memory, kernels, files.
WARM_UP = 3


def pretraining(shape: BertShape, length: int, masked: float = MASKED) -> float:
    """Operations for a token: three times forward, and the head for the tokens that are hidden."""
    head = 2 * (shape.hidden_size**2 + shape.hidden_size * shape.vocab_size)
    return 3 * (shape.flops(1, length) + masked * head)


def distillation(teacher: BertShape, student: BertShape, length: int, layers: int) -> float:
    """Operations for a token: the teacher forward up to a layer, the student three times forward, three relations of both."""
    relations = 3 * 2 * length * (teacher.hidden_size + 3 * student.hidden_size)
    return teacher.flops(1, length) * layers / teacher.num_hidden_layers + 3 * student.flops(1, length) + relations


@dataclass(frozen=True)
class Rate:
    """What a run does with sequences of one length."""

    command: str
    length: int
    steps: int
    #: A second, all processes together: the median over the steps.
    tokens: float
    #: A second.
    operations: float


def rates(folder: Path, teacher: Path | None) -> Iterator[Rate]:
    """Yield the rates of a run, length by length. Raises SystemExit for a folder that tells none."""
    identity = json.loads((folder / "training" / "run.json").read_text(encoding="utf-8"))["identity"]
    steps = [json.loads(line) for line in (folder / "training" / "metrics.jsonl").read_bytes().splitlines()]
    by_length: dict[int, list[float]] = {}
    for step in [s for s in steps if "tokens_per_second" in s][WARM_UP:]:
        by_length.setdefault(int(step["length"]), []).append(float(step["tokens_per_second"]))
    if not by_length:
        raise SystemExit(f"{folder}: fewer than {WARM_UP + 1} steps with tokens_per_second")
    shape = open_model(folder).shape
    for length, found in sorted(by_length.items()):
        if identity["command"] == "distill":
            if teacher is None:
                raise SystemExit(f"{folder}: a distillation; name its teacher with --teacher")
            large = open_model(teacher).shape
            layer = identity.get("teacher-layer") or (21 if large.num_hidden_layers == 24 else large.num_hidden_layers)
            each = distillation(large, shape, length, layer)
        else:
            each = pretraining(shape, length, identity.get("mask", MASKED))
        tokens = median(found)
        yield Rate(identity["command"], length, len(found), tokens, tokens * each)


def table(found: list[Rate], peak: float | None, operations: float | None) -> Iterator[str]:
    """Yield a table in Markdown; ``peak``: in TFLOP/s; ``operations``: of the run that hours are wanted for."""
    columns = ["run", "length", "steps", "tokens/s", "GFLOP/s"]
    columns += ["share of the peak"] if peak else []
    columns += [f"hours for {operations:.2g} operations"] if operations else []
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{'---:|' * (len(columns) - 1)}"
    for rate in found:
        cells = [rate.command, str(rate.length), str(rate.steps), f"{rate.tokens:,.0f}", f"{rate.operations / 1e9:,.1f}"]
        cells += [f"{rate.operations / (peak * 1e12):.1%}"] if peak else []
        cells += [f"{operations / rate.operations / 3600:,.1f}"] if operations else []
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print what the runs did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--teacher", type=Path, metavar="FOLDER", help="of a distillation")
    parser.add_argument("--peak", type=float, metavar="TFLOPS", help="of the device, in what it computed in")
    parser.add_argument("--hours", type=float, metavar="OPERATIONS", help="of a run that is planned")
    options = parser.parse_args()
    found = [rate for folder in options.runs for rate in rates(folder, options.teacher)]
    for line in table(found, options.peak, options.hours):
        print(line)


if __name__ == "__main__":
    main()
