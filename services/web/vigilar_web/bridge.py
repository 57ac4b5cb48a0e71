"""From the bus's threads to the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_WAITING_CALLS = 4_000


class Bridge:
    """Calls functions on the loop; bounded, so that a busy loop cannot fill the memory."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._calls = 0
        self._bytes = 0
        self.dropped = 0

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def close(self) -> None:
        self._loop = None

    def post(self, function: Callable[..., None], *arguments: Any, size_bytes: int = 0) -> bool:
        """False (counted) when the loop is too far behind or not there."""
        loop = self._loop
        with self._lock:
            full = self._calls >= MAX_WAITING_CALLS or self._bytes + size_bytes > MAX_WAITING_BYTES
            if loop is None or full:
                self.dropped += 1
                if full and self.dropped % 100 == 1:
                    log.warning("the web service is too busy: %d messages passed over so far", self.dropped)
                return False
            self._calls += 1
            self._bytes += size_bytes
        try:
            loop.call_soon_threadsafe(self._run, function, arguments, size_bytes)
        except RuntimeError:  # the loop was closed between the check and the call: the service is stopping
            self._done(size_bytes)
            return False
        return True

    def _run(self, function: Callable[..., None], arguments: tuple[Any, ...], size_bytes: int) -> None:
        self._done(size_bytes)
        function(*arguments)

    def _done(self, size_bytes: int) -> None:
        with self._lock:
            self._calls -= 1
            self._bytes -= size_bytes
