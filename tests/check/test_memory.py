"""What is remembered: the cache of unchanged files, the baseline of known findings."""

from __future__ import annotations

import json
import os

import pytest

from vnlp_prep.check import cache as cache_module
from vnlp_prep.check.checker import Checker

TEXT = "# Teh title\n\nWe recieve a mesage.\n"


@pytest.fixture
def cleaned(monkeypatch):
    """The texts that were really looked at."""
    texts = []
    real = Checker.proposals

    def proposals(self, text):
        texts.append(text)
        return real(self, text)

    monkeypatch.setattr(Checker, "proposals", proposals)
    return texts


def test_an_unchanged_file_is_not_looked_at_again(check, tmp_path, cleaned):
    (tmp_path / "a.md").write_text(TEXT)
    first = check("a.md")
    assert len(cleaned) == 1
    assert check("a.md") == first
    assert check("a.md", "--format", "concise").status == 1
    assert len(cleaned) == 1
    (tmp_path / "b.md").write_text(TEXT)  # what counts is the content
    assert check("b.md").out == first.out.replace("a.md", "b.md")
    assert len(cleaned) == 1
    check("a.md", "--no-cache")
    assert len(cleaned) == 2


def test_what_the_result_depends_on_makes_it_look_again(check, tmp_path, cleaned):
    (tmp_path / "a.md").write_text(TEXT)
    (tmp_path / "words.tsv").write_text("mesage\n")
    seen = 0
    for args in (
        ["a.md"],
        ["a.md", "--ignore", "known-misspelling"],
        ["a.md", "--threshold", "0.999"],
        ["a.md", "--lexicon", "words.tsv"],
        ["a.md", "--max-line-bytes", "1000"],
    ):
        check(*args)
        assert len(cleaned) == seen + 1, args
        seen += 1
    (tmp_path / "vnlp-prep.toml").write_text("ignore-words = ['mesage']\n")
    check("a.md")
    assert len(cleaned) == seen + 1
    (tmp_path / "a.md").write_text(TEXT + "\n")
    check("a.md")
    assert len(cleaned) == seen + 2


@pytest.mark.parametrize("content", [b"", b"{", b'{"findings": [[1]], "records": 1, "with_text": 1}', b"[]", b"\xff"])
def test_a_damaged_entry_does_no_harm(check, tmp_path, content):
    (tmp_path / "a.md").write_text(TEXT)
    first = check("a.md")
    for entry in check.cache.iterdir():
        entry.write_bytes(content)
    assert check("a.md") == first


def test_a_cache_that_cannot_be_written_does_no_harm(check, tmp_path):
    (tmp_path / "a.md").write_text(TEXT)
    check.cache.parent.mkdir(parents=True)
    check.cache.write_text("in the way")
    assert check("a.md").status == 1


def test_the_cache_does_not_grow_without_end(check, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "MAX_FILES", 8)
    for number in range(12):
        path = tmp_path / f"{number}.md"
        path.write_text(f"Teh number {number}\n")
        check(path.name)
        for age, entry in enumerate(sorted(check.cache.iterdir(), key=lambda e: e.stat().st_mtime_ns)):
            os.utime(entry, (1_000_000 + age, 1_000_000 + age))
    assert 6 <= len(list(check.cache.iterdir())) <= 8


# --- The baseline -----------------------------------------------------------------------------------------------------


def test_only_new_findings_are_reported(check, tmp_path):
    (tmp_path / "a.md").write_text(TEXT)
    recorded = check("a.md", "--baseline", "known.json")
    assert (recorded.status, recorded.out) == (0, "")
    assert "3 findings recorded in known.json" in recorded.err
    assert check("a.md", "--baseline", "known.json").status == 0
    (tmp_path / "a.md").write_text("Some lines\n\nbefore it.\n\n" + TEXT + "\nTeh end.\n")
    result = check("a.md", "--baseline", "known.json", "--format", "json")
    assert [(f["before"], f["line"]) for f in result.findings] == [("Teh", 9)]
    assert "1 new finding in 1 of 1 file" in result.err
    assert check("a.md", "--baseline", "known.json", "--update-baseline").status == 0
    assert check("a.md", "--baseline", "known.json").status == 0


def test_the_same_finding_twice_counts_twice(check, tmp_path):
    line = "We recieve it.\n\n"
    (tmp_path / "a.md").write_text(line * 2)
    check("a.md", "--baseline", "known.json")
    (tmp_path / "a.md").write_text(line * 3)
    assert "1 new finding" in check("a.md", "--baseline", "known.json").err
    (tmp_path / "a.md").write_text(line)
    assert "1 finding of known.json no longer there" in check("a.md", "--baseline", "known.json").err


def test_a_baseline_holds_in_another_folder(check, tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(TEXT)
    check("docs", "--baseline", "known.json")
    assert {entry["file"] for entry in json.loads((tmp_path / "known.json").read_text())["findings"]} == {"docs/a.md"}
    monkeypatch.chdir(tmp_path / "docs")
    assert check("a.md", "--baseline", "../known.json").status == 0


@pytest.mark.parametrize("content", ["", "[]", '{"version": 9, "findings": []}', '{"version": 1, "findings": [{"file": "a"}]}'])
def test_what_is_no_baseline(check, tmp_path, content):
    (tmp_path / "a.md").write_text(TEXT)
    (tmp_path / "known.json").write_text(content)
    result = check("a.md", "--baseline", "known.json")
    assert result.status == 2
    assert "known.json: is no baseline" in result.err
    assert check("a.md", "--baseline", "known.json", "--update-baseline").status == 0


def test_a_baseline_is_not_written_when_a_file_could_not_be_read(check, tmp_path):
    (tmp_path / "a.md").write_text(TEXT)
    assert check("a.md", "none.md", "--baseline", "known.json").status == 2
    assert not (tmp_path / "known.json").exists()
