"""uvicorn around the application: one process, and an end in which nothing is lost."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import uvicorn

from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from types import FrameType

    from starlette.applications import Starlette

    from vinilm.serve.service import Service

_log = logging.getLogger("vinilm.serve")
# Seconds for sending the last answers once nothing is computed any more.
_LAST_SECONDS = 5


class Server(uvicorn.Server):
    """Serves until a signal; then finishes what is under way.

    SIGTERM or SIGINT: new work is answered with 503 (as is ``/health``), what is under way is finished within ``grace_seconds``,
    what is left then is answered with 503, and the connections are closed. A second signal ends at once.
    """

    def __init__(self, app: Starlette, service: Service, *, keep_alive: int = 75) -> None:
        """Prepare to serve ``app``. ``keep_alive``: seconds that a connection may be idle (more than proxies keep theirs)."""
        super().__init__(
            uvicorn.Config(
                app,
                loop="auto",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=True,
                timeout_keep_alive=keep_alive,
                timeout_graceful_shutdown=_LAST_SECONDS,
            )
        )
        self.service = service
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to drain. Overridden so that a graceful end has the exit status 0, not that of the signal."""
        if self._stop_at is not None:
            self.force_exit = True
            return
        _log.info("%s: finishing %d requests, then stopping", signal.Signals(sig).name, self.service.requests)
        self.service.draining = True
        self._stop_at = time.monotonic() + self.service.limits.grace_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and say so."""
        await super().startup(sockets)
        for sock in sockets or ():
            host, port = sock.getsockname()[:2]
            _log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    async def on_tick(self, counter: int) -> bool:
        """Return whether it is time to close the connections; asked ten times a second."""
        stop = await super().on_tick(counter)
        if self._stop_at is None:
            return stop
        if not self.service.requests:
            return True
        if self.force_exit or time.monotonic() >= self._stop_at:
            _log.warning("%d requests are not finished; they are answered with an error", self.service.requests)
            self.service.abort()
            return True
        return False

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on ``sockets`` until the end."""
        async with _running(self.service):
            await super().serve(sockets)


@contextlib.asynccontextmanager
async def _running(service: Service) -> AsyncIterator[None]:
    service.start()
    try:
        yield
    finally:
        service.stop()


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to ``host`` and ``port`` (0: any that is free) but does not listen yet.

    So a port that is taken is reported before the model is loaded, and clients are refused until it is. Raises SettingsError.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"cannot use the address {host!r}: {error.strerror or error}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}; choose another --port") from error
    return sock


def is_loopback(sock: socket.socket) -> bool:
    """Return whether only this machine can reach ``sock``."""
    import ipaddress

    return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback
