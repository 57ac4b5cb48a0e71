"""Live pictures as a sequence of JPEGs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, guarded_router
from vigilar_web.live.mjpeg import MEDIA_TYPE, START, LatestPicture, framed
from vigilar_web.live.remote import Ticket
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_CAMERA
from vigilar_web.routes.types import CameraId, client_address
from vigilar_web.sessions import Session

router = guarded_router()

SESSION_CHECK_S = 2.0


class Pictures(StreamingResponse):
    """Leaves however the connection ends, even before the first byte."""

    def __init__(
        self, viewer: LatestPicture, camera_id: str, ticket: Ticket | None, session: Session, parts: Parts
    ) -> None:
        super().__init__(self._chunks(), media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
        self._viewer = viewer
        self._camera_id = camera_id
        self._ticket = ticket
        self._session = session
        self._parts = parts

    async def _chunks(self) -> AsyncIterator[bytes]:
        parts = self._parts
        yield START
        while self._may_look() and not parts.closing.is_set():
            jpeg = await self._viewer.next(SESSION_CHECK_S)
            if jpeg is None:
                continue
            if self._ticket:
                # A picture of the remote profile may cost no more than its video would.
                own_s = len(jpeg) * 8 / (parts.settings.remote.bitrate_kbps * 1000)
                await asyncio.sleep(max(own_s, self._ticket.delay_s(len(jpeg))))
            parts.mjpeg.pictures += 1
            yield framed(jpeg)

    def _may_look(self) -> bool:
        caller = self._parts.callers.of(self._session)
        return caller is not None and caller.sees(self._camera_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._parts.mjpeg.leave(self._viewer)
            if self._ticket:
                self._ticket.leave()


@router.get("/api/v1/cameras/{camera_id}/live.mjpeg")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def mjpeg(
    camera_id: CameraId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> Pictures:
    """Live pictures as a sequence of JPEGs, at most five a second."""
    parts.camera(camera_id)
    ticket = parts.remote.enter(client_address(request), session.digest)
    try:
        viewer = parts.mjpeg.join(camera_id)
    except Exception:
        if ticket:
            ticket.leave()
        raise
    return Pictures(viewer, camera_id, ticket, session, parts)
