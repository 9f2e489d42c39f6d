"""Accuracy and harm of the project and of every peer, on the same cases; writes docs/benchmarks.md and its charts.

    python bench/accuracy.py ../shared --limit 3000 -o docs/benchmarks.md

SHARED holds the score scripts (``score/``) and the cases (``data/``; another folder of that shape: VNLP_CASES). The results are
kept in bench/results/accuracy.json after every peer, so a run can be completed or repeated in parts:

    python bench/accuracy.py ../shared --only project            one row again, all others as they were
    python bench/accuracy.py ../shared --measures typos,harm     some measures again (names or starts of names of sets)
    python bench/accuracy.py --page -o docs/benchmarks.md        nothing is measured, page and charts are written

Needs the extra [bench] and the programs aspell and hunspell with their English dictionaries. A peer that is not installed is
left out, and the page says so. A full run takes about twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ablation
import page
import results
from fixers_of_files import Batch
from peers import Peer, peers
from score import Scorers, System, kind_of_set


class Built:
    """The systems of one peer, each built once, and prepared for a measure's texts where the tool works in batches."""

    def __init__(self, peer: Peer) -> None:
        """Build nothing yet."""
        self._peer = peer
        self._systems: dict[str, System] = {}

    def __call__(self, kind: str) -> System:
        """The system of that kind. Pages are left to the system for HTML where there is no other."""
        kind = kind if kind in self._peer.systems else "html"
        if kind not in self._systems:
            self._systems[kind] = self._peer.systems[kind]()
        return self._systems[kind]

    def has(self, kind: str) -> bool:
        """True if the peer takes part in measures of that kind."""
        return kind in self._peer.systems or (kind == "page" and "html" in self._peer.systems)


def measure(scorers: Scorers, built: Built, name: str, limit: int, capped: bool) -> dict[str, Any]:
    """One measure of one peer; with a tool that works in batches, a dry run collects the texts first."""
    kind = kind_of_set(name)
    assert kind is not None
    system = built(kind)
    if isinstance(system, Batch):
        texts: list[str] = []

        def record(text: str) -> str:
            texts.append(text)
            return text

        scorers.measure(name, lambda _: record, limit, capped)
        system.prepare(texts)
    return scorers.measure(name, built, limit, capped)


def run(scorers: Scorers, peer: Peer, wanted: Callable[[str], bool], limit: int, row: dict[str, Any]) -> dict[str, Any]:
    """All wanted measures of one peer, added to its row of results."""
    most = limit if peer.most is None else min(limit, peer.most)
    built = Built(peer)
    measures = dict(row.get("measures", {}))
    seconds = dict(row.get("seconds", {}))
    for name in ["typos", "harm", "gate", *scorers.sets()]:
        kind = kind_of_set(name)
        if kind is None or not built.has(kind) or not wanted(name):
            continue
        started = time.perf_counter()
        measures[name] = measure(scorers, built, name, most, peer.most is not None)
        seconds[name] = round(time.perf_counter() - started, 1)
    return {
        "title": peer.title, "how": peer.how, "version": peer.version(), "date": results.today(), "limit": most,
        "measures": measures, "seconds": seconds,
    }  # fmt: skip


def main() -> int:
    """Measure, keep the results, write the page. Exit status: 1 when a peer could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", help="folder with score/ and data/")
    parser.add_argument("--limit", type=int, default=3000, help="cases of a set; a third of it are paragraphs of clean prose")
    parser.add_argument("--only", default="", help="peers, separated by commas (default: all)")
    parser.add_argument("--measures", default="", help="typos, harm, gate or starts of names of sets, separated by commas")
    parser.add_argument("--no-ablation", action="store_true", help="leave the ablation table as it was")
    parser.add_argument("--page", action="store_true", help="write the page from the results that are there")
    parser.add_argument("-o", "--output", type=Path, help="the page (Markdown); charts (images/) and sizing.md go beside it")
    args = parser.parse_args()
    failed = []
    if not args.page:
        if args.shared is None:
            parser.error("SHARED is needed to measure; to write the page alone, say --page")
        scorers = Scorers(args.shared)
        table = peers(scorers)
        only = args.only.split(",") if args.only else list(table)
        if unknown := set(only) - table.keys():
            parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(table)}")
        starts = tuple(args.measures.split(",")) if args.measures else ("",)
        for name in only:
            started = time.perf_counter()
            before = results.load("accuracy").get("peers", {}).get(name, {})
            try:
                row = run(scorers, table[name], lambda measure: measure.startswith(starts), args.limit, before)
            except Exception as e:  # one peer that is missing or fails must not cost the others their hour
                failed.append(f"{name}: {type(e).__name__}: {e}")
                continue
            found = results.load("accuracy")  # as it is now: another run may have added to it
            found.setdefault("peers", {})[name] = row
            found.update(order=list(table), limit=args.limit, machine=results.machine())
            results.save("accuracy", found)
            print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
        if not args.no_ablation and "project" in only:
            ablation.run(args.shared)
    if args.output:
        page.write(args.output)
    for line in failed:
        print(f"not measured: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
