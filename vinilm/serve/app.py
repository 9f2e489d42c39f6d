"""The routes: what is asked, in which dialect, and what is answered."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from vinilm.serve.errors import OverloadedError, RequestError, UnavailableError, error_response
from vinilm.serve.limits import Limits
from vinilm.serve.middleware import Frame, Keys
from vinilm.serve.requests import parse_clean, parse_embed, parse_embeddings
from vinilm.serve.service import Embedded, Service

_T = TypeVar("_T")

# So many times the largest body is read and thrown away before a request that is too large is answered: a client that is still
# sending when the connection is closed would not get to see the answer.
_READ_ON = 4


class App:
    """The routes of one service."""

    def __init__(self, service: Service, model_name: str, *, truncate: bool = True) -> None:
        """Answer for ``service``, whose model goes by ``model_name``. ``truncate``: what is done with long texts by default."""
        self.service = service
        self.model_name = model_name
        self.truncate = truncate
        self._started = int(time.time())

    async def embeddings(self, request: Request) -> Response:
        """OpenAI's embeddings. Vectors have length 1, as OpenAI's have."""

        async def answer(body: bytes) -> Response:
            # Whatever model is asked for: there is one, and the answer names it. Clients often have a name built in.
            asked = parse_embeddings(body, self.service.limits)
            try:
                result = await self._embed(request, asked.texts, dimensions=asked.dimensions, truncate=self.truncate)
            except RequestError as error:
                if error.status == 422:  # OpenAI does not know this status
                    error.status = 400
                raise
            rows: list[object] = list(result.vectors)
            if asked.encoding_format == "base64":
                rows = [base64.b64encode(v.astype("<f4", copy=False).tobytes()).decode() for v in result.vectors]
            return _json(
                {
                    "object": "list",
                    "data": [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)],
                    "model": self.model_name,
                    "usage": {"prompt_tokens": result.tokens, "total_tokens": result.tokens},
                },
                _headers(result),
            )

        return await self._answer(request, answer)

    async def embed(self, request: Request) -> Response:
        """Embeddings as text-embeddings-inference has them: a list of lists."""

        async def answer(body: bytes) -> Response:
            asked = parse_embed(body, self.service.limits)
            result = await self._embed(
                request,
                asked.texts,
                prompt_name=asked.prompt_name,
                truncate=self.truncate if asked.truncate is None else asked.truncate,
                normalize=asked.normalize,
                dimensions=asked.dimensions,
            )
            return _json(result.vectors, _headers(result))

        return await self._answer(request, answer)

    async def clean(self, request: Request) -> Response:
        """Cleaned texts with their edits and suggestions."""

        async def answer(body: bytes) -> Response:
            asked = parse_clean(body, self.service.limits)
            _note(request, texts=len(asked.texts))
            results = await unless_disconnected(request, self.service.clean(asked.texts))
            return _json(results[0] if asked.single else {"results": results})

        return await self._answer(request, answer)

    async def models(self, _: Request) -> Response:
        """OpenAI's list of models: one."""
        return _json({"object": "list", "data": [self._model]})

    async def model(self, request: Request) -> Response:
        """OpenAI's description of a model."""
        name = request.path_params["name"]
        if name != self.model_name:
            message = f"there is no model {name[:100]!r} here; this service has {self.model_name!r}"
            raise RequestError(404, message, param="model", code="model_not_found")
        return _json(self._model)

    async def info(self, _: Request) -> Response:
        """What is served, with the names that text-embeddings-inference has for it."""
        fx, limits = self.service.fx, self.service.limits
        return _json(
            {
                "model_id": self.model_name,
                "model_sha": fx.model.fingerprint,
                "model_dtype": fx.backend.dtype,
                "model_type": {"embedding": {"pooling": fx.pooling}},
                "max_concurrent_requests": limits.requests,
                "max_input_length": fx.max_tokens,
                "max_batch_tokens": fx.backend.batch_tokens,
                "max_client_batch_size": limits.texts,
                "auto_truncate": self.truncate,
                "dimensions": fx.hidden_size,
                "backend": fx.backend.name,
                "device": fx.backend.device,
                "cleaning": fx.preprocessor is not None,
                "prompts": sorted(fx.prompts),
                "fingerprint": fx.fingerprint,
            }
        )

    async def health(self, _: Request) -> Response:
        """200 while requests are answered, 503 otherwise (a load balancer then sends them elsewhere)."""
        if not self.service.healthy:
            raise UnavailableError("draining" if self.service.draining else "the encoder has stopped")
        return _json({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(self.service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    # --- inside ---------------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request, answer: Callable[[bytes], Awaitable[Response]]) -> Response:
        """Read the body within the limits and answer it."""
        service = self.service
        if service.draining:
            raise UnavailableError
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if service.body_bytes + size > service.limits.all_body_bytes:
                raise OverloadedError("too many bytes are under way; try again later", service.gate.retry_after())
            held += size
            service.body_bytes += size

        try:
            return await answer(await read_body(request, service.limits, hold))
        finally:
            service.body_bytes -= held

    async def _embed(self, request: Request, texts: list[str], **options: Any) -> Embedded:
        _note(request, texts=len(texts))
        result = await unless_disconnected(request, self.service.embed(texts, **options))
        _note(request, tokens=result.tokens)
        return result

    @property
    def _model(self) -> dict[str, object]:
        return {"id": self.model_name, "object": "model", "created": self._started, "owned_by": "vinilm"}


def create_app(
    service: Service, model_name: str, *, keys: Keys | None = None, truncate: bool = True, access_log: bool = False
) -> Starlette:
    """Return the ASGI application for ``service`` (which whoever runs the application starts and stops).

    ``keys``: what a client must know; None: anybody may ask. ``access_log``: a line of JSON for each request, in the logger
    ``vinilm.serve.access``; never with texts.
    """
    app = App(service, model_name, truncate=truncate)
    routes = [
        Route("/v1/embeddings", app.embeddings, methods=["POST"]),
        Route("/v1/models", app.models),
        Route("/v1/models/{name:path}", app.model),
        Route("/embed", app.embed, methods=["POST"]),
        # Where clients of text-embeddings-inference that know only its address ask.
        Route("/", app.embed, methods=["POST"]),
        Route("/clean", app.clean, methods=["POST"]),
        Route("/info", app.info),
        Route("/health", app.health),
        Route("/metrics", app.metrics),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Frame, service=service, keys=keys, access_log=access_log, paths=frozenset(r.path for r in routes))
        ],
        exception_handlers={HTTPException: _http_error},
    )


def _http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    messages = {404: "there is nothing at this path", 405: "this path does not answer to this method"}
    response = error_response(request.url.path, RequestError(error.status_code, messages.get(error.status_code, error.detail)))
    response.headers.update(error.headers or {})
    return response


async def read_body(request: Request, limits: Limits, hold: Callable[[int], None]) -> bytes:
    """Return the body of ``request``; ``hold`` is asked for the room. Raises RequestError.

    A body that is refused is read on for a while, so that the client gets to see why.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    problem: RequestError | None = None
    if media_type != "application/json":
        problem = RequestError(415, "the body must be JSON, with the header Content-Type: application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        problem = RequestError(415, "a body with a Content-Encoding is not accepted; send it uncompressed")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.body_bytes:
                    problem = problem or RequestError(413, f"the body is larger than {limits.body_bytes} bytes")
                if problem is None:
                    try:
                        hold(len(chunk))
                    except RequestError as error:
                        problem = error
                if problem is None:
                    chunks.append(chunk)
                elif size > _READ_ON * limits.body_bytes:
                    break
                else:
                    chunks.clear()
    except TimeoutError:
        raise RequestError(408, f"the body did not arrive within {limits.body_seconds:g} seconds") from None
    if problem is not None:
        raise problem
    return b"".join(chunks)


async def unless_disconnected(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """Return what ``work`` returns; cancel it when the client leaves. Raises ClientDisconnect then."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.create_task(work), asyncio.create_task(left())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def _json(content: object, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), headers=headers, media_type="application/json")


def _headers(result: Embedded) -> dict[str, str]:
    return {"X-Compute-Tokens": str(result.tokens), "X-Truncated-Texts": str(result.truncated)}


def _note(request: Request, **numbers: int) -> None:
    """Leave numbers for the access log."""
    request.scope.setdefault("vinilm.numbers", {}).update(numbers)
