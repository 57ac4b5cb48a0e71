"""The cameras and their newest picture."""

from __future__ import annotations

from email.utils import formatdate
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Message
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName, RecordAction, RecordCommand
from vigilar_common.topics import Topic

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_CAMERA, SEE_FILTERED, Cameras, control
from vigilar_web.routes.recordings import PLAYLIST_TYPE, range_of
from vigilar_web.routes.types import CameraId, Moment

router = guarded_router()

JPEG = "image/jpeg"
FRESH_S = 1.0
MAX_AGE_S = 86_400.0
MAX_PICTURE_BYTES = 4 * 1024 * 1024
LOOKED_AT_EVENTS = 20
KEPT_S = 300
"""How long a browser may keep a picture of the past: a deleted recording is soon gone from there too."""


@router.get("/api/v1/cameras")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def cameras(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Those that the caller may see, with their state."""
    seen = [camera for camera in parts.settings.cameras.values() if caller.sees(camera.id)]
    return {"items": [parts.model.camera_item(camera) for camera in seen]}


@router.get("/api/v1/cameras/{camera_id}/snapshot.jpg")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def snapshot(
    camera_id: CameraId,
    parts: PartsNeeded,
    max_age_s: Annotated[float, Query(ge=0, le=MAX_AGE_S)] = FRESH_S,
) -> Response:
    """A picture of now, or at most `max_age_s` old; the newest there is when the camera can give none."""
    parts.camera(camera_id)
    found = await parts.snapshots.newest(camera_id, max_age_s)
    if found is not None:
        return Response(found.jpeg, media_type=JPEG, headers=_taken(found.taken_ms))
    jpeg = await _stored(parts, camera_id)
    if jpeg is None:
        return Response(status_code=204)  # a camera that nothing has moved before yet: no picture is no error
    return Response(jpeg, media_type=JPEG)


def _taken(taken_ms: int) -> dict[str, str]:
    return {"Last-Modified": formatdate(taken_ms / 1000, usegmt=True)} if taken_ms else {}


class RecordWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    action: RecordAction
    duration_s: float = Field(60, gt=0, le=3600)


@router.post("/api/v1/cameras/{camera_id}/record")
@access(Access.SESSION, control(Cameras.PATH, "camera.record"))
async def record(
    camera_id: CameraId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Record now, for a time, or stop; pre- and post-roll as with motion."""
    parts.camera(camera_id)
    wish = await body_of(request, RecordWish)
    command = RecordCommand(action=wish.action, duration_s=wish.duration_s, user=session.user[:64])
    return await _order(parts, topics.CMD_RECORD, command, camera_id)


class SwitchWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    switch: CameraSwitchName
    on: bool


@router.post("/api/v1/cameras/{camera_id}/switch")
@access(Access.SESSION, control(Cameras.PATH, "camera.switch"))
async def switch(
    camera_id: CameraId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Recording, detection or privacy on or off; kept over restarts."""
    parts.camera(camera_id)
    wish = await body_of(request, SwitchWish)
    command = CameraSwitch(switch=wish.switch, on=wish.on, user=session.user[:80])
    return await _order(parts, topics.CMD_SWITCH, command, camera_id)


async def _order(parts: Parts, topic: Topic, command: Message, camera_id: str) -> dict[str, Any]:
    """What the camera's worker answers; ApiError where it refuses or is silent."""
    reply = await ask(parts, topic, command, _unavailable, camera_id=camera_id)
    if not reply.ok:
        raise ApiError(409, reply.code, reply.message)
    return {"message": reply.message, **reply.data}


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "camera_silent", "The camera's worker does not answer; nothing was changed.")


@router.get("/api/v1/cameras/{camera_id}/playlist.m3u8")
@access(Access.SESSION, SEE_CAMERA)
async def timeline(
    camera_id: CameraId,
    parts: PartsNeeded,
    from_ms: Annotated[Moment, Query()],
    to_ms: Annotated[Moment, Query()],
) -> Response:
    """Everything recorded in a span of time, gaps as discontinuities."""
    parts.camera(camera_id)
    return await parts.storage.stream(
        f"/v1/cameras/{camera_id}/playlist.m3u8",
        params={"from_ms": from_ms, "to_ms": to_ms},
        extra={"content-type": PLAYLIST_TYPE},
    )


@router.get("/api/v1/cameras/{camera_id}/coverage")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def coverage(
    camera_id: CameraId,
    parts: PartsNeeded,
    from_ms: Annotated[Moment, Query()],
    to_ms: Annotated[Moment, Query()],
    least_ms: Annotated[int, Query(ge=0, le=86_400_000)] = 0,
) -> Any:
    """Which seconds exist, and why the others do not; with `least_ms` without the recordings' ids, for a long time."""
    parts.camera(camera_id)
    path = f"/v1/cameras/{camera_id}/coverage"
    query = {"from_ms": from_ms, "to_ms": to_ms, "least_ms": least_ms or None}
    return await parts.storage.json("GET", path, query)


@router.get("/api/v1/cameras/{camera_id}/film")
@access(Access.SESSION, SEE_CAMERA)
async def film(
    camera_id: CameraId,
    parts: PartsNeeded,
    from_ms: Annotated[Moment, Query()],
    to_ms: Annotated[Moment, Query()],
) -> Any:
    """Where in which file each second lies, for a player that fills its buffers itself."""
    parts.camera(camera_id)
    path = f"/v1/cameras/{camera_id}/film"
    return await parts.storage.json("GET", path, {"from_ms": from_ms, "to_ms": to_ms})


@router.get("/api/v1/cameras/{camera_id}/keyframe.mp4")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def keyframe(
    camera_id: CameraId, request: Request, parts: PartsNeeded, at_ms: Annotated[Moment, Query()]
) -> Response:
    """The picture of a moment, as a film of half a second at most; 204 where nothing was recorded: that is no error."""
    parts.camera(camera_id)
    try:
        return await parts.storage.stream(
            f"/v1/cameras/{camera_id}/keyframe.mp4",
            range_of(request),
            params={"at_ms": at_ms},
            extra={"content-type": "video/mp4", "cache-control": f"private, max-age={KEPT_S}"},
        )
    except ApiError as error:
        if error.status != 404:
            raise
        return Response(status_code=204)


async def _stored(parts: PartsNeeded, camera_id: str) -> bytes | None:
    page = await parts.storage.json("GET", "/v1/events", {"camera": camera_id, "limit": LOOKED_AT_EVENTS})
    for row in page["items"]:
        if row.get("picture_id"):
            return await parts.storage.bytes_of(f"/v1/pictures/{row['picture_id']}", MAX_PICTURE_BYTES)
    return None
