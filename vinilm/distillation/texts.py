"""The texts of a step: sequences of the corpus, and crops of them as short as a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinilm.training.batches import Ints

if TYPE_CHECKING:
    from vinilm.tokens import Tokenizer

#: Words of a crop: as few, and as many, as a query has.
_FEWEST_WORDS, _MOST_WORDS = 2, 24


@dataclass(frozen=True)
class Texts:
    """Texts as rows of token ids. Both arrays have the shape (texts, longest), int64."""

    ids: Ints
    #: 1 for a token, 0 for padding.
    mask: Ints

    @classmethod
    def of(cls, sequences: Sequence[npt.ArrayLike], pad: int) -> Texts:
        """Return ``sequences`` of ids, padded with ``pad``."""
        arrays = [np.asarray(s, dtype=np.int64) for s in sequences]
        ids = np.full((len(arrays), max(map(len, arrays))), pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, array in enumerate(arrays):
            ids[row, : len(array)] = array
            mask[row, : len(array)] = 1
        return cls(ids, mask)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def tokens(self) -> int:
        """Tokens that are no padding."""
        return int(self.mask.sum())

    def rows(self) -> list[Ints]:
        """Return the ids of each text, without padding."""
        return [ids[: int(mask.sum())] for ids, mask in zip(self.ids, self.mask, strict=True)]


@dataclass(frozen=True)
class Words:
    """What a vocabulary says of words: which pieces go on within one, and how words are written."""

    tokens: Sequence[str]
    #: Whether a token goes on within a word; by id.
    is_inner: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Words:
        """Return the words of the vocabulary of ``tokenizer``."""
        tokens = tokenizer.vocabulary()
        return cls(tokens, np.array([token.startswith("##") for token in tokens]))

    def starts(self, ids: Ints) -> Ints:
        """Return the places at which a word begins in a sequence, and that of the last token, [SEP]."""
        return np.flatnonzero(~self.is_inner[ids])[1:]

    def written(self, ids: Ints) -> str:
        """Return a sequence, without its first and its last token, as words with spaces between.

        A BERT tokenizer parts the result into the same words: at each space, and at all punctuation, as it did before.
        """
        return " ".join(self.tokens[i] for i in ids[1:-1].tolist()).replace(" ##", "")


def crops(sequences: Sequence[Ints], places: Ints, words: Words, each: int, *, seed: int, step: int) -> list[Ints]:
    """Return from each sequence ``each`` parts, some words long, with its first and its last token around them.

    All lengths on a logarithmic scale are equally frequent. ``places``: of the sequences in the batch of the step. What is cut
    out of a sequence depends on it, its place, ``seed`` and ``step`` alone.
    """
    out = []
    for place, ids in zip(places.tolist(), sequences, strict=True):
        draw = np.random.Generator(np.random.Philox(counter=[0, 1, place, step], key=[seed, 0]))
        starts = words.starts(ids)
        for _ in range(each):
            count = int(np.exp(draw.uniform(np.log(_FEWEST_WORDS), np.log(_MOST_WORDS + 1))))
            first = int(draw.integers(max(1, len(starts) - count)))
            start, end = starts[first], starts[min(first + count, len(starts) - 1)]
            out.append(np.concatenate([ids[:1], ids[start:end], ids[-1:]]))
    return out
