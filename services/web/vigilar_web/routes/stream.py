"""Server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED
from vigilar_web.sessions import Session
from vigilar_web.stream import Client, encode

router = guarded_router()

RETRY_MS = 3_000


class Events(StreamingResponse):
    """Leaves the stream however the connection ends, even before the first byte."""

    def __init__(self, client: Client, session: Session, parts: Parts) -> None:
        super().__init__(self._chunks(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._client = client
        self._session = session
        self._parts = parts

    async def _chunks(self) -> AsyncIterator[bytes]:
        hello = {"version": self._parts.version, "now_ms": self._parts.clock.now_ms()}
        yield f"retry: {RETRY_MS}\n".encode() + encode("hello", hello)
        while self._parts.callers.of(self._session):
            chunk = await self._client.next()
            if chunk:
                yield chunk
            if self._client.closed:
                return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._parts.stream.leave(self._client)


@router.get("/api/v1/stream")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def stream(parts: PartsNeeded, session: SessionNeeded) -> Events:
    """What changes, as server-sent events: `camera`, `event`, `alarm`, `alert`, `alerts`, `health`, `resync`."""
    return Events(parts.stream.join(lambda: parts.callers.of(session)), session, parts)
