"""Texts to vectors, block by block, with what it took: texts, tokens, seconds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor
    from vinilm.pooling import Floats

#: Texts that are encoded between two steps of the progress.
_BLOCK_TEXTS = 256
#: Bytes of vectors that are remembered.
_MEMO_BYTES = 512 << 20
#: Told how many texts are done.
Advance = Callable[[int], object]


@dataclass
class Effort:
    """What encoding took, and what was done to the texts before; cleaning is counted for itself."""

    #: Texts that were computed, and those whose vectors were known, for another condition left them as they are here.
    texts: int = 0
    known: int = 0
    tokens: int = 0
    #: Texts whose ends were left out, for they are longer than the model reads.
    cut: int = 0
    seconds: float = 0.0
    cleaning_seconds: float = 0.0
    #: Words of prose, and those of them that were damaged, where texts are damaged.
    words: int = 0
    damaged_words: int = 0

    def to_dict(self) -> dict[str, float]:
        """Return the figures, and those for each second."""
        seconds = max(self.seconds, 1e-9)
        speed = {"texts_per_second": self.texts / seconds, "tokens_per_second": self.tokens / seconds}
        return {name: round(value, 3) for name, value in (asdict(self) | speed).items()}


class Encoder:
    """A model that computes the same text once, though several conditions have it."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self._memo: dict[bytes, Floats] = {}
        self._room = _MEMO_BYTES // (4 * extractor.hidden_size)

    def vectors(self, texts: Sequence[str], prompt: str, effort: Effort, advance: Advance) -> Floats:
        """Return the vector of each text, which is not cleaned any more: (n, hidden); what it takes is added to ``effort``."""
        out = np.empty((len(texts), self.extractor.hidden_size), dtype=np.float32)
        keys = [hashlib.blake2b(f"{prompt}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        new = []
        for i, key in enumerate(keys):
            if (vector := self._memo.get(key)) is not None:
                out[i] = vector
            else:
                new.append(i)
        effort.known += len(texts) - len(new)
        advance(len(texts) - len(new))
        for first in range(0, len(new), _BLOCK_TEXTS):
            places = new[first : first + _BLOCK_TEXTS]
            began = time.perf_counter()
            prepared = self.extractor.prepare([texts[i] for i in places], prompt=prompt, clean=False)
            out[places] = self.extractor.compute(prepared)
            effort.seconds += time.perf_counter() - began
            effort.texts += prepared.count
            effort.tokens += prepared.tokens
            effort.cut += prepared.truncated
            advance(prepared.count)
        for i in new[: max(self._room - len(self._memo), 0)]:
            self._memo[keys[i]] = out[i].copy()
        return out
