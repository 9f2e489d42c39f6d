"""The project's scorers, for systems that they do not know: they are imported from the shared folder, never copied.

The scorers ask ``systems.make``, ``systems.segmenter`` and ``systems.speller`` for the system of a name. While a peer is
measured, these three give out what the peer says of itself; everything that counts is the scorers' own code.
"""

from __future__ import annotations

import gzip
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

#: What turns a text (or a word) into what a peer makes of it.
System = Callable[[str], str]
#: Builders of a peer's systems, by what they do: see ``KINDS``.
Systems = Mapping[str, Callable[[], System]]

#: What a peer may offer. ``text``: the whole tool on running text. ``word``: the best correction of a word, without a gate.
#: ``split``: the best split, without a gate. ``gated split``: the same as one would let it loose on text.
KINDS = ("text", "word", "split", "gated split", "elongation", "unicode", "html", "page")
_KIND_OF_STAGES = {("repeats", "spelling"): "elongation", ("unicode",): "unicode", ("html",): "html"}
#: Which kind a set of cases measures, by the start of its file's name; the first that fits.
_KIND_OF_SET = (
    ("spelling_words", "word"),
    ("segmentation", "split"),
    ("elongation", "elongation"),
    ("clean_words", "text"),
    ("spelling_context", "text"),
    ("unicode", "unicode"),
    ("html_text", "page"),
    ("html", "html"),
)
WHOLE = 10**6  # more cases than any set has


class Scorers:
    """The score scripts of a shared folder, and the cases that they read (``VNLP_CASES``, or ``data`` beside them)."""

    def __init__(self, shared: Path) -> None:
        """Import the scripts of ``shared/score``. Raises SystemExit with the reason where there are none."""
        folder = shared / "score"
        if not (folder / "cases.py").is_file():
            raise SystemExit(f"{folder}: there are no score scripts")
        sys.path.append(str(folder.resolve()))
        self.systems = self._script("systems")
        self.cases = self._script("cases")
        self.typos = self._script("typos")
        self.harm = self._script("harm")
        self.data: Path = self._script("prose").DATA
        # The naive chain and the project are systems that the scorers have of their own.
        self.make, self.segmenter, self.speller = self.systems.make, self.systems.segmenter, self.systems.speller

    @staticmethod
    def _script(name: str) -> ModuleType:
        return importlib.import_module(name)

    def sets(self) -> list[str]:
        """Names of the benchmark sets, those that some kind of system can be measured with."""
        names = sorted(p.name for p in (self.data / "bench").iterdir() if p.suffix in (".tsv", ".jsonl"))
        return [n for n in names if kind_of_set(n)]

    @contextmanager
    def scoring(self, built: Callable[[str], System]) -> Iterator[None]:
        """Let the scorers measure the systems that ``built`` gives out by kind, under the name ``project``.

        The scorers read whole pages (``html="page"``) only from a system of that name.
        """

        def make(_name: str, stages: Iterable[str] | None = None, html: str = "") -> System:
            return built("page" if html == "page" else _KIND_OF_STAGES[tuple(stages)] if stages else "text")

        old = {name: getattr(self.systems, name) for name in ("make", "segmenter", "speller")}
        try:
            self.systems.make = make  # type: ignore[attr-defined]
            self.systems.segmenter = lambda _name: built("split")  # type: ignore[attr-defined]
            self.systems.speller = lambda _name: built("word")  # type: ignore[attr-defined]
            yield
        finally:
            for name, function in old.items():
                setattr(self.systems, name, function)

    def measure(self, name: str, built: Callable[[str], System], limit: int, capped: bool) -> dict[str, Any]:
        """One measure: ``typos``, ``harm``, ``gate`` or the name of a set, on at most ``limit`` cases.

        ``capped``: also the lines of ``typos`` and the words of ``clean_words`` are limited, of which all are taken else.
        """
        with self.scoring(built):
            if name == "typos":
                return self._typos(limit if capped else WHOLE)
            if name == "harm":
                return dict(self.harm.run("project", max(1, limit // 3)))
            if name == "gate":
                return self._gate(built("gated split"), limit if capped else WHOLE)
            if name.startswith("clean_words"):
                return dict(self.cases.clean_set(self.data / "bench" / name, built("text"), limit if capped else WHOLE)[0])
            return dict(self.cases.run("project", limit, only=name)[name])

    def _typos(self, limit: int) -> dict[str, Any]:
        (path,) = self.data.glob("corpus/vmware_doc_typos*.jsonl.gz")
        with gzip.open(path, "rt", encoding="utf-8") as f:
            lines = f.readlines()
        step = max(1, len(lines) // limit)
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "typos.jsonl.gz"
            with gzip.open(part, "wt", encoding="utf-8") as f:
                f.writelines(lines[::step][:limit])
            return dict(self.typos.run("project", part), share=round(len(lines[::step][:limit]) / len(lines), 3))

    def _gate(self, system: System, limit: int) -> dict[str, Any]:
        """Splitting as one would let it loose on text: run-together words that are found, right words that stay whole."""
        bench = self.data / "bench"
        found, _ = self.cases.words_set(bench / "segmentation_runons.tsv", system, limit)
        kept, _ = self.cases.clean_set(bench / "clean_words.tsv", system, limit)
        whole = {kind: round(100 - of["changed"] - of["split"], 2) for kind, of in kept.items()}
        return {"runons right": found["right"], "n": found["n"], "whole": whole}


def kind_of_set(name: str) -> str | None:
    """The kind of system that a measure needs; None for a file that is no set."""
    if name in ("typos", "harm"):
        return "text"
    if name == "gate":
        return "gated split"
    return next((kind for start, kind in _KIND_OF_SET if name.startswith(start)), None)
