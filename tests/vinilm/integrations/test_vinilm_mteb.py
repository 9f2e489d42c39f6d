"""mteb with VinilmEncoder: real evaluations of tasks that are made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinilm import FeatureExtractor

pytest.importorskip("mteb")

import mteb
from datasets import Dataset, DatasetDict
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.models_protocols import EncoderProtocol
from mteb.types import PromptType

from vinilm.integrations.mteb import VinilmEncoder


def metadata(name: str, kind: str, score: str) -> TaskMetadata:
    return TaskMetadata(
        name=name, description="made for this test", dataset={"path": "none", "revision": "1"}, type=kind, modalities=["text"],
        category="t2t", reference=None, eval_splits=["test"], eval_langs=["eng-Latn"], main_score=score, date=None, domains=None,
        task_subtypes=None, license=None, annotations_creators=None, dialect=None, sample_creation=None, bibtex_citation="",
    )  # fmt: skip


class Damaged(AbsTaskRetrieval):
    """Queries with typos; the right document is found where they are cleaned."""

    metadata = metadata("DamagedRetrieval", "Retrieval", "ndcg_at_10")

    def load_data(self, **_: Any) -> None:
        corpus = [
            "The storage controller failed",
            "Read the licence agreement",
            "A cat sat on the mat",
            "Restart the network service",
        ]
        queries = ["teh strage contorller", "licence agreemnet", "restrat teh netwrok"]
        right = [0, 1, 3]
        self.dataset = {
            "default": {
                "test": RetrievalSplitData(
                    corpus=Dataset.from_list([{"id": f"d{i}", "text": t, "title": ""} for i, t in enumerate(corpus)]),
                    queries=Dataset.from_list([{"id": f"q{i}", "text": t} for i, t in enumerate(queries)]),
                    relevant_docs={f"q{i}": {f"d{r}": 1} for i, r in enumerate(right)},
                    top_ranked=None,
                )
            }
        }
        self.data_loaded = True


class Pairs(AbsTaskSTS):
    """Pairs of texts; damaged ones mean the same."""

    metadata = metadata("DamagedSTS", "STS", "cosine_spearman")
    min_score, max_score = 0, 5

    def load_data(self, **_: Any) -> None:
        first = ["We recieve teh logs", "A cat sat on the mat", "The disk is full", "Teh server restrated"]
        second = ["We receive the logs", "Storage latency is high", "The disk has no space left", "The server restarted"]
        data = {"sentence1": first, "sentence2": second, "score": [5.0, 0.0, 4.0, 5.0]}
        self.dataset = DatasetDict({"test": Dataset.from_dict(data)})
        self.data_loaded = True


def score(encoder: VinilmEncoder, task: Any) -> float:
    [result] = mteb.evaluate(encoder, task, cache=None, show_progress_bar=False, co2_tracker=False).task_results
    return result.get_score()


def test_it_is_an_encoder(prompted: Path) -> None:
    assert isinstance(VinilmEncoder(prompted), EncoderProtocol)


def test_a_retrieval_task(minilm: Path) -> None:
    assert score(VinilmEncoder(minilm), Damaged()) == pytest.approx(1.0)


def test_a_similarity_task(minilm: Path) -> None:
    cleaned = score(VinilmEncoder(FeatureExtractor.from_pretrained(minilm)), Pairs())
    assert cleaned > 0.9
    assert score(VinilmEncoder(minilm, preprocess=False), Pairs()) < cleaned


def test_prompts_by_the_type_of_text(prompted: Path, raw_texts: list[str]) -> None:
    encoder = VinilmEncoder(prompted)
    extractor = FeatureExtractor.from_pretrained(prompted)
    batches = [{"text": raw_texts[:3]}, {"text": raw_texts[3:]}]
    options: dict[str, Any] = {"task_metadata": Damaged.metadata, "hf_split": "test", "hf_subset": "default", "batch_size": 2}
    for prompt_type, expected in (
        (PromptType.query, extractor.encode_query(raw_texts)),
        (PromptType.document, extractor.encode_document(raw_texts)),
        (None, extractor.encode(raw_texts)),
    ):
        np.testing.assert_allclose(encoder.encode(batches, prompt_type=prompt_type, **options), expected, atol=1e-6)
    # A prompt for the task goes first.
    encoder.model.prompts["DamagedRetrieval-query"] = "find: "
    found = encoder.encode(batches, prompt_type=PromptType.query, **options)
    np.testing.assert_allclose(found, extractor.encode(raw_texts, prompt="find: "), atol=1e-6)


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarity_is_the_models(prompted: Path, tmp_path: Path, raw_texts: list[str], measure: str) -> None:
    import shutil

    from vinilm.integrations.modules_json import write_modules

    folder = tmp_path / "model"
    shutil.copytree(prompted, folder)
    write_modules(folder, hidden_size=64, pooling="mean", normalize=False, max_tokens=50, similarity=measure)
    encoder = VinilmEncoder(folder)
    vectors = encoder.model.encode(raw_texts)
    similarities = encoder.similarity(vectors, vectors[::-1].copy())
    np.testing.assert_allclose(similarities, encoder.model.similarity(vectors, vectors[::-1]), atol=1e-5)
    pairwise = encoder.similarity_pairwise(vectors, vectors[::-1].copy())
    np.testing.assert_allclose(pairwise, similarities.diagonal(), rtol=1e-4, atol=1e-4)
    assert encoder.mteb_model_meta.similarity_fn_name.value == measure


def test_results_are_filed_by_fingerprint(prompted: Path) -> None:
    cleaned, raw = VinilmEncoder(prompted).mteb_model_meta, VinilmEncoder(prompted, preprocess=False).mteb_model_meta
    assert cleaned.name == raw.name == "vinilm/model"
    assert cleaned.revision != raw.revision
    assert (cleaned.embed_dim, cleaned.max_tokens, cleaned.use_instructions) == (64, 100, True)
    assert VinilmEncoder(prompted, "of my own").mteb_model_meta.revision == "of my own"
