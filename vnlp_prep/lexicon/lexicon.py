"""The lexicon: which words are known, how frequent they are and how they are written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.lexicon import sources
from vnlp_prep.lexicon.files import Term, read_terms
from vnlp_prep.lexicon.tables import FOREIGN, NAME, lexicon_tables

if TYPE_CHECKING:
    from vnlp_prep.lexicon.candidates import CandidateIndex, ExtendedIndex
    from vnlp_prep.lexicon.suggestions import Suggestion


class Lexicon:
    """Known words with counts and sources, and what is known about unknown ones.

    ``word in lexicon`` asks whether a word is right as it stands (in any case, with possessive or contraction); such a word is
    never touched. ``Lexicon()`` is the shipped one (general English, technical terms, VMware's terms);
    ``Lexicon.load("domain.tsv")`` adds a user's own terms to it. Instances do not change and may be shared.
    """

    def __init__(self, terms: Sequence[Term] = (), *, domain: bool = True) -> None:
        """Make the shipped lexicon with ``terms`` added. The shipped tables are mapped on first use and shared by all.

        ``domain=False`` leaves the shipped terms of VMware's documentation out: to see what a corpus alone teaches.
        """
        self.terms = tuple(terms)
        self.domain = domain

    @staticmethod
    @lru_cache(maxsize=1)
    def shipped() -> Lexicon:
        """Return the shipped lexicon, one instance a process."""
        return Lexicon()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Lexicon:
        """Return the shipped lexicon with the term list at ``path`` added.

        Raises LexiconError, with file and line, when the file is not a proper term list (``vnlp_prep.lexicon.files``).
        """
        return cls(read_terms(Path(path)))

    @cached_property
    def _known(self) -> Callable[[str], int]:
        """What gives the hundredths of the Zipf scale of a known lower-cased word; 0 for others."""
        shipped = lexicon_tables().known if self.domain else lexicon_tables().english
        if not self.terms:
            return shipped
        own = self._own

        def known(low: str) -> int:
            return shipped(low) if (zipf := own.get(low)) is None else zipf

        return known

    @cached_property
    def _own(self) -> dict[str, int]:
        """The user's words, lower-cased, with their counts mixed into the shipped ones as in ``_known``; 0: taken out."""
        shipped = lexicon_tables().known if self.domain else lexicon_tables().english
        own = sources.mixed((t for t in self.terms if not t.replace_by), shipped)
        own.update((t.term.lower(), 0) for t in self.terms if t.replace_by)
        return own

    @cached_property
    def _case(self) -> Mapping[str, str]:
        shipped = lexicon_tables().spellings if self.domain else {}
        if not self.terms:
            return shipped
        return {**shipped, **{t.term.lower(): t.term for t in self.terms if not t.term.islower() and not t.replace_by}}

    @cached_property
    def replacements(self) -> Mapping[str, str]:
        """The user's own corrections: lower-cased mistake -> what to write instead."""
        return {t.term.lower(): t.replace_by for t in self.terms if t.replace_by}

    def __contains__(self, word: object) -> bool:
        """True if the word is right as it stands: in the lexicon, or a contraction or possessive of words that are.

        >>> [w in Lexicon() for w in ("the", "vSphere", "Kubernetes", "vCenter's", "don’t", "behaviour", "recieve", "occured")]
        [True, True, True, True, True, True, False, False]
        """
        if not isinstance(word, str):
            return False
        known = self._known
        low = word.lower()
        if known(low):
            return True
        if "’" in low:
            low = low.replace("’", "'")
            if known(low):
                return True
        if "'" in low:
            return all(part in _CLITICS or known(part) for part in low.split("'"))
        return False

    def is_foreign(self, word: str) -> bool:
        """True if a lower-cased word is frequent in another language and rare in English, and the user did not add it."""
        return lexicon_tables().flags(word) & FOREIGN > 0 and not (self.terms and word in self._added)

    def is_name(self, word: str) -> bool:
        """True if a word, in any case, is a name of people and of nothing else."""
        return lexicon_tables().flags(word.lower()) & NAME > 0

    @cached_property
    def _added(self) -> frozenset[str]:
        return frozenset(t.term.lower() for t in self.terms)

    def zipf(self, word: str) -> float:
        """Frequency on the Zipf scale (log10 of occurrences per billion words); 0.0 for a word never seen."""
        low = word.lower()
        return (self._known(low) or lexicon_tables().seen(low)) / 100

    def known_zipf(self, word: str) -> float:
        """Frequency of a known lower-cased word on the Zipf scale; 0.0 for one that is not known, however often it was seen."""
        return self._known(word) / 100

    def general_zipf(self, word: str) -> float:
        """Frequency in general English alone, on the Zipf scale: what a domain writes as one word may be two elsewhere."""
        return lexicon_tables().english(word) / 100

    def count(self, word: str) -> int:
        """Occurrences per billion words, mixed from general and technical text; 0 for a word never seen."""
        z = self.zipf(word)
        return round(10**z) if z else 0

    def spelling(self, word: str) -> str:
        """The word with the capitals it is known to have: ``vsphere`` -> ``vSphere``; others come back as they are."""
        return self._case.get(word.lower(), word)

    def misspelling_of(self, word: str) -> tuple[str, ...]:
        """Corrections of a known misspelling, best first; empty if the word is none."""
        listed = lexicon_tables().misspelling_of(word.lower())
        return tuple(listed.split("|")) if listed else ()

    def suggest(self, word: str, limit: int = 10) -> list[Suggestion]:
        """Ranked corrections of ``word``; see ``vnlp_prep.suggest``."""
        from vnlp_prep.lexicon.suggestions import suggest

        return suggest(word, limit, lexicon=self)

    @cached_property
    def candidates(self) -> CandidateIndex | ExtendedIndex:
        """The index that finds the known words near an unknown one; built or mapped from the cache on first use."""
        from vnlp_prep.lexicon.candidates import CandidateIndex, ExtendedIndex

        if not self.terms:
            return _shipped_candidates(self.domain)
        # Nobody writes "e2e" or "read-only" with a slip for a plain word; the stages that correct look at letters only.
        no_letters = {t.term.lower() for t in self.terms if not t.term.replace("'", "").isalpha()}
        shipped = lexicon_tables().known if self.domain else lexicon_tables().english
        gone = frozenset(word for word, zipf in self._own.items() if not zipf or word in no_letters)
        added = [word for word in self._own if word not in gone and shipped(word) < sources.LEAST]
        own = CandidateIndex.open(added, "added " + self.fingerprint)
        return ExtendedIndex(_shipped_candidates(self.domain), own, gone)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that the lexicon's answers depend on, in hexadecimal."""
        digest = hashlib.sha256(lexicon_tables().fingerprint.encode())
        if not self.domain:
            digest.update(b"general English only")
        for t in self.terms:
            digest.update("\t".join(map(str, t)).encode())
        return digest.hexdigest()

    def __getstate__(self) -> dict[str, object]:
        """Only the user's terms travel to another process; the shipped files are there already."""
        return {"terms": self.terms, "domain": self.domain}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.terms, self.domain = state["terms"], state["domain"]

    def __repr__(self) -> str:
        """Short: how many terms the user added."""
        return f"Lexicon({len(self.terms)} terms added to the shipped ones)"


_CLITICS = frozenset(("s", "t", "d", "m", "ll", "re", "ve", "n", ""))


@lru_cache(maxsize=2)
def _shipped_candidates(domain: bool) -> CandidateIndex:
    """The index of the shipped words, with or without the terms of the domain; all lexicons of a process share it."""
    from vnlp_prep.lexicon.candidates import CandidateIndex

    words: Sequence[str] = lexicon_tables().common
    if not domain:
        words = [word for word, zipf in sources.english().items() if zipf >= sources.LEAST]
    return CandidateIndex.open(words, Lexicon(domain=domain).fingerprint)
