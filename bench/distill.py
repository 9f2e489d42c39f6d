"""The relation loss of MiniLMv2 beside the way that is published: one text after the other, queries, keys and values twice.

    python bench/distill.py --keep          teacher and student of random weights, one core; prints a table

*Published*: what bloomberg/minilmv2.bb does (its ``MiniLM.forward``), written anew: both models return all hidden states and all
attention probabilities (which rules out fused attention), queries, keys and values are computed a second time from the hidden
states, and a loop over the batch computes each text without its padding. *This project*: ``vinilm.distillation``, as ``vinilm
distill --micro-batch 8`` has it: what is behind the projections is not computed, and the texts of a step are sorted by length.
Both have the same models, the same texts, the same loss (compared). ``loss``: from queries, keys and values to the gradient of
the student's, of one padded batch for both; ``step``: teacher, student, loss and gradient of all weights. Each measure is a
process of its own; its memory is the peak (Linux) less what it had before. Of turns the fastest counts, in processor time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import results
import torch
from tables import table
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from vinilm.distillation.projections import Projections, end_at_projections
from vinilm.distillation.relations import QKV, relation_loss

#: Name -> teacher's layers and hidden size, student's, relation heads, texts, longest text.
SHAPES = {
    "6 x 384 to 3 x 384, 32 texts of up to 128": (6, 384, 3, 384, 24, 32, 128),
    "12 x 768 to 6 x 384, 16 texts of up to 256": (12, 768, 6, 384, 48, 16, 256),
}
WAYS = ("published", "project")
PARTS = ("loss", "step")
_TURNS = 3
#: Texts of a micro-batch.
_AT_A_TIME = 8


def models(layers: int, hidden: int, student_layers: int, student_hidden: int, way: str) -> tuple[BertModel, BertModel]:
    """Teacher and student, as each way needs them."""
    torch.manual_seed(1)
    made: list[BertModel] = []
    for count, size in ((layers, hidden), (student_layers, student_hidden)):
        config = BertConfig(
            num_hidden_layers=count, hidden_size=size, num_attention_heads=size // 32, intermediate_size=4 * size,
            attn_implementation="eager" if way == "published" else "sdpa",
        )  # fmt: skip
        made.append(BertModel(config, add_pooling_layer=False))
        if way == "project":
            end_at_projections(made[-1])
    return made[0].requires_grad_(False).eval(), made[1].eval()  # without dropout, so that the two ways agree


def batch(texts: int, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random texts, of lengths from a quarter of the longest on."""
    generator = torch.Generator().manual_seed(2)
    lengths = torch.randint(longest // 4, longest + 1, (texts,), generator=generator)
    lengths[0] = longest
    ids = torch.randint(1000, 30000, (texts, longest), generator=generator)
    mask = (torch.arange(longest) < lengths[:, None]).long()
    return ids * mask, mask


def micro_batches(ids: torch.Tensor, mask: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The texts of a batch by length, some at a time, as wide as the longest of them."""
    order = mask.sum(-1).argsort()
    return [(ids[some, : mask[some].sum(-1).max()], mask[some, : mask[some].sum(-1).max()]) for some in order.split(_AT_A_TIME)]


def published_loss(teacher: QKV, student: QKV, mask: torch.Tensor, heads: int) -> torch.Tensor:
    """One text after the other, each without its padding."""
    total = torch.zeros(())
    divergence = nn.KLDivLoss(reduction="sum")

    def scores(x: torch.Tensor) -> torch.Tensor:
        split = x.view(*x.shape[:2], heads, -1).permute(0, 2, 1, 3)
        return split @ split.transpose(-1, -2) / split.shape[-1] ** 0.5

    for t, s in zip(teacher, student, strict=True):
        wanted, found = scores(t).detach(), scores(s)
        for row, length in enumerate(mask.sum(-1).tolist()):
            p = wanted[row, :, :length, :length].softmax(-1)
            q = functional.log_softmax(found[row, :, :length, :length], dim=-1)
            total = total + divergence(q.reshape(-1, length), p.reshape(-1, length)) / (heads * length)
    return total / len(mask)


def published_qkv(model: BertModel, layer: int, ids: torch.Tensor, mask: torch.Tensor) -> QKV:
    """Queries, keys and values, computed a second time."""
    out = model(ids, mask, output_hidden_states=True, output_attentions=True)
    attention, states = model.encoder.layer[layer].attention.self, out.hidden_states[layer]
    return QKV(attention.query(states), attention.key(states), attention.value(states))


def memory(entry: str) -> float:
    """Memory of this process, in MB: ``VmRSS`` now, ``VmHWM`` at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 1000


def measure(shape: str, way: str, part: str) -> dict[str, float]:
    """Seconds and memory of one way, in this process."""
    layers, hidden, student_layers, student_hidden, heads, texts, longest = SHAPES[shape]
    torch.set_num_threads(1)
    teacher, student = models(layers, hidden, student_layers, student_hidden, way)
    ids, mask = batch(texts, longest)
    caught = [Projections(teacher, layers - 1), Projections(student, student_layers - 1)] if way == "project" else []

    def qkv(model: BertModel, which: int, ids: torch.Tensor, mask: torch.Tensor) -> QKV:
        if way == "published":
            return published_qkv(model, len(model.encoder.layer) - 1, ids, mask)
        model(ids, mask)
        return caught[which].take()

    def loss(t: QKV, s: QKV, mask: torch.Tensor) -> torch.Tensor:
        return published_loss(t, s, mask, heads) if way == "published" else relation_loss(t, s, mask, heads).total.sum() / texts

    def step() -> float:
        total = 0.0
        for some_ids, some_mask in micro_batches(ids, mask) if way == "project" else [(ids, mask)]:
            with torch.no_grad():
                t = qkv(teacher, 0, some_ids, some_mask)
            share = loss(t, qkv(student, 1, some_ids, some_mask), some_mask)
            share.backward()
            total += share.item()
        return total

    def loss_alone() -> float:
        found = loss(given[0], QKV(*(x.clone().requires_grad_() for x in given[1])), mask)
        found.backward()
        return found.item()

    with torch.no_grad():
        given = [QKV(*(x.clone() for x in qkv(model, which, ids, mask))) for which, model in enumerate((teacher, student))]
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    best, value = float("inf"), 0.0
    for _ in range(_TURNS):
        student.zero_grad(set_to_none=True)
        started = time.process_time()
        value = step() if part == "step" else loss_alone()
        best = min(best, time.process_time() - started)
    return {"seconds": best, "MB": memory("VmHWM") - before, "loss": value, "tokens": int(mask.sum())}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write results/distill.json")
    parser.add_argument("--one", nargs=3, metavar=("SHAPE", "WAY", "PART"), help="measure this in this process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(*args.one)))
        return
    rows, kept = [], {}
    for shape in SHAPES:
        for part in PARTS:
            found: dict[str, dict[str, float]] = {}
            for _ in range(2):
                for way in WAYS:
                    command = [sys.executable, __file__, "--one", shape, way, part]
                    line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                    if way not in found or line["seconds"] < found[way]["seconds"]:
                        found[way] = line
            ours, theirs = found["project"], found["published"]
            assert abs(ours["loss"] - theirs["loss"]) < 1e-4 * abs(theirs["loss"]), (shape, part, found)
            kept[f"{shape}: {part}"] = found
            rates = [f"{found[way]['tokens'] / found[way]['seconds']:,.0f}" for way in WAYS]
            memory = [f"{found[way]['MB']:,.0f}" for way in WAYS]
            rows.append([shape, part, *rates, f"{theirs['seconds'] / ours['seconds']:.1f}x", *memory])
    print(
        table(["models and batch", "part", "published, tokens/s", "project, tokens/s", "", "published, MB", "project, MB"], rows)
    )
    if args.keep:
        results.save(
            "distill", {"date": results.today(), "machine": results.machine(), "torch": torch.__version__, "found": kept}
        )


if __name__ == "__main__":
    main()
