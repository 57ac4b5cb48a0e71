"""Recordings with proof, to be handed to others: ordered here, made by storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vigilar_web.accounts.model import Caller
from vigilar_web.errors import not_found
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED, Cameras, Role, control
from vigilar_web.routes.recordings import range_of
from vigilar_web.routes.types import UUID_PATTERN, ItemId

router = guarded_router()
ZIP_TYPE = "application/zip"
MAX_RECORDINGS = 100
MOMENT_LIMIT = 1 << 48
SEE_EXPORTS = replace(SEE_FILTERED, role=Role.RESIDENT)


class ExportOrder(BaseModel):
    """Either recordings by id, or what a camera recorded between two times."""

    model_config = ConfigDict(extra="forbid", strict=True)
    recording_ids: list[Annotated[str, StringConstraints(pattern=UUID_PATTERN)]] = Field(
        [], max_length=MAX_RECORDINGS
    )
    camera_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    from_ms: int | None = Field(None, ge=0, lt=MOMENT_LIMIT)
    to_ms: int | None = Field(None, ge=0, lt=MOMENT_LIMIT)
    reason: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        span = [value is not None for value in (self.camera_id, self.from_ms, self.to_ms)]
        if bool(self.recording_ids) == any(span) or (any(span) and not all(span)):
            raise ValueError("name recording_ids, or camera_id with from_ms and to_ms")
        return self


@router.get("/api/v1/exports")
@access(Access.SESSION, SEE_EXPORTS, renews=False)
async def exports(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """The newest few, and how large one may become and how long it is kept."""
    told = await parts.storage.json("GET", "/v1/exports")
    items = [_item(row) for row in told["items"] if await _may_see(parts, caller, row)]
    return {"items": items, "limits": told["limits"]}


@router.post("/api/v1/exports", status_code=202)
@access(Access.SESSION, control(Cameras.FILTERED, "export.order"))
async def order(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """409 `export_running` while another one is being made. Who asked is who is logged in, never what was sent."""
    wanted = await body_of(request, ExportOrder)
    if wanted.camera_id is not None:
        parts.camera(wanted.camera_id)
    if not await _may_see(parts, caller, wanted.model_dump()):
        raise not_found("There is nothing with this id.")
    body = {**wanted.model_dump(exclude_none=True), "actor": caller.name[:80]}
    return _item(await parts.storage.json("POST", "/v1/exports", body=body))


@router.get("/api/v1/exports/{export_id}")
@access(Access.SESSION, SEE_EXPORTS, renews=False)
async def export(export_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """One export: running, done or failed."""
    return _item(await _export(parts, caller, export_id))


@router.get("/api/v1/exports/{export_id}/file")
@access(Access.SESSION, SEE_EXPORTS)
async def file(export_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """The export as a zip, by HTTP Range."""
    row = await _export(parts, caller, export_id)
    made = datetime.fromtimestamp(row["created_ms"] / 1000, UTC).astimezone(ZoneInfo(parts.settings.timezone))
    name = f"vigilar-export_{made:%Y-%m-%d_%H-%M-%S}.zip"
    headers = {"content-type": ZIP_TYPE, "content-disposition": f'attachment; filename="{name}"'}
    return await parts.storage.stream(f"/v1/exports/{export_id}/content", range_of(request), extra=headers)


@router.delete("/api/v1/exports/{export_id}", status_code=204)
@access(Access.SESSION, control(Cameras.FILTERED, "export.remove"))
async def remove(export_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """Remove an export; one that is being made ends."""
    await _export(parts, caller, export_id)
    await parts.storage.json("DELETE", f"/v1/exports/{export_id}")
    return Response(status_code=204)


async def _export(parts: Parts, caller: Caller, export_id: str) -> dict[str, Any]:
    """The row. Raises ApiError 404 also for one of a camera that the caller may not see."""
    row: dict[str, Any] = await parts.storage.json("GET", f"/v1/exports/{export_id}")
    if not await _may_see(parts, caller, row):
        raise not_found("There is nothing with this id.")
    return row


async def _may_see(parts: Parts, caller: Caller, row: Mapping[str, Any]) -> bool:
    if caller.sees_all:
        return True
    if row.get("camera_id"):
        return caller.sees(row["camera_id"])
    ids = row.get("recording_ids") or []
    return bool(ids) and all([await parts.films.may_see(caller, item) for item in ids])


def _item(row: dict[str, Any]) -> dict[str, Any]:
    done = row["state"] == "done"
    return {**row, "file_url": f"/api/v1/exports/{row['id']}/file" if done else None}
