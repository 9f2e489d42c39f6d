"""What exported files are checked with: real texts as token ids, of several lengths; and the truth about them.

The truth is what transformers' BertModel computes from the weights in float32, one text at a time, so that neither our own code
nor padding has a part in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vinilm.batches import Ints
from vinilm.models import ModelFolder
from vinilm.pooling import Floats
from vinilm.tokens import Tokenizer

if TYPE_CHECKING:
    from vnlp_prep import Preprocessor

#: Tokens of the texts, [CLS] and [SEP] included, as far as the model has positions for them: no text, short ones, long ones.
LENGTHS = (2, 3, 7, 16, 33, 64, 127, 256, 512)


@dataclass(frozen=True)
class Sample:
    """Sequences of token ids, ascending in length, with the types of their tokens (0; 1 for the second text of a pair)."""

    ids: Sequence[Sequence[int]]
    types: Sequence[Sequence[int]]

    def rectangles(self, pad_id: int) -> dict[str, Ints]:
        """Return the inputs of a standard graph, (sequences, longest) each."""
        shape = len(self.ids), max(map(len, self.ids))
        inputs = {name: np.zeros(shape, dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        inputs["input_ids"][:] = pad_id
        for row, (ids, types) in enumerate(zip(self.ids, self.types, strict=True)):
            inputs["input_ids"][row, : len(ids)] = ids
            inputs["token_type_ids"][row, : len(ids)] = types
            inputs["attention_mask"][row, : len(ids)] = 1
        return inputs

    def rows(self, states: Floats) -> list[Floats]:
        """Return the part of ``states`` (sequences, longest, hidden) that each sequence has: (tokens, hidden) each."""
        return [state[: len(ids)] for state, ids in zip(states, self.ids, strict=True)]

    def part(self, numbers: Sequence[int]) -> Sample:
        """Return these sequences alone."""
        return Sample([self.ids[i] for i in numbers], [self.types[i] for i in numbers])

    @property
    def single(self) -> Sequence[int]:
        """The numbers of the sequences that are one text and no pair."""
        return [i for i, types in enumerate(self.types) if not any(types)]


def sample_of(model: ModelFolder, texts: Sequence[str], preprocessor: Preprocessor | None) -> Sample:
    """Return the ``texts``, cleaned, one behind the other and cut to lengths; and a pair, if the model knows pairs."""
    tokenizer = Tokenizer.load(model.tokenizer, lower_case=model.lower_case)
    cleaned = preprocessor(list(texts)) if preprocessor else list(texts)
    tokens = [token for ids in tokenizer.ids(cleaned) for token in ids[1:-1]]
    lengths = [n for n in LENGTHS if n <= model.shape.max_position_embeddings]
    ids: list[list[int]] = []
    at = 0
    for length in lengths:
        # Texts of few tokens are taken again from their beginning.
        part = [tokens[(at + i) % len(tokens)] for i in range(length - 2)] if tokens else []
        ids.append(tokenizer.window([0, *part, 0], (1, 1 + len(part))))
        at += len(part)
    types = [[0] * len(sequence) for sequence in ids]
    if model.shape.type_vocab_size > 1:
        pair = ids[-1]
        ids.append(pair)
        types.append([0] * (len(pair) // 2) + [1] * (len(pair) - len(pair) // 2))
    return Sample(ids, types)


def true_states(folder: Path, sample: Sample) -> list[Floats]:
    """Return BertModel's last hidden state of each sequence, (tokens, hidden), in float32, for the weights in ``folder``."""
    import torch
    from transformers import BertModel

    with _quiet():
        model = BertModel.from_pretrained(str(folder), add_pooling_layer=False, dtype=torch.float32, local_files_only=True)
    model.eval()  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        return [
            model(input_ids=torch.tensor([list(ids)]), token_type_ids=torch.tensor([list(types)])).last_hidden_state[0].numpy()
            for ids, types in zip(sample.ids, sample.types, strict=True)
        ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' report of weights that are not used, a head or a pooler, and its progress bar to itself."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
