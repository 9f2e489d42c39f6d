"""The part of docs/benchmarks.md on speed, with its charts, out of the results that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import charts
from speed_systems import CHARACTERS, FTFY, NAIVE, OWN, SPLIT, SYSTEMS, TOKENIZER

Found = Mapping[str, Any]

TEXT = """
# Speed

What does cleaning cost, beside other tools and beside the tokenizer that comes after it? {machine}; {date}.

    python bench/speed.py ../shared --keep
    python bench/accuracy.py --page -o docs/benchmarks.md

What a run of yours will take, and what it will cost: [Sizing a run](sizing.md).

## Asked and measured

What was to be reached, set before it was built, and what was.

{goals}
## What the figures on speed cannot tell

- They are of one machine, which others share. All systems of a table had the same core in the same run, in turns, and the
  fastest round of each counts: so **ratios count**. Rates on another machine are others.
- "First pass" is the first pass of a fresh process, the loading of word lists included: every word is new to it. "Again" is the
  same text once more: then the project remembers what it decided about every word, which is the best case. New text of a long
  run lies between; what comes of it is measured [over size](#over-size), with new words without end.
- The tokenizer has one thread here, as all others have. In batches it uses all cores, as `--workers` does.
- The tools do not do the same: `str.split` does nothing, ftfy and BeautifulSoup do one of the five stages, and what the naive
  chain does to text stands [above](#real-typos-and-clean-prose).
- The raw text is VMware documentation, whose words the project knows. The row "every word unknown" is the other end: invented
  words alone. Mojibake and chat are prose that was damaged on purpose, for there is no such corpus here.
- A MB is 1,000,000 bytes: of text as UTF-8, and with the command line of the JSON lines.

## One core

Raw documents in mixed order, {systems_mb}. Rates by processor time; slow systems get only the beginning. Cold: a fresh process
for one sentence of three words, by the clock, and its peak of memory.

{systems}
{missing}![MB a second by system](images/speed.svg)

{cold}
## By kind of text

MB/s again, and in brackets of the first pass; {kind_mb} of each kind. `html="page"` reads whole pages through an HTML5 tree.

{kinds}
## Over size

`vnlp-prep in.jsonl -o out.jsonl --workers 1` on one core, from start to end, by the clock. The input is the corpus again and
again; {new_words} of the words are invented, and others in each copy, so that every cache fills.

{sizes}
![MB a second over size](images/speed-size.svg)

![Memory over size](images/speed-memory.svg)

## Over workers

`vnlp-prep corpus.jsonl -o out.jsonl --workers N`, {corpus_mb} of JSON lines, from start to end, by the clock.

{workers}
{memory}
With {output_workers} workers, by format of the output (Parquet from Parquet, the others from JSON lines):

{outputs}
The corpus, packed, in one command:

{command}
## Systems

{how}"""

NOT_YET = "Not measured yet.\n"


def section(found: Found) -> str:
    """Return the part of the page; empty where nothing was measured yet."""
    if not found:
        return ""
    systems, sizes, workers = (found.get(name, {}) for name in ("systems", "sizes", "workers"))
    return TEXT.format(
        machine="; ".join(dict.fromkeys(part["machine"] for part in found.values())),
        date=", ".join(sorted({part["date"] for part in found.values()})),
        goals=_goals(found),
        systems_mb=f"{systems.get('mb', 0):.1f} MB",
        systems=_systems(found),
        missing=_missing(systems),
        cold=_starts(found.get("cold", {})),
        kind_mb=_range([kind["mb"] for kind in found.get("kinds", {}).get("kinds", {}).values()]),
        kinds=_kinds(found.get("kinds", {})),
        new_words=f"{100 * sizes.get('new_words', 0):g} %",
        sizes=_sizes(sizes),
        corpus_mb=f"{workers.get('mb', 0):.1f} MB",
        workers=_workers(workers),
        memory=_memory(workers),
        output_workers=found.get("outputs", {}).get("workers", "all"),
        outputs=_outputs(found.get("outputs", {})),
        command=_command(workers),
        how=_how(systems),
    )


def draw(found: Found, folder: Path) -> None:
    """Draw the charts of what was measured."""

    def keep(name: str, svg: str) -> None:
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")

    if systems := found.get("systems", {}).get("systems"):
        rates = dict(sorted(((name, entry["warm"]) for name, entry in systems.items()), key=lambda row: -row[1]))
        subtitle = "Raw documents, again and again; MB/s, logarithmic. Longer is better."
        keep("speed", charts.log_bars("Speed on one core", subtitle, rates, [OWN, CHARACTERS]))
    if rows := found.get("sizes", {}).get("rows"):
        x = "MB of input (logarithmic)"
        rate = [(row["mb"], row["mb"] / row["s"]) for row in rows]
        memory = [(row["mb"], row["peak_mb"]) for row in rows]
        title = "Speed over the size of the input, one worker"
        subtitle = "Starting is included. Flat from then on is good: caches are bounded."
        keep("speed-size", charts.lines(title, subtitle, x, "MB/s", {OWN: rate}))
        title = "Peak of memory over the size of the input, one worker"
        keep("speed-memory", charts.lines(title, "Flat is good: nothing grows with the file.", x, "MB", {OWN: memory}))


# --- figures ---------------------------------------------------------------------------------------------------------------


def ratio(found: Found, of: str, to: str, which: str = "warm", base: str = "warm") -> float | None:
    """Return how many times as fast one system is as another on raw documents; None where one was not measured."""
    systems = found.get("systems", {}).get("systems", {})
    return systems[of][which] / systems[to][base] if of in systems and to in systems else None


def speed_up(workers: Found, count: int) -> float | None:
    """Return how many times as fast the corpus was cleaned with so many workers as with one."""
    seconds = {row["workers"]: row["s"] for row in workers.get("rows", ())}
    return seconds[1] / seconds[count] if {1, count} <= seconds.keys() else None


def growth(sizes: Found) -> tuple[float, float, float, float] | None:
    """Compare the largest input with that of 50 MB, or what is next to it.

    Return the ratio of their peaks of memory, the two sizes in MB (the largest last), and the ratio of their rates.
    """
    rows = sizes.get("rows", ())
    if len(rows) < 2:
        return None
    base, largest = min(rows[:-1], key=lambda row: abs(row["mb"] - 50)), rows[-1]
    rates = [row["mb"] / row["s"] for row in (base, largest)]
    return largest["peak_mb"] / base["peak_mb"], base["mb"], largest["mb"], rates[1] / rates[0]


def private_mb(workers: Found) -> float | None:
    """Return the most private memory that a worker had, in MB."""
    return max((mb for row in workers.get("memory", {}).get("rows", ()) for mb in row["private_mb"]), default=None)


def further_mb(workers: Found) -> float | None:
    """Return by how much the memory of a whole run grows for each further worker, in MB: buffers of the main process too."""
    rows = [row for row in workers.get("memory", {}).get("rows", ()) if row["private_mb"]]
    if len(rows) < 2:
        return None
    return float((rows[-1]["total_mb"] - rows[0]["total_mb"]) / (rows[-1]["workers"] - rows[0]["workers"]))


def _goals(found: Found) -> str:
    cold, workers = found.get("cold", {}).get("systems", {}), found.get("workers", {})
    start, imported = cold.get(OWN, {}), cold.get("import vnlp_prep", {})
    grown = growth(found.get("sizes", {}))
    where = f"{grown[1]:,.0f} and {grown[2]:,.0f}" if grown else "50 and 1,000"
    least: list[tuple[str, float, float | None, str]] = [
        ("again: times as fast as the naive chain", 40, ratio(found, OWN, NAIVE), "x"),
        (f"again: times as fast as {TOKENIZER}", 4, ratio(found, OWN, TOKENIZER), "x"),
        (f"first pass: times as fast as {TOKENIZER} again", 2, ratio(found, OWN, TOKENIZER, "first"), "x"),
        ("times as fast with 2 workers as with 1", 1.8, speed_up(workers, 2), "x"),
    ]
    most: list[tuple[str, float, float | None, str]] = [
        ("`import vnlp_prep`", 0.15, imported.get("inside"), " s"),
        ('`Preprocessor()("Teh vSphere client")` in a fresh process', 0.4, start.get("s"), " s"),
        ("its peak of memory", 130, start.get("mb"), " MB"),
        ("private memory of a worker", 40, private_mb(workers), " MB"),
    ]
    lines = ["|  | asked | measured |  |", "|---|---:|---:|---|"]
    for name, goal, value, unit in least:
        lines.append(_goal(name, f"≥ {goal:g}{unit}", value, unit, value is not None and value >= goal))
    for name, goal, value, unit in most:
        lines.append(_goal(name, f"≤ {goal:g}{unit}", value, unit, value is not None and value <= goal))
    change = 100 * (grown[0] - 1) if grown else None
    shown = f"{change:+.1f} %" if change is not None else "not measured"
    lines.append(
        f"| memory between {where} MB of input | ± 10 % | {shown} | {_verdict(change is not None and abs(change) <= 10)} |"
    )
    if grown:
        lines.append(f"| MB/s between {where} MB of input | flat | {100 * (grown[3] - 1):+.1f} % |  |")
    if "same_bytes" in workers:
        same = workers["same_bytes"]
        lines.append(f"| the same bytes for any number of workers | yes | {'yes' if same else 'no'} | {_verdict(same)} |")
    rest = [
        ("again: beside ftfy alone", ratio(found, OWN, FTFY)),
        ("again: `str.split` beside the project", ratio(found, SPLIT, OWN)),
    ]
    lines += [f"| {name} |  | {value:.1f}x |  |" for name, value in rest if value is not None]
    return "\n".join(lines) + "\n"


def _goal(name: str, goal: str, value: float | None, unit: str, reached: bool) -> str:
    if value is None:
        return f"| {name} | {goal} | not measured |  |"
    return f"| {name} | {goal} | {_short(value)}{unit} | {_verdict(reached)} |"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _range(values: list[float]) -> str:
    if not values:
        return "nothing"
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return f"{high} MB" if low == high else f"{low} to {high} MB"


def _bold(name: str) -> str:
    return f"**{name}**" if name == OWN else name


def _systems(found: Found) -> str:
    part, cold = found.get("systems", {}), found.get("cold", {}).get("systems", {})
    if not part:
        return NOT_YET
    lines = [
        f"|  | first pass, MB/s | again, MB/s | again, beside {TOKENIZER} | text, MB | cold, s | cold, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, entry in sorted(part["systems"].items(), key=lambda row: row[1]["warm"]):
        beside = ratio(found, name, TOKENIZER)
        start = cold.get(name)
        shown = f"{start['s']:.2f} | {start['mb']:.0f}" if start else " | "
        lines.append(
            f"| {_bold(name)} | {_short(entry['first'])} | {_short(entry['warm'])} | "
            f"{f'{_short(beside)}x' if beside is not None else ''} | {entry['mb']:.1f} | {shown} |"
        )
    return "\n".join(lines) + "\n"


def _missing(part: Found) -> str:
    gone = [f"{name} (without {what})" for name, what in part.get("missing", {}).items()]
    return f"Not installed here, and so left out: {', '.join(gone)}.\n\n" if gone else ""


def _starts(cold: Found) -> str:
    if not cold:
        return NOT_YET
    lines = ["| start of a fresh process | all of it, s | inside of Python, s | peak, MB |", "|---|---:|---:|---:|"]
    names = [name for name in cold["systems"] if name not in SYSTEMS or name == OWN]
    for name in names:
        row = cold["systems"][name]
        lines.append(f"| {_bold(name)} | {row['s']:.2f} | {row['inside']:.2f} | {row['mb']:.0f} |")
    return "\n".join(lines) + "\n"


def _kinds(part: Found) -> str:
    if not part:
        return NOT_YET
    names = list(dict.fromkeys(name for kind in part["kinds"].values() for name in kind["systems"]))
    lines = [f"|  | {' | '.join(map(_bold, names))} |", f"|---|{'---:|' * len(names)}"]
    for kind, entry in part["kinds"].items():
        cells = []
        for name in names:
            rates = entry["systems"].get(name)
            cells.append(f"{_short(rates['warm'])} ({_short(rates['first'])})" if rates else "")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _sizes(part: Found) -> str:
    if not part:
        return NOT_YET
    lines = [
        "| input, MB | new words | seconds | MB/s | processor time, s | peak of memory, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in part["rows"]:
        rate = _short(row["mb"] / row["s"])
        cost = f"{_short(row['s'])} | {rate} | {_short(row['cpu_s'])}"
        lines.append(f"| {_short(row['mb'])} | {row['new_words']:,} | {cost} | {row['peak_mb']:.0f} |")
    return "\n".join(lines) + "\n"


def _workers(part: Found) -> str:
    if not part:
        return NOT_YET
    lines = ["| workers | seconds | MB/s | times as fast |", "|---:|---:|---:|---:|"]
    for row in part["rows"]:
        gain = speed_up(part, row["workers"])
        shown = f"{gain:.2f}" if gain is not None else ""
        lines.append(f"| {row['workers']} | {row['s']:.1f} | {_short(part['mb'] / row['s'])} | {shown} |")
    return "\n".join(lines) + "\n"


def _memory(part: Found) -> str:
    rows = part.get("memory", {}).get("rows", ())
    if not any(row["private_mb"] for row in rows):
        return "Memory of workers: not measured yet.\n"
    added = further_mb(part)
    lines = [
        f"Memory on {part['memory']['mb']:,.0f} MB made as for the sizes, at its peak. Private is what a worker shares with no "
        "other process (USS); all together counts what they share once (PSS). More workers than cores show what another one adds"
        + (f" to all together: {added:.0f} MB.\n" if added is not None else ".\n"),
        "| workers | private, MB each | main process, MB | all together, MB |",
        "|---:|---:|---:|---:|",
    ]
    for row in rows:
        private = ", ".join(f"{mb:.0f}" for mb in row["private_mb"])
        lines.append(f"| {row['workers']} | {private} | {row['main_mb']:.0f} | {row['total_mb']:.0f} |")
    return "\n".join(lines) + "\n"


def _outputs(part: Found) -> str:
    if not part:
        return NOT_YET
    lines = ["| output | seconds | MB/s of input | output, MB |", "|---|---:|---:|---:|"]
    for name, row in part["rows"].items():
        lines.append(f"| `{name}` | {row['s']:.1f} | {_short(part['mb'] / row['s'])} | {row['bytes'] / 1e6:.1f} |")
    return "\n".join(lines) + "\n"


def _command(part: Found) -> str:
    if not part:
        return NOT_YET
    said = [f"$ {part['command']['command']}", *part["command"]["said"]]
    return "".join(f"    {line}\n" for line in said) + f"\nFrom start to end {part['command']['s']:.1f} s.\n"


def _how(part: Found) -> str:
    if not part:
        return NOT_YET
    lines = ["|  | version | set up |", "|---|---|---|"]
    lines += [f"| {_bold(name)} | {entry['version']} | {entry['how']} |" for name, entry in part["how"].items()]
    return "\n".join(lines) + "\n"
