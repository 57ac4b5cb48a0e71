"""The axis of time, and who has looked at which events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.items import UNSEEN
from vigilar_web.policy import SEE_FILTERED, Cameras, control
from vigilar_web.routes.events import WantedEvents
from vigilar_web.routes.types import UUID_PATTERN, Moment

router = guarded_router()

MAX_AT_ONCE = 500


@router.get("/api/v1/timeline")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def timeline(
    parts: PartsNeeded,
    asked: WantedEvents,
    from_ms: Annotated[Moment, Query()],
    to_ms: Annotated[Moment, Query()],
    slot_ms: Annotated[int, Query(ge=1_000, le=86_400_000)],
    curves: bool = False,
) -> dict[str, Any]:
    """Events one by one while they are few (`marks`), else counted by slots of time (`counts`)."""
    span = {"from_ms": from_ms, "to_ms": to_ms, "slot_ms": slot_ms, "curves": str(curves).lower()}
    found: dict[str, Any] = await parts.storage.json("GET", "/v1/timeline", asked | span)
    if found["marks"] is not None:
        found["marks"] = [mark for mark in found["marks"] if mark["type"] not in UNSEEN]
    else:
        found["counts"] = [row for row in found["counts"] if row[2] not in UNSEEN]
    return found


@router.get("/api/v1/reviews")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def reviews(parts: PartsNeeded, caller: CallerNeeded) -> Any:
    """How many events wait to be looked at, up to a thousand."""
    return await parts.storage.json("GET", "/v1/reviews", {"within": caller.within})


class Marking(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    reviewed: bool = True
    event_ids: list[Annotated[str, Field(pattern=UUID_PATTERN)]] = Field([], max_length=MAX_AT_ONCE)
    until_ms: int | None = Field(None, ge=0, lt=1 << 48)
    cameras: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = Field([], max_length=64)
    undo_ms: int | None = Field(None, ge=0, lt=1 << 48)


@router.post("/api/v1/reviews")
@access(Access.SESSION, control(Cameras.FILTERED, "events.review"))
async def mark(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> Any:
    """Looked at: these events, or all until then; or that marking taken back. `{count, marked_ms}`."""
    wish = await body_of(request, Marking)
    within = None if caller.cameras is None else sorted(caller.cameras)
    body = wish.model_dump() | {"actor": caller.name[:80], "within": within}
    return await parts.storage.json("POST", "/v1/reviews", body=body)
