"""What was recorded: lists, playback by HTTP Range, downloads, pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.signed_urls import verify_picture

from vigilar_web.accounts.model import Caller
from vigilar_web.errors import ApiError, not_found
from vigilar_web.films import require_camera
from vigilar_web.gate import (
    DETAIL,
    Access,
    CallerNeeded,
    PartsNeeded,
    access,
    body_of,
    client_of,
    guarded_router,
)
from vigilar_web.items import recording_item
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED, Cameras, administer, control
from vigilar_web.routes.types import Cursor, ItemId, Limit, Moment, Word

router = guarded_router()

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
FILM_TYPE = "video/mp4"
JPEG_TYPE = "image/jpeg"
MAX_RANGE_LENGTH = 200


class StarChange(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    starred: bool


class Deletion(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    reason: str = Field("", max_length=500)


@router.get("/api/v1/recordings")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def recordings(
    parts: PartsNeeded,
    caller: CallerNeeded,
    camera: Word = None,
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    starred: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What was recorded, newest first; of the cameras that the caller may see."""
    query = {
        "camera": camera,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "starred": None if starred is None else str(starred).lower(),
        "cursor": cursor,
        "limit": limit,
        "within": caller.within,
    }
    page = await parts.storage.json("GET", "/v1/recordings", query)
    cameras = parts.settings.cameras
    return {"items": [recording_item(row, cameras) for row in page["items"]], "next": page.get("next")}


@router.get("/api/v1/recordings/{recording_id}")
@access(Access.SESSION, SEE_FILTERED)
async def recording(recording_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """One recording."""
    row = await parts.storage.json("GET", f"/v1/recordings/{recording_id}")
    require_camera(caller, row.get("camera_id"))
    return recording_item(row, parts.settings.cameras)


@router.patch("/api/v1/recordings/{recording_id}")
@access(Access.SESSION, control(Cameras.FILTERED, "recording.star"))
async def star(
    recording_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded
) -> dict[str, Any]:
    """Keep a recording from being pruned, or no longer."""
    await parts.films.require(caller, recording_id)
    change = await body_of(request, StarChange)
    path = f"/v1/recordings/{recording_id}"
    row = await parts.storage.json("PATCH", path, body=change.model_dump())
    if not isinstance(row, dict) or "id" not in row:
        row = await parts.storage.json("GET", path)
    return recording_item(row, parts.settings.cameras)


@router.delete("/api/v1/recordings/{recording_id}", status_code=204)
@access(Access.SESSION, administer("recording.delete", Cameras.FILTERED))
async def delete(
    recording_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded
) -> Response:
    """Delete a recording for good. 409 `starred`: take the star away first; 409 while it is being written."""
    wish = await body_of(request, Deletion)
    row = await parts.storage.json("GET", f"/v1/recordings/{recording_id}")
    require_camera(caller, row.get("camera_id"))
    if row.get("starred"):
        raise ApiError(409, "starred", "A starred recording is kept. Take its star away first.")
    body = {"actor": caller.name[:80], "reason": wish.reason}
    await parts.storage.json("DELETE", f"/v1/recordings/{recording_id}", body=body)
    request.scope[DETAIL] = f"{row.get('camera_id')} {row.get('started_ms')} {wish.reason}"[:200]
    return Response(status_code=204)


@router.get("/api/v1/recordings/{recording_id}/playlist.m3u8")
@access(Access.SESSION, SEE_FILTERED)
async def playlist(recording_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """One recording as an HLS playlist of byte ranges."""
    await parts.films.require(caller, recording_id)
    return await parts.storage.stream(
        f"/v1/recordings/{recording_id}/playlist.m3u8", extra={"content-type": PLAYLIST_TYPE}
    )


@router.get("/api/v1/recordings/{recording_id}/content")
@router.get("/api/v1/recordings/{recording_id}/content.mp4")
@access(Access.SESSION, SEE_FILTERED)
async def content(
    recording_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded
) -> Response:
    """The film (fragmented MP4) by HTTP Range; grows while it is recorded."""
    await parts.films.require(caller, recording_id)
    return await parts.storage.stream(
        f"/v1/recordings/{recording_id}/content", range_of(request), extra={"content-type": FILM_TYPE}
    )


@router.get("/api/v1/recordings/{recording_id}/download")
@access(Access.SESSION, SEE_FILTERED)
async def download(
    recording_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded
) -> Response:
    """The film as a file with an index for seeking."""
    row = await parts.storage.json("GET", f"/v1/recordings/{recording_id}")
    require_camera(caller, row.get("camera_id"))
    name = f"{row['camera_id']}_{_local(row['started_ms'], parts):%Y-%m-%d_%H-%M-%S}.mp4"
    headers = {"content-type": FILM_TYPE, "content-disposition": f'attachment; filename="{name}"'}
    return await parts.storage.stream(
        f"/v1/recordings/{recording_id}/download", range_of(request), extra=headers
    )


@router.get("/api/v1/pictures/{picture_id}")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def picture(picture_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """A picture of an event (JPEG)."""
    return await _picture(picture_id, parts, caller)


@router.get("/media/p/{picture_id}")
@access(Access.SIGNED)
async def signed_picture(
    picture_id: ItemId, request: Request, parts: PartsNeeded, e: str = "", s: str = ""
) -> Response:
    """A picture in a notification; the signature is the permission."""
    if wait_s := parts.signed_limiter.take(client_of(request)):
        raise ApiError(429, "too_many_tries", "Too many pictures at once.", retry_after_s=wait_s)
    if not verify_picture(parts.media_key, picture_id, e, s, parts.clock.now_ms()):
        raise ApiError(
            403, "forbidden", "This link is not valid, or no longer. Open the event to see its picture."
        )
    return await _picture(picture_id, parts)


async def _picture(picture_id: str, parts: Parts, caller: Caller | None = None) -> Response:
    """`caller` None: a signature was the permission."""
    found = parts.pictures.find(picture_id)
    if found is not None:
        if caller:
            require_camera(caller, found.camera_id)
        return Response(found.jpeg, media_type=JPEG_TYPE)
    answer = await parts.storage.stream(f"/v1/pictures/{picture_id}", extra={"content-type": JPEG_TYPE})
    # A picture of which storage does not say the camera is shown only to who may see all.
    if caller and not caller.sees_all and answer.camera_id not in (caller.cameras or ()):
        await answer.discard()
        raise not_found("There is nothing with this id.")
    return answer


def range_of(request: Request) -> dict[str, str]:
    """The Range headers, passed on. A list of ranges is left out: the whole is an allowed answer to it."""
    wanted = request.headers.get("range", "")
    headers = {}
    if wanted and len(wanted) <= MAX_RANGE_LENGTH and "," not in wanted:
        headers["Range"] = wanted
        if condition := request.headers.get("if-range"):
            headers["If-Range"] = condition[:MAX_RANGE_LENGTH]
    return headers


def _local(ts_ms: int, parts: Parts) -> datetime:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(ZoneInfo(parts.settings.timezone))
