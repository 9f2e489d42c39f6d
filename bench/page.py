"""docs/benchmarks.md with its charts, and docs/sizing.md, out of the results that are kept."""

from __future__ import annotations

from pathlib import Path

import charts
import encode_page
import results
import sizing_page
import speed_page
import tables
from page_text import PAGE

#: Charts of sets: file, title, which sets, which peers.
COMPARED = (
    (
        "spelling",
        "Misspelled words: the first suggestion is right, %",
        "spelling_words",
        (tables.OWN, "aspell", "symspellpy", "typos", "hunspell"),
    ),
    (
        "segmentation",
        "Run-together words: the best split is right, %",
        "segmentation",
        (tables.OWN, "wordsegment", "instant-segment", "wordninja", "symspellpy"),
    ),
)


def draw(figures: tables.Figures, folder: Path) -> None:
    """The four charts."""
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str, svg: str) -> None:
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")

    correctors = figures.correctors()
    typos = {p: figures.of("typos")[p] for p in correctors}
    points = [charts.Point(figures.plain(p), v["false_per_1000_words"], v["recall"], p == tables.OWN) for p, v in typos.items()]
    subtitle = f"Upper left is better. Tools that fix under {100 * tables.LEAST_FIXED:.0f} % are left out."
    title, x = "Real typos in documentation: found, and harm done", "false changes per 1,000 words (logarithmic)"
    keep("typos", charts.scatter(title, subtitle, x, "recall", points, 0.05))

    harm = [
        (p, figures.of("harm")[p]["changed_per_1000"], figures.of("harm")[p]["split_per_1000"])
        for p in correctors
        if p in figures.of("harm")
    ]
    rows = {figures.plain(p): (changed, split) for p, changed, split in sorted(harm, key=lambda row: row[1] + row[2])}
    subtitle = "Words per 1,000 that needed no change. Shorter is better."
    keep(
        "harm",
        charts.bars(
            "Harm to clean documentation prose",
            subtitle,
            rows,
            ("changed", "split"),
            [figures.plain(tables.OWN)] if tables.OWN in figures.rows else [],
        ),
    )

    subtitle = "Without a gate: the word is known to be damaged. Only sets that none of these tools was made of."
    for name, title, start, peers in COMPARED:
        there = [p for p in peers if p in figures.rows]
        grouped = {
            tables.short(n): {figures.plain(p): figures.of(n)[p]["right"] for p in there if p in figures.of(n)}
            for n in figures.sets(start)
            if n not in tables.NOT_INDEPENDENT
        }
        keep(name, charts.groups(title, subtitle, grouped, [figures.plain(p) for p in there]))


def write(path: Path) -> None:
    """Write the page to ``path``; beside it its charts (``images/``), and ``sizing.md`` if all that it needs was measured.

    Raises SystemExit if nothing was measured yet.
    """
    found = results.load("accuracy")
    if not found:
        raise SystemExit("no results yet: run bench/accuracy.py with SHARED first")
    figures = tables.Figures(found)
    without = results.load("ablation")
    text = PAGE.format(
        machine=found["machine"][0].upper() + found["machine"][1:],
        limit=figures.limit,
        mark=tables.MARK,
        weaker=tables.weaker(figures),
        side_by_side=tables.side_by_side(figures),
        words=tables.sets_table(figures, figures.sets("spelling_words")),
        splits=tables.sets_table(figures, figures.sets("segmentation")),
        gate=tables.gate_table(figures),
        elongation=tables.sets_table(figures, figures.sets("elongation")),
        characters=tables.sets_table(figures, [*figures.sets("unicode"), *figures.sets("html")]),
        context=tables.context_table(figures),
        clean=tables.clean_table(figures),
        ablation=tables.ablation_table(without) if without else "Not measured yet.\n",
        ablation_limit=without.get("limit", ""),
        ablation_date=without.get("date", ""),
        setups=tables.setups(figures),
    )
    encoding, speed = results.load("encode"), results.load("speed")
    text += speed_page.section(speed)
    text += encode_page.section(encoding, results.load("serve"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    draw(figures, path.parent / "images")
    speed_page.draw(speed, path.parent / "images")
    encode_page.draw(encoding, path.parent / "images")
    if speed.keys() >= sizing_page.NEEDED:
        (path.parent / "sizing.md").write_text(sizing_page.page(speed), encoding="utf-8", newline="\n")
