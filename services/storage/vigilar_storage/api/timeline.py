"""The axis of time, who has looked at what, and searches that are kept."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, model_validator
from vigilar_common.clock import uuid7

from vigilar_storage import reviews, timeline
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Body, Require, Within, ids_of, listed, services
from vigilar_storage.api.events import WantedEvents
from vigilar_storage.schema import saved_searches

router = APIRouter()
READ = [Depends(Require("media:read"))]
WRITE = [Depends(Require("media:write"))]
Time = Annotated[int, Query(ge=0, le=TIME_MAX_MS)]

MAX_EVENT_IDS = 500
MAX_SEARCHES = 50
"""That one person may keep."""
COUNTED_UP_TO = 1_000


@router.get("/v1/timeline", dependencies=READ)
def get_timeline(
    request: Request,
    wanted: WantedEvents,
    from_ms: Time,
    to_ms: Time,
    slot_ms: Annotated[int, Query(ge=1_000, le=86_400_000)],
    curves: bool = False,
) -> JSONResponse:
    if to_ms <= from_ms:
        raise ApiError(422, "invalid", "to_ms must be later than from_ms", "to_ms")
    if to_ms - from_ms > slot_ms * timeline.MAX_SLOTS:
        raise ApiError(
            422, "span_too_large", f"an answer has at most {timeline.MAX_SLOTS} slots of time", "slot_ms"
        )
    with services(request).database.read() as connection:
        axis = timeline.Axis(from_ms, to_ms, slot_ms)
        return JSONResponse(timeline.look(connection, axis, wanted, curves=curves))


class Marking(Body):
    """Either these events, or all that began until then; `undo` takes back what the actor marked at that moment."""

    actor: str = Field(min_length=1, max_length=80)
    reviewed: bool = True
    event_ids: list[Annotated[str, Field(max_length=36)]] = Field([], max_length=MAX_EVENT_IDS)
    until_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    cameras: list[Annotated[str, Field(max_length=64)]] = Field([], max_length=64)
    undo_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    within: list[Annotated[str, Field(max_length=64)]] | None = Field(None, max_length=256)
    """What the actor may see; None: every camera."""

    @model_validator(mode="after")
    def _one_of_three(self) -> Marking:
        said = [bool(self.event_ids), self.until_ms is not None, self.undo_ms is not None]
        if sum(said) != 1:
            raise ValueError("say one of event_ids, until_ms and undo_ms")
        if not self.reviewed and not self.event_ids:
            raise ValueError("only single events are taken back; undo_ms takes back a marking")
        return self


@router.post("/v1/reviews", dependencies=WRITE)
def post_reviews(request: Request, body: Marking) -> JSONResponse:
    """`{count, marked_ms}`; with `undo_ms` that marking is taken back."""
    behind = services(request)
    now_ms = behind.clock.now_ms()
    within = None if body.within is None else frozenset(body.within)
    if body.undo_ms is not None:
        count = reviews.undo(behind.database, body.actor, body.undo_ms)
    elif body.until_ms is not None:
        count = reviews.mark_until(behind.database, body.until_ms, body.cameras, body.actor, now_ms, within)
    elif body.reviewed:
        count = reviews.mark(behind.database, body.event_ids, body.actor, now_ms, within)
    else:
        count = reviews.take_back(behind.database, body.event_ids, within)
    return JSONResponse({"count": count, "marked_ms": now_ms})


@router.get("/v1/reviews", dependencies=READ)
def get_reviews(request: Request, within: Within = None) -> JSONResponse:
    """How many events wait to be looked at; `more` where there are yet more."""
    with services(request).database.read() as connection:
        count = reviews.waiting(connection, COUNTED_UP_TO + 1, ids_of(within))
    return JSONResponse({"waiting": min(count, COUNTED_UP_TO), "more": count > COUNTED_UP_TO})


class Search(Body):
    owner: str = Field(min_length=1, max_length=80)
    name: str = Field(min_length=1, max_length=80)
    words: str = Field(min_length=1, max_length=300)


Owner = Annotated[str, Query(min_length=1, max_length=80)]


@router.get("/v1/saved-searches", dependencies=READ)
def get_searches(request: Request, owner: Owner) -> JSONResponse:
    """Of one person, oldest first."""
    columns = saved_searches.c
    query = sa.select(saved_searches).where(columns.owner == owner).order_by(columns.created_ms, columns.id)
    with services(request).database.read() as connection:
        return listed(([dict(row) for row in connection.execute(query).mappings()], None))


@router.post("/v1/saved-searches", dependencies=WRITE)
def post_search(request: Request, body: Search) -> JSONResponse:
    """409 `too_many` beyond MAX_SEARCHES; one of the same name is replaced."""
    behind = services(request)
    columns = saved_searches.c
    row = body.model_dump() | {"id": uuid7(behind.clock), "created_ms": behind.clock.now_ms()}

    def job(connection: sa.Connection) -> bool:
        connection.execute(
            sa.delete(saved_searches).where(columns.owner == body.owner, columns.name == body.name)
        )
        there = sa.select(sa.func.count()).select_from(saved_searches).where(columns.owner == body.owner)
        if (connection.scalar(there) or 0) >= MAX_SEARCHES:
            return False
        connection.execute(saved_searches.insert().values(**row))
        return True

    if not behind.database.write(job):
        raise ApiError(409, "too_many", f"at most {MAX_SEARCHES} searches are kept for one person")
    return JSONResponse(row, 201)


@router.delete("/v1/saved-searches/{search_id}", dependencies=WRITE)
def delete_search(request: Request, search_id: str, owner: Owner) -> Response:
    columns = saved_searches.c
    statement = sa.delete(saved_searches).where(columns.id == search_id, columns.owner == owner)
    gone: Any = services(request).database.write(lambda connection: connection.execute(statement).rowcount)
    if not gone:
        raise ApiError(404, "not_found", f"there is no saved search {search_id[:80]}")
    return Response(status_code=204)
