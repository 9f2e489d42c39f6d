"""LlamaIndex' indexes with VinilmEmbedding."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import numpy as np
import pytest

from vinilm import FeatureExtractor

pytest.importorskip("llama_index.core")

from llama_index.core import Document, VectorStoreIndex

from vinilm.integrations.llama_index import VinilmEmbedding


@pytest.fixture(scope="module")
def extractor(prompted: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(prompted)


def test_documents_and_queries_have_their_prompts(prompted: Path, extractor: FeatureExtractor, raw_texts: list[str]) -> None:
    embedding = VinilmEmbedding(str(prompted), embed_batch_size=2)
    documents = embedding.get_text_embedding_batch(raw_texts)
    np.testing.assert_allclose(documents, extractor.encode_document(raw_texts), atol=1e-6)
    np.testing.assert_allclose(embedding.get_text_embedding(raw_texts[0]), documents[0], atol=1e-6)
    query = embedding.get_query_embedding(raw_texts[0])
    np.testing.assert_allclose(query, extractor.encode_query(raw_texts[0]), atol=1e-6)
    assert np.abs(np.subtract(query, documents[0])).max() > 1e-3


def test_the_asynchronous_methods(extractor: FeatureExtractor, raw_texts: list[str]) -> None:
    embedding = VinilmEmbedding(extractor)

    async def all_of_them() -> tuple[list[float], list[float], list[list[float]]]:
        return await asyncio.gather(
            embedding.aget_query_embedding(raw_texts[0]),
            embedding.aget_text_embedding(raw_texts[0]),
            embedding.aget_text_embedding_batch(raw_texts),
        )

    query, text, texts = asyncio.run(all_of_them())
    np.testing.assert_allclose(query, extractor.encode_query(raw_texts[0]), atol=1e-6)
    np.testing.assert_allclose(text, texts[0], atol=1e-6)
    np.testing.assert_allclose(texts, extractor.encode_document(raw_texts), atol=1e-6)


def test_an_index_finds_the_document_in_spite_of_damage(minilm: Path) -> None:
    texts = ["The storage controller failed", "Please recieve &amp; read teh licence agreemnet", "A cat sat on the mat"]
    embedding = VinilmEmbedding(str(minilm), options={"max_tokens": 64})
    index = VectorStoreIndex.from_documents([Document(text=t) for t in texts], embed_model=embedding)
    retriever = index.as_retriever(similarity_top_k=1)
    [found] = retriever.retrieve("license agreement")
    assert "licence" in found.node.get_content()
    [found] = asyncio.run(retriever.aretrieve("teh strage contorller"))
    assert "storage" in found.node.get_content()


def test_options(prompted: Path) -> None:
    embedding = VinilmEmbedding(str(prompted), options={"preprocess": False}, encode_options={"truncate_dim": 7})
    plain = FeatureExtractor.from_pretrained(prompted, preprocess=False)
    np.testing.assert_allclose(embedding.get_query_embedding("recieve"), plain.encode_query("recieve")[:7], atol=1e-6)


def test_settings_are_written_and_read(prompted: Path) -> None:
    embedding = VinilmEmbedding(str(prompted), options={"pooling": "cls"})
    again = VinilmEmbedding.from_dict(embedding.to_dict())
    assert (again.model_name, again.options) == (str(prompted), {"pooling": "cls"})
    assert again.get_query_embedding("x") == embedding.get_query_embedding("x")
    copy = pickle.loads(pickle.dumps(embedding))
    assert copy.get_query_embedding("x") == embedding.get_query_embedding("x")


def test_an_extractor_goes_by_its_folder(prompted: Path, extractor: FeatureExtractor) -> None:
    assert VinilmEmbedding(extractor).model_name == str(prompted)
