"""Measuring, on scorers and cases that are made up here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import accuracy
import pytest
from fixers_of_files import Batch
from peers import Peer
from score import Scorers, kind_of_set

BENCH = Path(accuracy.__file__).parent
SCRIPTS = {
    "prose": "import pathlib\nDATA = pathlib.Path(__file__).parent.parent / 'data'\n",
    "systems": "def make(name, stages=None, **options):\n    return str.upper\nsegmenter = speller = make\n",
    "cases": """
import systems
def run(name, limit, only=""):
    kind = {"spelling": systems.speller, "segmentation": systems.segmenter}.get(only.split("_")[0])
    page = {"html": "page"} if only.startswith("html_text") and name == "project" else {}
    stages = ("html",) if only.startswith("html") else ("unicode",) if only.startswith("unicode") else None
    system = kind(name) if kind else systems.make(name, stages, **page)
    return {only: {"n": limit, "right": system("text")}}
def words_set(path, system, limit):
    return {"n": limit, "right": system("text")}, []
def clean_set(path, system, limit):
    return {"english": {"n": limit, "changed": 25.0, "split": 5.0}}, []
""",
    "typos": "",
    "harm": "import systems\ndef run(name, n):\n    return {'words': n, 'text': systems.make(name)('text')}\n",
}
SETS = (
    "spelling_words_a.tsv",
    "segmentation_a.tsv",
    "unicode_a.jsonl",
    "html_text.jsonl",
    "html_entities.jsonl",
    "clean_words.tsv",
)


@pytest.fixture
def scorers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scorers]:
    (tmp_path / "score").mkdir()
    (tmp_path / "data" / "bench").mkdir(parents=True)
    for name, text in SCRIPTS.items():
        (tmp_path / "score" / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in (*SETS, "README.md"):
        (tmp_path / "data" / "bench" / name).touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "score"), *sys.path])
    yield Scorers(tmp_path)
    for name in SCRIPTS:
        sys.modules.pop(name, None)


def peer(*kinds: str, most: int | None = None) -> Peer:
    return Peer("p", "P", lambda: "1.0", "as it is", {k: lambda k=k: lambda _text: k for k in kinds}, most)


def test_every_set_is_measured_with_its_kind_of_system(scorers: Scorers) -> None:
    row = accuracy.run(scorers, peer("text", "word", "split", "unicode", "html", "page"), lambda m: m != "typos", 30, {})
    right = {m: v.get("right") for m, v in row["measures"].items() if "right" in v}
    assert right == {
        "spelling_words_a.tsv": "word", "segmentation_a.tsv": "split", "unicode_a.jsonl": "unicode",
        "html_text.jsonl": "page", "html_entities.jsonl": "html",
    }  # fmt: skip
    assert row["measures"]["harm"] == {"words": 10, "text": "text"}
    assert row["limit"] == 30


def test_a_peer_takes_part_only_in_what_it_has(scorers: Scorers) -> None:
    row = accuracy.run(scorers, peer("html", most=5), lambda _: True, 30, {"measures": {"typos": {"kept": 1}}})
    assert set(row["measures"]) == {"typos", "html_text.jsonl", "html_entities.jsonl"}
    assert row["measures"]["html_text.jsonl"] == {"n": 5, "right": "html"}
    assert row["measures"]["typos"] == {"kept": 1}, "what was not asked for stays as it was"


def test_a_gate_is_measured_by_what_it_finds_and_leaves(scorers: Scorers) -> None:
    row = accuracy.run(scorers, peer("gated split"), lambda _: True, 30, {})
    assert row["measures"]["gate"]["runons right"] == "gated split"
    assert row["measures"]["gate"]["whole"] == {"english": 70.0}


def test_a_tool_of_files_gets_all_texts_first(scorers: Scorers) -> None:
    batch = Batch(lambda texts: [f"fixed {t}" for t in texts])
    tool = Peer("p", "P", lambda: "1.0", "", {"word": lambda: batch})
    row = accuracy.run(scorers, tool, lambda _: True, 3, {})
    assert row["measures"]["spelling_words_a.tsv"]["right"] == "fixed text"


def test_the_scorers_have_their_systems_back(scorers: Scorers) -> None:
    with scorers.scoring(lambda kind: lambda _text: kind):
        assert scorers.systems.make("project")("x") == "text"
    assert scorers.systems.make("project")("x") == "X"


@pytest.mark.parametrize(("name", "kind"), [
    ("typos", "text"), ("harm", "text"), ("gate", "gated split"), ("spelling_words_x.tsv", "word"),
    ("spelling_context_x.jsonl", "text"), ("html_text.jsonl", "page"), ("html_entities.jsonl", "html"), ("README.md", None),
])  # fmt: skip
def test_kinds_of_sets(name: str, kind: str | None) -> None:
    assert kind_of_set(name) == kind


@pytest.mark.parametrize("arguments", [[], ["nowhere"], [".", "--only", "nobody"]])
def test_wrong_arguments_are_refused(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH / "accuracy.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
