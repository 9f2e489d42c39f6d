"""Speed and memory of the cleaning beside other tools and the tokenizer, on one core; then over size and over workers.

    python bench/speed.py ../shared --keep                            # about half an hour, 4 GB of disk
    python bench/speed.py ../shared --keep --only sizes --largest 5000     # one part again, up to 5 GB (12 GB of disk)
    python bench/accuracy.py --page -o docs/benchmarks.md             # the page from what was measured

SHARED holds the corpus (``data/corpus``) and the naive chain (``score/systems.py``; without it that row is missing). Parts:

cold       a fresh process for one sentence, and for the import alone: seconds and peak of memory
systems    every system on raw documents: the first pass of a fresh process, and passes after it
kinds      the same by kind of text: prose, Markdown, HTML pages, mojibake, chat, nothing but unknown words
sizes      the command line with one worker, over the size of the input; a share of the words is new in every copy of the corpus
workers    the command line on the whole corpus with 1, 2, ... workers, and what each has of memory of its own
outputs    the same with every format of output
main       what the main process costs, which reads, digests and writes for all workers: its limit is that of one machine

Systems are processes of their own on one core, start anew in each round, take turns, and the fastest round of each counts, so
that a busy neighbour slows none of them alone. Results are kept after every part.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results
import speed_processes as processes
import speed_texts as texts
from speed_systems import (
    CHARACTERS,
    FTFY,
    NAIVE,
    OWN,
    PAGE_SYSTEM,
    PAGES,
    SENTENCE,
    SPLIT,
    STARTS,
    SYSTEMS,
    TOKENIZER,
    System,
    code_of,
    missing,
    version_of,
)

MB = texts.MB


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    shared: Path
    folder: Path  # temporary
    mb: float = 4.0
    kind_mb: float = 2.0
    rounds: int = 3
    #: Of inputs of the command line, in MB.
    sizes: Sequence[float] = (1, 10, 50, 100, 1000)
    corpus_mb: float = 1000  # of the corpus: all of it
    memory_mb: float = 100
    memory_of: Sequence[int] = (2, 3, 4)  # workers
    main_mb: tuple[float, float] = (50, 250)
    kinds: Sequence[str] = tuple(texts.KINDS)
    systems: Sequence[str] = tuple(SYSTEMS)
    compared: Sequence[str] = (OWN, CHARACTERS, TOKENIZER, FTFY, NAIVE, SPLIT)

    def there(self, names: Sequence[str]) -> dict[str, System]:
        """Return those of the systems that are installed."""
        return {name: SYSTEMS[name] for name in names if not missing(SYSTEMS[name], self.shared)}


def note(text: str) -> None:
    """Say what was measured."""
    print(f"  {text}", file=sys.stderr, flush=True)


# --- one core ------------------------------------------------------------------------------------------------------------


def measure_cold(plan: Plan) -> dict[str, Any]:
    """Return the seconds and the memory of fresh processes: of the fastest round, and the largest peak."""
    systems = {**STARTS, **plan.there(plan.systems)}
    found: dict[str, Any] = {}

    def keep(name: str, seen: Mapping[str, float]) -> None:
        best = found.setdefault(name, dict(seen))
        best.update(s=min(best["s"], seen["s"]), inside=min(best["inside"], seen["inside"]), mb=max(best["mb"], seen["mb"]))

    for number in range(plan.rounds):
        for name, system in systems.items():
            keep(name, processes.cold(code_of(system, plan.shared), SENTENCE))
        # Nothing that a run left for the next: what is built once for a user is built again.
        with tempfile.TemporaryDirectory(dir=plan.folder) as cache:
            keep(f"{OWN}, with an empty cache folder", processes.cold(SYSTEMS[OWN].code, SENTENCE, XDG_CACHE_HOME=cache))
        note(f"round {number + 1}: {OWN} {found[OWN]['s']:.2f} s, {found[OWN]['mb']:.0f} MB")
    return {"systems": found, "rounds": plan.rounds}


def _rates(plan: Plan, systems: Mapping[str, System], given: Sequence[str]) -> dict[str, Any]:
    """Return for each system MB/s of the first pass and of later ones, of the fastest round, and how many MB it was given."""
    size = texts.size_of(given)
    found: dict[str, Any] = {}
    files: dict[float, tuple[Path, int]] = {}
    for share in {system.share for system in systems.values()}:
        part = texts.first(given, size * share)
        files[share] = (plan.folder / f"texts{share}.json", texts.size_of(part))
        # With escapes: a lone surrogate in a document is no reason to stop.
        files[share][0].write_text(json.dumps(part), encoding="ascii")
    for _ in range(plan.rounds):
        for name, system in systems.items():
            path, bytes_ = files[system.share]
            first, *later = processes.passes(code_of(system, plan.shared), path, 2)
            best = found.setdefault(name, {"mb": bytes_ / MB, "first": 0.0, "warm": 0.0})
            best["first"] = max(best["first"], bytes_ / MB / first)
            best["warm"] = max(best["warm"], bytes_ / MB / min(later))
    for name, best in found.items():
        note(f"{name}: first pass {best['first']:.2f} MB/s, later {best['warm']:.2f} MB/s")
    return found


def measure_systems(plan: Plan) -> dict[str, Any]:
    """Return the rates of all systems on raw documents, and what is missing."""
    given = texts.first([doc.text for doc in texts.documents(texts.corpus_of(plan.shared))], plan.mb * MB)
    there = plan.there(plan.systems)
    return {
        "mb": texts.size_of(given) / MB,
        "documents": len(given),
        "rounds": plan.rounds,
        "systems": _rates(plan, there, given),
        "how": {name: {"how": system.how, "version": version_of(system)} for name, system in there.items()},
        "missing": {name: missing(system, plan.shared) for name, system in SYSTEMS.items() if missing(system, plan.shared)},
    }


def measure_kinds(plan: Plan) -> dict[str, Any]:
    """Return the rates by kind of text."""
    found = texts.documents(texts.corpus_of(plan.shared))
    out: dict[str, Any] = {}
    for kind in plan.kinds:
        given = texts.of_kind(kind, found, plan.kind_mb * MB * texts.SHARES.get(kind, 1))
        if not given:
            continue
        systems = plan.there(plan.compared)
        if kind == "HTML pages":
            systems |= {PAGES: PAGE_SYSTEM, **plan.there(["BeautifulSoup"])}
        note(kind)
        out[kind] = {"mb": texts.size_of(given) / MB, "texts": len(given), "systems": _rates(plan, systems, given)}
    return {"rounds": plan.rounds, "kinds": out}


# --- the command line ----------------------------------------------------------------------------------------------------

_COMMAND = ("-m", "vnlp_prep", "clean")


def _need(plan: Plan, mb: float) -> None:
    """Raise SystemExit if the temporary folder has not room for ``mb``."""
    free = shutil.disk_usage(plan.folder).free / MB
    if free < mb:
        raise SystemExit(f"this needs {mb:,.0f} MB of disk, and the temporary folder has {free:,.0f}: see --folder, --largest")


def measure_sizes(plan: Plan) -> dict[str, Any]:
    """Return rate and peak of memory of the command line with one worker, by size of the input."""
    corpus = texts.documents(texts.corpus_of(plan.shared))
    rows = []
    for mb in sorted(plan.sizes):
        _need(plan, 2.2 * mb)
        path, output = plan.folder / "in.jsonl", plan.folder / "out.jsonl"
        written, new_words = texts.write_corpus(path, corpus, round(mb * MB))
        best: dict[str, float] = {}
        for _ in range(plan.rounds if mb <= 100 else 1):
            seen = processes.watch(
                [*_COMMAND, path.name, "-o", output.name, "--workers", "1", "--quiet"], plan.folder, pinned=True
            )
            if not best or seen.seconds < best["s"]:
                best.update(s=seen.seconds, cpu_s=seen.cpu_s)
            best["peak_mb"] = max(best.get("peak_mb", 0.0), seen.peak_mb)
            output.unlink()
        path.unlink()
        rows.append({"mb": written / MB, "new_words": new_words, **best})
        note(f"{mb:,g} MB: {best['s']:.1f} s, {written / MB / best['s']:.2f} MB/s, {best['peak_mb']:.0f} MB of memory")
    return {"rows": rows, "rounds": plan.rounds, "new_words": texts.NEW_WORDS}


def counts_of_workers(most: int) -> list[int]:
    """Return 1, 2, 4, ... and ``most``: the numbers of workers that are measured."""
    return sorted({n for n in (2**i for i in range(12)) if n <= most} | {most, min(2, max(most, 2))})


def _unpacked(plan: Plan) -> Path:
    path, left = plan.folder / "corpus.jsonl", plan.corpus_mb * MB
    with gzip.open(texts.corpus_of(plan.shared)) as packed, path.open("wb") as file:
        while left > 0 and (line := packed.readline()):
            file.write(line)
            left -= len(line)
    return path


def _pack(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    with path.open("rb") as file, gzip.open(packed, "wb", compresslevel=6) as out:
        shutil.copyfileobj(file, out, MB)
    return packed


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure_workers(plan: Plan) -> dict[str, Any]:
    """Return the seconds of the whole corpus by number of workers, whether the bytes were the same, and memory of workers."""
    path, output = _unpacked(plan), plan.folder / "out.jsonl"
    rows: dict[int, dict[str, Any]] = {}
    for _ in range(plan.rounds):
        for n in counts_of_workers(len(processes.cores())):
            seen = processes.watch([*_COMMAND, path.name, "-o", output.name, "--workers", str(n), "--quiet"], plan.folder)
            row = rows.setdefault(n, {"workers": n, "s": seen.seconds, "sha256": _digest(output)})
            row["s"] = min(row["s"], seen.seconds)
            if row["sha256"] != _digest(output):
                raise SystemExit(f"two runs with {n} workers wrote different bytes")
            note(f"{n} workers: {seen.seconds:.1f} s")
    found: dict[str, Any] = {
        "mb": path.stat().st_size / MB,
        "rows": list(rows.values()),
        "same_bytes": len({row["sha256"] for row in rows.values()}) == 1,
        "rounds": plan.rounds,
        "command": _one_command(plan, path),
        "memory": _memory_of_workers(plan),
    }
    output.unlink()
    path.unlink()
    return found


def _one_command(plan: Plan, path: Path) -> dict[str, Any]:
    """Return what it takes to clean the packed corpus with one command and two workers, and what that said."""
    source = _pack(path)
    arguments = [source.name, "-o", "clean.jsonl.gz", "--workers", "2"]
    seen = processes.watch([*_COMMAND, *arguments], plan.folder)
    for path in plan.folder.glob("*.jsonl.gz"):
        path.unlink()
    note(f"vnlp-prep {' '.join(arguments)}: {seen.seconds:.1f} s")
    return {"command": f"vnlp-prep {' '.join(arguments)}", "s": seen.seconds, "said": seen.said.strip().splitlines()}


def _memory_of_workers(plan: Plan) -> dict[str, Any]:
    """Return the private memory of workers, and how much the memory of the whole run grows for each further one."""
    _need(plan, 2.2 * plan.memory_mb)
    path = plan.folder / "in.jsonl"
    texts.write_corpus(path, texts.documents(texts.corpus_of(plan.shared)), round(plan.memory_mb * MB))
    rows = []
    for n in plan.memory_of:
        command = [*_COMMAND, path.name, "-o", "many.jsonl", "--workers", str(n), "--quiet"]
        seen = processes.watch(command, plan.folder, memory=True)
        private = sorted(seen.workers.values())
        rows.append({"workers": n, "private_mb": private, "main_mb": seen.peak_mb, "total_mb": seen.total_mb})
        note(f"{n} workers: private {', '.join(f'{mb:.0f}' for mb in private)} MB, all together {seen.total_mb:.0f} MB")
    path.unlink()
    (plan.folder / "many.jsonl").unlink()
    return {"mb": plan.memory_mb, "rows": rows}


def measure_outputs(plan: Plan) -> dict[str, Any]:
    """Return the seconds of the whole corpus by format of the output, with all cores."""
    source = _unpacked(plan)
    runs = {name: (source.name, f"out{name}") for name in (".jsonl", ".jsonl.gz", ".jsonl.zst")}
    try:
        import pyarrow.json
        import pyarrow.parquet

        table = pyarrow.json.read_json(source, read_options=pyarrow.json.ReadOptions(block_size=64 * MB))
        pyarrow.parquet.write_table(table, plan.folder / "corpus.parquet", compression="zstd", row_group_size=1000)
        del table
        runs[".parquet"] = ("corpus.parquet", "out.parquet")
    except ImportError:
        note("pyarrow is not installed: no Parquet")
    workers = max(2, len(processes.cores()))
    rows: dict[str, dict[str, Any]] = {}
    for _ in range(plan.rounds):
        for name, (given, output) in runs.items():
            command = [*_COMMAND, given, "-o", output, "--workers", str(workers), "--quiet"]
            seconds = processes.watch(command, plan.folder).seconds
            row = rows.setdefault(name, {"s": seconds})
            row.update(s=min(row["s"], seconds), bytes=(plan.folder / output).stat().st_size)
            (plan.folder / output).unlink()
    for name, row in rows.items():
        note(f"{name}: {row['s']:.1f} s")
    found = {"workers": workers, "mb": source.stat().st_size / MB, "rows": rows, "rounds": plan.rounds}
    source.unlink()
    (plan.folder / "corpus.parquet").unlink(missing_ok=True)
    return found


def measure_main(plan: Plan) -> dict[str, Any]:
    """Return the processor time of the main process per MB: the slope between two sizes, so that starting does not count.

    One stage alone is run, for what the workers do does not matter here: how much is read and written does.
    """
    corpus = texts.documents(texts.corpus_of(plan.shared))
    rows: list[dict[str, Any]] = []
    for mb in plan.main_mb:
        _need(plan, 2.5 * mb)
        path = plan.folder / "in.jsonl"
        written, _ = texts.write_corpus(path, corpus, round(mb * MB))
        for name, given in (("JSON lines", path), ("JSON lines, gzip", _pack(path))):
            command = [*_COMMAND, given.name, "-o", f"out{given.name}", "--workers", "2", "--stages", "unicode", "--quiet"]
            runs = [processes.watch(command, plan.folder) for _ in range(plan.rounds)]
            seconds, cpu = min(run.seconds for run in runs), min(run.cpu_s for run in runs)
            rows.append({"format": name, "mb": written / MB, "s": seconds, "cpu_s": cpu})
            given.unlink()
            (plan.folder / f"out{given.name}").unlink()
    cost: dict[str, float] = {}
    for small, large in zip(rows[:2], rows[2:], strict=True):
        cost[small["format"]] = (large["cpu_s"] - small["cpu_s"]) / (large["mb"] - small["mb"])
        note(f"the main process, {small['format']}: {1000 * cost[small['format']]:.1f} s of processor time for 1,000 MB")
    return {"rows": rows, "cpu_s_per_mb": cost}


PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "cold": measure_cold,
    "systems": measure_systems,
    "kinds": measure_kinds,
    "sizes": measure_sizes,
    "workers": measure_workers,
    "outputs": measure_outputs,
    "main": measure_main,
}

#: A run in seconds that shows that everything works, and measures nothing.
QUICK = {
    "mb": 0.05,
    "kind_mb": 0.02,
    "rounds": 1,
    "sizes": (0.05, 0.2),
    "corpus_mb": 0.1,
    "memory_mb": 0.1,
    "memory_of": (2,),
    "main_mb": (0.1, 0.8),
    "kinds": ("HTML pages",),
    "systems": (OWN, SPLIT),
    "compared": (OWN, SPLIT),
}


def plan_of(args: argparse.Namespace, folder: Path) -> Plan:
    """Return what the options ask for."""
    if args.quick:
        return Plan(args.shared, folder, **QUICK)
    sizes = [size for size in (1, 10, 50, 100, 1000, args.largest) if size <= args.largest]
    return Plan(args.shared, folder, mb=args.mb, kind_mb=args.mb / 2, rounds=args.rounds, sizes=sorted({*sizes}))


def main() -> None:
    """Measure the parts, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, help="folder with data/corpus/ and score/")
    parser.add_argument("--keep", action="store_true", help="keep the results, for docs/benchmarks.md (default: print them)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--mb", type=float, default=4.0, help="text for each system; half of it for each kind of text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--largest", type=float, default=1000, help="MB of the largest input; the disk needs a good twice as much"
    )
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    parser.add_argument("--quick", action="store_true", help="a run in seconds, whose figures mean nothing")
    args = parser.parse_args()
    if args.quick and args.keep:
        parser.error("the figures of --quick mean nothing and are not kept")
    texts.corpus_of(args.shared)  # before anything is measured
    found: dict[str, Any] = {}
    for name in args.only:
        note(name)
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            part = PARTS[name](plan_of(args, Path(folder)))
        part["date"], part["machine"] = results.today(), results.machine().split(";")[0]
        found[name] = part
        if args.keep:
            results.save("speed", {**results.load("speed"), name: part})
    if not args.keep:
        print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
