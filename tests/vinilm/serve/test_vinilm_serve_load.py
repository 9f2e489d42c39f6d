"""Many clients at a time, more of them than can be served, and clients that leave."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from vinilm.serve.limits import Limits

openai = pytest.importorskip("openai")


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def flood(running: Any, door: threading.Event, requests: int, *, patient: bool) -> tuple[list[int], list[Any]]:
    """Ask ``requests`` times at once; return all statuses, and the last answers. ``patient``: come back when told to.

    ``door`` is shut until one of the requests is turned away.
    """
    door.clear()
    statuses: list[int] = []

    async def ask(client: Any, i: int) -> Any:
        while True:
            response = await client.post("/embed", json={"inputs": f"text number {i} " + "and more " * (i % 40)})
            statuses.append(response.status_code)
            if response.status_code == 429:
                door.set()
            if response.status_code != 429 or not patient:
                return response
            assert int(response.headers["Retry-After"]) * 1000 >= float(response.headers["Retry-After-Ms"]) > 0
            # In milliseconds here, so that the test need not wait for whole seconds.
            await asyncio.sleep(float(response.headers["Retry-After-Ms"]) / 1000)

    async def ask_all() -> list[Any]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=running.address, timeout=120, limits=limits) as client:
            return await asyncio.gather(*(ask(client, i) for i in range(requests)))

    return statuses, asyncio.run(ask_all())


def test_texts_that_wait_are_computed_together(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held) as running, ThreadPoolExecutor(20) as pool:
        held.backend.batches.clear()
        held.backend.reached.clear()
        held.backend.open.clear()
        first = pool.submit(running.post, "/embed", {"inputs": "the first"})
        assert held.backend.reached.wait(60)
        others = [pool.submit(running.post, "/embed", {"inputs": f"text {i}"}) for i in range(19)]
        wait_until(lambda: running.metric("vinilm_queue_texts") == 19)
        assert running.metric("vinilm_queue_tokens") > 19
        held.backend.open.set()
        assert all(f.result().status_code == 200 for f in (first, *others))
        assert held.backend.batches == [1, 19]
        assert running.metric("vinilm_batch_texts_count") == 2
        assert running.metric("vinilm_queue_tokens") == 0


def test_at_overload_every_request_is_answered(held: Any, run_service: Any) -> None:
    with run_service(held, Limits(queue_tokens=200)) as running:
        statuses, answers = flood(running, held.backend.open, 200, patient=False)
        assert len(answers) == 200
        assert set(statuses) == {200, 429}
        assert running.metric("vinilm_rejected_total", reason="overloaded") == statuses.count(429)
        assert running.metric("vinilm_requests_total", route="/embed", status="200") == statuses.count(200)
        for response in answers:
            if response.status_code == 429:
                assert response.json()["error_type"] == "overloaded"


@pytest.mark.slow
def test_clients_that_come_back_when_told_succeed_and_get_their_own(held: Any, run_service: Any) -> None:
    with run_service(held, Limits(queue_tokens=1000)) as running:
        statuses, answers = flood(running, held.backend.open, 200, patient=True)
    assert statuses.count(200) == 200
    assert 429 in statuses
    texts = [f"text number {i} " + "and more " * (i % 40) for i in range(200)]
    np.testing.assert_allclose([a.json()[0] for a in answers], unit(held.encode(texts)), atol=1e-5)


def test_too_many_requests_at_a_time_but_health_is_answered(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held, Limits(requests=3)) as running, ThreadPoolExecutor(3) as pool:
        held.backend.open.clear()
        waiting = [pool.submit(running.post, "/embed", {"inputs": "a"}) for _ in range(3)]
        wait_until(lambda: running.service.requests == 3)
        assert running.post("/embed", {"inputs": "a"}).status_code == 429
        assert running.http.get("/health").status_code == 200
        assert running.http.get("/metrics").status_code == 200
        held.backend.open.set()
        assert all(f.result().status_code == 200 for f in waiting)


def test_openais_client_learns_of_the_rate_limit(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held, Limits(queue_tokens=1)) as running, ThreadPoolExecutor(1) as pool:
        held.backend.open.clear()
        waiting = pool.submit(running.post, "/embed", {"inputs": "a"})
        wait_until(lambda: running.service.gate.waiting)
        with openai.OpenAI(base_url=running.address + "/v1", api_key="none", max_retries=0) as client:
            with pytest.raises(openai.RateLimitError) as caught:
                client.embeddings.create(model="tiny", input="b")
            assert caught.value.code == "rate_limit_exceeded"
            held.backend.open.set()
            assert waiting.result().status_code == 200
            assert client.embeddings.create(model="tiny", input="b").data


def test_a_request_larger_than_the_queue_gets_its_turn(fx: Any, run_service: Any) -> None:
    texts = [f"text {i}" for i in range(500)]
    with run_service(fx, Limits(queue_tokens=100)) as running:
        response = running.post("/embed", {"inputs": texts})
    np.testing.assert_allclose(response.json(), unit(fx.encode(texts)), atol=1e-5)


def test_the_work_of_a_client_that_leaves_is_dropped(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held) as running, ThreadPoolExecutor(1) as pool:
        held.backend.batches.clear()
        held.backend.reached.clear()
        held.backend.open.clear()
        first = pool.submit(running.post, "/embed", {"inputs": "the first"})
        assert held.backend.reached.wait(60)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(running.address + "/embed", json={"inputs": ["never", "mind"]}, timeout=0.5)
        wait_until(lambda: running.metric("vinilm_disconnected_total") == 1)
        wait_until(lambda: running.metric("vinilm_queue_texts") == 0)
        held.backend.open.set()
        assert first.result().status_code == 200
        assert held.backend.batches == [1]
        assert running.metric("vinilm_requests_total", route="/embed", status="499") == 1


def test_a_batch_that_fails_fails_only_its_own_requests(held: Any, run_service: Any, caplog: Any) -> None:
    with run_service(held) as running:
        held.backend.fails = True
        response = running.post("/embed", {"inputs": ["a", "b"]})
        assert response.status_code == 500
        assert response.json()["error_type"] == "backend"
        assert response.headers["X-Request-Id"] in response.json()["error"]
        assert "out of memory" not in response.text
        assert "out of memory" in caplog.text
        held.backend.fails = False
        assert running.post("/embed", {"inputs": ["a", "b"]}).status_code == 200


def test_a_small_request_does_not_wait_for_all_of_a_large_one(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held) as running, ThreadPoolExecutor(2) as pool:
        held.backend.reached.clear()
        held.backend.open.clear()
        large = pool.submit(running.post, "/embed", {"inputs": ["many words " * 60] * 200})
        assert held.backend.reached.wait(60)
        wait_until(lambda: running.metric("vinilm_queue_texts") == 192)
        small = pool.submit(running.post, "/embed", {"inputs": "small"})
        wait_until(lambda: running.metric("vinilm_queue_texts") == 193)
        held.backend.open.set()
        assert small.result().status_code == 200
        assert large.result().status_code == 200
    # 25 batches or so of 8 texts, and the small one in one of the first.
    computed = held.backend.lengths[1:]
    assert len(computed) >= 25
    assert next(i for i, lengths in enumerate(computed) if lengths[0] == 3) <= 3


# --- the end --------------------------------------------------------------------------------------------------------------


def test_draining_finishes_what_is_under_way_and_refuses_the_rest(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held) as running, ThreadPoolExecutor(5) as pool:
        held.backend.open.clear()
        waiting = [pool.submit(running.post, "/embed", {"inputs": f"text {i}"}) for i in range(5)]
        wait_until(lambda: running.service.requests == 5)
        running.terminate()
        health = running.http.get("/health")
        assert health.status_code == 503
        assert health.headers["Connection"] == "close"
        refused = running.post("/v1/embeddings", {"input": "a"})
        assert refused.status_code == 503
        assert refused.json()["error"]["type"] == "server_error"
        held.backend.open.set()
        assert [f.result().status_code for f in waiting] == [200] * 5
        running.thread.join(60)
        with pytest.raises(httpx.ConnectError):
            running.http.get("/health")


def test_what_is_not_finished_in_time_is_answered(held: Any, run_service: Any, wait_until: Any) -> None:
    with run_service(held, Limits(grace_seconds=0.2)) as running, ThreadPoolExecutor(5) as pool:
        held.backend.reached.clear()
        held.backend.open.clear()
        waiting = [pool.submit(running.post, "/embed", {"inputs": f"text {i}"}) for i in range(5)]
        wait_until(lambda: running.service.requests == 5)
        assert held.backend.reached.wait(60)
        running.terminate()
        assert [f.result().status_code for f in waiting] == [503] * 5
        held.backend.open.set()
