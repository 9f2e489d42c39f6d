"""``vinilm serve`` as a process: signals, keys, logs, what is refused at the start."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner

from vinilm.serve.command import KEY_VARIABLE, serve
from vnlp_prep.errors import SettingsError

ROOT = Path(__file__).resolve().parents[3]


class Process:
    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        self.address = ""

    def wait_for_address(self) -> None:
        end = time.monotonic() + 120
        while not (found := re.search(r"listening on (http://\S+)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        self.address = found[1]


@contextlib.contextmanager
def process(log: Path, *arguments: object, **environment: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "vinilm", "serve", *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    with log.open("w") as stream, subprocess.Popen(command, stderr=stream, text=True, env=variables, cwd=log.parent) as started:
        try:
            yield Process(started, log)
        finally:
            started.kill()


def test_a_process_from_start_to_end(tiny: Path, fx: Any, tmp_path: Path) -> None:
    text = "a secret text with teh typo"
    headers = {"Authorization": "Bearer the-key"}
    with process(
        tmp_path / "log", tiny, "--port", 0, "--access-log", "--queue-tokens", 10**7, **{KEY_VARIABLE: "the-key"}
    ) as running:
        running.wait_for_address()
        with httpx.Client(base_url=running.address, headers=headers, timeout=60) as client, ThreadPoolExecutor(8) as pool:
            # The key is asked for everywhere but at /health.
            assert httpx.get(running.address + "/health").status_code == 200
            for path in ("/metrics", "/info", "/v1/models", "/embed", "/nowhere"):
                assert httpx.get(running.address + path).status_code == 401
            refused = httpx.post(running.address + "/v1/embeddings", json={"input": "a"}, headers={"Authorization": "Bearer no"})
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"] == "Bearer"
            assert refused.json()["error"]["code"] == "invalid_api_key"
            # Request ids: the client's if it is a sane one.
            answer = client.post("/embed", json={"inputs": text}, headers={"X-Request-Id": "abc-1"})
            assert answer.headers["X-Request-Id"] == "abc-1"
            expected = fx.encode([text], normalize_embeddings=True)
            np.testing.assert_allclose(answer.json(), expected, atol=1e-5)
            made = client.get("/health", headers={"X-Request-Id": 'x"; rm <b>'}).headers["X-Request-Id"]
            assert re.fullmatch("[0-9a-f]{32}", made)
            metrics = client.get("/metrics").text
            assert 'vinilm_requests_total{route="/embed",status="200"} 1.0' in metrics
            assert "process_resident_memory_bytes" in metrics
            # What is under way at SIGTERM is answered.
            large = [pool.submit(client.post, "/embed", json={"inputs": ["many words " * 60] * 400}) for _ in range(8)]
            while httpx.get(running.address + "/metrics", headers=headers).text.find("vinilm_requests_in_progress 9.0") < 0:
                assert not any(f.done() for f in large)
            running.process.send_signal(signal.SIGTERM)
            assert {f.result().status_code for f in large} == {200}
        assert running.process.wait(60) == 0
    log = (tmp_path / "log").read_text()
    assert "SIGTERM: finishing" in log
    assert "secret" not in log
    assert "the-key" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [entry for entry in lines if entry["id"] == "abc-1"]
    assert (line["method"], line["path"], line["status"], line["texts"]) == ("POST", "/embed", 200, 1)


def test_a_second_signal_ends_at_once(tiny: Path, tmp_path: Path) -> None:
    with process(tmp_path / "log", tiny, "--port", 0, "--grace", 600) as running:
        running.wait_for_address()
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
            while "vinilm_requests_in_progress 2.0" not in httpx.get(running.address + "/metrics").text:
                time.sleep(0.05)
            running.process.send_signal(signal.SIGINT)
            while "SIGINT" not in running.log.read_text():
                time.sleep(0.05)
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(60) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_an_open_door_without_a_key_is_pointed_out(host: str, tmp_path: Path) -> None:
    # The model is not there, so that nothing is ever opened.
    with process(tmp_path / "log", tmp_path / "no-model", "--port", 0, "--host", host) as running:
        assert running.process.wait(120) == 2
    log = (tmp_path / "log").read_text()
    assert ("anybody who reaches 0.0.0.0" in log) == (host == "0.0.0.0")
    assert "no-model" in log
    assert "Traceback" not in log


def run(*arguments: object) -> Any:
    return CliRunner(env={KEY_VARIABLE: None}).invoke(serve, [str(a) for a in arguments])


def test_a_port_that_is_taken_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run(tmp_path / "no-model", "--port", taken.getsockname()[1])
    assert isinstance(result.exception, SettingsError)
    assert "cannot listen on 127.0.0.1" in str(result.exception)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\xff", None])
def test_a_file_of_keys_that_has_none(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    result = run(tmp_path, "--api-key-file", file)
    assert isinstance(result.exception, SettingsError)
    assert str(file) in str(result.exception)


def test_an_empty_key_is_no_key(tmp_path: Path) -> None:
    result = CliRunner(env={KEY_VARIABLE: " "}).invoke(serve, [str(tmp_path)])
    assert isinstance(result.exception, SettingsError)
    assert "is empty" in str(result.exception)


def test_keys_of_a_file(fx: Any, run_service: Any, tmp_path: Path) -> None:
    from vinilm.serve.command import _keys
    from vinilm.serve.middleware import Keys

    file = tmp_path / "keys"
    file.write_text("old\nnew\n")
    with run_service(fx, keys=Keys(_keys(str(file)))) as running:
        for key, status in (("old", 200), ("new", 200), ("other", 401)):
            assert running.post("/embed", {"inputs": "a"}, Authorization=f"Bearer {key}").status_code == status


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom vinilm.serve.command import serve\n"
        "try: serve(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'starlette', 'uvicorn', 'orjson', 'tokenizers', 'prometheus_client'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "--api-key-file" in done.stdout
