"""What the shipped lexicon is made of: the files of ``data/lexicon`` and the counts of wordsegment, each as one mapping.

Reading them takes most of a second and a hundred megabytes, so that is done once: ``vnlp_prep.lexicon.tables`` compiles them
into a file that is mapped. Nothing here remembers anything.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from vnlp_prep.lexicon.files import Term, data_folder, read_bands, read_followers, read_pairs, read_terms, read_text

#: The files that the lexicon's answers depend on, in the order of its fingerprint.
SHIPPED = (
    "english.tsv", "vmware.tsv", "seen.tsv", "misspellings.tsv", "foreign.tsv", "names.tsv", "pairs.tsv",
    "slips.tsv", "letters.tsv",
)  # fmt: skip
_WEB_WORDS, _WEB_PAIRS = "unigrams.txt", "bigrams.txt"
# The documentation that vmware.tsv was counted in has this many words; a user's own list is weighed by its own sum, but
# never as if it were smaller than this, or a list of three words would make each of them the commonest word of English.
_DOMAIN_WORDS = 3_460_000
# Half of the prior comes from the domain: what technical text says often is what a typo in technical text stood for.
_DOMAIN_WEIGHT = 0.5
#: Words in the corpus that the counts of the web are from (wordsegment's own constant).
WEB_TOTAL = 1_024_908_267_229
#: Hundredths of the Zipf scale: the least that a term of a domain has, and a word that others are corrected to.
LEAST = 110


def files() -> list[Path]:
    """The files that are read here, wherever they are."""
    spec = find_spec("wordsegment")
    web = Path(spec.origin).parent if spec and spec.origin else Path()
    return [*(data_folder() / "lexicon" / name for name in SHIPPED), web / _WEB_WORDS, web / _WEB_PAIRS]


def fingerprint() -> str:
    """SHA-256 (hexadecimal) of the shipped files' contents."""
    digest = hashlib.sha256()
    for name in SHIPPED:
        digest.update((data_folder() / "lexicon" / name).read_bytes())
    return digest.hexdigest()


def domain_terms() -> list[Term]:
    """The terms of VMware's documentation."""
    return read_terms(data_folder() / "lexicon" / "vmware.tsv")


def english() -> dict[str, int]:
    """Words of general English -> hundredths of the Zipf scale, most frequent first."""
    return read_bands(data_folder() / "lexicon" / "english.tsv")


def known(english: dict[str, int], terms: Sequence[Term]) -> dict[str, int]:
    """All known words: those of general English, with the counts of ``terms`` mixed in, and the others of ``terms``."""
    return {**english, **mixed(terms, lambda word: english.get(word, 0))}


def mixed(terms: Iterable[Term], general: Callable[[str], int]) -> dict[str, int]:
    """Mix the counts of a domain into the ``general`` ones: lower-cased terms -> hundredths of the Zipf scale."""
    terms = list(terms)
    total = max(sum(t.count for t in terms), _DOMAIN_WORDS)
    out: dict[str, int] = {}
    for t in terms:
        word = t.term.lower()
        before = out.get(word) or general(word)
        share = _DOMAIN_WEIGHT * t.count / total * 1e9 + (1 - _DOMAIN_WEIGHT) * 10 ** (before / 100)
        out[word] = max(before, round(100 * math.log10(share)), LEAST)
    return out


def spellings(terms: Iterable[Term]) -> dict[str, str]:
    """Lower-cased terms -> how they are written, where that has capitals that no sentence asks for."""
    return {t.term.lower(): t.term for t in terms if not t.term[1:].islower() and len(t.term) > 1}


def seen() -> dict[str, int]:
    """Words that people write, right or wrong -> hundredths of the Zipf scale."""
    return read_bands(data_folder() / "lexicon" / "seen.tsv")


def foreign(terms: Iterable[Term]) -> frozenset[str]:
    """Frequent words of other languages. A term of the domain is no sign of one, whatever it means there ("datos", "server")."""
    words = frozenset(read_text(data_folder() / "lexicon" / "foreign.tsv").split("\n")[1:])
    return words - {t.term.lower() for t in terms} - {""}


def names() -> frozenset[str]:
    """Names of people, in lower case."""
    return frozenset(read_text(data_folder() / "lexicon" / "names.tsv").split("\n")[1:]) - {""}


def misspellings() -> dict[str, str]:
    """Known misspellings -> corrections, separated by ``|``."""
    return read_pairs(data_folder() / "lexicon" / "misspellings.tsv")


def documentation_pairs() -> dict[str, int]:
    """``"first second"`` -> hundredths of the Zipf scale, counted in technical documentation."""
    pairs: dict[str, int] = {}
    for (first,), followers in read_followers(data_folder() / "lexicon" / "pairs.tsv", 1):
        pairs.update((f"{first} {second}", value) for second, value in followers)
    return pairs


def letter_gains() -> dict[str, int]:
    """Three letters in a row -> how much likelier they are in misspellings than in known words and names (100 x log10)."""
    gains: dict[str, int] = {}
    for (before,), letters in read_followers(data_folder() / "lexicon" / "letters.tsv", 1):
        gains.update((before + letter, value) for letter, value in letters)
    return gains


def web_words() -> dict[str, int]:
    """333,000 words and how often the web has them, most frequent first: the list that comes with wordsegment."""
    return _web_counts(_WEB_WORDS)


def web_pairs() -> dict[str, int]:
    """286,000 pairs of neighbouring words, with a space between, and how often the web has them."""
    return _web_counts(_WEB_PAIRS)


def _web_counts(name: str) -> dict[str, int]:
    import importlib.resources

    text = (importlib.resources.files("wordsegment") / name).read_text(encoding="utf-8")
    rows = (line.partition("\t") for line in text.split("\n") if line)
    return {word: int(count) for word, _, count in rows}
