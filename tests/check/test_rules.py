"""Rules and their choice; paths that are left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vnlp_prep import Preprocessor
from vnlp_prep.check.globs import Glob
from vnlp_prep.check.rules import all_rules, chosen
from vnlp_prep.errors import SettingsError
from vnlp_prep.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]


def test_the_catalogue_has_every_rule_that_the_pages_name():
    for stage in STAGES:
        text = (ROOT / "docs" / f"{stage}.md").read_text(encoding="utf-8")
        for cell in re.findall(r"^\| ((?:`[a-z0-9-]+`(?:, )?)+) \|", text, re.MULTILINE):
            for rule in re.findall(r"`([^`]+)`", cell):
                assert f"{stage}/{rule}" in all_rules()


def test_the_catalogue_has_every_code_of_a_reject():
    text = (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8").split("## Rejects")[1]
    codes = [code for cell in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for code in re.findall(r"`([^`]+)`", cell)]
    assert len(codes) > 15
    assert {f"input/{code}" for code in codes} == {id for id in all_rules() if id.startswith("input/")}


def test_every_rule_that_fires_is_in_the_catalogue():
    prep = Preprocessor()
    for line in (ROOT / "data" / "sample.jsonl").read_text(encoding="utf-8").splitlines():
        doc = prep.clean(line)
        assert {f"{e.stage}/{e.rule}" for e in (*doc.edits, *doc.suggestions)} <= all_rules().keys()


def test_the_page_lists_every_rule():
    text = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    missing = [id for id, rule in all_rules().items() if f"`{id}`" not in text and f"`{rule.name}`" not in text]
    assert not missing


def test_a_rule_is_chosen_by_stage_by_name_and_by_both():
    assert chosen(["repeats"], "") == {id for id in all_rules() if id.startswith("repeats/")}
    assert chosen(["extra-letter"], "") == {"repeats/extra-letter", "spelling/extra-letter"}
    assert chosen(["spelling/extra-letter"], "") == {"spelling/extra-letter"}


@pytest.mark.parametrize(
    ("name", "meant"), [("speling", "spelling"), ("unicode/spaces", "unicode/space"), ("run-togther", "run-together")]
)
def test_a_name_that_is_none_is_an_error(name, meant):
    with pytest.raises(SettingsError, match=f"did you mean {meant}\\?"):
        chosen([name], "--select")


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.md", "a.md", True),
        ("*.md", "docs/deep/a.md", True),
        ("vendor", "src/vendor/x/a.md", True),
        ("vendor/", "vendor/a.md", True),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/deep/a.md", False),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/very/deep/a.md", True),
        ("docs/**", "docs/very/deep/a.md", True),
        ("docs", "docs2/a.md", False),
        ("/docs/a.md", "docs/a.md", True),
        ("a[0-9].md", "a7.md", True),
        ("a[!0-9].md", "a7.md", False),
        ("a[]^].md", "a^.md", True),
        ("[z-a].md", "[z-a].md", True),
        ("a.md", "aXmd", False),
        ("?.md", "ab.md", False),
    ],
)
def test_globs(tmp_path, monkeypatch, pattern, path, matches):
    monkeypatch.chdir(tmp_path)
    glob = Glob(pattern, tmp_path)
    assert glob.matches(path) is matches
    assert glob.matches(str(tmp_path / path)) is matches


def test_a_glob_starts_from_its_folder(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    assert Glob("docs/*.md", tmp_path).matches("a.md")
    assert not Glob("docs/*.md", tmp_path).matches("../a.md")
