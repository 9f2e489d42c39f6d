"""What the student is to learn of a batch: relations from one teacher, vectors of texts from the same one or from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from vinilm.distillation.encoders import TRAINABLE_POOLINGS, load_encoder, text_vectors
from vinilm.distillation.projections import Projections, end_at_projections
from vinilm.distillation.relations import QKV
from vinilm.distillation.texts import Texts, Words
from vinilm.tokens import Tokenizer
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from transformers import BertModel

    from vinilm.models import ModelFolder
    from vinilm.training.batches import Ints


class Taught(NamedTuple):
    """What a teacher says of a batch; None for what it was not asked for."""

    qkv: QKV | None
    #: A vector for each text: (texts, hidden), float32.
    vectors: Tensor | None


def frozen(encoder: BertModel) -> BertModel:
    """Return ``encoder``, which from now on learns nothing and drops nothing."""
    encoder.requires_grad_(False)
    encoder.eval()  # type: ignore[no-untyped-call]  # as transformers has it
    return encoder


class RelationTeacher:
    """The teacher of the relations; it reads the same tokens as the student."""

    def __init__(self, source: ModelFolder, layer: int, *, vectors: bool) -> None:
        """Load the encoder in ``source``. ``layer``: whose relations are learnt, counted from 1.

        ``vectors``: it also teaches vectors of texts; otherwise what comes behind the projections of ``layer`` is left out.
        """
        if vectors:
            _check_pooling(source)
        encoder = load_encoder(source)
        if not vectors:
            encoder.encoder.layer = encoder.encoder.layer[:layer]
            end_at_projections(encoder)
        self.encoder = frozen(encoder)
        self._projections = Projections(self.encoder, layer - 1)
        self._pooling = source.pooling if vectors else None

    def __call__(self, ids: Tensor, mask: Tensor) -> Taught:
        """Return what it says of a batch: (texts, length) both."""
        with torch.no_grad():
            states = self.encoder(ids, mask).last_hidden_state
            vectors = text_vectors(states, mask, self._pooling) if self._pooling else None
        return Taught(self._projections.take(), vectors)


@dataclass(frozen=True)
class SentenceTeacher:
    """A teacher of vectors with a vocabulary of its own: it reads the words of a text, not its tokens.

    So a student with a domain vocabulary can learn from the model that it was made of, as that was.
    """

    encoder: BertModel
    tokenizer: Tokenizer
    pooling: str
    max_tokens: int
    pad: int

    @classmethod
    def load(cls, source: ModelFolder, student: ModelFolder) -> SentenceTeacher:
        """Return the teacher in ``source``. ``student``: the model whose vocabulary the student has.

        Raises SettingsError for a model that would see other words than the student, or has no vectors of texts.
        """
        _check_pooling(source)
        if student.lower_case and not source.lower_case:
            raise SettingsError(
                f"{source.path.name} tells upper from lower case, but the student does not; choose another sentence teacher"
            )
        tokenizer = Tokenizer.load(source.tokenizer, lower_case=source.lower_case)
        return cls(frozen(load_encoder(source)), tokenizer, source.pooling, source.max_tokens, source.shape.pad_token_id)

    def texts(self, rows: Sequence[Ints], words: Words) -> Texts:
        """Return sequences of the student's vocabulary, ``words``, as sequences of this teacher's."""
        written = self.tokenizer.ids([words.written(row) for row in rows])
        return Texts.of([self.tokenizer.cut(ids, self.max_tokens) for ids in written], self.pad)

    def vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return a vector for each text: (texts, length) both -> (texts, hidden), float32."""
        with torch.no_grad():
            return text_vectors(self.encoder(ids, mask).last_hidden_state, mask, self.pooling)


def _check_pooling(source: ModelFolder) -> None:
    if source.pooling not in TRAINABLE_POOLINGS:
        raise SettingsError(
            f"{source.path.name} makes no vectors of texts (its pooling is {source.pooling}), so none can be learnt from it; "
            "choose another model with --sentence-teacher, or leave the alignment out"
        )
