"""The sensors, what is known of them, and what they said before."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.policy import SEE
from vigilar_web.routes.types import Cursor, Limit, Moment

router = guarded_router()


@router.get("/api/v1/sensors")
@access(Access.SESSION, SEE, renews=False)
async def sensors(parts: PartsNeeded) -> dict[str, Any]:
    """Every sensor with its state, as far as it is known."""
    return {"items": [parts.model.sensor_item(sensor) for sensor in parts.settings.sensors.values()]}


@router.get("/api/v1/sensors/{sensor_id}/history")
@access(Access.SESSION, SEE)
async def history(
    parts: PartsNeeded,
    sensor_id: Annotated[str, Path(max_length=64)],
    key: Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{1,40}$")],
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> dict[str, Any]:
    """`{ts_ms, value, unit}` of one of its values, newest first."""
    if sensor_id not in parts.settings.sensors:
        raise ApiError(404, "not_found", "there is no such sensor")
    query = {"key": key, "from_ms": from_ms, "to_ms": to_ms, "cursor": cursor, "limit": limit}
    page: dict[str, Any] = await parts.storage.json("GET", f"/v1/sensors/{sensor_id}/history", query)
    return page
