"""docs/sizing.md: what a large run takes and costs, out of the results of the speed benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import speed_page
from speed_systems import OWN

Found = Mapping[str, Any]

#: The parts of the results that the page is made of.
NEEDED = {"cold", "kinds", "sizes", "workers", "outputs", "main"}
#: What the tables are made for: sizes in TB, cores.
TERABYTES, CORES = (0.1, 1, 10), (1, 16, 64, 256)

TEXT = """# Sizing a run

<!-- Written by bench/accuracy.py out of what bench/speed.py measured; change bench/sizing_page.py, not this page. -->

How long will it take, what will it cost, what breaks first? The figures are those of [Benchmarks](benchmarks.md#speed):
{machine}, {date}.
Yours are others. Take 100 MB of your own records (the start of a process and its first words weigh on less), and let the
summary tell you the rate:

    vnlp-prep sample.jsonl -o sample.out.jsonl --workers 1

A MB is 1,000,000 bytes of **unpacked input**, whole records and not their texts alone. Unpacked, the records of the corpus are
{ratio} times as large as their `.gz` file.

## Time and cost

    core-hours = TB x 1,000,000 / (MB/s per core x 3,600)
    hours      = core-hours / (cores x efficiency)
    cost       = hours x cores x price of a core-hour

Measured: **{rate} MB/s per core** on {largest} MB, and {efficiency}. So

```python
>>> def core_hours(terabytes, mb_per_s):
...     return terabytes * 1_000_000 / (mb_per_s * 3600)
>>> def hours(terabytes, mb_per_s, cores, efficiency):
...     return core_hours(terabytes, mb_per_s) / (cores * efficiency)
>>> def cost(terabytes, mb_per_s, cores, efficiency, price):
...     return hours(terabytes, mb_per_s, cores, efficiency) * cores * price
>>> round(core_hours(1, {rate}), 1)  # 1 TB
{core_hours}
>>> round(hours(1, {rate}, 64, {efficiency_number}), 2)  # on 64 cores
{hours}
>>> round(cost(1, {rate}, 64, {efficiency_number}, price=0.04), 2)  # in the currency of the price
{cost}

```

| hours, and core-hours that are paid | {cores} | core-hours |
|---|{columns}
{table}

The rows take it that nothing below breaks. Above {cores_measured} cores the efficiency is taken over from there, not measured; on
cores that are two threads of one it is less.

The rate depends on the text. Beside raw Markdown, as it was in the corpus:

{kinds}
## Memory

    memory = main process + workers x private memory of each

{memory}

{growth} What is read ahead and what waits for its turn to be written is bounded: a few chunks of 512 KiB for each worker, more
only where one record is larger (`--max-line-bytes`). A reader of standard output that is slow makes the run wait, not grow.

By default there are as many workers as cores that the process may use (its affinity). A limit on processor time, as
containers have, is not seen: say `--workers`.

## Disk

| what | how much |
|---|---|
| the output in the making, the hidden `.NAME.vnlp-prep.tmp` beside it | the output |
| an older output of that name, which stays until the new one is whole | that file |
| Parquet | on top, until the end, the rows as Arrow, not packed: about as much as the unpacked input |
| the journal for `--resume`, `.NAME.vnlp-prep.journal` | under 1 KB for each MiB of input |
| `--edits` | one line for each text that has edits; try it on the sample |
| rejects | each rejected line, as base64: 4/3 of it |

An output is about as large as its input; packed, of the {corpus} of the corpus: {packed}. No input is copied. On a full disk
the run ends with an error and what is done stays for `--resume`.

## What breaks first

1. **The main process.** It reads, unpacks, digests and writes for all workers, and it is one. {main}
   Beyond that, start several runs side by side, each with its part of the inputs and an output of its own. (An output folder is
   still one run, with one main process.)
2. **One file.** A run writes one output at a time, in order. Parquet is put together at the end of each file, by the main process
   alone: many files of a few GB are done sooner than one of 1 TB, and `--resume` loses less.
3. **The disk.** {disk}
4. **The reader of standard output.** `vnlp-prep ... | gzip` is as fast as one gzip. `-o NAME.gz` packs in the workers.
5. **Large records.** A record is cleaned by one worker, and so is a file with `--whole-file`. One record of 64 MB keeps
   everybody who comes after it waiting for a while.
6. **Short runs.** Starting takes {start} for each process. Inputs of a few MB are done before workers would be there; so a loop
   over many small files should be one command with all of them.

Beyond one machine: shards of the inputs to machines, one run on each; every run is ordered and resumable by itself, and the
same input gives the same bytes on any of them. Or Ray, which hands out the shards: [On a cluster](ray.md).
"""


def page(found: Found) -> str:
    """Return the page; all that is ``NEEDED`` must have been measured."""
    sizes, workers = found["sizes"], found["workers"]
    largest = sizes["rows"][-1]
    rate = round(largest["mb"] / largest["s"], 1 if largest["mb"] / largest["s"] >= 2 else 2)
    most = workers["rows"][-1]["workers"]
    gain = speed_page.speed_up(workers, most) or 1.0
    efficiency = min(1.0, round(gain / most, 2))
    core_hours = 1e6 / (rate * 3600)
    rows = []
    for tb in TERABYTES:
        cells = [f"{tb * core_hours / (cores * (efficiency if cores > 1 else 1)):,.1f}" for cores in CORES]
        rows.append(f"| {tb:g} TB | {' | '.join(cells)} | {tb * core_hours / efficiency:,.0f} |")
    return TEXT.format(
        machine=sizes["machine"],
        date=sizes["date"],
        rate=f"{rate:g}",
        largest=f"{largest['mb']:,.0f}",
        efficiency=f"{most} workers are {gain:.2f} times as fast as one, an efficiency of {efficiency:g}",
        efficiency_number=f"{efficiency:g}",
        core_hours=round(core_hours, 1),
        hours=round(core_hours / (64 * efficiency), 2),
        cost=round(core_hours / (64 * efficiency) * 64 * 0.04, 2),
        cores=" | ".join(f"{cores} core{'s' if cores > 1 else ''}" for cores in CORES),
        columns="---:|" * (len(CORES) + 1),
        table="\n".join(rows),
        cores_measured=most,
        kinds=_kinds(found["kinds"]["kinds"]),
        memory=_memory(workers),
        growth=_growth(sizes),
        ratio=f"{found['outputs']['mb'] * 1e6 / found['outputs']['rows']['.jsonl.gz']['bytes']:.0f}",
        corpus=f"{found['outputs']['mb']:.0f} MB",
        packed=", ".join(f"`{name}` {row['bytes'] / 1e6:.1f} MB" for name, row in found["outputs"]["rows"].items()),
        main=_main(found["main"]["cpu_s_per_mb"], rate),
        disk=_disk(rate),
        start=f"{found['cold']['systems'][OWN]['s']:.1f} s",
    )


def _kinds(kinds: Found) -> str:
    if "Markdown" not in kinds:
        return "Not measured yet.\n"
    base = kinds["Markdown"]["systems"][OWN]["warm"]
    lines = ["|  | times the rate, every word seen before | times the rate, every word new |", "|---|---:|---:|"]
    first = kinds["Markdown"]["systems"][OWN]["first"]
    for kind, entry in kinds.items():
        own = entry["systems"][OWN]
        lines.append(f"| {kind} | {own['warm'] / base:.2f} | {own['first'] / first:.2f} |")
    return "\n".join(lines) + "\n"


def _memory(workers: Found) -> str:
    private = speed_page.private_mb(workers)
    if private is None:
        return "Not measured yet."
    main = max(row["main_mb"] for row in workers["memory"]["rows"] if row["private_mb"])
    added = speed_page.further_mb(workers)
    more = (
        f"; with what the main process holds for it, a further worker adds {added:.0f} MB to the whole"
        if added is not None
        else ""
    )
    return f"Measured: {main:.0f} MB for the main process, at most {private:.0f} MB for each worker{more}."


def _growth(sizes: Found) -> str:
    grown = speed_page.growth(sizes)
    if grown is None:
        return ""
    change, small, large, _ = grown
    return f"Over the size of the input: one worker has {100 * (change - 1):+.1f} % on {large:,.0f} MB, beside {small:,.0f} MB."


def _main(cost: Mapping[str, float], rate: float) -> str:
    said = []
    for name, per_mb in cost.items():
        if per_mb <= 0:  # the two inputs were too small to tell
            said.append(f"{name}: not measured")
            continue
        limit = 1 / per_mb
        said.append(
            f"{name}: {1000 * per_mb:.1f} s for 1,000 MB, at most {limit:,.0f} MB/s, so {limit / rate:,.0f} workers keep it busy"
        )
    return f"Its processor time, whatever the workers do: {'; '.join(said)}."


def _disk(rate: float) -> str:
    return (
        f"N workers read {rate:g} MB/s x N and write as much: 64 of them {64 * rate:,.0f} MB/s. A network disk of 250 MB/s each "
        f"way is busy with {250 / rate:,.0f}. Packed input and output are a fraction of that."
    )
