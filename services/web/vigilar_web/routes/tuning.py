"""Tune motion: what the detector sees, and the thresholds and zones that decide."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.errors import VigilarError

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.policy import QUIET, SEE_CAMERA, Cameras, Role, administer
from vigilar_web.routes.types import CameraId

router = guarded_router()

KEYS = ("motion_sensitivity", "motion_min_area_px", "motion_zones", "zones", "lines", "resolution_motion")
MAX_LINES = 32
MAX_ZONES = 32
MAX_CORNERS = 128
Corner = Annotated[list[Annotated[float, Field(ge=0, le=16384)]], Field(min_length=2, max_length=2)]
Corners = Annotated[list[Corner], Field(min_length=3, max_length=MAX_CORNERS)]


class LooksWish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    after: int = Field(0, ge=0, lt=1 << 48)


class ZoneWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64)
    mode: Literal["include", "exclude", "mask"] = "include"
    polygon: Corners
    classes: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ -]{0,39}$")]] | None = Field(
        None, max_length=32
    )


class LineWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64)
    start: Corner
    end: Corner


class MotionWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    revision: str = Field(min_length=1, max_length=64)
    motion_sensitivity: float = Field(ge=0, le=1)
    motion_min_area_px: int = Field(ge=0, le=16384 * 16384)
    zones: list[ZoneWish] | None = Field(None, max_length=MAX_ZONES)
    lines: list[LineWish] | None = Field(None, max_length=MAX_LINES)


@router.post("/api/v1/cameras/{camera_id}/tune")
@access(Access.SESSION, replace(SEE_CAMERA, role=Role.ADMIN, audit=QUIET), renews=False)
async def looks(camera_id: CameraId, request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """What the detector saw since `after`; asking keeps the camera's worker telling for six seconds."""
    parts.camera(camera_id)
    wish = await body_of(request, LooksWish)
    try:
        lease = parts.tuning.lease(camera_id)
    except VigilarError as error:
        raise ApiError(429, "busy", f"{error}; close one of them.") from error
    if lease is not None and not await asyncio.to_thread(parts.tuning.send, camera_id, lease):
        raise ApiError(503, "camera_silent", "The broker is away, so the camera's worker cannot be asked.")
    found, number = parts.tuning.after(camera_id, wish.after)
    return {"looks": found, "after": number}


@router.get("/api/v1/cameras/{camera_id}/motion")
@access(Access.SESSION, replace(SEE_CAMERA, role=Role.ADMIN), renews=False)
async def motion(camera_id: CameraId, parts: PartsNeeded) -> dict[str, Any]:
    """What decides what counts as motion, and the revision of the settings it is of."""
    parts.camera(camera_id)
    return _shown(await parts.storage.json("GET", "/v1/settings"), camera_id)


@router.put("/api/v1/cameras/{camera_id}/motion")
@access(Access.SESSION, administer("settings.motion", Cameras.PATH))
async def change_motion(
    camera_id: CameraId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Written to settings.toml; the camera's worker takes it over without losing its connection."""
    parts.camera(camera_id)
    wish = await body_of(request, MotionWish)
    change = wish.model_dump(exclude={"revision"}, exclude_none=True) | {"id": camera_id}
    body = {"changes": {"cameras": [change]}, "actor": session.user[:80], "revision": wish.revision}
    return _shown(await parts.storage.json("PUT", "/v1/settings", body=body), camera_id)


def _shown(settings: Any, camera_id: str) -> dict[str, Any]:
    """Of all settings only these: addresses and the like are no concern of this page."""
    for camera in settings["values"].get("cameras", []):
        if camera.get("id") == camera_id:
            return {"revision": settings["revision"]} | {key: camera.get(key) for key in KEYS}
    raise ApiError(404, "not_found", "This camera is not in the settings any more.")
