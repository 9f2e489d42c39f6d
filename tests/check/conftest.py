"""``vnlp-prep check`` in an empty folder, with a cache of its own and the real preprocessor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from vnlp_prep import cli
from vnlp_prep.lexicon import cache


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def findings(self) -> list[dict]:
        return [orjson.loads(line) for line in self.out.splitlines()]

    @property
    def rules(self) -> list[str]:
        return [f"{f['stage']}/{f['rule']}" for f in self.findings]


@pytest.fixture
def check(monkeypatch, capfdbinary, tmp_path):
    """Run the command: ``check("a.md", "--fix", env=...)`` -> Result."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    # The word lists stay where they are compiled; only what was found is kept apart.
    folder: Path = tmp_path.parent / f"{tmp_path.name}-cache"
    monkeypatch.setattr("vnlp_prep.check.cache.cache_folder", lambda: folder)
    assert cache.cache_folder() != folder

    def run(*args):
        capfdbinary.readouterr()
        status = cli._status(["check", *map(str, args)])
        out, err = capfdbinary.readouterr()
        return Result(status, out.decode("utf-8"), err.decode("utf-8"))

    run.cache = folder / "check"
    return run


@pytest.fixture
def found(check):
    """The findings of files: ``found("a.md", "--unsafe")`` -> dictionaries."""
    return lambda *args: check(*args, "--format", "json", "-q").findings
