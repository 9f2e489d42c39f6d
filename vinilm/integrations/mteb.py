"""A FeatureExtractor for mteb: ``mteb.evaluate(VinilmEncoder("path/to/model"), tasks)``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mteb.models.abs_encoder import AbsEncoder, get_prompt_name
from mteb.models.model_meta import ModelMeta, ScoringFunction
from mteb.types import PromptType

from vinilm.integrations.lazy import LazyExtractor, Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mteb.abstasks.task_metadata import TaskMetadata

    from vinilm.pooling import Floats


class VinilmEncoder(AbsEncoder):
    """mteb's EncoderProtocol with a FeatureExtractor."""

    def __init__(self, model: Model, revision: str | None = None, *, device: str | None = None, **options: Any) -> None:
        """Set up; the model is loaded when it is first used.

        ``model``: a FeatureExtractor, a folder or a name; ``device`` and ``options``: for ``FeatureExtractor.from_pretrained``.
        ``revision``: what mteb files the results under; None: the extractor's fingerprint, so that results with another cleaning,
        pooling or type are kept apart.
        """
        self._lazy = LazyExtractor(model, options if device is None else {**options, "device": device})
        self._revision = revision

    @property
    def model(self) -> Any:
        """The extractor."""
        return self._lazy.extractor

    @cached_property
    def mteb_model_meta(self) -> ModelMeta:  # type: ignore[override]  # made when it is first asked for
        """What mteb writes of the model into its results."""
        extractor = self._lazy.extractor
        return ModelMeta.create_empty(
            {
                "name": f"vinilm/{Path(self._lazy.name).name}",
                "revision": self._revision or extractor.fingerprint,
                "max_tokens": extractor.max_tokens,
                "embed_dim": extractor.hidden_size,
                "similarity_fn_name": ScoringFunction(extractor.model.similarity),
                "use_instructions": bool(extractor.prompts),
            }
        )

    def encode(
        self,
        inputs: Iterable[dict[str, list[str]]],
        *,
        task_metadata: TaskMetadata,
        prompt_type: PromptType | None = None,
        precision: str = "float32",
        show_progress_bar: bool = False,
        **_: Any,
    ) -> Floats:
        """Return a vector for each text: (n, hidden).

        ``inputs``: mteb's batches. The model's prompt for the task is used, if it has one, else that for queries or documents.
        ``batch_size`` makes no difference: batches are made by tokens.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        name = get_prompt_name(self.model.prompts, task_metadata, prompt_type)
        role = None if name or prompt_type is None else prompt_type.value
        options = {"prompt_name": name, "precision": precision, "show_progress_bar": show_progress_bar}
        return self._lazy.encode(texts, role=role, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Return the similarity, by the model's measure, of each of the one to each of the other: (n, m)."""
        import torch

        return torch.from_numpy(self.model.similarity(np.asarray(embeddings1), np.asarray(embeddings2)))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Return the similarity, by the model's measure, of each of the one to its partner: (n,)."""
        import torch

        a, b = (np.atleast_2d(np.asarray(e, dtype=np.float32)) for e in (embeddings1, embeddings2))
        orders = {"euclidean": 2, "manhattan": 1}
        measure = self.model.model.similarity
        if measure not in orders:
            return super().similarity_pairwise(torch.from_numpy(a), torch.from_numpy(b))
        return torch.from_numpy(-np.linalg.norm(a - b, ord=orders[measure], axis=1))
