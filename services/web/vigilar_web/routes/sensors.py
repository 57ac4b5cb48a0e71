"""The sensors and what is known of them."""

from __future__ import annotations

from typing import Any

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router

router = guarded_router()


@router.get("/api/v1/sensors")
@access(Access.SESSION, renews=False)
async def sensors(parts: PartsNeeded) -> dict[str, Any]:
    return {"items": [parts.model.sensor_item(sensor) for sensor in parts.settings.sensors.values()]}
