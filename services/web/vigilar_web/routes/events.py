"""What happened."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from vigilar_common.messages.objects import ObjectSpeed
from vigilar_common.object_kinds import classes_of

from vigilar_web.errors import ApiError
from vigilar_web.films import require_camera
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, guarded_router
from vigilar_web.items import UNSEEN, event_item, opened_item
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED
from vigilar_web.routes.types import Classes, Cursor, ItemId, Limit, Moment, Word, Words, Zone

router = guarded_router()


async def wanted(
    caller: CallerNeeded,
    camera: Words = None,
    type: Words = None,  # noqa: A002 its name in the URL
    severity: Words = None,
    object_class: Classes = None,
    zone: Zone = None,
    speed: Annotated[ObjectSpeed | None, Query()] = None,
    loitered: bool | None = None,
    min_dwell_s: Annotated[float | None, Query(ge=0, le=86_400)] = None,
    pet: Word = None,
    person: Word = None,
    reviewed: bool | None = None,
) -> dict[str, Any]:
    """Which events, as storage is asked for them; never of cameras that the caller may not see."""
    return {
        "within": caller.within,
        "camera": camera,
        "type": type,
        "severity": severity,
        "class": ",".join(name for word in object_class.split(",") for name in classes_of(word))
        if object_class
        else None,
        "zone": zone,
        "speed": speed.value if speed else None,
        "loitered": None if loitered is None else str(loitered).lower(),
        "min_dwell_s": min_dwell_s,
        "pet": pet,
        "person": person,
        "reviewed": None if reviewed is None else str(reviewed).lower(),
    }


WantedEvents = Annotated[dict[str, Any], Depends(wanted)]


@router.get("/api/v1/events")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def events(
    parts: PartsNeeded,
    asked: WantedEvents,
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first; of the cameras that the caller may see, and of none."""
    span = {"from_ms": from_ms, "to_ms": to_ms, "cursor": cursor, "limit": limit}
    return await event_page(parts, asked | span)


async def event_page(parts: Parts, query: dict[str, Any]) -> dict[str, Any]:
    page = await parts.storage.json("GET", "/v1/events", query)
    cameras = parts.settings.cameras
    asked = query.get("type")
    items = [event_item(row, cameras) for row in page["items"] if asked or row.get("type") not in UNSEEN]
    return {"items": items, "next": page.get("next")}


@router.get("/api/v1/events/{event_id}")
@access(Access.SESSION, SEE_FILTERED)
async def event(event_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """One, with who was told of it."""
    try:
        row = await parts.storage.json("GET", f"/v1/events/{event_id}")
    except ApiError as error:
        recent = parts.model.recent_event(event_id) if error.status in (404, 503) else None
        if recent is None:
            raise
        require_camera(caller, recent.camera_id)
        return opened_item(recent, parts.settings.cameras) | {"deliveries": []}
    require_camera(caller, row.get("camera_id"))
    deliveries = await parts.storage.json("GET", "/v1/alert-log", {"event_id": event_id, "limit": 100})
    return event_item(row, parts.settings.cameras) | {"deliveries": deliveries["items"]}
