"""What each word of a corpus is: a term, a word that English has, a misspelling, two words run together. With the reason.

A noisy channel in its plainest form: a word was meant as another one (``of``) if that is near it and so much more frequent that
slips explain all that was counted. How much more frequent depends on how likely two right words are so near by chance: for three
letters always, for ten hardly ever. Regular forms of known words, names and words with capitals of their own are rarely slips.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vnlp_prep.lexicon.learning.count import Word
from vnlp_prep.lexicon.learning.variants import dominant_spelling, is_name, is_plain, splits, variants
from vnlp_prep.lexicon.morphology import is_regular_form, stems

if TYPE_CHECKING:
    from vnlp_prep.lexicon.candidates import CandidateIndex
    from vnlp_prep.lexicon.learning.count import Counts
    from vnlp_prep.lexicon.lexicon import Lexicon

#: A word of the corpus that is not known needs so many documents to be a term, by the size of the corpus in documents: the more
#: people write, the more often two of them make the same mistake.
MIN_DOCUMENTS = ((20_000, 5), (2_000, 4), (0, 3))
# Names that stand in inline code only need more again: nobody reads code for its spelling.
_MIN_DOCUMENTS_IN_CODE = 8
# How many times as frequent the other word must be, by the number of letters: one slip apart, two slips apart.
_ONE_SLIP = {3: 100, 4: 10, 5: 5, 6: 5, 7: 4}
_TWO_SLIPS = {7: 500, 8: 100, 9: 50, 10: 30, 11: 20}
_LONG_ONE, _LONG_TWO = 3, 15
# A letter before or behind a word makes another one ("vhost", "kapp", "hostd"); few slips do.
_ADDED_LETTER = 15
# A regular form, a name, a word with capitals of its own must be rarer by this factor to be a slip of another word.
_REGULAR, _NAME, _SHAPED = 30, 30, 5
_LONG_NAME, _LONG_NAME_LETTERS = 2, 8  # a long name is near no other word by chance
# Acronyms are near each other by their nature; longer words with capitals of their own are not.
_MIN_SHAPED = 6
# So many documents are beyond what is run together by mistake; each time as many again speak as much.
_MANY_DOCUMENTS = 10
# A corpus may be too small to have the right word often: for each step of the Zipf scale above 3, a word of general English
# counts as if it had been seen so many times more. Not a short one: every short term is near some of those.
_GENERAL_COUNTS, _GENERAL_ZIPF, _GENERAL_LETTERS = 20, 3.0, 6
# Forms of rare words are slips of frequent ones ("suppled").
_RARE_STEM, _COMMON_STEM = 2.5, 3.5
# Two words without their space: how many times as frequent they must be as two words; less if one is a function word, or both.
_RUN_TOGETHER, _WITH_FUNCTION_WORD, _TWO_FUNCTION_WORDS = 20, 4, 0.2
_FUNCTION_WORDS = frozenset(
    "a an the of to in on at by as is are be it its for from with and or not no so if we you they this that these those all any "
    "can has have had was were will would should may must do does than then when which".split()
)
_TWO_CAPITALS, _SWAPPED_CAPITAL = re.compile(r"[A-Z]{2}[a-z]{2,}"), re.compile(r"[a-z][A-Z][a-z]{2,}")
_CORPUS_ZIPF = 5  # documents from which on a word of the corpus counts as known for the forms of it
_MIN_JUDGED_PART = 4  # letters; shorter parts of words with hyphens are prefixes and numbers
_MIN_LETTERS = 2  # of a word that is listed
_MIN_CANDIDATE = 3  # occurrences of a word that others can be slips of


@dataclass(frozen=True, slots=True)
class Decision:
    """What a word is.

    ``kind`` is ``term``, ``known`` (English has it anyway), ``misspelling`` or ``run-together``; for the last two, ``of`` is what
    was meant; ``why`` says it in words.
    """

    term: str
    kind: str
    count: int
    documents: int
    sources: int
    of: str
    variants: tuple[tuple[str, int], ...]
    why: str


@dataclass(frozen=True)
class _Slip:
    """Another word that this one may be a slip of."""

    of: str
    distance: int
    ratio: float
    needed: float

    @property
    def is_one(self) -> bool:
        return self.ratio >= self.needed

    @property
    def strength(self) -> float:
        return self.ratio / self.needed


def decide(counts: Counts, lexicon: Lexicon, min_documents: int | None = None) -> list[Decision]:
    """Return a decision for each word in at least ``min_documents`` documents, the most widespread first.

    ``lexicon`` is what is known before; what a person decided about words belongs to it. Without ``min_documents`` the size of
    the corpus decides (MIN_DOCUMENTS).
    """
    if min_documents is None:
        min_documents = next(n for size, n in MIN_DOCUMENTS if counts.documents >= size)
    judge = _Judge(counts, lexicon, min_documents)
    found = [d for low, word in counts.words.items() if (d := judge.decide(low, word))]
    return sorted(found, key=lambda d: (-d.documents, -d.count, d.term.lower(), d.term))


class _Judge:
    """Decides word by word."""

    def __init__(self, counts: Counts, lexicon: Lexicon, min_documents: int) -> None:
        self.counts = counts
        self.lexicon = lexicon
        self.min_documents = min_documents

    def decide(self, low: str, word: Word) -> Decision | None:
        """Return what the word is; None if too little is known of it."""
        if len(low) < _MIN_LETTERS or max(word.documents, word.in_code) < self.min_documents or low.endswith(("-", ".")):
            return None
        if low in self.lexicon:
            if word.documents < self.min_documents:
                return None
            spelling = dominant_spelling(word, self.lexicon.spelling(low))
            return self._made(low, word, spelling, "known", "", "general English or the shipped terms have it")
        kind, of, why = self._judged(low, word)
        # What stands in code only is a name or nothing: nobody slips there.
        if (kind == "term" and not self._is_attested(word)) or (kind != "term" and word.documents < self.min_documents):
            return None
        return self._made(low, word, dominant_spelling(word, low), kind, of, why) if kind else None

    def _made(self, low: str, word: Word, spelling: str, kind: str, of: str, why: str) -> Decision:
        others = tuple(variants(low, self.counts).items())[:3]
        return Decision(spelling, kind, max(word.count, 1), max(word.documents, 1), word.source_count, of, others, why)

    def _is_attested(self, word: Word) -> bool:
        if word.documents < self.min_documents:
            return word.in_code >= max(_MIN_DOCUMENTS_IN_CODE, self.min_documents)
        if word.source_count == 1 and self._has_sources:  # one author's habit is no term
            return word.documents > self.min_documents
        return True

    @cached_property
    def _has_sources(self) -> bool:
        every = 0
        for word in self.counts.words.values():
            every |= word.sources
        return every.bit_count() > 1

    def _judged(self, low: str, word: Word) -> tuple[str, str, str]:
        """Return the kind, what was meant, and why; no kind if it cannot be told."""
        if not low.isalpha():
            return self._judged_parts(low, word)
        spelling = dominant_spelling(word)
        listed = self.lexicon.misspelling_of(low)
        if listed and is_plain(spelling or low):
            return "misspelling", listed[0], f"a known misspelling of {listed[0]}"
        replaced = self.lexicon.replacements.get(low)
        if replaced:
            return "misspelling", replaced, f"you replace it by {replaced}"
        if is_plain(spelling or low):
            if _has_triple(low):
                return "", "", ""
            pair = self._run_together(low, word)
            if pair:
                return "run-together", pair[0], f"{pair[0]} is {_times(pair[1])} as frequent as two words"
        slip = self.slip(low, word)
        if slip and slip.is_one:
            why = f"{_slips(slip.distance)} from {slip.of}, which is {_times(slip.ratio)} as frequent"
            return "misspelling", slip.of, why
        return "term", "", self._evidence(word, slip)

    def _evidence(self, word: Word, slip: _Slip | None) -> str:
        if word.documents < self.min_documents:
            why = f"stands in the inline code of {word.in_code} documents"
        else:
            why = f"in {word.documents} documents"
            if word.source_count > 1:
                why += f" of {word.source_count} sources"
        if slip and slip.strength > 0.1:
            why += f"; near {slip.of}, but that is only {_times(slip.ratio)} as frequent"
        return why

    # --- slips ----------------------------------------------------------------------------------------------------------

    def slip(self, low: str, word: Word) -> _Slip | None:
        """Return the word that ``low`` is most likely a slip of, if there is one near."""
        return max(self._slips(low, word), key=lambda s: (s.strength, s.of), default=None)

    def _slips(self, low: str, word: Word) -> Iterator[_Slip]:
        spelling = dominant_spelling(word) or low
        shaped, name = not is_plain(spelling), is_name(word)
        slipped = _without_slip_of_case(spelling)
        regular = self._is_regular(low)
        count = max(word.count, word.in_code)
        near = dict(self._index.near(low, 2))
        near.update((w, d) for w, d in self.lexicon.candidates.near(low, 1) if w not in near)
        for other, distance in near.items():
            if other == low or not (other.isalpha() and self._is_candidate(other)):
                continue
            needed = _needed(len(low), distance)
            # "buildpack" is no slip of "buildpacks", and "vCenters" none of "vCenter".
            if needed == math.inf or (distance == 2 and regular) or low in stems(other) or other in stems(low):
                continue
            theirs = self.counts.words.get(other)
            if regular and not _is_doubling(low, other):
                needed *= _REGULAR
            elif other in (low[1:], low[:-1]) and low[0] != low[1] and low[-1] != low[-2]:
                needed *= _ADDED_LETTER
            if other == slipped:
                pass
            elif shaped or name:
                # "Theia" is no slip of "their", and "PVCs" none of "pics": only what looks alike is compared.
                alike = theirs is not None and (not is_plain(dominant_spelling(theirs)) if shaped else is_name(theirs))
                if shaped and not (alike and len(low) >= _MIN_SHAPED):
                    continue
                needed *= _SHAPED if shaped else 1 if alike else _NAME if len(low) < _LONG_NAME_LETTERS else _LONG_NAME
            yield _Slip(other, distance, self._frequency(other) / count, needed)

    def _is_regular(self, low: str) -> bool:
        """True if the word is a regular form of one that is not rare, or a known word spelled the British or American way."""
        if not is_regular_form(low, self._zipf):
            return False
        if any(self._is_stem(stem) for stem in stems(low)):
            return True
        # A letter too many or too few in "ll" is a slip as often; and then no stem is left that explains the word.
        single = low.replace("ll", "l")
        return single == low and not any(True for stem in stems(low) if self._zipf(stem) >= _RARE_STEM)

    def _is_stem(self, stem: str) -> bool:
        """True for a word that may well have more forms: common, or of this corpus; one of three letters must be the latter."""
        own = self.counts.words.get(stem)
        is_own = own is not None and own.documents >= _CORPUS_ZIPF
        return is_own or (len(stem) > 3 and self.lexicon.known_zipf(stem) >= _COMMON_STEM)

    def _is_candidate(self, other: str) -> bool:
        """True for a word that others may be slips of: a known one, or one that is itself no slip of another."""
        if other in self.lexicon:
            return True
        word = self.counts.words.get(other)
        return word is not None and word.documents >= _CORPUS_ZIPF and not self.lexicon.misspelling_of(other)

    def _frequency(self, word: str) -> float:
        """Occurrences in the corpus, and a few for what general English has."""
        own = self.counts.words.get(word)
        general = 0.0
        if len(word) >= _GENERAL_LETTERS:
            general = max(0.0, self.lexicon.general_zipf(word) - _GENERAL_ZIPF) * _GENERAL_COUNTS
        return (own.count if own else 0) + general

    def _zipf(self, word: str) -> float:
        """Frequency on the Zipf scale of a word that is known, or that the corpus has in several documents."""
        own = self.counts.words.get(word)
        in_corpus = math.log10(own.count / self.counts.total) + 9 if own and own.documents >= _CORPUS_ZIPF else 0.0
        return max(self.lexicon.known_zipf(word), in_corpus)

    @cached_property
    def _index(self) -> CandidateIndex:
        from vnlp_prep.lexicon.candidates import CandidateIndex

        words = sorted(low for low, word in self.counts.words.items() if low.isalpha() and word.count >= _MIN_CANDIDATE)
        # Not by way of the cache folder: it would fill up with an index for each corpus.
        return CandidateIndex.build(words)

    # --- several words --------------------------------------------------------------------------------------------------

    def _run_together(self, low: str, word: Word) -> tuple[str, float] | None:
        """Return the two words that ``low`` is without their space, and how many times as frequent those are."""
        best = max(splits(low, self.counts), key=lambda item: (item[1], item[0]), default=None)
        if best is None:
            return None
        first, second = best[0].split(" ")
        if first not in self.lexicon or second not in self.lexicon:
            return None
        ratio = best[1] / max(word.count, 1)
        functions = (first in _FUNCTION_WORDS) + (second in _FUNCTION_WORDS)
        needed = (_RUN_TOGETHER, _WITH_FUNCTION_WORD, _TWO_FUNCTION_WORDS)[functions]
        spread = max(1.0, word.documents / _MANY_DOCUMENTS)
        return (best[0], ratio) if ratio >= needed * spread else None

    def _judged_parts(self, low: str, word: Word) -> tuple[str, str, str]:
        """Judge a word with hyphens or digits by its parts of letters, and one with dots by its shape."""
        spelling = dominant_spelling(word)
        if "." in low and _is_sentence_border(spelling):
            return "", "", ""
        # "myserver.example.com": the names in names are anybody's.
        for written in spelling.split("-") if "." not in low else ():
            part = written.lower()
            if len(part) < _MIN_JUDGED_PART or not part.isalpha() or part in self.lexicon:
                continue
            own = self.counts.words.get(part)
            if own is None or own.documents < word.documents:
                own = Word(word.count, word.documents, word.sources, spellings={written: word.count})
            kind, of, why = self._judged(part, own)
            if kind in ("misspelling", "run-together"):
                return "misspelling", low.replace(part, of), f"{part}: {why}"
        return "term", "", self._evidence(word, None)


def _needed(letters: int, distance: int) -> float:
    if distance == 1:
        return _ONE_SLIP.get(letters, _LONG_ONE if letters > 7 else math.inf)
    return _TWO_SLIPS.get(letters, _LONG_TWO if letters > 11 else math.inf)


def _has_triple(word: str) -> bool:
    return any(a == b == c for a, b, c in zip(word, word[1:], word[2:], strict=False))


def _is_sentence_border(spelling: str) -> bool:
    """True for "done.The": a full stop without its space."""
    first, _, second = spelling.partition(".")
    return first.islower() and second[:1].isupper() and second[1:].islower() and len(first) > 1


def _without_slip_of_case(spelling: str) -> str:
    """Return the word that "TThe" or "hTis" was meant as; empty if the capitals stand as in no slip."""
    if _TWO_CAPITALS.fullmatch(spelling) and spelling[0] == spelling[1]:
        return spelling[1:].lower()
    if _SWAPPED_CAPITAL.fullmatch(spelling):
        return (spelling[1] + spelling[0] + spelling[2:]).lower()
    return ""


def _is_doubling(word: str, other: str) -> bool:
    """True if the words differ in one letter that stands twice in one of them ("needded"): no rule for forms speaks for that."""
    short, long = sorted((word, other), key=len)
    if len(short) + 1 != len(long):
        return False
    i = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return long[:i] + long[i + 1 :] == short and long[i] == long[i - 1]


def _slips(distance: int) -> str:
    return "one slip" if distance == 1 else "two slips"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times"
