"""The page on speed says what was measured, also what was missed and what was not measured."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import page
import pytest
import results
import sizing_page
import speed_page
from speed_systems import NAIVE, OWN, SPLIT, TOKENIZER

MACHINE = {"machine": "2 cores", "date": "2026-01-02"}


def rates(first: float, warm: float, mb: float = 4.0) -> dict[str, float]:
    return {"mb": mb, "first": first, "warm": warm}


FOUND: dict[str, Any] = {
    "cold": {
        **MACHINE,
        "rounds": 3,
        "systems": {
            "Python alone": {"s": 0.02, "inside": 0.0, "mb": 9.0},
            "import vnlp_prep": {"s": 0.11, "inside": 0.09, "mb": 20.0},
            OWN: {"s": 0.5, "inside": 0.4, "mb": 110.0},
            NAIVE: {"s": 3.0, "inside": 2.9, "mb": 280.0},
        },
    },
    "systems": {
        **MACHINE,
        "mb": 4.0,
        "documents": 400,
        "rounds": 3,
        "systems": {OWN: rates(8.0, 20.0), NAIVE: rates(0.3, 0.4, 0.4), TOKENIZER: rates(3.9, 4.0), SPLIT: rates(90.0, 100.0)},
        "how": {OWN: {"how": "`Preprocessor()`", "version": "1.0"}},
        "missing": {"clean-text": "cleantext"},
    },
    "kinds": {
        **MACHINE,
        "rounds": 3,
        "kinds": {
            "Markdown": {"mb": 2.0, "texts": 20, "systems": {OWN: rates(5.0, 20.0), SPLIT: rates(90.0, 100.0)}},
            "chat": {"mb": 2.0, "texts": 900, "systems": {OWN: rates(2.5, 8.0)}},
        },
    },
    "sizes": {
        **MACHINE,
        "rounds": 3,
        "new_words": 0.002,
        "rows": [
            {"mb": 1.0, "new_words": 2000, "s": 0.6, "cpu_s": 0.5, "peak_mb": 90.0},
            {"mb": 50.0, "new_words": 100_000, "s": 5.0, "cpu_s": 4.9, "peak_mb": 100.0},
            {"mb": 1000.0, "new_words": 2_000_000, "s": 100.0, "cpu_s": 99.0, "peak_mb": 115.0},
        ],
    },
    "workers": {
        **MACHINE,
        "rounds": 3,
        "mb": 44.0,
        "same_bytes": True,
        "rows": [{"workers": 1, "s": 4.0, "sha256": "a"}, {"workers": 2, "s": 2.0, "sha256": "a"}],
        "command": {"command": "vnlp-prep corpus.jsonl.gz -o clean.jsonl.gz --workers 2", "s": 2.5, "said": ["9 records"]},
        "memory": {
            "mb": 100.0,
            "rows": [
                {"workers": 2, "private_mb": [30.0, 35.0], "main_mb": 60.0, "total_mb": 140.0},
                {"workers": 4, "private_mb": [30.0, 31.0, 32.0, 33.0], "main_mb": 60.0, "total_mb": 230.0},
            ],
        },
    },
    "outputs": {
        **MACHINE,
        "rounds": 3,
        "workers": 2,
        "mb": 44.0,
        "rows": {".jsonl": {"s": 2.0, "bytes": 43_000_000}, ".jsonl.gz": {"s": 2.2, "bytes": 11_000_000}},
    },
    "main": {**MACHINE, "rows": [], "cpu_s_per_mb": {"JSON lines": 0.002, "JSON lines, gzip": 0.005}},
}


def line(text: str, start: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(start))


def test_what_was_asked_stands_beside_what_was_measured() -> None:
    text = speed_page.section(FOUND)
    assert line(text, "| again: times as fast as the naive chain").endswith("| ≥ 40x | 50.0x | reached |")
    assert line(text, f"| again: times as fast as {TOKENIZER}").endswith("| ≥ 4x | 5.00x | reached |")
    assert line(text, "| first pass: times as fast as").endswith("| ≥ 2x | 2.00x | reached |")
    assert line(text, "| times as fast with 2 workers").endswith("| ≥ 1.8x | 2.00x | reached |")
    assert line(text, "| `import vnlp_prep`").endswith("| ≤ 0.15 s | 0.09 s | reached |")
    assert line(text, "| `Preprocessor()(").endswith("| ≤ 0.4 s | 0.50 s | **missed** |")
    assert line(text, "| private memory").endswith("| ≤ 40 MB | 35.0 MB | reached |")
    assert line(text, "| memory between 50 and 1,000 MB").endswith("| ± 10 % | +15.0 % | **missed** |")
    assert line(text, "| MB/s between 50 and 1,000 MB").endswith("| flat | +0.0 % |  |")
    assert line(text, "| the same bytes").endswith("| yes | yes | reached |")


def test_tables_have_what_was_measured() -> None:
    text = speed_page.section(FOUND)
    assert line(text, "| **vnlp-prep** | 8.00") == "| **vnlp-prep** | 8.00 | 20.0 | 5.00x | 4.0 | 0.50 | 110 |"
    assert line(text, "| str.split | 90") == "| str.split | 90.0 | 100 | 25.0x | 4.0 |  |  |"
    assert line(text, "| chat") == "| chat | 8.00 (2.50) |  |"
    assert line(text, "| 1,000 |") == "| 1,000 | 2,000,000 | 100 | 10.0 | 99.0 | 115 |"
    assert line(text, "| 2 | 2.0") == "| 2 | 2.0 | 22.0 | 2.00 |"
    assert "another one adds to all together: 45 MB" in text
    assert "clean-text (without cleantext)" in text
    assert "    $ vnlp-prep corpus.jsonl.gz -o clean.jsonl.gz --workers 2\n    9 records\n" in text


@pytest.mark.parametrize("part", FOUND)
def test_every_part_can_be_missing(part: str, tmp_path: Path) -> None:
    less = {name: value for name, value in FOUND.items() if name != part}
    text = speed_page.section(less)
    assert "{" not in text
    assert "not measured" in text.lower() or part in ("main", "workers")
    speed_page.draw(less, tmp_path)
    assert speed_page.section({part: FOUND[part]})
    assert not speed_page.section({})


def test_memory_of_workers_that_was_not_seen_is_no_figure() -> None:
    found = copy.deepcopy(FOUND)
    for row in found["workers"]["memory"]["rows"]:
        row["private_mb"] = []
    text = speed_page.section(found)
    assert line(text, "| private memory").endswith("| ≤ 40 MB | not measured |  |")
    assert "Memory of workers: not measured yet." in text
    assert "Not measured yet." in sizing_page.page(found)


def test_a_main_process_that_was_too_quick_to_measure_has_no_limit() -> None:
    found = {**FOUND, "main": {**FOUND["main"], "cpu_s_per_mb": {"JSON lines": 0.002, "JSON lines, gzip": -0.001}}}
    assert "50 workers keep it busy; JSON lines, gzip: not measured." in sizing_page.page(found)


def test_charts_are_drawn_of_what_was_measured(tmp_path: Path) -> None:
    speed_page.draw({}, tmp_path)
    assert not list(tmp_path.iterdir())
    speed_page.draw(FOUND, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"speed.svg", "speed-size.svg", "speed-memory.svg"}
    for path in tmp_path.iterdir():
        ET.fromstring(path.read_text(encoding="utf-8"))
    assert set(re.findall(r"images/(\S+)\)", speed_page.section(FOUND))) == {path.name for path in tmp_path.iterdir()}


def test_a_run_is_sized_by_the_rate_of_the_largest_input() -> None:
    text = sizing_page.page(FOUND)
    assert "**10 MB/s per core** on 1,000 MB" in text
    assert line(text, "| 1 TB") == "| 1 TB | 27.8 | 1.7 | 0.4 | 0.1 | 28 |"
    assert "JSON lines: 2.0 s for 1,000 MB, at most 500 MB/s, so 50 workers keep it busy" in text
    assert "at most 200 MB/s, so 20 workers" in text
    assert line(text, "| chat") == "| chat | 0.40 | 0.50 |"
    assert "60 MB for the main process, at most 35 MB for each worker" in text
    assert "+15.0 % on 1,000 MB, beside 50 MB" in text
    assert not re.search(r"\{\w+\}", text)


def test_the_examples_of_sizing_are_true() -> None:
    import doctest

    test = doctest.DocTestParser().get_doctest(sizing_page.page(FOUND), {}, "sizing", None, 0)
    outcome = doctest.DocTestRunner().run(test)
    assert outcome.attempted >= 6
    assert not outcome.failed


def test_sizing_is_written_beside_the_page_once_all_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_page import FOUND as ACCURACY

    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    results.save("accuracy", ACCURACY)
    results.save("speed", {name: part for name, part in FOUND.items() if name != "main"})
    page.write(tmp_path / "page.md")
    assert not (tmp_path / "sizing.md").exists()
    results.save("speed", FOUND)
    page.write(tmp_path / "page.md")
    assert (tmp_path / "sizing.md").read_text(encoding="utf-8") == sizing_page.page(FOUND)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.index("# Set-up") < text.index("\n# Speed\n")
