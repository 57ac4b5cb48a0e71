"""What happened."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.items import UNSEEN, event_item, opened_item
from vigilar_web.routes.types import Cursor, ItemId, Limit, Moment, Word

ObjectClass = Annotated[str | None, Query(alias="class", pattern=r"^[a-z][a-z0-9_ -]{0,39}$")]

router = guarded_router()


@router.get("/api/v1/events")
@access(Access.SESSION, renews=False)
async def events(
    parts: PartsNeeded,
    camera: Word = None,
    type: Word = None,  # noqa: A002 its name in the URL
    severity: Word = None,
    object_class: ObjectClass = None,
    zone: Annotated[str | None, Query(max_length=120)] = None,
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    query = {
        "camera": camera,
        "type": type,
        "severity": severity,
        "class": object_class,
        "zone": zone,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "cursor": cursor,
        "limit": limit,
    }
    page = await parts.storage.json("GET", "/v1/events", query)
    cameras = parts.settings.cameras
    items = [event_item(row, cameras) for row in page["items"] if type or row.get("type") not in UNSEEN]
    return {"items": items, "next": page.get("next")}


@router.get("/api/v1/events/{event_id}")
@access(Access.SESSION)
async def event(event_id: ItemId, parts: PartsNeeded) -> dict[str, Any]:
    try:
        row = await parts.storage.json("GET", f"/v1/events/{event_id}")
    except ApiError as error:
        recent = parts.model.recent_event(event_id) if error.status in (404, 503) else None
        if recent is None:
            raise
        return opened_item(recent, parts.settings.cameras) | {"deliveries": []}
    deliveries = await parts.storage.json("GET", "/v1/alert-log", {"event_id": event_id, "limit": 100})
    return event_item(row, parts.settings.cameras) | {"deliveries": deliveries["items"]}
