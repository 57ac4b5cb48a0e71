"""The power and the people of the house."""

from __future__ import annotations

from typing import Any

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.policy import SEE
from vigilar_web.routes.types import Cursor, Limit, Moment

router = guarded_router()


@router.get("/api/v1/house")
@access(Access.SESSION, SEE, renews=False)
async def house(parts: PartsNeeded) -> dict[str, Any]:
    """Each part is null where it is switched off."""
    settings, model = parts.settings, parts.model
    return {
        "power": model.power_item() if settings.watches_power else None,
        "people": model.people_item(settings.members) if settings.members else None,
    }


@router.get("/api/v1/house/power/history")
@access(Access.SESSION, SEE)
async def power_history(
    parts: PartsNeeded,
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """`{ts_ms, ups_id, charge_pct, load_pct, …}` as the UPS measured them, newest first."""
    query = {"type": "power.reading", "from_ms": from_ms, "to_ms": to_ms, "cursor": cursor, "limit": limit}
    page = await parts.storage.json("GET", "/v1/house-log", query)
    items = [{"ts_ms": row["ts_ms"], "ups_id": row["ups_id"], **row["values"]} for row in page["items"]]
    return {"items": items, "next": page["next"]}
