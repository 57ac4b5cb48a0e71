"""Cameras and sensors as configured, the film of one camera over any time, browsers that want notifications."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from vigilar_storage import playlist, queries
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


@router.get("/v1/push-subscriptions", dependencies=[Depends(Require("push:read"))])
def push_subscriptions(request: Request) -> JSONResponse:
    """With addresses and keys: for alerts alone."""
    with services(request).database.read() as connection:
        return listed((queries.push_subscriptions_now(connection), None))
