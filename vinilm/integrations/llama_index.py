"""Vectors for LlamaIndex: give ``VinilmEmbedding`` to an index, or to ``Settings.embed_model``."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field, PrivateAttr

from vinilm.integrations.lazy import LazyExtractor, Model


class VinilmEmbedding(BaseEmbedding):
    """LlamaIndex' BaseEmbedding with a FeatureExtractor. The asynchronous methods run in threads, one at a time."""

    # Texts that LlamaIndex hands over together: more of them make fuller batches of tokens.
    embed_batch_size: int = Field(default=256, description="The number of texts that are handed over together.", gt=0, le=2048)
    options: dict[str, Any] = Field(default_factory=dict, description="For FeatureExtractor.from_pretrained.")
    encode_options: dict[str, Any] = Field(default_factory=dict, description="For FeatureExtractor.encode.")
    _model: LazyExtractor = PrivateAttr()

    def __init__(self, model_name: Model, **fields: Any) -> None:
        """Set up; the model is loaded when it is first used.

        ``model_name``: a FeatureExtractor, a folder or a name. ``options``: a dictionary for
        ``FeatureExtractor.from_pretrained``; ``encode_options``: one for its ``encode``. The rest are those of BaseEmbedding.
        """
        model = LazyExtractor(model_name, fields.get("options", {}))
        super().__init__(model_name=model.name, **fields)
        self._model = model

    @classmethod
    def class_name(cls) -> str:
        """The name in LlamaIndex' serialised settings."""
        return "VinilmEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._model.encode([query], role="query", **self.encode_options)[0].tolist()
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.encode(texts, role="document", **self.encode_options).tolist()
        return vectors

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
