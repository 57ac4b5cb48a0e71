"""Live pictures as plain HLS."""

from __future__ import annotations

import asyncio

from fastapi.responses import Response

from vigilar_web.errors import not_found
from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.live.hls import PLAYLIST
from vigilar_web.routes.recordings import PLAYLIST_TYPE
from vigilar_web.routes.types import CameraId

router = guarded_router()


@router.get("/hls/{camera_id}/{name}")
@access(Access.SESSION, renews=False)
async def hls(camera_id: CameraId, name: str, parts: PartsNeeded) -> Response:
    parts.camera(camera_id)
    if name == PLAYLIST:
        return Response(await parts.hls.playlist(camera_id), media_type=PLAYLIST_TYPE)
    path = parts.hls.file(camera_id, name)
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        raise not_found("This piece of the live picture is no longer kept.") from None
    return Response(data, media_type="video/mp4" if name.endswith(".mp4") else "video/iso.segment")
