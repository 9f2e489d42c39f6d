"""A service for the tests: the real application in a real server on a free port of this machine, in a thread."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vinilm.backends import Backend

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor
    from vinilm.serve.limits import Limits
    from vinilm.serve.server import Server
    from vinilm.serve.service import Service

_MISSING = [
    library
    for library in ("torch", "tokenizers", "starlette", "uvicorn", "prometheus_client", "httpx", "openai")
    if find_spec(library) is None
]
# Test modules import the service at their top, which needs these libraries.
collect_ignore_glob = ["test_*"] if _MISSING else []


def pytest_report_header() -> str | None:
    return f"vinilm serve is not tested: {', '.join(_MISSING)} not installed" if _MISSING else None


class HeldBackend(Backend):
    """The real backend behind a door: nothing is computed while it is shut."""

    name = "held"

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend.shape, device=backend.device, dtype=backend.dtype)
        self._backend = backend
        self.open = threading.Event()
        self.open.set()
        #: Set when a batch waits at the door.
        self.reached = threading.Event()
        #: Texts of each batch, and the tokens of each of them.
        self.batches: list[int] = []
        self.lengths: list[list[int]] = []
        self.fails = False

    def hidden_states(self, batch: Any) -> Any:
        self.reached.set()
        assert self.open.wait(60)
        self.batches.append(len(batch.lengths))
        self.lengths.append(batch.lengths.tolist())
        if self.fails:
            raise RuntimeError("out of memory")
        return self._backend.hidden_states(batch)


class Running:
    """A service that runs."""

    def __init__(self, service: Service, server: Server, address: str, thread: threading.Thread) -> None:
        self.service = service
        self.server = server
        self.address = address
        self.thread = thread
        import httpx

        self.http = httpx.Client(base_url=address, timeout=60)

    def post(self, path: str, content: Any, **headers: str) -> Any:
        return self.http.post(path, json=content, headers=headers)

    def metric(self, name: str, **labels: str) -> float:
        return self.service.metrics.registry.get_sample_value(name, labels) or 0.0

    def terminate(self) -> None:
        self.server.handle_exit(signal.SIGTERM, None)


@contextlib.contextmanager
def run_service(fx: FeatureExtractor, limits: Limits | None = None, **options: Any) -> Iterator[Running]:
    from vinilm.serve.app import create_app
    from vinilm.serve.server import Server, bound_socket
    from vinilm.serve.service import Service

    service = Service(fx, limits)
    server = Server(create_app(service, "tiny", **options), service)
    sock = bound_socket("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    running = Running(service, server, f"http://127.0.0.1:{sock.getsockname()[1]}", thread)
    try:
        wait_until(lambda: server.started)
        yield running
    finally:
        running.http.close()
        if not server._stop_at:
            running.terminate()
        thread.join(60)
        assert not thread.is_alive()
        assert not service.requests
        assert not service.body_bytes
        assert not service.gate.waiting
        assert not service.clean_gate.waiting


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something that is bound to happen; the limit is for when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture(scope="session")
def fx(tiny: Path) -> FeatureExtractor:
    from vinilm.features import FeatureExtractor

    return FeatureExtractor.from_pretrained(tiny)


@pytest.fixture
def held(fx: FeatureExtractor) -> Iterator[FeatureExtractor]:
    """As ``fx``, with a HeldBackend."""
    from vinilm.features import FeatureExtractor

    backend = HeldBackend(fx.backend)
    yield FeatureExtractor(fx.model, backend, fx.tokenizer, fx.preprocessor)
    backend.open.set()


@pytest.fixture(scope="session")
def served(fx: FeatureExtractor) -> Iterator[Running]:
    """A service with small limits, for all tests that leave it as it was."""
    from vinilm.serve.limits import Limits

    with run_service(fx, Limits(text_bytes=4096, texts=64, body_bytes=65536)) as running:
        yield running


@pytest.fixture(name="run_service", scope="session")
def _run_service() -> Any:
    return run_service


@pytest.fixture(name="wait_until", scope="session")
def _wait_until() -> Any:
    return wait_until
