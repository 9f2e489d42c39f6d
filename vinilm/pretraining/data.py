"""A corpus as rows of tokens: for each phase those to train on, and those that are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vinilm.training.batches import Batch, ShuffledRows, assembled
from vinilm.training.chunks import make_chunks, open_chunks
from vinilm.training.packing import PackedRows, make_rows, open_rows
from vinilm.training.permutation import shuffled
from vinilm.training.tokens import Tokens, TokenStore, token_store
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from accelerate import Accelerator

    from vinilm.models import ModelFolder
    from vinilm.tokens import Tokenizer
    from vinilm.training.corpus import Corpus
    from vinilm.training.settings import TrainingSettings


@dataclass(frozen=True)
class PretrainingData:
    """What is trained on, and what is evaluated on."""

    store: TokenStore
    #: Rows of each phase, in random order.
    phases: list[ShuffledRows]
    #: Held-out rows, of the length of the longest phase.
    heldout: Batch

    @classmethod
    def make(
        cls,
        folder: Path,
        corpus: Corpus,
        model: ModelFolder,
        tokenizer: Tokenizer,
        settings: TrainingSettings,
        accelerator: Accelerator,
        *,
        evaluation_rows: int,
    ) -> PretrainingData:
        """Make the rows in ``folder``, in the first process, or take what lies there; every process calls this.

        Raises InputError for a corpus without a text to train or to evaluate on, OutputError.
        """
        lengths = sorted({phase.length for phase in settings.phases})
        with accelerator.main_process_first():
            if accelerator.is_main_process:
                store = token_store(folder, corpus, model, tokenizer)
                if not len(store.heldout):
                    raise InputError(
                        f"none of {store.counts.texts:,} texts is held out, so nothing tells whether the model gets better; "
                        f"more texts, or a larger --heldout than {corpus.heldout:g}, are needed"
                    )
                for tokens, wanted in ((store.train, lengths), (store.heldout, lengths[-1:])):
                    for length in wanted:
                        _rows(tokens, tokenizer, length, make=True)
            else:
                store = TokenStore.open(folder)
        phases = [
            ShuffledRows(_rows(store.train, tokenizer, phase.length), settings.sequences(phase), settings.seed + number)
            for number, phase in enumerate(settings.phases)
        ]
        rows = _rows(store.heldout, tokenizer, lengths[-1])
        chosen = np.sort(shuffled(np.arange(min(evaluation_rows, len(rows))), len(rows), seed=0))
        heldout = assembled(
            rows.chunks, [rows.row(number).tolist() for number in chosen], lengths[-1], pad=model.shape.pad_token_id
        )
        return cls(store, phases, heldout)


def _rows(tokens: Tokens, tokenizer: Tokenizer, length: int, *, make: bool = False) -> PackedRows:
    if make:
        make_chunks(tokens, tokenizer, length)
    chunks = open_chunks(tokens, tokenizer, length)
    if make:
        make_rows(chunks)
    return open_rows(chunks)
