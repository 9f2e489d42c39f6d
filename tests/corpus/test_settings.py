"""Settings files: what they may say, and how they are refused."""

from __future__ import annotations

import pytest

from vnlp_prep.corpus.settings import load_settings
from vnlp_prep.errors import SettingsError

GOOD = b'{"body": "teh"}\n'


def test_flags_go_before_config_and_config_before_pyproject(vnlp, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.vnlp-prep]\nfield = "title"\non-missing = "pass"\n')
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    assert vnlp("a.jsonl").out == GOOD
    (tmp_path / "mine.toml").write_text('field = ["body"]\n')
    assert vnlp("a.jsonl", "--config", "mine.toml").out == b'{"body": "the"}\n'
    result = vnlp("a.jsonl", "--config", "mine.toml", "--field", "title")
    assert (result.status, result.rejects[0]["field"]) == (1, "title")


def test_the_nearest_pyproject_counts(vnlp, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.vnlp-prep]\nfield = ['body']\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    monkeypatch.chdir(tmp_path / "sub")
    assert vnlp("../a.jsonl").out == b'{"body": "the"}\n'
    (tmp_path / "sub/pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert vnlp("../a.jsonl").status == 1


def test_all_kinds_of_values(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(
        '[vnlp-prep]\nstages = ["html", "unicode"]\nmax_line_bytes = 5\nmax-ratio = 7.5\nwhole-file = true\nlexicon = "a/b.tsv"\n'
    )
    assert load_settings(path) == {
        "stages": "html,unicode",
        "max-line-bytes": 5,
        "max-ratio": 7.5,
        "whole-file": True,
        "lexicon": str(tmp_path / "a/b.tsv"),
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("feild = 'x'", 1, "unknown key feild; did you mean field?"),
        ("\n\nmax-line-bites = 1", 3, "did you mean max-line-bytes?"),
        ("# field\nworkers = 'two'", 2, "workers must be a whole number"),
        ("workers = true", 1, "whole number"),
        ("workers = -1", 1, "whole number"),
        ("field = []", 1, "list of strings"),
        ("field = [1]", 1, "list of strings"),
        ("quiet = 1", 1, "true or false"),
        ("lexicon = '../x.tsv'", 1, "out of the folder"),
        ("lexicon = '/etc/passwd'", 1, "out of the folder"),
        ("output = '/etc/passwd'", 1, "give it as --output"),
        ("rejects = 'x'", 1, "give it as --rejects"),
        ("vnlp-prep = 5", 1, "not a table"),
        ('"\\u001b[31m" = 5', 1, r"unknown key \x1b[31m"),
    ],
)
def test_what_is_refused_is_named_with_file_and_line(vnlp, tmp_path, text, line, words):
    (tmp_path / "s.toml").write_text(text)
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    result = vnlp("a.jsonl", "--config", "s.toml")
    assert result.status == 2
    assert result.err.startswith(f"vnlp-prep: error: s.toml:{line}: ")
    assert words in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("data", [b"a = ", b"\xff", b"a = 1\na = 2", b"[" * 5000, b"x = " + b"[" * 5000])
def test_what_is_no_toml(tmp_path, data):
    path = tmp_path / "s.toml"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(path)


def test_a_value_that_no_flag_takes_is_an_error(vnlp, tmp_path):
    (tmp_path / "s.toml").write_text("html = 'whole'")
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    assert "--html" in vnlp("a.jsonl", "--config", "s.toml").err
    assert "no such file" in vnlp("a.jsonl", "--config", "none.toml").err
