"""Server-sent events: what changes is said once to every open page.

A page that reads too slowly is told to fetch everything again instead of silently missing something: it gets
`resync` and the end of its stream, upon which browsers connect again by themselves.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from vigilar_web.accounts.model import Caller
from vigilar_web.errors import ApiError

log = logging.getLogger(__name__)

MAX_CLIENTS = 128
MAX_WAITING_EVENTS = 256
KEEP_ALIVE_S = 15.0
RESYNC = b"event: resync\ndata: {}\n\n"
KEEP_ALIVE = b": still here\n\n"


def encode(event: str, data: Any) -> bytes:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"event: {event}\ndata: {text}\n\n".encode()


Who = Callable[[], Caller | None]


class Client:
    """One open page. `who` looks up afresh whose it is and what they may see."""

    def __init__(self, who: Who) -> None:
        self._who = who
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._resync = False
        self.closed = False

    def may_hear(self, camera_id: str | None, whole: bool) -> bool:
        """`whole`: it tells of every camera."""
        caller = self._who()
        if caller is None:
            self.close()  # signed out meanwhile: the stream ends now, not at its next quiet moment
            return False
        return caller.sees_all or (not whole and caller.sees(camera_id))

    def ask_to_resync(self) -> None:
        self._waiting.clear()
        self._resync = True
        self._wake.set()

    def push(self, event: bytes) -> bool:
        """False when the page is too far behind; it will hear `resync` next."""
        if self._resync:
            return True
        fits = len(self._waiting) < MAX_WAITING_EVENTS
        if fits:
            self._waiting.append(event)
            self._wake.set()
        else:
            self.ask_to_resync()
        return fits

    def close(self) -> None:
        self.closed = True
        self._wake.set()

    async def next(self, timeout_s: float = KEEP_ALIVE_S) -> bytes:
        """What to send now: all waiting events, `resync`, or a comment after a quiet time. b"" when closed."""
        if not self._waiting and not self._resync and not self.closed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return KEEP_ALIVE
        self._wake.clear()
        if self.closed:
            return b""
        if self._resync:
            # The end of the stream makes the page connect again and fetch its lists.
            self.closed = True
            return RESYNC
        chunk = b"".join(self._waiting)
        self._waiting.clear()
        return chunk


class EventStream:
    """All open pages. Lives on the event loop; other threads come through `Bridge`."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self.resyncs = 0

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, who: Who) -> Client:
        """Raises ApiError 503 when MAX_CLIENTS pages are open."""
        if len(self._clients) >= MAX_CLIENTS:
            raise ApiError(503, "too_many_streams", f"{MAX_CLIENTS} pages are open already; close one.")
        client = Client(who)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)

    def broadcast(
        self, event: str, data: Any, camera_id: str | None = None, less: Any = None, whole: bool = False
    ) -> None:
        """Serialised once, whoever listens. Only those hear it who may see `camera_id`.

        `whole`: it tells of every camera; who may not see them all hears `less`, or nothing.
        """
        listening = {client: client.may_hear(camera_id, whole) for client in self._clients}
        if any(listening.values()):
            self._push([client for client, may in listening.items() if may], encode(event, data))
        if less is not None and not all(listening.values()):
            rest = [client for client, may in listening.items() if not may and client.may_hear(None, False)]
            self._push(rest, encode(event, less))

    def resync(self) -> None:
        """Something may have been missed (the broker was away): every page fetches its lists again."""
        for client in self._clients:
            client.ask_to_resync()

    def close(self) -> None:
        for client in list(self._clients):
            client.close()

    def _push(self, clients: Iterable[Client], event: bytes) -> None:
        for client in clients:
            if not client.push(event):
                self.resyncs += 1
                log.warning(
                    "a page reads too slowly: it was told to fetch everything again (%d so far)", self.resyncs
                )
