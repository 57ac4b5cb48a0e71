"""`/health/live`, `/health/ready` and `/metrics` from plain asyncio: an idle service must cost nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vigilar_common.errors import StartupError
from vigilar_common.threads import Thread

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 8_192
REQUEST_TIMEOUT_S = 5.0
MAX_CONNECTIONS = 32


class HealthRegistry:
    """What this process says of itself. A check returns "" when all is well, else the reason."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: CollectorRegistry | None = None
        self._collectors: list[Callable[[], Collector]] = []
        self._live: dict[str, Callable[[], str]] = {}
        self._ready: dict[str, Callable[[], str]] = {}

    @property
    def metrics(self) -> CollectorRegistry:
        """Made when first asked for: where nobody scrapes, Prometheus' client is never loaded."""
        with self._lock:
            if self._metrics is None:
                from prometheus_client import CollectorRegistry
                from prometheus_client.process_collector import ProcessCollector

                self._metrics = CollectorRegistry()
                ProcessCollector(registry=self._metrics)
            while self._collectors:
                self._metrics.register(self._collectors.pop(0)())
            return self._metrics

    def measure(self, collector: Callable[[], Collector]) -> None:
        """`/metrics` shows what this collector gives; it is made at the first scrape."""
        with self._lock:
            self._collectors.append(collector)

    def live_when(self, name: str, check: Callable[[], str]) -> None:
        """The process should be restarted when this check gives a reason."""
        self._live[name] = check

    def ready_when(self, name: str, check: Callable[[], str]) -> None:
        self._ready[name] = check

    def live_problems(self) -> dict[str, str]:
        return _problems(self._live)

    def ready_problems(self) -> dict[str, str]:
        return _problems(self._live) | _problems(self._ready)


def _problems(checks: dict[str, Callable[[], str]]) -> dict[str, str]:
    found = {}
    for name, check in list(checks.items()):
        try:
            reason = check()
        except Exception as error:
            log.exception("health check %s failed", name)
            reason = f"the check itself failed: {error}"
        if reason:
            found[name] = reason
    return found


class HealthServer:
    """Serves a HealthRegistry on its own thread. GET only; small, bounded requests."""

    def __init__(self, registry: HealthRegistry, host: str, port: int) -> None:
        self._registry = registry
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open = 0

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Raises StartupError when the port cannot be bound."""
        started = threading.Event()
        failure: list[OSError] = []

        async def serve() -> None:
            try:
                server = await asyncio.start_server(
                    self._answer, self._host, self._port, limit=MAX_HEAD_BYTES
                )
            except OSError as error:
                failure.append(error)
                started.set()
                return
            self._port = server.sockets[0].getsockname()[1]
            self._loop = asyncio.get_running_loop()
            self._done = asyncio.Event()
            started.set()
            async with server:
                await self._done.wait()

        self._thread = Thread(target=lambda: asyncio.run(serve()), name="health")
        self._thread.start()
        started.wait()
        if failure:
            raise StartupError(
                f"health endpoint cannot listen on {self._host}:{self._port}: {failure[0].strerror}"
            )

    def stop(self) -> None:
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(2)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > MAX_CONNECTIONS:
                return
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = self._respond(head.split(b"\r\n", 1)[0].decode("latin-1"))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                    "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (
            TimeoutError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
        ) as error:
            log.debug("health request cut off: %r", error)
        finally:
            self._open -= 1
            writer.close()

    def _respond(self, request_line: str) -> tuple[str, str, bytes]:
        method, _, rest = request_line.partition(" ")
        path = rest.split(" ")[0].split("?")[0]
        if method != "GET":
            return "405 Method Not Allowed", "text/plain", b"only GET\n"
        if path == "/metrics":
            from prometheus_client import generate_latest

            return "200 OK", "text/plain; version=0.0.4", generate_latest(self._registry.metrics)
        if path in ("/health/live", "/health/ready"):
            live = path.endswith("live")
            problems = self._registry.live_problems() if live else self._registry.ready_problems()
            body = json.dumps({"status": "failing" if problems else "ok", "reasons": problems}).encode()
            return ("503 Service Unavailable" if problems else "200 OK"), "application/json", body + b"\n"
        return "404 Not Found", "text/plain", b"try /health/live, /health/ready or /metrics\n"
