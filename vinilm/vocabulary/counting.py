"""What is counted of a corpus: words as the tokenizer sees them, and those that stand in prose, which alone can become terms."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vinilm.vocabulary.words import WordCounts, WordSplitter
from vnlp_prep.corpus.counting import Failed, Texts, count_each
from vnlp_prep.lexicon.learning.count import Counts

if TYPE_CHECKING:
    from vnlp_prep.lexicon.lexicon import Lexicon
    from vnlp_prep.lexicon.wordpiece import WordPieces
    from vnlp_prep.pipeline import Preprocessor


class CorpusCounts:
    """The counts of a corpus, or of a part of one."""

    def __init__(self) -> None:
        #: Words of the prose, as documents are written: what tells terms from slips and from data.
        self.prose = Counts()
        #: Words of the cleaned documents, as the encoder is to read them.
        self.words = WordCounts()
        #: The same of the documents that are held out.
        self.heldout = WordCounts()

    @property
    def documents(self) -> int:
        """Documents, those that are held out among them."""
        return self.words.documents + self.heldout.documents

    def merge(self, other: CorpusCounts, vocabulary: WordPieces) -> None:
        """Add the counts of another part of the corpus."""
        self.prose.merge(other.prose)
        self.words.merge(other.words, vocabulary)
        self.heldout.merge(other.heldout, vocabulary)


@dataclass(frozen=True)
class DocumentCounter:
    """Counts documents. Can be pickled, to do so in several processes."""

    splitter: WordSplitter
    vocabulary: WordPieces
    lexicon: Lexicon
    #: Cleans the documents as they will be cleaned for the encoder; None: they are clean.
    preprocessor: Preprocessor | None
    #: Of the documents, to measure with: terms are not chosen by them.
    heldout: float

    def __call__(self, part: list[Texts]) -> tuple[CorpusCounts, Failed]:
        """Return the counts of a part of the corpus, and the documents that could not be counted."""
        counts = CorpusCounts()
        return counts, count_each(part, lambda texts, source: self.add(counts, texts, source))

    def add(self, counts: CorpusCounts, texts: Sequence[str], source: int | None = None) -> None:
        """Count one document: all of its texts. ``source`` is the number of its source, from 0."""
        words: Counter[str] = Counter()
        for text in texts:
            words.update(self.splitter.words(self.preprocessor(text) if self.preprocessor else text))
        if is_heldout(texts, self.heldout):
            counts.heldout.add(words, self.vocabulary)
        else:
            counts.prose.add(texts, self.lexicon, source)
            counts.words.add(words, self.vocabulary)


def is_heldout(texts: Sequence[str], share: float) -> bool:
    """Whether a document is one of the ``share`` that is held out: by a hash of its texts, so in every run and every order.

    >>> sum(is_heldout([f"document {i}"], 0.05) for i in range(10_000)) / 10_000
    0.0514
    """
    digest = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
