"""Events: `GET /v1/events`, `GET /v1/events/{id}`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from vigilar_common.messages.objects import ObjectSpeed

from vigilar_storage import queries
from vigilar_storage.api.deps import (
    DEFAULT,
    ApiError,
    Cursor,
    Limit,
    Require,
    Within,
    Word,
    ids_of,
    listed,
    services,
    span,
)
from vigilar_storage.timeline import words

router = APIRouter(dependencies=[Depends(Require("media:read"))])
Several = Annotated[str | None, Query(max_length=1_000)]
MAX_SEARCHED_WORDS = 8


def _wanted(
    camera: Several = None,
    kind: Annotated[str | None, Query(alias="type", max_length=1_000)] = None,
    severity: Word = None,
    sensor: Word = None,
    object_class: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    zone: Annotated[str | None, Query(max_length=120)] = None,
    speed: ObjectSpeed | None = None,
    loitered: bool | None = None,
    min_dwell_s: Annotated[float | None, Query(ge=0, le=86_400)] = None,
    text: Annotated[str | None, Query(max_length=300)] = None,
    pet: Word = None,
    person: Word = None,
    reviewed: bool | None = None,
    within: Within = None,
) -> queries.Wanted:
    """Camera, type, severity and class may name several, with commas between."""
    return queries.Wanted(
        cameras=words(camera),
        kinds=words(kind),
        severities=words(severity),
        classes=words(object_class),
        sensor=sensor,
        zone=zone,
        speed=speed.value if speed else None,
        loitered=loitered,
        min_dwell_s=min_dwell_s,
        words=(text or "").split()[:MAX_SEARCHED_WORDS],
        pet=pet,
        person=person,
        reviewed=reviewed,
        within=ids_of(within),
    )


WantedEvents = Annotated[queries.Wanted, Depends(_wanted)]


@router.get("/v1/events")
def list_events(
    request: Request,
    during: Annotated[queries.Span, Depends(span)],
    wanted: WantedEvents,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """Newest first."""
    query = queries.wanted_events(wanted, during)
    now_ms = services(request).clock.now_ms()
    with services(request).database.read() as connection:
        waiting = wanted.reviewed is False
        return listed(queries.list_events(connection, query, limit, cursor, now_ms, waiting=waiting))


@router.get("/v1/events/{event_id}")
def get_event(request: Request, event_id: str) -> JSONResponse:
    with services(request).database.read() as connection:
        event = queries.get_event(connection, event_id, services(request).clock.now_ms())
    if event is None:
        raise ApiError(404, "not_found", f"there is no event {event_id[:80]}")
    return JSONResponse(event)
