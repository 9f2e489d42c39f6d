"""The parts of docs/benchmarks.md on encoding and on the service, with a chart, out of the results that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import charts

#: What the others are measured by.
BASE = "sentence-transformers float32"
BASE_LARGE = "BertModel, sorted by length"

TEXT = """
# Encoding

{texts} texts of 5 to 400 tokens out of documentation (the model reads 256 of them: {tokens} tokens in all), tokenizing
included, cleaning not. One run on {machine}, {date}; every system had its turn in each of {rounds} rounds, and its fastest
round counts. On one core, where nothing else is said. `bench/encode.py` measures it.

The peak is what oneDNN reaches here in one large product of matrices: {peak32} GFLOP/s in float32, {peak16} in bfloat16
(after the run: {after32} and {after16}); a share is the arithmetic of the encoder, attention included and padding not, beside
the peak of its type. The cosine is that of the worst text, to the vector that sentence-transformers gives in float32. (The
pipeline, with its batches of 8, hands on the states of padding without saying which they are; pooled as they come, they give
other vectors.)

## 6 layers of 384 (all-MiniLM-L6-v2)

{small}
![Texts a second](images/encode.svg)

## 6 layers of 768 (random weights; the shape of vinilm-2021-from-large)

{large}
## Two cores

{scaling}
Versions: {versions}.
"""

SERVICE = """
# The service

`vinilm serve` beside `encode` of the same texts, offline, with the same model and threads, in one run; the client is a process of
its own on the same machine. `bench/serve.py` measures it.

{throughput}
Latency of requests of one text that arrive by chance, and the same at four times what the service can do: then every request is
answered, with 200 or 429.

{latency}
Clients that come back when `Retry-After` says so: {patient}.
"""


def section(found: Mapping[str, Any], served: Mapping[str, Any]) -> str:
    """Return the parts of the page; empty where nothing was measured yet."""
    return (_encoding(found) if found else "") + (_service(served) if served else "")


def _encoding(found: Mapping[str, Any]) -> str:
    one, two = found["1 cores"], found.get("2 cores")
    return TEXT.format(
        texts=f"{found['texts']:,}",
        tokens=f"{one['tokens']:,}",
        machine=found["machine"],
        date=found["date"],
        rounds=found["rounds"],
        peak32=f"{one['peak']['float32']:.0f}",
        peak16=f"{one['peak']['bfloat16']:.0f}",
        after32=f"{one['peak after']['float32']:.0f}",
        after16=f"{one['peak after']['bfloat16']:.0f}",
        small=_table(one["6 x 384"], one["peak"], BASE),
        large=_table(one["6 x 768"], one["peak"], BASE_LARGE),
        scaling=_scaling(one, two) if two else "Not measured yet.\n",
        versions=", ".join(f"{name} {number}" for name, number in found["versions"].items()),
    )


def _service(served: Mapping[str, Mapping[str, Any]]) -> str:
    throughput = ["|  | requests | texts/s | share of offline |", "| --- | --- | --: | --: |"]
    latency = ["|  | load | requests | answered | p50 | p95 | p99, ms |", "| --- | --: | --: | --- | --: | --: | --: |"]
    patient = []
    for name, run in served.items():
        throughput.append(f"| {name} | offline | {run['offline']['texts_per_second']:.1f} | |")
        for row in run["throughput"]:
            shape = f"{row['requests_under_way']} under way, texts in each: {row['texts_per_request']}"
            throughput.append(f"| | {shape} | {row['texts_per_second']:.1f} | {row['share_of_offline']:.2f} |")
        for row in [*run["latency"], run["overload"]]:
            answers = ", ".join(f"{count} x {status}" for status, count in row["statuses"].items())
            times = " | ".join(f"{row['ms'][p]:,.0f}" for p in ("p50", "p95", "p99"))
            latency.append(f"| {name} | {row['load']} | {row['sent']:,} | {answers} | {times} |")
        one = run["patient"]
        patient.append(f"{name}: {one['succeeded']} of {one['clients']} succeeded, in at most {one['most_tries']} tries")
    return SERVICE.format(throughput="\n".join(throughput) + "\n", latency="\n".join(latency) + "\n", patient="; ".join(patient))


def draw(found: Mapping[str, Any], folder: Path) -> None:
    """Draw the chart of texts a second."""
    if not found:
        return
    rates = {name: (entry["texts_per_s"],) for name, entry in found["1 cores"]["6 x 384"].items()}
    ordered = dict(sorted(rates.items(), key=lambda item: -item[1][0]))
    own = [name for name in ordered if name.startswith("vinilm")]
    svg = charts.bars("Texts a second on one core, 6 x 384", "Longer is better.", ordered, ("texts/s",), own)
    (folder / "encode.svg").write_text(svg, encoding="utf-8", newline="\n")


def _table(systems: Mapping[str, Mapping[str, float]], peak: Mapping[str, float], base: str) -> str:
    lines = [
        "|  | texts/s | beside the base | tokens/s | GFLOP/s | share of the peak | least cosine |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    slowest_first = sorted(systems.items(), key=lambda item: item[1]["texts_per_s"])
    for name, entry in slowest_first:
        ratio = entry["texts_per_s"] / systems[base]["texts_per_s"] if base in systems else 0
        dtype = "bfloat16" if "bfloat16" in name else "float32"
        share = "" if "int8" in name else f"{100 * entry['gflops'] / peak[dtype]:.0f} %"
        shown = f"**{name}**" if name.startswith("vinilm") else name
        cosine = f"{entry['least_cosine']:.5f}"
        lines.append(
            f"| {shown} | {entry['texts_per_s']:.1f} | {ratio:.2f}{' (the base)' if name == base else ''} | "
            f"{entry['tokens_per_s']:,.0f} | {entry['gflops']:.0f} | {share} | {cosine} |"
        )
    return "\n".join(lines) + "\n"


def _scaling(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    lines = ["|  | 1 core, texts/s | 2 cores, texts/s | ratio |", "| --- | --: | --: | --: |"]
    for size in ("6 x 384", "6 x 768"):
        for name, entry in two[size].items():
            if name in one[size]:
                before, after = one[size][name]["texts_per_s"], entry["texts_per_s"]
                lines.append(f"| {size}, {name} | {before:.1f} | {after:.1f} | {after / before:.2f} |")
    return "\n".join(lines) + "\n"
