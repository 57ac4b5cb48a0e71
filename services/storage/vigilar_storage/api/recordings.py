"""Recordings and pictures: rows, bytes by Range, playlists, star, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from vigilar_storage import playlist, queries, seals
from vigilar_storage.api.deps import (
    DEFAULT,
    ApiError,
    Body,
    Cursor,
    Limit,
    Require,
    Within,
    Word,
    error_response,
    ids_of,
    listed,
    services,
    span,
)
from vigilar_storage.media import Content
from vigilar_storage.projections import GONE
from vigilar_storage.ranges import UnsatisfiableRangeError
from vigilar_storage.schema import recordings

router = APIRouter()
READ = [Depends(Require("media:read"))]
WRITE = [Depends(Require("media:write"))]
NO_STORE = {"Cache-Control": "no-store"}
CAMERA_HEADER = "X-Vigilar-Camera"


class Star(Body):
    starred: bool


class Deletion(Body):
    actor: str = Field(min_length=1, max_length=80)
    reason: str = Field(max_length=500)


@router.get("/v1/recordings", dependencies=READ)
def list_recordings(
    request: Request,
    during: Annotated[queries.Span, Depends(span)],
    camera: Word = None,
    starred: bool | None = None,
    within: Within = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """Newest first; deleted ones are not shown."""
    query = queries.recordings_query(camera, starred, during, ids_of(within))
    with services(request).database.read() as connection:
        rows, following = queries.list_recordings(connection, query, limit, cursor)
        return listed((seals.add(connection, rows), following))


@router.get("/v1/recordings/{recording_id}", dependencies=READ)
def get_recording(request: Request, recording_id: str) -> JSONResponse:
    with services(request).database.read() as connection:
        row = queries.get_recording(connection, recording_id)
        if row is None:
            raise _no_recording(recording_id)
        return JSONResponse(seals.add(connection, [queries.show_recording(row)])[0])


@router.patch("/v1/recordings/{recording_id}", dependencies=WRITE)
def star_recording(request: Request, recording_id: str, body: Star) -> JSONResponse:
    statement = sa.update(recordings).where(recordings.c.id == recording_id, recordings.c.state.not_in(GONE))
    changed = services(request).database.write(
        lambda connection: connection.execute(statement.values(starred=body.starred)).rowcount
    )
    if not changed:
        raise _no_recording(recording_id)
    return get_recording(request, recording_id)


@router.delete("/v1/recordings/{recording_id}", dependencies=WRITE)
def delete_recording(request: Request, recording_id: str, body: Deletion) -> Response:
    """The file and the pictures of its cause go; a tombstone stays."""
    if not services(request).deleter.delete(recording_id, body.actor, body.reason):
        raise _no_recording(recording_id)
    return Response(status_code=204)


@router.get("/v1/recordings/{recording_id}/content", dependencies=READ)
@router.get("/v1/recordings/{recording_id}/content.mp4", dependencies=READ)
def get_content(request: Request, recording_id: str) -> Response:
    """Decrypted fragmented MP4; one HTTP Range. Of a growing recording what is verified so far."""
    return _film(request, recording_id, services(request).media.content)


@router.get("/v1/recordings/{recording_id}/download", dependencies=READ)
def get_download(request: Request, recording_id: str) -> Response:
    """As `content`, with a segment index for seeking once the recording is whole; all other bytes as recorded."""
    return _film(request, recording_id, services(request).media.download)


def _film(request: Request, recording_id: str, find: Callable[[str, str | None], Content]) -> Response:
    headers = {"Accept-Ranges": "bytes", **NO_STORE}
    try:
        content = find(recording_id, request.headers.get("range"))
    except UnsatisfiableRangeError as error:
        response = error_response(416, "range", "the range lies outside the recording")
        response.headers["Content-Range"] = f"bytes */{error.length}"
        return response
    status = 200
    if content.part is not None:
        status = 206
        headers["Content-Range"] = f"bytes {content.part.start}-{content.part.end - 1}/{content.length}"
    headers["Content-Length"] = str(content.size)
    return StreamingResponse(content.pieces(), status, headers, media_type="video/mp4")


@router.get("/v1/recordings/{recording_id}/playlist.m3u8", dependencies=READ)
def get_playlist(request: Request, recording_id: str) -> Response:
    text = services(request).media.recording_playlist(recording_id)
    return Response(text, media_type=playlist.TYPE, headers=NO_STORE)


@router.get("/v1/pictures/{picture_id}", dependencies=READ)
def get_picture(request: Request, picture_id: str) -> Response:
    data, camera_id = services(request).media.picture(picture_id)
    # Whoever passes it on must know whether its reader may see this camera.
    headers = {**NO_STORE, CAMERA_HEADER: camera_id}
    return Response(data, media_type="image/jpeg", headers=headers)


def _no_recording(recording_id: str) -> ApiError:
    return ApiError(404, "not_found", f"there is no recording {recording_id[:80]}")
