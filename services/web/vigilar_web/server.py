"""uvicorn on a thread of its own, under the run loop that all services share."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from starlette.types import ASGIApp
from vigilar_common.errors import StartupError

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger(__name__)

START_LIMIT_S = 15.0
STOP_LIMIT_S = 4.0
GRACE_S = 2
MAX_CONNECTIONS = 400
BACKLOG = 128
MAX_SOCKET_MESSAGE_BYTES = 4_096
PING_S = 20.0


def listen(host: str, port: int) -> socket.socket:
    """Raises StartupError that names what is wrong with the address."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        # Named protocol: asyncio turns Nagle off only on sockets that say TCP, and an answer would wait 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise StartupError(f"[web] host {host!r} cannot be used: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise StartupError(f"[web] cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


class Server:
    """Serves `app` until `stop`."""

    def __init__(self, app: ASGIApp, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._context = context
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None
        self._stopping = False

    @property
    def port(self) -> int:
        """The real one, when 0 was asked for."""
        return int(self._listener.getsockname()[1]) if self._listener else self._port

    def start(self) -> None:
        """Returns when requests are answered. Raises StartupError."""
        import uvicorn

        self._listener = listen(self._host, self._port)
        config = uvicorn.Config(
            self._app,
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=True,
            loop="asyncio",
            http="h11",
            ws="websockets-sansio",
            ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_S,
            ssl_context_factory=(lambda *_: self._context) if self._context else None,  # type: ignore[arg-type]
        )
        # It logs whole URLs of live connections at INFO; ours are in the access log without their query.
        for name in ("uvicorn", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_LIMIT_S / 0.02)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                raise StartupError("the web server ended while starting; the log says why")
            waited.wait(0.02)
        raise StartupError(f"the web server did not start within {START_LIMIT_S:g} s")

    def _run(self) -> None:
        assert self._server is not None
        try:
            asyncio.run(self._server.serve(sockets=[self._listener] if self._listener else None))
        except Exception:
            log.exception("the web server died")

    def problem(self) -> str:
        """ "" while it serves; else: restart me."""
        if self._stopping or self._thread is None or self._thread.is_alive():
            return ""
        return "the web server's thread died"

    def stop(self) -> None:
        self._stopping = True
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(STOP_LIMIT_S)
            if self._thread.is_alive():
                log.warning("the web server did not stop within %g s", STOP_LIMIT_S)
