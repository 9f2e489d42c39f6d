"""Spelling checkers: symspellpy, pyspellchecker, aspell, hunspell; and how a checker of words is let loose on text."""

from __future__ import annotations

import importlib.resources
import re
import subprocess
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from score import System, Systems

_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"(?<![\w])[A-Za-z]+(?:['’][A-Za-z]+)*(?![\w])")
_ADDRESS = re.compile(r"://|@|\\|^[/~]|^www\.")
_MIN_GATED = 4


class OnText:
    """A word corrector on running text: each word that it does not know becomes its first suggestion.

    Addresses, paths and words with digits or underscores are left alone, as the tools themselves do or recommend. ``gated``:
    also words with a capital and those of three letters or less, which are names and abbreviations most often.
    """

    def __init__(self, correct: System, gated: bool) -> None:
        """``correct``: a word -> itself if it is known, else its first suggestion, if there is one."""
        self._correct = lru_cache(maxsize=None)(correct)
        self._gated = gated

    def __call__(self, text: str) -> str:
        """The text with its unknown words replaced."""
        return _TOKEN.sub(lambda m: m.group() if _ADDRESS.search(m.group()) else _WORD.sub(self._word, m.group()), text)

    def _word(self, m: re.Match[str]) -> str:
        word = m.group()
        if self._gated and (len(word) < _MIN_GATED or not word.islower()):
            return word
        return self._correct(word.replace("’", "'"))


def speller(known: System, best: System) -> Systems:
    """Systems of a word corrector. ``known``: a word -> itself if known, else the suggestion; ``best``: without that gate."""
    return {
        "text": lambda: OnText(known, gated=False),
        "word": lambda: best,
        # As everybody does it: runs of letters to two, then the corrector.
        "elongation": lambda: lambda word: known(re.sub(r"(.)\1{2,}", r"\1\1", word)),
    }


def gated(known: System) -> Systems:
    """The same on text, with a gate that keeps names and abbreviations out."""
    return {"text": lambda: OnText(known, gated=True)}


# --- symspellpy ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def symspell() -> Any:
    """Symspellpy with its English lists, as its documentation sets it up."""
    from symspellpy import SymSpell

    sym = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    folder = importlib.resources.files("symspellpy")
    sym.load_dictionary(str(folder / "frequency_dictionary_en_82_765.txt"), 0, 1)
    sym.load_bigram_dictionary(str(folder / "frequency_bigramdictionary_en_243_342.txt"), 0, 2)
    return sym


def symspell_best(word: str) -> str:
    """Symspellpy's best candidate within two edits; the word if there is none."""
    from symspellpy import Verbosity

    hits = symspell().lookup(word, Verbosity.TOP, max_edit_distance=2, transfer_casing=True)
    return str(hits[0].term) if hits else word


def symspell_compound(text: str) -> str:
    """The text through symspellpy's ``lookup_compound``."""

    # It drops the punctuation of what it is given, so it gets the text between punctuation only.
    def fix(m: re.Match[str]) -> str:
        hits = symspell().lookup_compound(m.group(), 2, ignore_non_words=True, transfer_casing=True)
        return str(hits[0].term) if hits else m.group()

    return re.sub(r"[A-Za-z]+(?:[ '][A-Za-z]+)*", fix, text)


# --- pyspellchecker -----------------------------------------------------------------------------------------------------


# Its documentation: "If the words that you wish to check are long, it is recommended to reduce the distance to 1."
_LONG = 10


@cache
def _pyspell(distance: int) -> Any:
    from spellchecker import SpellChecker

    return SpellChecker(distance=distance)


@cache
def pyspell_best(word: str) -> str:
    """The correction of pyspellchecker; the word if there is none."""
    best = _pyspell(2 if len(word) < _LONG else 1).correction(word)
    return like(word, best) if best else word


def like(pattern: str, word: str) -> str:
    """``word`` in the case of ``pattern``."""
    if pattern.isupper() and len(pattern) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word


# --- aspell and hunspell, through their pipes ---------------------------------------------------------------------------


class Pipe:
    """An ispell-like checker that answers a line at a time (``-a``)."""

    def __init__(self, *command: str) -> None:
        """Start ``command``."""
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # its version
        self._best: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        """The word if it is known or nothing is near, else the first suggestion."""
        if word not in self._best:
            self._best[word] = self._ask(word)
        return self._best[word]

    def _ask(self, word: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"^{word}\n")
        self._process.stdin.flush()
        answers = []
        while line := self._process.stdout.readline().rstrip("\n"):
            answers.append(line)
        # "& word count offset: first, second": a line for each word; a word with a hyphen has two.
        suggestions = [line.partition(": ")[2].split(", ")[0] for line in answers if line[0] in "&?"]
        return suggestions[0] if len(answers) == len(suggestions) == 1 else word


@cache
def _aspell() -> Pipe:
    return Pipe("aspell", "-a", "--lang=en", "--encoding=utf-8")


@cache
def _hunspell() -> Pipe:
    return Pipe("hunspell", "-a", "-d", "en_US", "-i", "utf-8")


# --- What the table of peers takes -----------------------------------------------------------------------------------


def knows_symspell(word: str) -> bool:
    """True if symspellpy's list has the word."""
    return word.lower() in symspell().words


def _unless(known: Callable[[str], bool], best: System) -> System:
    return lambda word: word if known(word) else best(word)


#: Correctors that leave known words alone, and the same without that gate. aspell and hunspell have none without.
SYMSPELL = _unless(knows_symspell, symspell_best)
PYSPELL = _unless(lambda word: bool(_pyspell(2).known([word])), pyspell_best)


def aspell(word: str) -> str:
    """Aspell's correction; the word if it is known."""
    return _aspell()(word)


def hunspell(word: str) -> str:
    """Hunspell's correction; the word if it is known."""
    return _hunspell()(word)
