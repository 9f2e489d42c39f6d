"""``/v1/embeddings`` and ``/v1/models``, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

openai = pytest.importorskip("openai")

TEXTS = ["Teh vSphere client&#39;s log", "", "a second text that is a little longer than the first one", "naïve 漢字 🙂"]


@pytest.fixture(scope="module")
def client(served: Any) -> Any:
    with openai.OpenAI(base_url=served.address + "/v1", api_key="none", max_retries=0) as made:
        yield made


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def vectors_of(response: Any) -> Any:
    assert [d.index for d in response.data] == list(range(len(response.data)))
    return np.array([d.embedding for d in response.data], dtype=np.float32)


def test_a_list_in_the_clients_own_format_gives_what_encode_gives(client: Any, fx: Any) -> None:
    response = client.embeddings.create(model="tiny", input=TEXTS)
    np.testing.assert_allclose(vectors_of(response), unit(fx.encode(TEXTS)), atol=1e-5)
    assert response.model == "tiny"
    assert response.object == "list"
    assert response.usage.prompt_tokens == response.usage.total_tokens == fx.prepare(TEXTS).tokens


@pytest.mark.parametrize("text", TEXTS)
def test_a_string_gives_one_vector(client: Any, fx: Any, text: str) -> None:
    response = client.embeddings.create(model="tiny", input=text)
    np.testing.assert_allclose(vectors_of(response), unit(fx.encode([text])), atol=1e-5)


def test_float_and_base64_are_the_same_numbers(client: Any, served: Any) -> None:
    floats = client.embeddings.create(model="tiny", input=TEXTS, encoding_format="float")
    plain = served.post("/v1/embeddings", {"input": TEXTS, "encoding_format": "base64"}).json()
    decoded = np.stack([np.frombuffer(base64.b64decode(d["embedding"]), "<f4") for d in plain["data"]])
    np.testing.assert_allclose(vectors_of(floats), decoded, atol=1e-6)


def test_fewer_dimensions_have_length_one_too(client: Any, fx: Any) -> None:
    response = client.embeddings.create(model="tiny", input=TEXTS, dimensions=16, user="somebody")
    np.testing.assert_allclose(vectors_of(response), unit(fx.encode(TEXTS)[:, :16]), atol=1e-5)


def test_other_dimensions_than_the_model_has_are_refused(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="the model has 64, 65 were asked for") as caught:
        client.embeddings.create(model="tiny", input="x", dimensions=65)
    assert caught.value.param == "dimensions"


@pytest.mark.parametrize("ids", [[1, 2, 3], [[1, 2], [3]]])
def test_token_ids_are_refused_with_what_to_do(client: Any, ids: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="send the texts") as caught:
        client.embeddings.create(model="tiny", input=ids)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == "input"


def test_an_empty_list_is_refused(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        client.embeddings.create(model="tiny", input=[])


def test_whatever_model_is_asked_for_the_answer_names_the_one_that_there_is(client: Any) -> None:
    assert client.embeddings.create(model="text-embedding-3-small", input="x").model == "tiny"


def test_another_model_is_not_found(client: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="'tiny'") as caught:
        client.models.retrieve("text-embedding-3-small")
    assert caught.value.code == "model_not_found"


def test_the_error_names_the_request(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="tiny", input=[], extra_headers={"X-Request-Id": "mine-1"})
    assert caught.value.request_id == "mine-1"


def test_models(client: Any) -> None:
    [model] = client.models.list()
    assert model.id == "tiny"
    assert client.models.retrieve("tiny") == model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other/model")


def test_many_at_once_get_each_their_own(served: Any, fx: Any) -> None:
    texts = [f"text number {i} " + "and more " * (i % 17) for i in range(96)]

    async def ask_all() -> Any:
        async with openai.AsyncOpenAI(base_url=served.address + "/v1", api_key="none") as client:
            answers = [client.embeddings.create(model="tiny", input=texts[i : i + 3]) for i in range(0, len(texts), 3)]
            return await asyncio.gather(*answers)

    found = np.concatenate([vectors_of(r) for r in asyncio.run(ask_all())])
    np.testing.assert_allclose(found, unit(fx.encode(texts)), atol=1e-5)
