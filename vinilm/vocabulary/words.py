"""The words of texts as a BERT tokenizer sees them: in its own case, cut at punctuation, before they are cut into pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vinilm.tokens import plain
from vnlp_prep.lexicon.learning.count import MAX_TYPES

if TYPE_CHECKING:
    import tokenizers

    from vnlp_prep.lexicon.wordpiece import WordPieces

# White space to every tokenizer. What else BERT takes for white space, it finds itself within a token.
_TOKEN = re.compile(r"[^ \t\r\n]+")
_CACHED = 1 << 16


def has_letter(word: str) -> bool:
    """Whether a word of the tokenizer is one to a reader, too: not a number, not punctuation.

    >>> [has_letter(word) for word in ("vsphere", "ipv6", "2024", ",")]
    [True, True, False, False]
    """
    return any(c.isalpha() for c in word)


def piece_count(word: str, vocabulary: WordPieces) -> int:
    """Return how many tokens a word is; one that the vocabulary cannot write is one: [UNK]."""
    return len(vocabulary.pieces(word)) or 1


class WordSplitter:
    """Splits texts as a tokenizer does before it looks at its vocabulary: normalizer, then pre-tokenizer. Can be pickled."""

    def __init__(self, normalizer: tokenizers.normalizers.Normalizer, splitter: tokenizers.pre_tokenizers.PreTokenizer) -> None:
        self._normalizer, self._splitter = normalizer, splitter
        self._split = lru_cache(maxsize=_CACHED)(self._split_token)

    def words(self, text: str) -> Counter[str]:
        """Return how often each word stands in ``text``."""
        found: Counter[str] = Counter()
        for token, n in Counter(_TOKEN.findall(plain(text))).items():
            for word in self._split(token):
                found[word] += n
        return found

    def split(self, text: str) -> list[str]:
        """Return the words of ``text``."""
        return [word for token in _TOKEN.findall(plain(text)) for word in self._split(token)]

    def _split_token(self, token: str) -> tuple[str, ...]:
        return tuple(word for word, _ in self._splitter.pre_tokenize_str(self._normalizer.normalize_str(token)))

    def __getstate__(self) -> dict[str, Any]:
        return {"normalizer": self._normalizer, "splitter": self._splitter}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


class WordCounts:
    """In how many documents each word type stands, and how often; in memory that the number of types bounds.

    Words with a letter are kept by type; of others only the pieces are counted. When there are more than ``max_types`` types,
    those in one document are forgotten, then those in two, and so on (lossy counting: Manku and Motwani, 2002); their occurrences
    and pieces still count.
    """

    def __init__(self, max_types: int = MAX_TYPES) -> None:
        self._max_types = max_types
        #: word -> documents, occurrences
        self.types: dict[str, tuple[int, int]] = {}
        self.documents = 0
        #: Word types that were forgotten.
        self.forgotten = 0
        #: Occurrences of words with a letter that are not in ``types``, and their pieces.
        self.other_words = self.other_pieces = 0
        #: Pieces of numbers, punctuation and symbols.
        self.other_tokens = 0

    def add(self, document: Mapping[str, int], vocabulary: WordPieces) -> None:
        """Count one document: its words, how often each. ``vocabulary`` says what pieces those have that are not kept."""
        self.documents += 1
        for word, n in document.items():
            if has_letter(word):
                documents, times = self.types.get(word, (0, 0))
                self.types[word] = documents + 1, times + n
            else:
                self.other_tokens += n * piece_count(word, vocabulary)
        self._forget(vocabulary)

    def merge(self, other: WordCounts, vocabulary: WordPieces) -> None:
        """Add the counts of another part of the corpus."""
        for name in ("documents", "forgotten", "other_words", "other_pieces", "other_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for word, (documents, times) in other.types.items():
            before = self.types.get(word, (0, 0))
            self.types[word] = before[0] + documents, before[1] + times
        self._forget(vocabulary)

    def _forget(self, vocabulary: WordPieces) -> None:
        least = 1
        while len(self.types) > self._max_types:
            for word in [word for word, (documents, _) in self.types.items() if documents <= least]:
                _, times = self.types.pop(word)
                self.other_words += times
                self.other_pieces += times * piece_count(word, vocabulary)
                self.forgotten += 1
            least += 1
