"""Masked-language modelling as a task for the loop: loss and accuracy of the tokens that were hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vinilm.pretraining.masking import IGNORED, Masking
from vinilm.training.batches import Batch, Ints, attention_mask, share_of

if TYPE_CHECKING:
    from vinilm.pretraining.data import PretrainingData
    from vinilm.pretraining.model import LanguageModel
    from vinilm.training.settings import TrainingSettings
    from vnlp_prep import Preprocessor

# The held-out rows are hidden by a seed of their own: the same tokens in every evaluation, of every run.
_EVALUATION_SEED = 20_210_000


@dataclass(frozen=True)
class MaskedBatch:
    """Rows in which tokens are hidden; the first three of shape (rows, width)."""

    ids: Tensor
    segments: Tensor
    positions: Tensor
    #: Where hidden tokens stand, counted through all rows, and what they are; shape (hidden tokens,).
    places: Tensor
    labels: Tensor
    #: Tokens that are no padding.
    tokens: int

    @classmethod
    def of(cls, batch: Batch, ids: Ints, labels: Ints) -> MaskedBatch:
        """Return ``batch`` with its hidden tokens; see ``Masking``."""
        places = np.flatnonzero(labels != IGNORED)
        arrays = (ids, batch.segments, batch.positions, places, labels.ravel()[places])
        tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
        return cls(tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], batch.tokens)


class PretrainingTask:
    """Trains a language model on packed rows; see ``vinilm.training.loop.Task``."""

    def __init__(
        self,
        language_model: LanguageModel,
        data: PretrainingData,
        masking: Masking,
        settings: TrainingSettings,
        preprocessor: Preprocessor | None,
    ) -> None:
        self.model = language_model.model
        self._language_model, self._data, self._masking, self._settings = language_model, data, masking, settings
        self._preprocessor = preprocessor
        self._device = torch.device("cpu")

    def prepare(self, device: torch.device) -> None:
        """Remember where to compute."""
        self._device = device

    def batch(self, step: int, rank: int, world: int) -> Sequence[MaskedBatch]:
        """Return this process's rows of a step, in micro-batches, with other tokens hidden in each step."""
        phase, place = self._settings.place(step)
        rows = self._data.phases[phase]
        own = share_of(np.arange(rows.batch_size), rank, world)
        batch = rows.batch(rows.numbers(place)[own].tolist(), pad=self.model.config.pad_token_id or 0)
        return self._masked(batch, own, self._settings.seed, step)

    def _masked(self, batch: Batch, places: Ints, seed: int, step: int) -> list[MaskedBatch]:
        ids, labels = self._masking(batch, places, seed=seed, step=step)
        size = self._settings.micro_batch or len(ids)
        cuts = [slice(start, start + size) for start in range(0, len(ids), size)]
        return [MaskedBatch.of(batch.rows(cut), ids[cut], labels[cut]) for cut in cuts]

    def items(self, micro_batch: MaskedBatch) -> Mapping[str, float]:
        """Return the numbers of hidden tokens, and of all."""
        return {"hidden": len(micro_batch.labels), "tokens": micro_batch.tokens}

    def loss(self, micro_batch: MaskedBatch, items: Mapping[str, float]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the share of the mean cross-entropy of the hidden tokens of a step, and of the accuracy."""
        loss, right = self._sums(micro_batch)
        hidden = max(items["hidden"], 1)
        return loss / hidden, {"accuracy": right / hidden}

    def _sums(self, batch: MaskedBatch) -> tuple[Tensor, Tensor]:
        """Return the sum of the cross-entropy of the hidden tokens, and how many are told right."""
        device = self._device
        segments = batch.segments.to(device)
        states = self.model.bert(
            input_ids=batch.ids.to(device),
            attention_mask=attention_mask(segments),
            position_ids=batch.positions.to(device),
        ).last_hidden_state
        # The head is as much work as several layers; it is only asked about tokens that are hidden.
        hidden = states.flatten(0, 1).index_select(0, batch.places.to(device))
        logits = self.model.cls(hidden).float()
        labels = batch.labels.to(device)
        right = (logits.argmax(-1) == labels).sum()
        return functional.cross_entropy(logits, labels, reduction="sum"), right

    def evaluate(self, rank: int, world: int) -> Mapping[str, float]:
        """Return the sums over the held-out rows."""
        heldout = self._data.heldout
        own = share_of(np.arange(len(heldout.ids)), rank, world)
        sums = {"loss": 0.0, "right": 0.0, "hidden": 0.0}
        size = self._settings.micro_batch or max(1, min(phase.batch_size for phase in self._data.phases) // world)
        for start in range(0, len(own), size):
            places = own[start : start + size]
            batch = Batch(*(array[places] for array in (heldout.ids, heldout.segments, heldout.positions)))
            for part in self._masked(batch, places, _EVALUATION_SEED, 0):
                loss, right = self._sums(part)
                sums["loss"] += float(loss)
                sums["right"] += float(right)
                sums["hidden"] += len(part.labels)
        return sums

    def figures(self, sums: Mapping[str, float]) -> Mapping[str, float]:
        """Return loss and accuracy of the hidden tokens of the held-out rows."""
        hidden = max(sums["hidden"], 1)
        return {"loss": sums["loss"] / hidden, "accuracy": sums["right"] / hidden}

    def save(self, folder: Path) -> None:
        """Write the model, with its head and all that its source has, to ``folder``."""
        self._language_model.save(folder, self._preprocessor)
