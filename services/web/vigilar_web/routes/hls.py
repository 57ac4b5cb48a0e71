"""Live pictures as plain HLS."""

from __future__ import annotations

import asyncio

from fastapi import Request
from fastapi.responses import Response
from vigilar_common.messages.camera import LiveStream

from vigilar_web.errors import not_found
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, guarded_router
from vigilar_web.live.hls import PLAYLIST
from vigilar_web.policy import SEE_CAMERA
from vigilar_web.routes.recordings import PLAYLIST_TYPE
from vigilar_web.routes.types import CameraId, client_address

router = guarded_router()


@router.get("/hls/{camera_id}/{name}")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def hls(
    camera_id: CameraId, name: str, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> Response:
    """Live pictures as plain HLS: `index.m3u8` and what it names."""
    parts.camera(camera_id)
    ticket = parts.remote.hold(client_address(request), session.digest, camera_id)
    if name == PLAYLIST:
        stream = LiveStream.REMOTE if ticket else LiveStream.MAIN
        return Response(await parts.hls.playlist(camera_id, stream.value), media_type=PLAYLIST_TYPE)
    path = parts.hls.file(camera_id, name)
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        raise not_found("This piece of the live picture is no longer kept.") from None
    if ticket:
        await asyncio.sleep(ticket.delay_s(len(data)))
    return Response(data, media_type="video/mp4" if name.endswith(".mp4") else "video/iso.segment")
