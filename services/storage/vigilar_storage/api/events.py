"""Events: `GET /v1/events`, `GET /v1/events/{id}`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from vigilar_storage import queries
from vigilar_storage.api.deps import DEFAULT, ApiError, Cursor, Limit, Require, Word, listed, services, span

router = APIRouter(dependencies=[Depends(Require("media:read"))])


@router.get("/v1/events")
def list_events(
    request: Request,
    during: Annotated[queries.Span, Depends(span)],
    camera: Word = None,
    kind: Annotated[str | None, Query(alias="type", max_length=64)] = None,
    severity: Word = None,
    sensor: Word = None,
    object_class: Annotated[str | None, Query(alias="class", max_length=40)] = None,
    zone: Annotated[str | None, Query(max_length=120)] = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """Newest first."""
    query = queries.events_query(camera, kind, severity, during, sensor, object_class, zone)
    now_ms = services(request).clock.now_ms()
    with services(request).database.read() as connection:
        return listed(queries.list_events(connection, query, limit, cursor, now_ms))


@router.get("/v1/events/{event_id}")
def get_event(request: Request, event_id: str) -> JSONResponse:
    with services(request).database.read() as connection:
        event = queries.get_event(connection, event_id, services(request).clock.now_ms())
    if event is None:
        raise ApiError(404, "not_found", f"there is no event {event_id[:80]}")
    return JSONResponse(event)
