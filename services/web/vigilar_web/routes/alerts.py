"""Who was told what."""

from __future__ import annotations

from typing import Any

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.items import channel_statistics
from vigilar_web.routes.types import Cursor, Limit, Word

router = guarded_router()

STATISTICS_OVER = 200
"""The channels' numbers are of the newest attempts."""


@router.get("/api/v1/alerts")
@access(Access.SESSION, renews=False)
async def alerts(
    parts: PartsNeeded, channel: Word = None, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    page = await parts.storage.json(
        "GET", "/v1/alert-log", {"channel": channel, "cursor": cursor, "limit": limit}
    )
    newest = await parts.storage.json("GET", "/v1/alert-log", {"limit": STATISTICS_OVER})
    return {"items": page["items"], "next": page.get("next"), "channels": channel_statistics(newest["items"])}
