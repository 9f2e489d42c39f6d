"""The table of peers: other tools for the same tasks, each set up the way that its documentation recommends.

A peer says which kinds of system it has (``score.KINDS``); it takes part in the measures for these. Nothing is imported or
started before a system is built.
"""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

import checkers
import fixers_of_files as fixers
import splitters
from score import System, Systems

if TYPE_CHECKING:
    from score import Scorers

UNKNOWN = "unknown words become the first suggestion"
GATED = "the same, but only lower-case words of four letters or more"


@dataclass(frozen=True)
class Peer:
    """One row of the tables: its name, its version, how it was set up, and what it can be asked for."""

    name: str
    title: str
    version: Callable[[], str]
    how: str
    systems: Systems = field(repr=False)
    #: A slow tool gets at most this many cases of a set.
    most: int | None = None


def _package(name: str) -> Callable[[], str]:
    return lambda: metadata.version(name)


def _program(name: str, pattern: str) -> Callable[[], str]:
    def version() -> str:
        shown = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
        m = re.search(pattern, shown)
        return m[1] if m else shown.strip()

    return version


def _own(scorers: Scorers) -> list[Peer]:
    """The project and the naive chain, which the scorers know by name."""

    def chain(name: str, stages: tuple[str, ...] | None = None, **options: str) -> Callable[[], System]:
        return lambda: scorers.make(name, stages, **options)

    def systems(name: str) -> dict[str, Callable[[], System]]:
        return {
            "text": chain(name),
            "word": lambda: scorers.speller(name),
            "split": lambda: scorers.segmenter(name),
            "elongation": chain(name, ("repeats", "spelling")),
            "unicode": chain(name, ("unicode",)),
            "html": chain(name, ("html",)),
        }

    project = systems("project")
    project["page"] = chain("project", ("html",), html="page")
    project["gated split"] = chain("project", ("compounds", "spelling"))
    naive = systems("naive")
    naive["gated split"] = chain("naive", ("compounds",))
    row = "BeautifulSoup (its version), ftfy, a regular expression, wordsegment, symspellpy in a row"
    return [
        Peer("project", "**vnlp-prep**", _package("vnlp-prep"), "`Preprocessor()`, `suggest`, `segment`: the defaults", project),
        Peer("naive", "naive chain", _package("beautifulsoup4"), row, naive),
    ]


def _fixers() -> list[Peer]:
    def systems(
        fix: Callable[[Sequence[str]], list[str]], first: Callable[[Sequence[str]], list[str]]
    ) -> dict[str, Callable[[], System]]:
        return {"text": lambda: fixers.Batch(fix), "word": lambda: fixers.Batch(first)}

    codespell = "command line with `--write-changes` (fixes what has one correction); words: its first correction"
    typos = "command line with `--write-changes --isolated`; words: the first correction of `--format json`"
    return [
        Peer("codespell", "codespell", _package("codespell"), codespell, systems(fixers.codespell_fix, fixers.codespell_first)),
        Peer("typos", "typos", _package("typos"), typos, systems(fixers.typos_fix, fixers.typos_first)),
    ]


def _checkers() -> list[Peer]:
    version = _package("symspellpy")
    symspell = checkers.speller(checkers.SYMSPELL, checkers.symspell_best)
    split = splitters.splitter(splitters.symspell_split, checkers.knows_symspell)
    how = f"its 82,765-word list, distance 2: {UNKNOWN}; splits: `word_segmentation` without correction"
    compound = "`lookup_compound` with its list of pairs, on the runs of words between punctuation"
    out = [
        Peer("symspellpy", "symspellpy", version, how, {**symspell, **split}),
        Peer("symspellpy-gated", "symspellpy, gated", version, GATED, checkers.gated(checkers.SYMSPELL)),
        Peer(
            "symspellpy-compound",
            "symspellpy, compound",
            version,
            compound,
            {"text": lambda: checkers.symspell_compound},
            most=1000,
        ),
    ]
    for name, version, how, correct, best, most in (
        (
            "pyspellchecker",
            _package("pyspellchecker"),
            "`correction`, distance 2, 1 for long words",
            checkers.PYSPELL,
            checkers.pyspell_best,
            100,
        ),
        ("aspell", _program("aspell", r"Aspell ([\d.]+)"), "`aspell -a --lang=en`", checkers.aspell, checkers.aspell, None),
        (
            "hunspell",
            _program("hunspell", r"Hunspell ([\d.]+)"),
            "`hunspell -a -d en_US`",
            checkers.hunspell,
            checkers.hunspell,
            300,
        ),
    ):
        out.append(Peer(name, name, version, f"{how}: {UNKNOWN}", checkers.speller(correct, best), most))
        out.append(Peer(f"{name}-gated", f"{name}, gated", version, GATED, checkers.gated(correct), most))
    return out


def _splitters() -> list[Peer]:
    return [
        Peer(name, name, _package(name), how, splitters.splitter(split, known))
        for name, how, split, known in (
            (
                "wordsegment",
                "`segment`; gate: its own list of 333,333 words",
                splitters.wordsegment_split,
                splitters.knows_wordsegment,
            ),
            (
                "instant-segment",
                "with wordsegment's counts; gate: their words",
                splitters.instant_split,
                splitters.knows_wordsegment,
            ),
            ("wordninja", "`split`; gate: its own list of 125,000 words", splitters.wordninja_split, splitters.knows_wordninja),
        )
    ]


def _ftfy(text: str) -> str:
    import ftfy

    return str(ftfy.fix_text(text))


def _clean_text(**options: Any) -> System:
    from cleantext import clean

    return partial(clean, **options)


def _cleaners() -> list[Peer]:
    harmless = partial(_clean_text, lower=False, to_ascii=False)
    version, defaults = _package("clean-text"), "`clean(text)`: lower case, ASCII (without `unidecode`, which is under the GPL)"
    return [
        Peer("ftfy", "ftfy", _package("ftfy"), "`fix_text(text)`", {k: lambda: _ftfy for k in ("text", "unicode", "html")}),
        Peer(
            "clean-text",
            "clean-text",
            version,
            "`clean(text, lower=False, to_ascii=False)`",
            dict.fromkeys(("text", "unicode"), harmless),
        ),
        Peer("clean-text-defaults", "clean-text, defaults", version, defaults, dict.fromkeys(("text", "unicode"), _clean_text)),
    ]


def peers(scorers: Scorers) -> dict[str, Peer]:
    """The project and all peers by name, in the order of the tables."""
    warnings.filterwarnings("ignore", module="bs4")
    table = [*_own(scorers), *_fixers(), *_checkers(), *_splitters(), *_cleaners()]
    return {peer.name: peer for peer in table}
