"""What a step reads is known by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinilm.recipes.identity import identities


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kb/deep").mkdir(parents=True)
    for name in ("kb/a.md", "kb/deep/b.md", "c.bak"):
        Path(name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("pattern", ["**.bak", "kb/**.md", "kb/**/*.md", "kb/**", "kb/***.md", "*/deep/b**"])
def test_a_pattern_is_known_by_the_files_it_stands_for(folder, pattern):
    [(value, before)] = identities([("leave-out", pattern)]).items()
    assert value == pattern
    Path("elsewhere").write_text("new")
    assert identities([("leave-out", pattern)]) == {pattern: before}
    for name in ("kb/a.md", "kb/deep/b.md", "c.bak"):
        Path(name).write_text("other")
    assert identities([("leave-out", pattern)])[pattern]["sha256"] != before["sha256"]
    absolute = str(folder / pattern)
    assert identities([("inputs", absolute)]).keys() == {absolute}


def test_what_names_no_file(folder):
    assert identities([("field", "title"), ("threshold", "a/**"), ("inputs", "no.jsonl")]).keys() == {"a/**"}
