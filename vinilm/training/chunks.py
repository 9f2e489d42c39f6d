"""Documents cut into sequences of at most so many tokens; none of them reaches over the end of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinilm.training.tokens import GrowingArray, Tokens, mapped

if TYPE_CHECKING:
    from vinilm.tokens import Tokenizer

#: [CLS] and [SEP].
SPECIAL = 2


@dataclass(frozen=True)
class Chunks:
    """The sequences of documents: where each begins and ends in the tokens, and its length with [CLS] and [SEP]; on the disk."""

    tokens: Tokens
    #: Most tokens of a sequence, [CLS] and [SEP] included.
    length: int
    #: Shape (chunks, 2), int64: first token, and the one behind the last; without special tokens.
    spans: npt.NDArray[np.int64]
    #: The ids of [CLS] and [SEP].
    first: int
    last: int

    def __len__(self) -> int:
        return len(self.spans)

    def lengths_of(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the lengths of some sequences, [CLS] and [SEP] included."""
        spans = self.spans[numbers]
        lengths: npt.NDArray[np.int64] = spans[:, 1] - spans[:, 0] + SPECIAL
        return lengths

    def sequence(self, number: int) -> npt.NDArray[np.int64]:
        """Return the ids of a sequence, [CLS] and [SEP] included; shape (tokens,)."""
        start, end = self.spans[number]
        out = np.empty(end - start + SPECIAL, dtype=np.int64)
        out[0], out[1:-1], out[-1] = self.first, self.tokens.ids[start:end], self.last
        return out


def make_chunks(tokens: Tokens, tokenizer: Tokenizer, length: int) -> None:
    """Cut the documents into as few sequences of at most ``length`` tokens as possible, all of a document about equally long.

    Cuts fall between words; a document that is shorter is a sequence of its own. The result lies beside the tokens; if it is
    there, nothing is done. Only one process may call this. Raises OSError.
    """
    path = _path(tokens, length)
    if path.is_file():
        return
    spans = GrowingArray(path.with_name(f".{path.name}"), np.dtype(np.int64))
    finished = False
    try:
        for number in range(len(tokens)):
            start = int(tokens.offsets[number])
            ids: list[Any] = [0, *tokens.document(number).tolist(), 0]  # in the place of the special tokens
            spans.add([start + place - 1 for span in tokenizer.windows(ids, length) for place in span])
        finished = True
    finally:
        spans.close(finish=finished)
    spans.path.replace(path)


def open_chunks(tokens: Tokens, tokenizer: Tokenizer, length: int) -> Chunks:
    """Return the sequences that ``make_chunks`` has made."""
    first, last = tokenizer.ids([""])[0]
    return Chunks(tokens, length, mapped(_path(tokens, length)).reshape(-1, 2), first, last)


def _path(tokens: Tokens, length: int) -> Any:
    return tokens.folder / f"{tokens.name}.chunks-{length}.npy"
