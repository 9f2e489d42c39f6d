"""Distillation as the training loop asks for it: batches, the loss, evaluation, the model that comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vinilm.distillation.encoders import text_vectors
from vinilm.distillation.projections import Projections
from vinilm.distillation.relations import relation_loss
from vinilm.distillation.student import Student
from vinilm.distillation.teachers import RelationTeacher, SentenceTeacher
from vinilm.distillation.texts import Texts, crops
from vinilm.pretraining.masking import IGNORED
from vinilm.training.batches import Batch, Ints, SimilarLengths, share_of
from vinilm.training.saving import save_model

if TYPE_CHECKING:
    from vinilm.distillation.data import DistillationData
    from vinilm.distillation.plan import Plan
    from vinilm.distillation.student import Beginning
    from vinilm.models import ModelFolder


#: Held-out sequences that are looked at, and the seed of what is hidden in them: the same in every evaluation, of every run.
_EVALUATED, _EVALUATION_SEED = 1024, 20_210_000
#: Of them at a time.
_AT_A_TIME = 32


@dataclass(frozen=True)
class MicroBatch:
    """Texts that are computed together."""

    texts: Texts
    #: The same texts as the sentence teacher reads them; None if there is none.
    written: Texts | None
    #: Whether their relations are learnt: not those of crops, in which there is little to relate.
    has_relations: bool
    #: Ids with some hidden, and the labels of the hidden ones; None if that is not learnt. Both (texts, length).
    masked: tuple[Ints, Ints] | None = None


class Distillation:
    """A :class:`~vinilm.training.loop.Task`: a student learns from its teachers.

    The loss of a step is the sum of, each times its weight: the mean relation loss of its sequences
    (:mod:`vinilm.distillation.relations`); the mean cosine distance of the vectors of its sequences, and of crops of them, from
    the teacher's; the mean loss of the tokens that were hidden.
    """

    def __init__(self, plan: Plan, beginning: Beginning, sentences: ModelFolder | None, data: DistillationData) -> None:
        """``sentences``: the model whose vectors of texts are learnt; None: those of the teacher.

        Raises ModelError, BackendError; SettingsError for a model without vectors of texts, where they are to be learnt.
        """
        settings, training, source = plan.settings, plan.training, plan.source
        self._plan, self._source, self._heldout = plan, source, data.heldout
        own_vectors = settings.alignment > 0 and sentences is None
        self._teacher = RelationTeacher(source, plan.teacher_layer, vectors=own_vectors)
        self._sentences = SentenceTeacher.load(sentences, source) if sentences and settings.alignment else None
        self.model = Student(
            beginning.encoder(training.seed),
            training.seed,
            bridge_to=(sentences or source).shape.hidden_size if settings.alignment else None,
            mlm=settings.mlm > 0,
            dropout=settings.dropout,
        )
        self._projections = Projections(self.model.encoder, len(self.model.encoder.encoder.layer) - 1)
        self._train = [
            SimilarLengths(c, round(training.sequences(phase) * float(c.lengths_of(slice(None)).mean())), training.seed)
            for phase, c in zip(training.phases, data.phases, strict=True)
        ]

    def prepare(self, device: torch.device) -> None:
        """Bring the teachers to ``device``."""
        for teacher in (self._teacher, self._sentences):
            if teacher:
                teacher.encoder.to(device)  # type: ignore[arg-type]  # as torch has it

    # --- batches ------------------------------------------------------------------------------------------------------

    def batch(self, step: int, rank: int, world: int) -> list[MicroBatch]:
        """Return this process's sequences of a step, and its crops of them."""
        training, settings = self._plan.training, self._plan.settings
        phase, place = training.place(step)
        source = self._train[phase]
        numbers = source.numbers(place)
        mine = share_of(np.arange(len(numbers)), rank, world)
        sequences = [source.chunks.sequence(int(numbers[i])) for i in mine]
        out = []
        if settings.alignment and settings.crops:
            short = crops(sequences, mine, self._plan.words, settings.crops, seed=training.seed, step=step)
            out += self._micro_batches(sorted(short, key=len), None, step, has_relations=False)
        # Last, for they need all parameters: crops have no hidden tokens.
        return out + self._micro_batches(sequences, mine, step, has_relations=True)

    def _micro_batches(
        self, sequences: Sequence[Ints], places: Ints | None, step: int, *, has_relations: bool
    ) -> list[MicroBatch]:
        size = self._plan.training.micro_batch or max(len(sequences), 1)
        out = []
        for start in range(0, len(sequences), size):
            rows = sequences[start : start + size]
            texts = Texts.of(rows, self._source.shape.pad_token_id)
            masked = None
            if places is not None:
                masked = self._masked(texts, places[start : start + size], self._plan.training.seed, step)
            out.append(MicroBatch(texts, self._written(rows), has_relations, masked))
        return out

    def _masked(self, texts: Texts, places: Ints, seed: int, step: int) -> tuple[Ints, Ints] | None:
        """Return the ids with some hidden, and the labels; None if that is not learnt."""
        if not self._plan.masking:
            return None
        return self._plan.masking(Batch(texts.ids, texts.mask, np.zeros_like(texts.ids)), places, seed=seed, step=step)

    def _written(self, rows: Sequence[Ints]) -> Texts | None:
        return self._sentences.texts(rows, self._plan.words) if self._sentences else None

    # --- loss ---------------------------------------------------------------------------------------------------------

    def items(self, micro_batch: MicroBatch) -> dict[str, float]:
        """Return the numbers of tokens, of texts, of those whose relations are learnt, and of hidden tokens."""
        texts = len(micro_batch.texts)
        hidden = np.count_nonzero(micro_batch.masked[1] != IGNORED) if micro_batch.masked else 0
        return {
            "tokens": micro_batch.texts.tokens,
            "texts": texts,
            "related": texts if micro_batch.has_relations else 0,
            "hidden": float(hidden),
        }

    def loss(self, micro_batch: MicroBatch, items: Mapping[str, float]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the micro-batch's share of the loss of the step, and of its parts."""
        settings = self._plan.settings
        parts = {name: total / max(items[_COUNTED[name]], 1) for name, total in self._sums(micro_batch).items()}
        return torch.stack([getattr(settings, name) * part for name, part in parts.items()]).sum(), parts

    def _sums(self, micro_batch: MicroBatch) -> dict[str, Tensor]:
        """Return the sums of what is learnt of the texts: ``relations``, ``alignment``, ``mlm``."""
        settings, device = self._plan.settings, self.model.device
        ids, mask = (torch.from_numpy(a).to(device) for a in (micro_batch.texts.ids, micro_batch.texts.mask))
        relate = bool(settings.relations) and micro_batch.has_relations
        taught = self._teacher(ids, mask) if relate or (settings.alignment and not self._sentences) else None
        out = {}
        if relate or settings.alignment:
            states = self.model.encoder(ids, mask).last_hidden_state
        if relate and taught and taught.qkv:
            out["relations"] = relation_loss(taught.qkv, self._projections.take(), mask, self._plan.heads).total.sum()
        if settings.alignment:
            vectors = self.model.bridged(text_vectors(states, mask, self._source.pooling))
            wanted = taught.vectors if taught else None
            if self._sentences and micro_batch.written:
                written = micro_batch.written
                wanted = self._sentences.vectors(*(torch.from_numpy(a).to(device) for a in (written.ids, written.mask)))
            assert wanted is not None  # who has no sentence teacher has a teacher of vectors
            out["alignment"] = (1 - functional.cosine_similarity(vectors, wanted, dim=-1)).sum()
        if micro_batch.masked:
            out["mlm"] = self._mlm(micro_batch.masked, mask)
        return out

    def _mlm(self, masked: tuple[Ints, Ints], mask: Tensor) -> Tensor:
        """Return the sum of the losses of the hidden tokens."""
        ids, labels = (torch.from_numpy(a).to(self.model.device) for a in masked)
        states = self.model.encoder(ids, mask).last_hidden_state
        hidden = labels != IGNORED
        return functional.cross_entropy(self.model.predicted(states[hidden]).float(), labels[hidden], reduction="sum")

    # --- evaluation and result ----------------------------------------------------------------------------------------

    def evaluate(self, rank: int, world: int) -> dict[str, float]:
        """Return the sums of the losses of this process's held-out sequences, and of what they are divided by."""
        numbers = share_of(np.arange(min(len(self._heldout), _EVALUATED)), rank, world)
        sums = dict.fromkeys((*_COUNTED, *_COUNTED.values()), 0.0)
        for start in range(0, len(numbers), _AT_A_TIME):
            places = numbers[start : start + _AT_A_TIME]
            rows = [self._heldout.sequence(int(n)) for n in places]
            texts = Texts.of(rows, self._source.shape.pad_token_id)
            masked = self._masked(texts, places, _EVALUATION_SEED, 0)
            micro_batch = MicroBatch(texts, self._written(rows), has_relations=True, masked=masked)
            found = {name: float(total) for name, total in self._sums(micro_batch).items()} | self.items(micro_batch)
            sums = {name: total + found.get(name, 0.0) for name, total in sums.items()}
        return sums

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the mean losses: of the parts, and ``loss``, their sum by their weights."""
        settings = self._plan.settings
        means = {name: sums[name] / max(sums[counted], 1) for name, counted in _COUNTED.items() if getattr(settings, name)}
        return {"loss": sum(getattr(settings, name) * mean for name, mean in means.items()), **means}

    def save(self, folder: Path) -> None:
        """Write the student to ``folder``, with tokenizer, modules and cleaning of its teacher."""
        save_model(self.model.encoder, self._source, folder, self._plan.preprocessor)


# What a part of the loss is divided by.
_COUNTED = {"relations": "related", "alignment": "texts", "mlm": "hidden"}
