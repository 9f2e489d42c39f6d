"""Masked-language modelling: tokens are hidden anew each time that a row is seen, and always the same ones for the same step.

As in Devlin et al. 2018: of the tokens that are chosen, 8 in 10 become [MASK], 1 in 10 another token, 1 in 10 stay. With whole
words, as in the later models of the same authors, all pieces of a word are chosen together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinilm.errors import ModelError
from vinilm.training.batches import Batch, Ints
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.tokens import Tokenizer

#: The label of a token that was not chosen.
IGNORED = -100
_MASKED, _REPLACED = 0.8, 0.9
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Masking:
    """How tokens are hidden. Raises SettingsError for a share that is out of range."""

    mask_id: int
    #: Tokens that may be chosen, and that may stand for others; by id.
    is_ordinary: npt.NDArray[np.bool_]
    #: Tokens that go on within a word; by id.
    is_inner: npt.NDArray[np.bool_]
    #: Share of the ordinary tokens that is chosen.
    share: float = 0.15
    whole_words: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise SettingsError(f"mask share {self.share!r} is out of range: above 0 and below 1")

    @classmethod
    def of(cls, tokenizer: Tokenizer, *, share: float = 0.15, whole_words: bool = True) -> Masking:
        """Return the masking for the vocabulary of ``tokenizer``. Raises ModelError if it has no [MASK]."""
        tokens = tokenizer.vocabulary()
        if "[MASK]" not in tokens:
            raise ModelError(
                "the tokenizer has no [MASK]: its model is not made for masked-language modelling; use another model"
            )
        ordinary = [token not in _SPECIAL and not token.startswith("[unused") for token in tokens]
        inner = [token.startswith("##") for token in tokens]
        return cls(tokens.index("[MASK]"), np.array(ordinary), np.array(inner), share, whole_words)

    def __call__(self, batch: Batch, rows: Ints, *, seed: int, step: int) -> tuple[Ints, Ints]:
        """Return the ids with some hidden, and the labels: the true id where one was chosen, ``IGNORED`` elsewhere.

        Both have the shape of ``batch.ids``. ``rows``: the places of the rows in the batch of the step. What is chosen in a row
        depends on its tokens, its place, ``seed`` and ``step`` alone.
        """
        draws = np.stack([self._draws(batch.ids.shape[1], seed, step, int(row)) for row in rows])
        may_be = self.is_ordinary[batch.ids] & (batch.segments > 0)
        chosen = self._chosen(batch, may_be, draws[:, 0])
        kind, other = draws[:, 1], draws[:, 2]
        ordinary = np.flatnonzero(self.is_ordinary)
        ids = batch.ids.copy()
        ids[chosen & (kind < _MASKED)] = self.mask_id
        replaced = chosen & (kind >= _MASKED) & (kind < _REPLACED)
        ids[replaced] = ordinary[(other[replaced] * len(ordinary)).astype(np.int64)]
        return ids, np.where(chosen, batch.ids, IGNORED)

    @staticmethod
    def _draws(width: int, seed: int, step: int, row: int) -> npt.NDArray[np.float64]:
        # Token by token, so that those of a text are the same however wide its batch is.
        return np.random.Generator(np.random.Philox(counter=[0, 0, row, step], key=[seed, 0])).random((width, 3)).T

    def _chosen(self, batch: Batch, may_be: npt.NDArray[np.bool_], draws: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which tokens are chosen: words in random order, until the share of their row's tokens is reached."""
        row_of, column = np.nonzero(may_be)
        if not len(row_of):
            return np.zeros_like(may_be)
        # A word begins at each token that does not go on directly behind another one of the same word.
        begins = np.ones(len(row_of), dtype=np.bool_)
        if self.whole_words:
            follows = (np.diff(row_of) == 0) & (np.diff(column) == 1)
            begins[1:] = ~(follows & self.is_inner[batch.ids[row_of[1:], column[1:]]])
        word = np.cumsum(begins) - 1
        sizes, rows = np.bincount(word), row_of[begins]
        order = np.lexsort((draws[row_of[begins], column[begins]], rows))
        ordered_sizes, ordered_rows = sizes[order], rows[order]
        ends = np.cumsum(ordered_sizes)
        row_starts = np.searchsorted(ordered_rows, ordered_rows)
        before = ends - ordered_sizes - (ends - ordered_sizes)[row_starts]
        budget = self.share * np.bincount(row_of, minlength=len(may_be))[ordered_rows]
        taken = np.zeros(len(sizes), dtype=np.bool_)
        # A word of which half is within the share is taken, so that long words cost no tokens on the average; the first always.
        taken[order] = (before + ordered_sizes / 2 <= budget) | (before == 0)
        out = np.zeros_like(may_be)
        out[row_of, column] = taken[word]
        return out
