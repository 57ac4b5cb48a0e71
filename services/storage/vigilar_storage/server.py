"""The API's HTTP server: uvicorn on a thread of its own, under the shared run loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

from fastapi import FastAPI
from vigilar_common.errors import StartupError

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
CONCURRENT_REQUESTS = 200
BACKLOG = 128
START_LIMIT_S = 10.0
GRACE_S = 2


class ApiServer:
    """`start` returns when requests are taken."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._failure: BaseException | None = None

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Raises StartupError when the address cannot be bound or the server does not come up."""
        import uvicorn

        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # Named protocol: asyncio turns Nagle off only on sockets that say TCP, and an answer would wait 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise StartupError(
                f"the storage API cannot listen on {self._host}:{self._port}: {error.strerror}"
            ) from error
        self._port = listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                limit_concurrency=CONCURRENT_REQUESTS,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._thread = threading.Thread(target=self._run, args=(listener,), name="api", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_LIMIT_S / 0.02)):
            if self._server.started or not self._thread.is_alive():
                break
            waited.wait(0.02)
        if not self._server.started:
            raise StartupError(f"the storage API did not start: {self._failure or 'it took too long'}")

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[listener]))
        except BaseException as error:
            self._failure = error
            log.exception("the storage API stopped")
        finally:
            listener.close()

    def stop(self) -> None:
        self._stopping = True
        if self._thread:
            self._server.should_exit = True
            self._thread.join(GRACE_S + 2)

    def thread_problem(self) -> str:
        dead = self._thread is not None and not self._thread.is_alive() and not self._stopping
        return "the API's thread died" if dead else ""
