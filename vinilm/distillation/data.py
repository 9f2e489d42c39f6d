"""A corpus as sequences: for each phase those to learn from, and those that are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vinilm.training.chunks import Chunks, make_chunks, open_chunks
from vinilm.training.tokens import TokenStore, token_store
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from accelerate import Accelerator

    from vinilm.models import ModelFolder
    from vinilm.tokens import Tokenizer
    from vinilm.training.corpus import Corpus
    from vinilm.training.settings import TrainingSettings


@dataclass(frozen=True)
class DistillationData:
    """What is learnt from, and what is evaluated on."""

    store: TokenStore
    #: The sequences of each phase.
    phases: list[Chunks]
    #: Held-out sequences, of the length of the longest phase.
    heldout: Chunks

    @classmethod
    def make(
        cls,
        folder: Path,
        corpus: Corpus,
        model: ModelFolder,
        tokenizer: Tokenizer,
        settings: TrainingSettings,
        accelerator: Accelerator,
    ) -> DistillationData:
        """Make the sequences in ``folder``, in the first process, or take what lies there; every process calls this.

        Raises InputError for a corpus without a text to train or to evaluate on, OutputError.
        """
        lengths = sorted({phase.length for phase in settings.phases})
        with accelerator.main_process_first():
            if accelerator.is_main_process:
                store = token_store(folder, corpus, model, tokenizer)
                if not len(store.heldout):
                    raise InputError(
                        f"none of {store.counts.texts:,} texts is held out, so nothing tells whether the student gets better; "
                        f"more texts, or a larger --heldout than {corpus.heldout:g}, are needed"
                    )
                for length in lengths:
                    make_chunks(store.train, tokenizer, length)
                make_chunks(store.heldout, tokenizer, lengths[-1])
            else:
                store = TokenStore.open(folder)
        phases = [open_chunks(store.train, tokenizer, phase.length) for phase in settings.phases]
        return cls(store, phases, open_chunks(store.heldout, tokenizer, lengths[-1]))
