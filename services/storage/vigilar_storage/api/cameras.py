"""Cameras and sensors as configured, the film of one camera over any time, browsers that want notifications."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from vigilar_storage import playlist, queries, ranges
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Require, listed, services

router = APIRouter()
STATE = [Depends(Require("state:read"))]
Time = Annotated[int, Query(ge=0, le=TIME_MAX_MS)]


@router.get("/v1/cameras", dependencies=STATE)
def get_cameras(request: Request) -> JSONResponse:
    """Removed ones last, with `removed_ms`."""
    with services(request).database.read() as connection:
        return listed((queries.list_cameras(connection), None))


@router.get("/v1/sensors", dependencies=STATE)
def get_sensors(request: Request) -> JSONResponse:
    with services(request).database.read() as connection:
        return listed((queries.list_sensors(connection), None))


@router.get("/v1/cameras/{camera_id}/playlist.m3u8", dependencies=[Depends(Require("media:read"))])
def get_span_playlist(request: Request, camera_id: str, from_ms: Time, to_ms: Time) -> Response:
    if to_ms <= from_ms:
        raise ApiError(422, "invalid", "to_ms must be later than from_ms", "to_ms")
    text = services(request).media.span_playlist(camera_id, from_ms, to_ms)
    return Response(text, media_type=playlist.TYPE, headers={"Cache-Control": "no-store"})


@router.get("/v1/cameras/{camera_id}/film", dependencies=[Depends(Require("media:read"))])
def get_span_index(request: Request, camera_id: str, from_ms: Time, to_ms: Time) -> JSONResponse:
    """What a playlist says, for a player that fills its buffers itself: `{films: [...]}` (`playlist.index_of_span`)."""
    if to_ms <= from_ms:
        raise ApiError(422, "invalid", "to_ms must be later than from_ms", "to_ms")
    return JSONResponse({"films": services(request).media.span_index(camera_id, from_ms, to_ms)})


@router.get("/v1/cameras/{camera_id}/keyframe.mp4", dependencies=[Depends(Require("media:read"))])
def get_keyframe(request: Request, camera_id: str, at_ms: Time) -> Response:
    """A film of half a second at most that begins with the picture of that moment: for previews. One HTTP Range."""
    film, taken_ms = services(request).media.keyframe(camera_id, at_ms)
    headers = {"Accept-Ranges": "bytes", "X-Taken-Ms": str(taken_ms)}
    try:
        part = ranges.parse(request.headers.get("range"), len(film))
    except ranges.UnsatisfiableRangeError as error:
        raise ApiError(416, "range", "the range lies outside the film") from error
    if part is None:
        return Response(film, media_type="video/mp4", headers=headers)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{len(film)}"
    return Response(film[part.start : part.end], 206, headers, media_type="video/mp4")


@router.get("/v1/push-subscriptions", dependencies=[Depends(Require("push:read"))])
def push_subscriptions(request: Request) -> JSONResponse:
    """With addresses and keys: for alerts alone."""
    with services(request).database.read() as connection:
        return listed((queries.push_subscriptions_now(connection), None))
