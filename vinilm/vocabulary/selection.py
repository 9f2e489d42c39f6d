"""Which terms are worth a place: those that save most pieces, each judged with those before it in place.

WordPiece takes the longest piece that a word begins with, then the longest that goes on (Devlin et al. 2018). A term that is
added as a whole word therefore changes exactly the words that begin with it and began with a shorter piece before: mostly for the
better, as ``datastores`` becomes ``datastore ##s``; now and then for the worse, where it ends within what was a piece. So what a
term saves is worked out over all of these words, and again whenever a term that shares its beginning was taken. A form of a term
that was taken counts only what it still saves, and a term that costs other words more than it saves is not taken.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vnlp_prep.lexicon.wordpiece import WordPieces

_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Term:
    """A word of the domain that gets a place in the vocabulary."""

    #: As the tokenizer sees it: one token from now on.
    term: str
    #: The pieces that it is cut into without the terms of its choice.
    pieces: tuple[str, ...]
    #: In so many documents the word stands; those that are held out do not count.
    documents: int
    #: What it was chosen by: documents times pieces saved, over all words that begin with it.
    score: int
    #: Pieces that are saved by it in these documents.
    saved: int


class Segmentation:
    """How the words of a corpus are cut, while terms are added to the vocabulary."""

    def __init__(self, types: Mapping[str, tuple[int, int]], vocabulary: WordPieces) -> None:
        """``types``: word -> documents, occurrences."""
        self._types = types
        self._vocabulary = vocabulary
        self._words = sorted(types)
        #: How many pieces each word has; 0 for one that the vocabulary cannot write.
        self._pieces: dict[str, int] = {}
        self._first: dict[str, int] = {}
        for word in self._words:
            pieces = vocabulary.pieces(word)
            self._pieces[word] = len(pieces)
            self._first[word] = len(pieces[0]) if pieces else 0
        self._rest = lru_cache(maxsize=1 << 18)(self._rest_pieces)

    def saved(self, term: str) -> tuple[int, int]:
        """Return what adding ``term`` saves: pieces times documents, pieces times occurrences; 0, 0 if a word would be lost."""
        by_documents = by_times = 0
        for word in self._changed(term):
            rest = self._rest(word[len(term) :])
            before = self._pieces[word]
            if rest is None:
                if before:
                    return 0, 0  # the vocabulary could write the word, and no longer can
                continue
            # One that it could not write was one token, and tells more with any number.
            less = before - 1 - rest if before else 0
            documents, times = self._types[word]
            by_documents += documents * less
            by_times += times * less
        return by_documents, by_times

    def add(self, term: str) -> None:
        """Have ``term`` in the vocabulary."""
        for word in list(self._changed(term)):
            rest = self._rest(word[len(term) :])
            self._pieces[word] = 0 if rest is None else 1 + rest
            self._first[word] = len(term)

    def pieces_of(self, word: str) -> int:
        """Return how many pieces a word of the corpus has now; one that cannot be written is one."""
        return self._pieces[word] or 1

    def _changed(self, term: str) -> Iterator[str]:
        for word in prefixed(self._words, term):
            if self._first[word] < len(term):
                yield word

    def _rest_pieces(self, rest: str) -> int | None:
        if not rest:
            return 0
        return len(self._vocabulary.pieces(rest, within=True)) or None


def prefixed(words: list[str], prefix: str) -> list[str]:
    """Return those of the sorted ``words`` that begin with ``prefix``."""
    return words[bisect_left(words, prefix) : bisect_left(words, prefix + _LAST)]


def select(types: Mapping[str, tuple[int, int]], vocabulary: WordPieces, candidates: Iterable[str], count: int) -> list[Term]:
    """Return at most ``count`` of the ``candidates``, the one that saves most first, then each with those before it in place.

    ``types``: all words of the corpus, with documents and occurrences; the candidates are among them. Equals go by the alphabet.
    """
    segmentation = Segmentation(types, vocabulary)
    names = sorted(candidates)
    gains = {name: segmentation.saved(name) for name in names}
    heap = [(-gain[0], name) for name, gain in gains.items() if min(gain) > 0]
    heapq.heapify(heap)
    chosen: list[Term] = []
    while heap and len(chosen) < count:
        negative, name = heapq.heappop(heap)
        score, saved = gains.get(name, (0, 0))
        if score != -negative or saved <= 0:
            continue  # an old gain; a name that is not worth it now comes back if a relative makes it so
        del gains[name]
        segmentation.add(name)
        chosen.append(Term(name, vocabulary.pieces(name), types[name][0], score, saved))
        relatives = [*prefixed(names, name), *(name[:i] for i in range(1, len(name)))]
        for other in relatives:
            if other in gains and (new := segmentation.saved(other)) != gains[other]:
                gains[other] = new
                if min(new) > 0:
                    heapq.heappush(heap, (-new[0], other))
    return chosen
