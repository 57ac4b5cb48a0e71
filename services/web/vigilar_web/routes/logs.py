"""The logs of all services, for admins alone: followed while somebody looks, and saved as a file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, body_of, guarded_router
from vigilar_web.policy import QUIET, Cameras, administer

router = guarded_router()
LOOK = administer("", Cameras.ALL, token=False)
"""A log names cameras, addresses and people: no token, whatever its scopes, reads it."""


class LinesWish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    after: int = Field(0, ge=0, lt=1 << 48)


@router.post("/api/v1/logs")
@access(Access.SESSION, replace(LOOK, audit=QUIET), renews=False)
async def lines(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """Lines newer than `after`; asking keeps a lease of 8 s on them, without which no service sends any."""
    wish = await body_of(request, LinesWish)
    lease = parts.logs.lease()
    if lease is not None and not await asyncio.to_thread(parts.logs.send, lease):
        raise ApiError(503, "broker_unavailable", "The message broker is away: no log can be fetched.")
    return parts.logs.after(wish.after)


@router.get("/api/v1/logs/file")
@access(Access.SESSION, LOOK)
async def file(
    parts: PartsNeeded,
    service: Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,80}$")] = "",
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "DEBUG",
) -> Response:
    """What the page shows, as a text file."""
    made = datetime.fromtimestamp(parts.clock.now_ms() / 1000, UTC)
    name = f"vigilar-logs_{made:%Y-%m-%d_%H-%M-%SZ}.txt"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return PlainTextResponse(parts.logs.text(service, level), headers=headers)
