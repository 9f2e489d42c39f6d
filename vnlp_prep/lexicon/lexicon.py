"""The lexicon: which words are known, how frequent they are and how they are written."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.lexicon.files import Term, data_folder, read_bands, read_pairs, read_terms, read_text

if TYPE_CHECKING:
    from vnlp_prep.lexicon.candidates import CandidateIndex
    from vnlp_prep.lexicon.suggestions import Suggestion

_SHIPPED = (
    "english.tsv", "vmware.tsv", "seen.tsv", "misspellings.tsv", "foreign.tsv", "names.tsv", "pairs.tsv",
    "slips.tsv", "letters.tsv",
)  # fmt: skip
# The documentation that vmware.tsv was counted in has this many words; a user's own list is weighed by its own sum, but
# never as if it were smaller than this, or a list of three words would make each of them the commonest word of English.
_DOMAIN_WORDS = 3_460_000
# Half of the prior comes from the domain: what technical text says often is what a typo in technical text stood for.
_DOMAIN_WEIGHT = 0.5


class Lexicon:
    """Known words with counts and sources, and what is known about unknown ones.

    ``word in lexicon`` asks whether a word is right as it stands (in any case, with possessive or contraction); such a word is
    never touched. ``Lexicon()`` is the shipped one (general English, technical terms, VMware's terms);
    ``Lexicon.load("domain.tsv")`` adds a user's own terms to it. Instances do not change and may be shared.
    """

    def __init__(self, terms: Sequence[Term] = (), *, domain: bool = True) -> None:
        """Make the shipped lexicon with ``terms`` added. The files are read on first use and shared by all instances.

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
    def _known(self) -> dict[str, int]:
        shipped = _shipped_known() if self.domain else _shipped_english()
        if not self.terms:
            return shipped
        known = dict(shipped)
        _mix_domain(known, [t for t in self.terms if not t.replace_by])
        for t in self.terms:
            if t.replace_by:
                known.pop(t.term.lower(), None)
        return known

    @cached_property
    def _case(self) -> dict[str, str]:
        case = dict(_shipped_case() if self.domain else {})
        case.update((t.term.lower(), t.term) for t in self.terms if not t.term.islower() and not t.replace_by)
        return case

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
        if low in known:
            return True
        if "’" in low:
            low = low.replace("’", "'")
            if low in known:
                return True
        if "'" in low:
            return all(part in known or part in _CLITICS for part in low.split("'"))
        return False

    def is_foreign(self, word: str) -> bool:
        """True if a lower-cased word is frequent in another language and rare in English, and the user did not add it."""
        return word in _shipped_foreign() and not (self.terms and word in self._added)

    def is_name(self, word: str) -> bool:
        """True if a word, in any case, is a name of people and of nothing else."""
        return word.lower() in _shipped_names()

    @cached_property
    def _added(self) -> frozenset[str]:
        return frozenset(t.term.lower() for t in self.terms)

    def zipf(self, word: str) -> float:
        """Frequency on the Zipf scale (log10 of occurrences per billion words); 0.0 for a word never seen."""
        low = word.lower()
        return (self._known.get(low) or _shipped_seen().get(low, 0)) / 100

    def known_zipf(self, word: str) -> float:
        """Frequency of a known lower-cased word on the Zipf scale; 0.0 for one that is not known, however often it was seen."""
        return self._known.get(word, 0) / 100

    def general_zipf(self, word: str) -> float:
        """Frequency in general English alone, on the Zipf scale: what a domain writes as one word may be two elsewhere."""
        return _shipped_english().get(word, 0) / 100

    def count(self, word: str) -> int:
        """Occurrences per billion words, mixed from general and technical text; 0 for a word never seen."""
        z = self.zipf(word)
        return round(10**z) if z else 0

    def spelling(self, word: str) -> str:
        """The word with the capitals it is known to have: ``vsphere`` -> ``vSphere``; others come back as they are."""
        return self._case.get(word.lower(), word)

    def misspelling_of(self, word: str) -> tuple[str, ...]:
        """Corrections of a known misspelling, best first; empty if the word is none."""
        listed = _shipped_misspellings().get(word.lower())
        return tuple(listed.split("|")) if listed else ()

    def suggest(self, word: str, limit: int = 10) -> list[Suggestion]:
        """Ranked corrections of ``word``; see ``vnlp_prep.suggest``."""
        from vnlp_prep.lexicon.suggestions import suggest

        return suggest(word, limit, lexicon=self)

    @cached_property
    def candidates(self) -> CandidateIndex:
        """The index that finds the known words near an unknown one; built or mapped from the cache on first use."""
        from vnlp_prep.lexicon.candidates import CandidateIndex

        # Nobody writes "e2e" or "read-only" with a slip for a plain word; the stages that correct look at letters only.
        no_letters = {t.term.lower() for t in self.terms if not t.term.replace("'", "").isalpha()}
        words = [w for w, z in self._known.items() if z >= 110 and w not in no_letters]
        return CandidateIndex.open(words, self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that the lexicon's answers depend on, in hexadecimal."""
        digest = hashlib.sha256(_shipped_fingerprint().encode())
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


def _mix_domain(known: dict[str, int], terms: Sequence[Term]) -> None:
    """Mix the counts of a domain into the general ones, in place."""
    total = max(sum(t.count for t in terms), _DOMAIN_WORDS)
    for t in terms:
        word = t.term.lower()
        share = _DOMAIN_WEIGHT * t.count / total * 1e9 + (1 - _DOMAIN_WEIGHT) * 10 ** (known.get(word, 0) / 100)
        known[word] = max(known.get(word, 0), round(100 * math.log10(share)), 110)


@lru_cache(maxsize=1)
def _domain_terms() -> list[Term]:
    return read_terms(data_folder() / "lexicon" / "vmware.tsv")


@lru_cache(maxsize=1)
def _shipped_english() -> dict[str, int]:
    return read_bands(data_folder() / "lexicon" / "english.tsv")


@lru_cache(maxsize=1)
def _shipped_known() -> dict[str, int]:
    known = dict(_shipped_english())
    _mix_domain(known, _domain_terms())
    return known


@lru_cache(maxsize=1)
def _shipped_case() -> dict[str, str]:
    return {t.term.lower(): t.term for t in _domain_terms() if not t.term[1:].islower() and len(t.term) > 1}


@lru_cache(maxsize=1)
def _shipped_seen() -> dict[str, int]:
    return read_bands(data_folder() / "lexicon" / "seen.tsv")


@lru_cache(maxsize=1)
def _shipped_foreign() -> frozenset[str]:
    words = frozenset(read_text(data_folder() / "lexicon" / "foreign.tsv").split("\n")[1:])
    # A term of the domain is no sign of another language, whatever it means there ("datos", "server").
    return words - {t.term.lower() for t in _domain_terms()}


@lru_cache(maxsize=1)
def _shipped_names() -> frozenset[str]:
    return frozenset(read_text(data_folder() / "lexicon" / "names.tsv").split("\n")[1:])


@lru_cache(maxsize=1)
def _shipped_misspellings() -> dict[str, str]:
    return read_pairs(data_folder() / "lexicon" / "misspellings.tsv")


@lru_cache(maxsize=1)
def _shipped_fingerprint() -> str:
    digest = hashlib.sha256()
    for name in _SHIPPED:
        digest.update((data_folder() / "lexicon" / name).read_bytes())
    return digest.hexdigest()
