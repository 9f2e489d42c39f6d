"""Errors that a client gets, in the shape that its dialect expects.

OpenAI's shape is ``{"error": {"message", "type", "param", "code"}}``, that of text-embeddings-inference
``{"error", "error_type"}``; the latter is also that of the routes of our own.
"""

from __future__ import annotations

import math

import orjson
from starlette.responses import Response


class RequestError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "validation",
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Say what is wrong.

        ``kind`` is the error type of text-embeddings-inference; ``param`` names the field of the request, ``code`` is OpenAI's;
        ``retry_after`` are seconds.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_after = retry_after


class OverloadedError(RequestError):
    """More work waits than may: come back in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(429, message, kind="overloaded", code="rate_limit_exceeded", retry_after=retry_after)


class UnavailableError(RequestError):
    """The service is going down; another one, or this one after its restart, will answer."""

    def __init__(self, message: str = "the service is shutting down") -> None:
        super().__init__(503, message, kind="unhealthy", code="service_unavailable", retry_after=1.0)


#: OpenAI's names for the errors of each status.
_OPENAI_TYPES = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


def error_response(path: str, error: RequestError) -> Response:
    """Return the answer for ``error`` in the dialect of ``path``."""
    body: dict[str, object]
    if path.startswith("/v1/"):
        kind = _OPENAI_TYPES.get(error.status, "invalid_request_error")
        body = {"error": {"message": error.message, "type": kind, "param": error.param, "code": error.code}}
    else:
        body = {"error": error.message, "error_type": error.kind}
    headers = {}
    if error.retry_after is not None:
        # RFC 9110 knows whole seconds only; the openai client also reads milliseconds.
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
        headers["Retry-After-Ms"] = str(math.ceil(error.retry_after * 1000))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), status_code=error.status, headers=headers, media_type="application/json")
