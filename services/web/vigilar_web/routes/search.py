"""Events by words, and the searches that somebody keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.policy import OWN_PAGE, QUIET, SEE_FILTERED, own
from vigilar_web.routes.events import event_page
from vigilar_web.routes.types import Cursor, ItemId, Limit
from vigilar_web.search import Place, understand

router = guarded_router()
PATH = "/v1/saved-searches"


@router.get("/api/v1/search")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def search(
    parts: PartsNeeded,
    caller: CallerNeeded,
    q: Annotated[str, Query(min_length=1, max_length=300)],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """`{understood, items, next}`: what the words were taken for, and the events; newest first."""
    places = [
        Place(camera.id, camera.name, camera.zones)
        for camera in parts.settings.cameras.values()
        if caller.sees(camera.id)
    ]
    found = understand(q, places, parts.settings.timezone, parts.clock.now_ms())
    asked = found.query() | {"within": caller.within, "cursor": cursor, "limit": limit}
    return {"understood": asdict(found)} | await event_page(parts, asked)


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(min_length=1, max_length=80)
    words: str = Field(min_length=1, max_length=300)


@router.get("/api/v1/saved-searches")
@access(Access.SESSION, OWN_PAGE, renews=False)
async def saved(parts: PartsNeeded, caller: CallerNeeded) -> Any:
    return await parts.storage.json("GET", PATH, {"owner": caller.name[:80]})


@router.post("/api/v1/saved-searches")
@access(Access.SESSION, own(QUIET))
async def keep(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> JSONResponse:
    """One of the same name is replaced."""
    wish = await body_of(request, Wish)
    body = wish.model_dump() | {"owner": caller.name[:80]}
    return JSONResponse(await parts.storage.json("POST", PATH, body=body), 201)


@router.delete("/api/v1/saved-searches/{search_id}")
@access(Access.SESSION, own(QUIET))
async def forget(search_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    await parts.storage.json("DELETE", f"{PATH}/{search_id}", {"owner": caller.name[:80]})
    return Response(status_code=204)
