"""What clients must not send, or not so much of: always an answer, in the shape of the dialect, and never a traceback."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinilm.serve.limits import Limits

JSON = {"Content-Type": "application/json"}
ROUTES = ("/v1/embeddings", "/embed", "/clean")
FIELDS = {"/v1/embeddings": "input", "/embed": "inputs", "/clean": "texts"}


def post(served: Any, path: str, body: bytes, headers: dict[str, str] = JSON) -> Any:
    return served.http.post(path, content=body, headers=headers)


def message_of(path: str, response: Any) -> str:
    """The message, out of the shape that the dialect has for errors."""
    content = response.json()
    if path.startswith("/v1/"):
        assert list(content) == ["error"]
        assert set(content["error"]) == {"message", "type", "param", "code"}
        return str(content["error"]["message"])
    assert set(content) == {"error", "error_type"}
    return str(content["error"])


NOT_JSON = {
    "nothing": b"",
    "cut off": b'{"input": "a',
    "text": b"hello",
    "not UTF-8": b'{"input": "\xff\xfe"}',
    "Latin-1": '{"input": "é"}'.encode("latin-1"),
    "lone surrogate": b'{"input": "\\ud800"}',
    "NaN": b'{"input": "a", "dimensions": NaN}',
    "raw NUL": b'{"input": "a\x00b"}',
    "deep list": b"[" * 60_000,
    "deep object": b'{"a":' * 10_000,
    "UTF-16": '{"input": "a"}'.encode("utf-16"),
    "two objects": b'{"input": "a"}{"input": "b"}',
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json(served: Any, path: str, body: bytes) -> None:
    response = post(served, path, body)
    assert response.status_code == 400
    assert "not JSON" in message_of(path, response)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("value", [None, 1, 1.5, True, {}, {"a": "b"}, ["a", None], ["a", 1], ["a", ["b"]], [{}]])
def test_what_are_no_texts(served: Any, path: str, value: Any) -> None:
    response = served.post(path, {FIELDS[path]: value})
    assert response.status_code == (400 if path.startswith("/v1/") else 422)
    assert FIELDS[path] in message_of(path, response)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"17"])
def test_what_is_no_object(served: Any, path: str, body: bytes) -> None:
    response = post(served, path, body)
    assert response.status_code in (400, 422)
    assert "must be a JSON object" in message_of(path, response)


@pytest.mark.parametrize("path", ROUTES)
def test_an_empty_list(served: Any, path: str) -> None:
    response = served.post(path, {FIELDS[path]: []})
    assert response.status_code == 400
    assert "empty" in message_of(path, response)


@pytest.mark.parametrize("dimensions", ["10", 1.5, 0, -1, True, [1], 10**30, 2**63 - 1, 65])
def test_dimensions_that_cannot_be(served: Any, dimensions: Any) -> None:
    assert served.post("/v1/embeddings", {"input": "a", "dimensions": dimensions}).status_code == 400
    assert served.post("/embed", {"inputs": "a", "dimensions": dimensions}).status_code == 422


@pytest.mark.parametrize(
    "fields",
    [{"encoding_format": "int8"}, {"encoding_format": 1}, {"model": 1}, {"user": []}, {"imput": "b"}, {"x" * 5000: 1}],
    ids=lambda fields: next(iter(fields))[:20],
)
def test_fields_that_openai_would_refuse_too(served: Any, fields: Any) -> None:
    response = served.post("/v1/embeddings", {"input": "a", **fields})
    assert response.status_code == 400
    assert len(message_of("/v1/embeddings", response)) < 300


@pytest.mark.parametrize(
    "fields",
    [{"normalize": 1}, {"truncate": "yes"}, {"prompt_name": 3}, {"prompt_name": "query"}, {"truncation_direction": "Left"}],
)
def test_fields_of_embed_that_are_refused(served: Any, fields: Any) -> None:
    response = served.post("/embed", {"inputs": "a", **fields})
    assert response.status_code == 422
    assert next(iter(fields)) in message_of("/embed", response)


def test_fields_of_embed_that_are_not_known_are_ignored(served: Any) -> None:
    assert served.post("/embed", {"inputs": "a", "raw_scores": True, "truncation_direction": "right"}).status_code == 200


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("text", ["", "\u0000", "\u0000\ufeff\u202e", "😀" * 500, "e" + "\u0301" * 1500, "<" * 4096, "&" * 4096])
def test_texts_that_are_odd_but_texts(served: Any, path: str, text: str) -> None:
    assert served.post(path, {FIELDS[path]: [text]}).status_code == 200


# --- too much -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
def test_limits_are_exact(served: Any, path: str) -> None:
    for texts, status in (
        (["a" * 4096], 200),
        (["a" * 4097], 413),
        (["é" * 2048], 200),
        (["é" * 2049], 413),
        (["a"] * 64, 200),
        (["a"] * 65, 413),
    ):
        response = served.post(path, {FIELDS[path]: texts})
        assert response.status_code == status, texts[0][:3]
        if status == 413:
            assert "may have" in message_of(path, response)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("size", [65_537, 300_000, 5_000_000])
def test_a_body_that_is_too_large(served: Any, path: str, size: int) -> None:
    response = post(served, path, b" " * size)
    assert response.status_code == 413
    assert "larger than 65536 bytes" in message_of(path, response)


def test_a_body_in_pieces_without_a_length(served: Any) -> None:
    def pieces(number: int) -> Any:
        yield b'{"inputs": ["'
        yield from [b"a " * 500] * number
        yield b'"]}'

    assert served.http.post("/embed", content=pieces(3), headers=JSON).status_code == 200
    assert served.http.post("/embed", content=pieces(100), headers=JSON).status_code == 413


def test_bytes_of_all_bodies_together(fx: Any, run_service: Any) -> None:
    with run_service(fx, Limits(all_body_bytes=1000)) as running:
        response = running.post("/embed", {"inputs": "a " * 1000})
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) >= 1
        assert running.post("/embed", {"inputs": "a"}).status_code == 200


def test_a_body_that_does_not_come(fx: Any, run_service: Any) -> None:
    with run_service(fx, Limits(body_seconds=0.2)) as running:
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


# --- not ours -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"])
def test_other_types_of_content(served: Any, path: str, media_type: str) -> None:
    response = post(served, path, b'{"input": "a"}', {"Content-Type": media_type})
    assert response.status_code == 415
    assert "application/json" in message_of(path, response)


def test_a_type_with_a_parameter_is_json(served: Any) -> None:
    assert post(served, "/embed", b'{"inputs": "a"}', {"Content-Type": "Application/JSON; charset=utf-8"}).status_code == 200


def test_compressed_bodies_are_refused(served: Any) -> None:
    response = post(served, "/embed", b"\x1f\x8b" + bytes(100), {**JSON, "Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_other_paths_and_methods(served: Any) -> None:
    missing = served.http.get("/v1/completions")
    assert missing.status_code == 404
    assert message_of("/v1/completions", missing)
    wrong = served.http.get("/embed")
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]
    assert message_of("/embed", wrong)


def test_paths_do_not_become_labels(served: Any) -> None:
    for i in range(5):
        served.http.get(f"/made-up-{i}")
    assert "made-up" not in served.http.get("/metrics").text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["input", "inputs", "text", "texts", "model", "normalize", "truncate", "dimensions", "encoding_format", "prompt_name"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), st.dictionaries(NAMES, ANYTHING, max_size=5) | ANYTHING)
def test_any_json_has_an_answer(served: Any, path: str, content: Any) -> None:
    response = post(served, path, json.dumps(content).encode())
    assert response.status_code in (200, 400, 404, 413, 422)
    if response.status_code != 200:
        assert message_of(path, response)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), st.binary(max_size=60))
def test_any_bytes_have_an_answer(served: Any, path: str, body: bytes) -> None:
    assert post(served, path, body).status_code in (200, 400, 404, 413, 422)
