"""What is said where Ray is not installed."""

from __future__ import annotations

import importlib.util

import pytest

from vnlp_prep import cli


@pytest.mark.parametrize("missing", ["ray", "pyarrow"])
def test_without_ray_the_engine_says_what_to_install(tmp_path, monkeypatch, capsys, missing):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else found(name, *rest))
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "teh"}\n')
    monkeypatch.chdir(tmp_path)
    assert cli._status(["a.jsonl", "-o", "out", "--engine", "ray"]) == 2
    assert "pip install 'vnlp-prep[ray]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
