"""codespell and typos: tools that read and write files, through their command lines.

They get all texts of a measure in one run, one file a text: ``Batch``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


class Batch:
    """A tool that takes files: ``prepare`` runs it once over many texts, then each text's result is looked up."""

    def __init__(self, fix: Callable[[Sequence[str]], Iterable[str]]) -> None:
        """``fix``: texts -> what the tool makes of each."""
        self._fix = fix
        self._done: dict[str, str] = {}

    def prepare(self, texts: Iterable[str]) -> None:
        """Run the tool over the texts that it has not seen."""
        new = sorted(set(texts) - self._done.keys())
        self._done.update(zip(new, self._fix(new), strict=True))

    def __call__(self, text: str) -> str:
        """What the tool made of a prepared text."""
        return self._done[text]


def _program(name: str) -> str:
    """A program of this Python environment, or of the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def _in_files(command: Sequence[str], texts: Sequence[str]) -> tuple[str, list[str]]:
    """Write each text to a file, run the command over them; return its output and what then stands in the files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i:06}.txt" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode())
        done = subprocess.run([*command, "."], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return done.stdout.decode(), [path.read_bytes().decode() for path in paths]


def codespell_fix(texts: Sequence[str]) -> list[str]:
    """The texts with what has one correction fixed."""
    return _in_files([_program("codespell"), "--write-changes", "--config", "/dev/null"], texts)[1]


def codespell_first(words: Sequence[str]) -> list[str]:
    """The first correction of each word, or the word."""
    out, _ = _in_files([_program("codespell"), "--config", "/dev/null"], words)
    best = list(words)
    for line in out.split("\n"):
        m = re.match(r"(?:\./)?(\d+)\.txt:\d+: (.+) ==> (.+)", line)
        if m:
            best[int(m[1])] = best[int(m[1])].replace(m[2], m[3].split(", ")[0])
    return best


_TYPOS = ("--isolated", "--no-ignore", "--no-check-filenames", "--threads", "1")


def typos_fix(texts: Sequence[str]) -> list[str]:
    """The texts with what has one correction fixed."""
    return _in_files([_program("typos"), *_TYPOS, "--write-changes"], texts)[1]


def typos_first(words: Sequence[str]) -> list[str]:
    """The first correction of each word, or the word."""
    out, _ = _in_files([_program("typos"), *_TYPOS, "--format", "json"], words)
    best = list(words)
    for line in out.split("\n"):
        found = json.loads(line) if line else {}
        if found.get("type") == "typo" and found["corrections"]:
            i = int(Path(found["path"]).stem)
            best[i] = best[i].replace(found["typo"], found["corrections"][0])
    return best
