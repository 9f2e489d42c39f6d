"""LangChain's vector stores with VinilmEmbeddings."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import numpy as np
import pytest

from vinilm import FeatureExtractor
from vinilm.errors import ModelError
from vnlp_prep.errors import SettingsError

pytest.importorskip("langchain_core")

from langchain_core.vectorstores import InMemoryVectorStore

from vinilm.integrations.langchain import VinilmEmbeddings


@pytest.fixture(scope="module")
def extractor(prompted: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(prompted)


def test_documents_and_queries_have_their_prompts(prompted: Path, extractor: FeatureExtractor, raw_texts: list[str]) -> None:
    embeddings = VinilmEmbeddings(prompted)
    documents = embeddings.embed_documents(raw_texts)
    assert isinstance(documents[0], list)
    assert isinstance(documents[0][0], float)
    np.testing.assert_allclose(documents, extractor.encode_document(raw_texts), atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_query(raw_texts[0]), extractor.encode_query(raw_texts[0]), atol=1e-6)
    assert np.abs(np.subtract(embeddings.embed_query(raw_texts[0]), documents[0])).max() > 1e-3
    assert embeddings.embed_documents([]) == []


def test_a_store_finds_the_document_in_spite_of_damage(minilm: Path) -> None:
    store = InMemoryVectorStore(VinilmEmbeddings(str(minilm)))
    store.add_texts(["The storage controller failed", "Please recieve &amp; read teh licence agreemnet", "A cat sat on the mat"])
    [found] = store.similarity_search("license agreement", k=1)
    assert "licence" in found.page_content
    [found] = asyncio.run(store.asimilarity_search("teh strage contorller", k=1))
    assert "storage" in found.page_content


def test_calls_from_many_threads_take_turns(extractor: FeatureExtractor, raw_texts: list[str]) -> None:
    embeddings = VinilmEmbeddings(extractor)

    async def many() -> list[list[float]]:
        return await asyncio.gather(*(embeddings.aembed_query(text) for text in raw_texts * 4))

    expected = [extractor.encode_query(text) for text in raw_texts * 4]
    np.testing.assert_allclose(asyncio.run(many()), expected, atol=1e-6)


def test_options(prompted: Path, extractor: FeatureExtractor) -> None:
    embeddings = VinilmEmbeddings(prompted, preprocess=False, pooling="cls", encode_options={"truncate_dim": 7})
    plain = FeatureExtractor.from_pretrained(prompted, preprocess=False, pooling="cls")
    np.testing.assert_allclose(embeddings.embed_query("recieve"), plain.encode_query("recieve")[:7], atol=1e-6)
    with pytest.raises(SettingsError, match="pooling: only for a model that is yet to be loaded"):
        VinilmEmbeddings(extractor, pooling="cls")


def test_the_model_is_loaded_when_it_is_used(tmp_path: Path) -> None:
    embeddings = VinilmEmbeddings(tmp_path / "nothing")
    with pytest.raises(ModelError, match="nothing"):
        embeddings.embed_query("x")


def test_without_pooling_there_are_no_vectors(prompted: Path) -> None:
    with pytest.raises(SettingsError, match="choose mean, cls or max"):
        VinilmEmbeddings(prompted, pooling="none").embed_query("x")


def test_what_is_no_model_and_no_text(extractor: FeatureExtractor) -> None:
    with pytest.raises(TypeError, match="not int"):
        VinilmEmbeddings(3)
    embeddings = VinilmEmbeddings(extractor)
    with pytest.raises(TypeError, match="item 1 is int"):
        embeddings.embed_documents(["a", 3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not one string"):
        embeddings.embed_documents("a")  # type: ignore[arg-type]


@pytest.mark.parametrize("by_folder", [True, False])
def test_pickled_it_loads_the_model_again(prompted: Path, raw_texts: list[str], by_folder: bool) -> None:
    options = {"pooling": "max", "max_tokens": 30}
    made = VinilmEmbeddings(prompted, **options) if by_folder else None
    embeddings = made or VinilmEmbeddings(FeatureExtractor.from_pretrained(prompted, **options))
    expected = embeddings.embed_documents(raw_texts)
    data = pickle.dumps(embeddings)
    assert len(data) < 5000
    np.testing.assert_allclose(pickle.loads(data).embed_documents(raw_texts), expected, atol=1e-6)
