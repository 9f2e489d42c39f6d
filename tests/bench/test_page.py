"""The page says what the results say, also where another tool is ahead."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import lexicon_report
import page
import pytest
import results
import tables

ROOT = Path(results.ROOT)
DOCS = ROOT / "docs"


def row(title: str, right: float, recall: float, false: float, limit: int = 100) -> dict[str, Any]:
    clean = {c: {"n": 10, "changed": false, "split": 0.0} for c in tables.CATEGORIES}
    return {
        "title": title, "how": "as it is", "version": "1.0", "date": "2026-01-01", "limit": limit, "seconds": {},
        "measures": {
            "typos": {
                "typos": 10, "fixed": 10 * recall, "recall": recall, "precision": 0.9, "f0.5": 0.8, "false_per_1000_words": false,
            },
            "harm": {"words": 100, "changed_per_1000": false, "split_per_1000": 0.0, "fixed_per_1000": 0.0},
            "gate": {"runons right": right, "n": 5, "whole": dict.fromkeys(tables.CATEGORIES, 99.0)},
            "clean_words.tsv": clean,
            "spelling_words_typos.tsv": {"n": 9, "right": right},
            "spelling_words_other.tsv": {"n": 9, "right": right},
            "segmentation_other.tsv": {"n": 9, "right": right},
            "spelling_context_a.jsonl": {"damaged": 9, "fixed": right, "harmed": false},
        },
    }  # fmt: skip


FOUND = {
    "order": ["project", "typos", "hunspell", "lazy"], "limit": 100, "machine": "one core",
    "peers": {
        "project": row("**vnlp-prep**", 70.0, 0.9, 0.5),
        "typos": row("typos", 80.0, 0.5, 0.1),
        "hunspell": row("hunspell", 95.0, 0.7, 50.0, limit=10),
        "lazy": row("lazy", 0.0, 0.0, 0.0),
    },
}  # fmt: skip


def test_the_best_is_bold_and_what_is_no_measure_is_marked() -> None:
    figures = tables.Figures(FOUND)
    lines = tables.sets_table(figures, ["spelling_words_typos.tsv", "spelling_words_other.tsv"]).split("\n")
    assert lines[0] == "|  | typos (9) | other (9) |"
    assert lines[2] == "| **vnlp-prep** | 70.0° | 70.0 |"
    assert lines[3] == "| typos | 80.0° | 80.0 |"
    assert lines[4] == r"| hunspell \* | **95.0** | **95.0** |"


def test_what_changes_nothing_is_not_praised_for_its_harmlessness() -> None:
    figures = tables.Figures(FOUND)
    assert figures.correctors() == ["project", "typos", "hunspell"]
    assert "lazy" not in tables.side_by_side(figures)


def test_every_figure_in_which_another_tool_is_ahead_is_listed() -> None:
    lines = tables.weaker(tables.Figures(FOUND)).split("\n")
    assert "- single words, other: 70 %; typos 80 %" in lines, "the first among those with all cases"
    assert "- real typos, false changes per 1,000: 0.5; typos 0.1" in lines
    assert not any("recall" in line for line in lines)
    ahead = copy.deepcopy(FOUND)
    ahead["peers"] = {"project": ahead["peers"]["project"]}  # type: ignore[index]
    assert tables.weaker(tables.Figures(ahead)) == "In no measure on this page.\n"


def test_the_page_is_written_with_its_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    with pytest.raises(SystemExit, match="no results"):
        page.write(tmp_path / "page.md")
    results.save("accuracy", FOUND)
    page.write(tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "{" not in text
    for image in re.findall(r"\]\((images/[^)]+)\)", text):
        assert (tmp_path / image).read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("name", ["benchmarks", "lexicon-report"])
def test_pages_are_those_that_the_results_give(name: str, tmp_path: Path) -> None:
    if name == "benchmarks":
        page.write(tmp_path / "benchmarks.md")
        written = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
        for chart in (tmp_path / "images").iterdir():
            assert chart.read_text(encoding="utf-8") == (DOCS / "images" / chart.name).read_text(encoding="utf-8"), chart.name
        if results.load("speed"):
            assert (tmp_path / "sizing.md").read_text(encoding="utf-8") == (DOCS / "sizing.md").read_text(encoding="utf-8")
    else:
        written = lexicon_report.report(results.load("lexicon"))
    assert written == (DOCS / f"{name}.md").read_text(encoding="utf-8")


def test_results_name_no_machine() -> None:
    for path in results.FOLDER.glob("*.json"):
        assert not re.search(r'"[^"\n]*(?:^|[ "])/\w+/', path.read_text(encoding="utf-8")), path.name
        assert json.loads(path.read_text(encoding="utf-8"))
