"""The review as a web page of this machine: Starlette and uvicorn, on 127.0.0.1 only (extra ``review``).

Whoever asks must show a secret: the address that is printed has it, and the page gets it as a cookie. Names of other hosts (DNS
rebinding), posts from other pages and everything from outside are refused; the page loads nothing that is not served here, and
runs no script but its own.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from vnlp_prep.errors import OutputError, SettingsError, VnlpError
from vnlp_prep.review.decisions import ChangedError
from vnlp_prep.review.session import MAX_TRY

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from vnlp_prep.review.session import Review

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {
    name: _KINDS[Path(name).suffix] for name in ("page.css", "page.js", "api.js", "list.js", "text.js", "try.js", "icon.svg")
}
#: Groups of one answer.
MAX_ROWS = 2_000
# A character of a text to try has up to 12 bytes in JSON.
_MAX_BODY = 12 * MAX_TRY + 1_000
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FORBIDDEN = "Forbidden. Open the address that 'vnlp-prep review' printed.\n"


class Secrets:
    """What a browser shows to be let in: the secret of the printed address, one for a single use, and the cookie's."""

    def __init__(self) -> None:
        self.token, self._once, self._cookie = (secrets.token_urlsafe(32) for _ in range(3))

    def take_once(self) -> str:
        """Return the secret that opens the page once: for a browser's command line, which other users of the machine can read."""
        return self._once

    def opens(self, token: str) -> bool:
        """True if ``token`` is that of an address. The one for a single use is spent then."""
        if _same(token, self.token):
            return True
        if self._once and _same(token, self._once):
            self._once = ""
            return True
        return False

    def fits(self, cookie: str) -> bool:
        """True if ``cookie`` is the cookie's secret."""
        return _same(cookie, self._cookie)

    def cookie(self, port: int) -> str:
        """Return the header that sets the cookie. Cookies know no ports, so its name does."""
        return f"{cookie_name(port)}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("ascii"))


def cookie_name(port: int) -> str:
    """Return the name of the cookie of the server at ``port``."""
    return f"vnlp_prep_review_{port}"


class Guard:
    """ASGI middleware that lets in whom it should, and sends the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp, *, secrets: Secrets, port: int) -> None:
        """Wrap ``app``, which is served at ``port``."""
        self.app = app
        self._secrets = secrets
        self._port = port
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        opened = False

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    out[name] = value
                if opened:
                    out.append("Set-Cookie", self._secrets.cookie(self._port))
            await send(message)

        if self._is_from_here(scope, headers):
            if scope["path"] == "/" and scope["method"] == "GET":
                tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
                opened = bool(tokens) and self._secrets.opens(tokens[0])
            if opened or self._secrets.fits(_cookie(headers, cookie_name(self._port))):
                await self.app(scope, receive, send_with_headers)
                return
        await PlainTextResponse(_FORBIDDEN, 403)(scope, receive, send_with_headers)

    def _is_from_here(self, scope: Scope, headers: Headers) -> bool:
        """True unless another name leads here, or another page asks."""
        if headers.get("host") not in self._hosts:
            return False
        if scope["method"] in ("GET", "HEAD"):
            return True
        kind = headers.get("content-type", "").partition(";")[0].strip()
        return headers.get("origin") == f"http://{headers['host']}" and kind == "application/json"


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


class _BadRequestError(Exception):
    """A request that the page does not send."""


def create_app(review: Review, secrets: Secrets, port: int) -> Starlette:
    """Return the application for ``review``, to be served at ``port``."""
    api = _Api(review)
    routes = [
        Route("/", _file("index.html", "text/html"), methods=["GET"]),
        *(Route(f"/{name}", _file(name, kind), methods=["GET"]) for name, kind in _FILES.items()),
        Route("/api/groups", _answering(api.groups), methods=["GET"]),
        Route("/api/groups/{number:int}", _answering(api.group), methods=["GET"]),
        Route("/api/state", _answering(api.state), methods=["GET"]),
        Route("/api/decide", _answering(api.decide), methods=["POST"]),
        Route("/api/undo", _answering(api.undo), methods=["POST"]),
        Route("/api/try", _answering(api.try_text), methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, secrets=secrets, port=port)])


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return FileResponse(PAGE / name, media_type=f"{kind}; charset=utf-8")

    return answer


def _json(content: dict[str, Any], status: int = 200) -> Response:
    # All but ASCII as escapes: half of a surrogate pair, which a text may have, cannot be sent otherwise.
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


_Endpoint = Callable[[Request], Awaitable[dict[str, Any]]]


def _answering(endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return ``endpoint`` with its answer as JSON, and what went wrong as a sentence for the person."""

    async def answer(request: Request) -> Response:
        try:
            return _json(await endpoint(request))
        except _BadRequestError as error:
            return _json({"error": str(error)}, 400)
        except IndexError:
            return _json({"error": "there is no such group"}, 404)
        except ChangedError as error:
            return _json({"error": str(error), "reload": True}, 409)
        except OutputError as error:
            return _json({"error": str(error)}, 503)
        except VnlpError as error:
            return _json({"error": str(error)}, 422)

    return answer


async def _content(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request, of bounded size. Raises _BadRequestError."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                raise _BadRequestError(f"the text is too long: {MAX_TRY:,} characters at most")
        content = json.loads(bytes(body))
    except (ValueError, RecursionError, ClientDisconnect):
        raise _BadRequestError("the request is no JSON") from None
    if not isinstance(content, dict):
        raise _BadRequestError("the request is no JSON object")
    return content


def _value(content: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    value = content.get(name, default)
    if type(value) is not kind:
        raise _BadRequestError(f"{name!r} must be of the type {kind.__name__}")
    return value


class _Api:
    """What the page asks for. Decisions are made in the server's only loop, one after the other."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def groups(self, request: Request) -> dict[str, Any]:
        """Return groups from ``start`` on, ``limit`` at most, and the state."""
        try:
            start, limit = (int(request.query_params.get(name, value)) for name, value in (("start", 0), ("limit", MAX_ROWS)))
        except ValueError:
            raise _BadRequestError("'start' and 'limit' must be whole numbers") from None
        if start < 0 or not 1 <= limit <= MAX_ROWS:
            raise _BadRequestError(f"'start' must not be below 0, 'limit' from 1 to {MAX_ROWS}")
        return {"groups": self._review.rows(start, limit), "total": len(self._review.items), **await self.state(request)}

    async def group(self, request: Request) -> dict[str, Any]:
        """Return all that is known of one group."""
        return self._review.details(request.path_params["number"])

    async def state(self, _: Request) -> dict[str, Any]:
        """Return how far the review is, and its effect."""
        return {"state": self._review.state(), "file": self._review.decisions.path.name}

    async def decide(self, request: Request) -> dict[str, Any]:
        """Decide about a group (``decision``: one of KINDS), or take its decision back (``none``)."""
        content = await _content(request)
        number, kind = _value(content, "group", int), _value(content, "decision", str)
        replacement = _value(content, "replacement", str, "")
        with self._kept_up():
            changed = self._review.clear(number) if kind == "none" else self._review.decide(number, kind, replacement)
        return {"changed": changed, "state": self._review.state()}

    async def undo(self, _: Request) -> dict[str, Any]:
        """Take back the last step."""
        with self._kept_up():
            number, changed = self._review.undo()
        return {"group": number, "changed": changed, "state": self._review.state()}

    def _kept_up(self) -> _KeptUp:
        return _KeptUp(self._review)

    async def try_text(self, request: Request) -> dict[str, Any]:
        """Clean a text with what is decided by now."""
        text = _value(await _content(request), "text", str)
        if len(text) > MAX_TRY:
            raise _BadRequestError(f"the text is too long: {MAX_TRY:,} characters at most")
        return await run_in_threadpool(self._review.try_text, text)


class _KeptUp:
    """After a list that somebody else changed was read again, the review has to look at it, too."""

    def __init__(self, review: Review) -> None:
        self._review = review

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, ChangedError):
            self._review.refresh()


class _Server(uvicorn.Server):
    """Serves until a signal, which ends it in peace; tells when it has begun."""

    def __init__(self, app: Starlette, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._begun = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and tell."""
        await super().startup(sockets)
        self._begun()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. Overridden so that Ctrl-C, which is how a review ends, is no failure."""
        del sig, frame
        self.should_exit = True


def serve(review: Review, *, port: int = 0, open_browser: bool = True, say: Callable[[str], None] = print) -> None:
    """Serve the page of ``review`` on this machine until a signal; ``say`` is told its address. Raises SettingsError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {HOST} port {port}: {error.strerror or error}; choose another --port"
            ) from error
        port = sock.getsockname()[1]
        keys = Secrets()
        address = f"http://{HOST}:{port}/?token="

        def started() -> None:
            say(address + keys.token)
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(address + keys.take_once(),), daemon=True).start()

        _Server(create_app(review, keys, port), started).run([sock])
