"""The settings page: every key as a form, tried out before it is saved, every version kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.config.settings import LOGIN

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.policy import QUIET, administer

router = guarded_router()

MAX_SECTIONS = 64
LOOK = administer("")
Revision = Annotated[str, Field(min_length=1, max_length=64)]
Changes = Annotated[dict[str, Any], Field(min_length=1, max_length=MAX_SECTIONS)]


class Trial(BaseModel):
    model_config = ConfigDict(extra="forbid")
    changes: Changes


class Change(Trial):
    revision: Revision


class Return(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: str = Field(pattern=r"^[0-9TZ]{1,24}-[0-9a-f]{1,64}\.toml$")
    revision: Revision


@router.get("/api/v1/settings")
@access(Access.SESSION, LOOK, renews=False)
async def settings(parts: PartsNeeded) -> Any:
    """`{revision, values, origins, warnings}`; secrets are ***."""
    return await parts.storage.json("GET", "/v1/settings")


@router.get("/api/v1/settings/form")
@access(Access.SESSION, LOOK, renews=False)
async def form(parts: PartsNeeded) -> Any:
    """Every key with its meaning and bounds, to make a form of."""
    return await parts.storage.json("GET", "/v1/settings/form")


@router.post("/api/v1/settings/check")
@access(Access.SESSION, replace(LOOK, audit=QUIET))
async def check(request: Request, parts: PartsNeeded) -> Any:
    """What a change would do and what is wrong with it; nothing is changed."""
    wish = await body_of(request, Trial)
    _refuse_protected(wish.changes)
    return await parts.storage.json("POST", "/v1/settings/check", body={"changes": wish.changes})


@router.put("/api/v1/settings")
@access(Access.SESSION, administer("settings.change"))
async def change(request: Request, parts: PartsNeeded, session: SessionNeeded) -> Any:
    """Change settings: all of it valid, or nothing is changed. 409 `stale_revision`."""
    wish = await body_of(request, Change)
    _refuse_protected(wish.changes)
    body = {"changes": wish.changes, "actor": session.user[:80], "revision": wish.revision}
    return await parts.storage.json("PUT", "/v1/settings", body=body)


@router.get("/api/v1/settings/versions")
@access(Access.SESSION, LOOK, renews=False)
async def versions(parts: PartsNeeded) -> Any:
    """Every kept version of the settings, newest first."""
    return await parts.storage.json("GET", "/v1/settings/versions")


@router.post("/api/v1/settings/return")
@access(Access.SESSION, administer("settings.return"))
async def go_back(request: Request, parts: PartsNeeded, session: SessionNeeded) -> Any:
    """Put a kept version in force again."""
    wish = await body_of(request, Return)
    body = {"version": wish.version, "actor": session.user[:80], "revision": wish.revision}
    return await parts.storage.json("POST", "/v1/settings/return", body=body)


def _refuse_protected(changes: dict[str, Any]) -> None:
    for path in LOGIN:
        node: Any = changes
        for part in path:
            node = node.get(part) if isinstance(node, dict) else None
        if node is not None:
            name = ".".join(path)
            raise ApiError(
                422, "protected", f"{name} is changed where the old secret is asked for.", field=name
            )
