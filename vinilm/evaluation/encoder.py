"""Texts to vectors, block by block, with what it took: texts, tokens, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor
    from vinilm.pooling import Floats

#: Texts that are encoded between two steps of the progress.
_BLOCK_TEXTS = 256
#: Told how many texts were encoded.
Advance = Callable[[int], object]


@dataclass
class Effort:
    """What encoding took, and what was done to the texts before; cleaning is counted for itself."""

    texts: int = 0
    tokens: int = 0
    #: Texts whose ends were left out, for they are longer than the model reads.
    cut: int = 0
    seconds: float = 0.0
    cleaning_seconds: float = 0.0
    #: Words of prose, and those of them that were damaged, where texts are damaged.
    words: int = 0
    damaged: int = 0

    def to_dict(self) -> dict[str, float]:
        """Return the figures, and those for each second."""
        seconds = max(self.seconds, 1e-9)
        return {
            "texts": self.texts,
            "tokens": self.tokens,
            "cut": self.cut,
            "seconds": round(self.seconds, 3),
            "texts_per_second": round(self.texts / seconds, 1),
            "tokens_per_second": round(self.tokens / seconds, 1),
            "cleaning_seconds": round(self.cleaning_seconds, 3),
            "words": self.words,
            "damaged_words": self.damaged,
        }


def encoded(extractor: FeatureExtractor, texts: Sequence[str], prompt: str, effort: Effort, advance: Advance) -> Floats:
    """Return the vector of each text, which is not cleaned any more: (n, hidden); what it takes is added to ``effort``."""
    vectors = np.empty((len(texts), extractor.hidden_size), dtype=np.float32)
    for first in range(0, len(texts), _BLOCK_TEXTS):
        began = time.perf_counter()
        prepared = extractor.prepare(texts[first : first + _BLOCK_TEXTS], prompt=prompt, clean=False)
        vectors[first : first + prepared.count] = extractor.compute(prepared)
        effort.seconds += time.perf_counter() - began
        effort.texts += prepared.count
        effort.tokens += prepared.tokens
        effort.cut += prepared.truncated
        advance(prepared.count)
    return vectors
