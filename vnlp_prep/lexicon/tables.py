"""The lexicon's tables, compiled once out of the shipped text files and mapped by every process."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from vnlp_prep.lexicon import sources
from vnlp_prep.lexicon.compiled import Compiled, Table, opened, packed_table
from vnlp_prep.lexicon.wordlist import WordList

#: What is known of a word beside its counts; bits of the column ``flags``.
FOREIGN, NAME = 1, 2


class Tables:
    """What the shipped files say of words, misspellings and pairs of words."""

    def __init__(self, compiled: Compiled) -> None:
        """``compiled``: as ``lexicon_tables`` opens it."""
        self._compiled = compiled
        #: SHA-256 (hexadecimal) of the files.
        self.fingerprint = compiled.remarks["fingerprint"]
        words, pairs, misspellings = (Table(compiled, name) for name in ("words", "pairs", "misspellings"))
        #: Of a lower-cased word, in hundredths of the Zipf scale: as a known one, in general English, and right or wrong.
        self.known, self.english, self.seen = words.reader("known"), words.reader("english"), words.reader("seen")
        #: FOREIGN and NAME.
        self.flags = words.reader("flags")
        #: Of ``"first second"``: hundredths of the Zipf scale in documentation, and occurrences on the web.
        self.documentation_pair, self.web_pair = pairs.reader("documentation"), pairs.reader("web")
        #: By the numbers of three letters in a row (``vnlp_prep.lexicon.letters``): 100 x log10.
        self.letters = compiled.sections["letters"]
        self._start, self._length = misspellings.reader("start"), misspellings.reader("length")
        self._corrections = compiled.sections["corrections"]

    def misspelling_of(self, word: str) -> str:
        """Corrections of a known misspelling, separated by ``|``, best first; empty if the word is none."""
        length = self._length(word)
        if not length:
            return ""
        start = self._start(word)
        return str(self._corrections[start : start + length], "utf-8")

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """Lower-cased words of the domain -> how they are written, where that has capitals of its own."""
        return {term.lower(): term for term in self._compiled.text("spellings").split("\n")}

    @cached_property
    def common(self) -> WordList:
        """The known words that others are corrected to; those of general English first, by frequency."""
        return WordList(self._compiled.text("common"), self._compiled.sections["common.starts"])


class WebTables:
    """What the web says of words: only ``segment`` asks it."""

    def __init__(self, compiled: Compiled) -> None:
        """``compiled``: as ``web_tables`` opens it."""
        #: Occurrences of a word.
        self.count = Table(compiled, "words").reader("count")
        #: How probable a letter is after three others (``vnlp_prep.lexicon.segmentation_letters``).
        self.letters = compiled.sections["letters"]


def key() -> str:
    """What the compiled tables depend on: this version, this machine's order of bytes, and files by name, size and time.

    The files are those that the tables are made of, and the library that made the tries. Python goes by size and time for its
    own compiled files, too: the contents would say more, but take longer to read than the tables take to open.
    """
    import marisa_trie

    from vnlp_prep import __version__

    parts = [__version__, sys.byteorder]
    for path in (*sources.files(), Path(marisa_trie.__file__)):
        try:
            status = path.stat()
            parts.append(f"{path} {status.st_size} {status.st_mtime_ns}")
        except OSError:
            parts.append(f"{path}")
    return "\n".join(parts)


@lru_cache(maxsize=1)
def lexicon_tables() -> Tables:
    """Open the tables of words, misspellings and pairs; compiled on first use on a machine, in a few seconds."""
    return Tables(opened("lexicon", key(), _lexicon))


@lru_cache(maxsize=1)
def web_tables() -> WebTables:
    """Open the tables of words on the web; compiled on first use on a machine, in a few seconds."""
    return WebTables(opened("web", key(), _web))


def _lexicon() -> tuple[dict[str, str], dict[str, Any]]:
    terms, english = sources.domain_terms(), sources.english()
    known = sources.known(english, terms)
    flags = dict.fromkeys(sources.foreign(terms), FOREIGN)
    flags.update((name, flags.get(name, 0) | NAME) for name in sources.names())
    common = WordList.of(word for word, zipf in known.items() if zipf >= sources.LEAST)
    remarks, sections = packed_table(
        "words", {"known": ("H", known), "english": ("H", english), "seen": ("H", sources.seen()), "flags": ("B", flags)}
    )
    del english, known, flags
    remarks["fingerprint"] = sources.fingerprint()
    sections["common"] = common.text.encode()
    sections["common.starts"] = common.starts
    sections["spellings"] = "\n".join(sources.spellings(terms).values()).encode()
    sections["letters"] = _letters()
    del common, terms
    for part in (_pairs, _misspellings):
        more, further = part()
        remarks.update(more)
        sections.update(further)
    return remarks, sections


def _letters() -> array[int]:
    from vnlp_prep.lexicon.letters import NUMBERS, SIGNS

    gains = array("h", bytes(2 * SIGNS**3))
    for letters, gain in sources.letter_gains().items():
        a, b, c = (NUMBERS[letter] for letter in letters)
        gains[(a * SIGNS + b) * SIGNS + c] = gain
    return gains


def _pairs() -> tuple[dict[str, str], dict[str, Any]]:
    return packed_table("pairs", {"documentation": ("H", sources.documentation_pairs()), "web": ("I", sources.web_pairs())})


def _misspellings() -> tuple[dict[str, str], dict[str, Any]]:
    """Corrections as text, and for each misspelling where its own begin there, and how many bytes they are."""
    listed = {wrong: right.encode() for wrong, right in sources.misspellings().items()}
    places: dict[bytes, int] = {}
    at = 0
    for right in listed.values():
        if places.setdefault(right, at) == at:
            at += len(right)
    start = {wrong: places[right] for wrong, right in listed.items()}
    length = {wrong: len(right) for wrong, right in listed.items()}
    remarks, sections = packed_table("misspellings", {"start": ("I", start), "length": ("H", length)})
    return remarks, {**sections, "corrections": b"".join(places)}


def _web() -> tuple[dict[str, str], dict[str, Any]]:
    from vnlp_prep.lexicon.segmentation_letters import letters_table

    counts = sources.web_words()
    remarks, sections = packed_table("words", {"count": ("Q", counts)})
    return remarks, {**sections, "letters": array("d", letters_table(counts))}
