"""What happens around every request: its id, the key, errors that nobody foresaw, metrics, the access log."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from vinilm.serve.errors import OverloadedError, RequestError, error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from vinilm.serve.service import Service

_log = logging.getLogger("vinilm.serve")
_access = logging.getLogger("vinilm.serve.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")
#: Answered without a key, and however many requests are under way: whoever asks must not be kept out by what is asked about.
_OPEN = ("/health",)
_ALWAYS = ("/health", "/metrics")
# What a client that left gets in metrics and logs, as nginx has it; nothing is sent.
_LEFT = 499


class Keys:
    """The keys that clients may show. Compared in constant time, and kept as digests, so that not even lengths show."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Take ``keys``, one or several (for the time of a change)."""
        self._digests = [hashlib.sha256(k.encode()).digest() for k in keys]

    def fit(self, authorization: str | None) -> bool:
        """Return whether the header ``Authorization`` shows one of the keys."""
        scheme, _, key = (authorization or "").partition(" ")
        digest = hashlib.sha256(key.strip().encode("latin-1", "replace")).digest()
        # All are compared, whichever fits.
        fits = [hmac.compare_digest(digest, d) for d in self._digests]
        return scheme.lower() == "bearer" and any(fits)


class Frame:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, *, service: Service, keys: Keys | None, access_log: bool, paths: frozenset[str]) -> None:
        """Wrap ``app``, which answers at ``paths``."""
        self.app = app
        self.paths = paths
        self.service = service
        self.keys = keys
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = request_id
                if self.service.draining:
                    out["Connection"] = "close"
            await send(message)

        metrics = self.service.metrics
        self.service.requests += 1
        metrics.in_progress.inc()
        try:
            try:
                self._check(scope["path"], headers)
                await self.app(scope, receive, send_with_id)
            except RequestError as error:
                if error.status in (413, 429, 503):
                    metrics.rejected.labels(error.kind if error.status != 413 else "too_large").inc()
                await error_response(scope["path"], error)(scope, receive, send_with_id)
            except ClientDisconnect:
                status = _LEFT
                metrics.disconnected.inc()
            except Exception:
                _log.exception("request %s failed: a bug, please report it", request_id)
                if status:  # the answer has begun; uvicorn ends the connection
                    raise
                bug = RequestError(500, f"internal error; the log has it under request id {request_id}", kind="backend")
                await error_response(scope["path"], bug)(scope, receive, send_with_id)
        finally:
            self.service.requests -= 1
            metrics.in_progress.dec()
            seconds = time.perf_counter() - started
            # Any other path is one label, so that clients cannot make up new ones.
            route = scope["path"] if scope["path"] in self.paths else "other"
            metrics.requests.labels(route, status).inc()
            metrics.request_seconds.labels(route).observe(seconds)
            if self.access_log:
                self._write_log(scope, request_id, status, seconds)

    def _check(self, path: str, headers: Headers) -> None:
        if self.keys is not None and path not in _OPEN and not self.keys.fit(headers.get("authorization")):
            raise RequestError(401, "a key is needed: Authorization: Bearer KEY", kind="unauthorized", code="invalid_api_key")
        if self.service.requests > self.service.limits.requests and path not in _ALWAYS:
            raise OverloadedError(
                f"more than {self.service.limits.requests} requests are under way; try again later",
                self.service.gate.retry_after(),
            )

    def _write_log(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": request_id,
            "method": scope["method"][:16],
            "path": scope["path"][:200],
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": (scope.get("client") or [None])[0],
            **scope.get("vinilm.numbers", {}),
        }
        _access.info(orjson.dumps(line).decode())
