"""The command line, with a cleaner that is simple enough to predict."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from tests.corpus.fake import Fake
from vnlp_prep import clean_command, cli


@dataclass
class Result:
    status: int
    out: bytes
    err: str
    rejects: list[dict] = field(default_factory=list)


@pytest.fixture
def vnlp(monkeypatch, capfdbinary, tmp_path):
    """Run the command line in an empty folder: ``vnlp("x.jsonl", "--quiet", stdin=..., rejects=...)`` -> Result."""
    monkeypatch.chdir(tmp_path)

    def cleaner(options):
        for name in ("stages", "lexicon", "html", "threshold"):
            options.pop(name)
        return Fake()

    monkeypatch.setattr(clean_command, "make_preprocessor", cleaner)

    def run(*args, rejects=None):
        capfdbinary.readouterr()
        status = cli._status([str(arg) for arg in args])
        out, err = capfdbinary.readouterr()
        path = tmp_path / (rejects or f"{args[0]}.rejects.jsonl")
        found = [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
        return Result(status, out, err.decode(), found)

    return run
