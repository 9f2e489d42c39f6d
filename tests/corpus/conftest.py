"""A cleaner that is simple enough to predict, and the command line with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import pytest

from vnlp_prep import clean_command, cli
from vnlp_prep.edits import Cleaned, Edit


class Fake:
    """Cleans what a test can foresee: ``teh`` and ``<br>``; fails at ``BOOM``."""

    def clean(self, text: str) -> Cleaned:
        if "BOOM" in text:
            raise RuntimeError("boom\nand more")
        found = re.finditer("teh|<br>", text)
        return Cleaned(
            text, tuple(Edit("fake", "r", m.start(), m.end(), m[0], "the" if m[0] == "teh" else "\n", 1.0) for m in found)
        )


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
