"""Live pictures over a WebSocket."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import Query, WebSocket, WebSocketDisconnect
from vigilar_common.messages.camera import LiveStream

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, guarded_router
from vigilar_web.live.remote import Ticket
from vigilar_web.live.viewer import Viewer
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_CAMERA
from vigilar_web.routes.types import CameraId, client_address
from vigilar_web.sessions import Session

log = logging.getLogger(__name__)
router = guarded_router()

SESSION_CHECK_S = 2.0
SEND_LIMIT_S = 15.0
"""A browser that takes nothing for so long is gone."""
LOGGED_OUT = 4401
REFUSED = 4503
GOING_AWAY = 1001
TRY_AGAIN = 1013


@router.websocket("/api/v1/cameras/{camera_id}/live")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def live(
    socket: WebSocket,
    camera_id: CameraId,
    parts: PartsNeeded,
    session: SessionNeeded,
    stream: Annotated[str, Query(pattern=r"^(main|sub|h264)$")] = "main",
) -> None:
    camera = parts.camera(camera_id)
    await socket.accept()
    ticket: Ticket | None = None
    try:
        ticket = parts.remote.enter(client_address(socket), session.digest)
        viewer = parts.live.join(camera_id, LiveStream.REMOTE.value if ticket else stream)
    except ApiError as error:
        if ticket:
            ticket.leave()
        await _refuse(socket, error)
        return
    try:
        state = parts.model.camera_item(camera)["state"]
        if state is None or state["condition"] != "online":
            await socket.send_json({"state": state})
        sender = asyncio.create_task(_send(socket, viewer, camera_id, session, parts, ticket))
        reader = asyncio.create_task(_read(socket))
        try:
            await asyncio.wait((sender, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, reader):
                task.cancel()
            await asyncio.gather(sender, reader, return_exceptions=True)
        if sender.done() and not sender.cancelled() and (code := _result(sender)):
            await socket.close(code)
    except (WebSocketDisconnect, RuntimeError) as error:
        # RuntimeError is what a send to a closed socket raises.
        log.debug("a viewer of %s left: %s", camera_id, error)
    finally:
        parts.live.leave(viewer)
        if ticket:
            ticket.leave()


async def _refuse(socket: WebSocket, error: ApiError) -> None:
    """In words: a browser cannot read the answer to a handshake that fails."""
    try:
        await socket.send_json({"refused": {"code": error.code, "message": error.message}})
        await socket.close(REFUSED)
    except (WebSocketDisconnect, RuntimeError) as gone:
        log.debug("a viewer left before it was refused: %s", gone)


async def _send(
    socket: WebSocket, viewer: Viewer, camera_id: str, session: Session, parts: Parts, ticket: Ticket | None
) -> int:
    """Passes on until something ends it; returns the close code, 0 when the browser has gone."""
    clock = parts.clock
    checked_s = clock.monotonic_s()
    while True:
        item = await viewer.next(SESSION_CHECK_S)
        if viewer.closed:
            return GOING_AWAY
        if clock.monotonic_s() - checked_s >= SESSION_CHECK_S:
            checked_s = clock.monotonic_s()
            caller = parts.callers.of(session)
            if caller is None or not caller.sees(camera_id):
                return LOGGED_OUT
        if item is None:
            continue
        if ticket:
            await asyncio.sleep(ticket.delay_s(len(item)))
        try:
            async with asyncio.timeout(SEND_LIMIT_S):
                await (socket.send_text(item) if isinstance(item, str) else socket.send_bytes(item))
        except TimeoutError:
            return TRY_AGAIN


async def _read(socket: WebSocket) -> None:
    """A viewer has nothing to say; what it sends is read so that its going is noticed."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _result(sender: asyncio.Task[int]) -> int:
    error = sender.exception()
    if error is None:
        return sender.result()
    if not isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
        raise error
    return 0
