"""How many pieces an encoder's WordPiece makes of a text: what cleaning saves, or costs, before the encoder sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vnlp_prep.lexicon.wordpiece import WordPieces

# BERT's tokenizers cut at white space, and around every punctuation mark and symbol.
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_KEPT_WORDS = 100_000


@dataclass
class PieceCounts:
    """Words, the pieces they are cut into, words of more than one piece, and all tokens (punctuation marks too)."""

    words: int = 0
    pieces: int = 0
    broken: int = 0
    tokens: int = 0

    def add(self, other: PieceCounts) -> None:
        """Count what ``other`` has counted."""
        self.words += other.words
        self.pieces += other.pieces
        self.broken += other.broken
        self.tokens += other.tokens

    @property
    def per_word(self) -> float:
        """Pieces of a word, in the mean."""
        return self.pieces / self.words if self.words else 0.0

    @property
    def broken_share(self) -> float:
        """The share of words that are cut, 0 to 1."""
        return self.broken / self.words if self.words else 0.0


def piece_counter(vocabulary: WordPieces) -> Callable[[str], PieceCounts]:
    """Return what counts the words and pieces of a text; a word that the vocabulary cannot write is one piece, the unknown one.

    >>> from vnlp_prep.lexicon.wordpiece import WordPieces
    >>> count = piece_counter(WordPieces(["the", "host", "##s", "t", "##e", "##h"]))
    >>> count("Teh hosts!"), count("The hosts!")
    (PieceCounts(words=2, pieces=5, broken=2, tokens=6), PieceCounts(words=2, pieces=3, broken=1, tokens=4))
    """

    @lru_cache(_KEPT_WORDS)
    def pieces(word: str) -> int:
        return len(vocabulary.pieces(word)) or 1

    def count(text: str) -> PieceCounts:
        counts = PieceCounts()
        for token in _TOKEN.findall(text):
            if token.isalnum():
                n = pieces(token)
                counts.words += 1
                counts.pieces += n
                counts.broken += n > 1
                counts.tokens += n
            else:
                counts.tokens += 1
        return counts

    return count
