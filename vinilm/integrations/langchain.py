"""Vectors for LangChain: give ``VinilmEmbeddings`` to a vector store, a retriever or a semantic splitter."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings

from vinilm.integrations.lazy import LazyExtractor, Model


class VinilmEmbeddings(Embeddings):
    """LangChain's Embeddings with a FeatureExtractor. The asynchronous methods run these in a thread, one at a time."""

    def __init__(self, model: Model, *, encode_options: dict[str, Any] | None = None, **options: Any) -> None:
        """Set up; the model is loaded when it is first used.

        ``model``: a FeatureExtractor, a folder or a name; ``options``: for ``FeatureExtractor.from_pretrained``.
        ``encode_options``: for ``FeatureExtractor.encode``, as ``{"normalize_embeddings": True}``.
        """
        self._model = LazyExtractor(model, options)
        self.encode_options = dict(encode_options or {})

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text, with the model's prompt for documents, if it has one.

        Raises TypeError, with the place, for an item that is no string.
        """
        vectors: list[list[float]] = self._model.encode(texts, role="document", **self.encode_options).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query, with the model's prompt for queries, if it has one. Raises TypeError for no string."""
        vector: list[float] = self._model.encode([text], role="query", **self.encode_options)[0].tolist()
        return vector
