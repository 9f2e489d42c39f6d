"""``/embed`` and ``/info`` as text-embeddings-inference has them, and ``/clean``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinilm.features import FeatureExtractor
from vnlp_prep import Preprocessor
from vnlp_prep.edits import Edit, apply

TEXTS = ["Teh vSphere client&#39;s log", "", "a second text"]
LONG_TEXT = "server " * 300


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("path", ["/embed", "/"])
def test_a_list_of_lists(served: Any, fx: Any, path: str) -> None:
    response = served.post(path, {"inputs": TEXTS})
    assert response.status_code == 200
    np.testing.assert_allclose(response.json(), unit(fx.encode(TEXTS)), atol=1e-5)
    assert response.headers["X-Compute-Tokens"] == str(fx.prepare(TEXTS).tokens)


def test_one_string_gives_a_list_of_one(served: Any, fx: Any) -> None:
    np.testing.assert_allclose(served.post("/embed", {"inputs": TEXTS[0]}).json(), unit(fx.encode(TEXTS[:1])), atol=1e-5)


def test_without_normalize_it_is_what_encode_gives(served: Any, fx: Any) -> None:
    response = served.post("/embed", {"inputs": TEXTS, "normalize": False, "dimensions": 10})
    np.testing.assert_allclose(response.json(), fx.encode(TEXTS, truncate_dim=10), atol=1e-5)


def test_the_client_of_the_hub_library_is_understood(served: Any, fx: Any) -> None:
    hub = pytest.importorskip("huggingface_hub")
    client = hub.InferenceClient(served.address)
    found = client.feature_extraction(TEXTS[0], normalize=True, truncate=True, truncation_direction="Right")
    np.testing.assert_allclose(found, unit(fx.encode(TEXTS[:1])), atol=1e-5)


def test_long_texts_are_cut_and_counted_or_refused(served: Any) -> None:
    cut = served.post("/embed", {"inputs": [LONG_TEXT, "short"]})
    assert cut.status_code == 200
    assert cut.headers["X-Truncated-Texts"] == "1"
    before = served.metric("vinilm_truncated_texts_total")
    refused = served.post("/embed", {"inputs": ["short", LONG_TEXT], "truncate": False})
    assert refused.status_code == 413
    assert refused.json()["error_type"] == "validation"
    assert "longer than 128 tokens" in refused.json()["error"]
    assert served.post("/embed", {"inputs": ["short"], "truncate": False}).status_code == 200
    assert served.metric("vinilm_truncated_texts_total") == before


def test_a_service_that_refuses_long_texts(fx: Any, run_service: Any) -> None:
    with run_service(fx, truncate=False) as running:
        assert running.post("/v1/embeddings", {"input": LONG_TEXT}).status_code == 413
        assert running.post("/embed", {"inputs": LONG_TEXT}).status_code == 413
        assert running.post("/embed", {"inputs": LONG_TEXT, "truncate": True}).status_code == 200


def test_windows_of_long_texts(fx: Any, run_service: Any) -> None:
    chunked = FeatureExtractor(fx.model, fx.backend, fx.tokenizer, fx.preprocessor, long="chunk")
    texts = ["short", "one two three four " * 200, "again short", LONG_TEXT]
    with run_service(chunked) as running:
        response = running.post("/embed", {"inputs": texts, "truncate": False})
    np.testing.assert_allclose(response.json(), unit(chunked.encode(texts)), atol=1e-5)


def test_prompts(fx: Any, run_service: Any) -> None:
    prompted = FeatureExtractor(fx.model, fx.backend, fx.tokenizer, fx.preprocessor)
    prompted.prompts = {"query": "query: "}
    with run_service(prompted) as running:
        found = running.post("/embed", {"inputs": TEXTS, "prompt_name": "query"}).json()
        unknown = running.post("/embed", {"inputs": TEXTS, "prompt_name": "other"})
    np.testing.assert_allclose(found, unit(prompted.encode(TEXTS, prompt_name="query")), atol=1e-5)
    assert unknown.status_code == 422
    assert "it has 'query'" in unknown.json()["error"]


def test_info(served: Any, fx: Any) -> None:
    info = served.http.get("/info").json()
    assert info["model_id"] == "tiny"
    assert info["max_input_length"] == fx.max_tokens
    assert info["max_client_batch_size"] == 64
    assert info["fingerprint"] == fx.fingerprint


# --- /clean ---------------------------------------------------------------------------------------------------------------


def test_one_text_is_cleaned_with_its_edits(served: Any) -> None:
    raw = "\u0000 Teh vSphere client&#39;s log 🙂 is sooooo slow!!!!!"
    found = served.post("/clean", {"text": raw}).json()
    expected = Preprocessor().clean(raw)
    assert found["text"] == expected.text
    edits = [Edit(**e) for e in found["edits"]]
    assert tuple(edits) == expected.edits
    assert apply(raw, edits) == found["text"]
    assert [Edit(**e) for e in found["suggestions"]] == list(expected.suggestions)


def test_several_texts_come_back_in_order(served: Any) -> None:
    texts = [f"{i} teh" for i in range(50)]
    before = served.metric("vinilm_edits_total", stage="spelling")
    found = served.post("/clean", {"texts": texts}).json()["results"]
    assert [r["text"] for r in found] == Preprocessor()(texts)
    assert served.metric("vinilm_edits_total", stage="spelling") == before + 50


@pytest.mark.parametrize(
    "content", [{}, {"text": "a", "texts": ["b"]}, {"text": ["a"]}, {"texts": "a"}, {"text": "a", "html": "page"}]
)
def test_what_clean_refuses(served: Any, content: Any) -> None:
    assert served.post("/clean", content).status_code == 422


def test_a_service_that_does_not_clean(fx: Any, run_service: Any) -> None:
    plain = FeatureExtractor(fx.model, fx.backend, fx.tokenizer, None)
    with run_service(plain) as running:
        assert running.post("/clean", {"text": "teh"}).status_code == 400
        found = running.post("/embed", {"inputs": TEXTS}).json()
    np.testing.assert_allclose(found, unit(plain.encode(TEXTS)), atol=1e-5)
