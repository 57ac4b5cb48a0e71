"""What lies outside and who stands there: parcels and known vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages.base import Uuid
from vigilar_common.messages.packages import PackageAction, PackageCommand, PackagesState
from vigilar_common.messages.vehicles import MEASURE_LENGTH, VehicleAction, VehicleCommand

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError, not_found
from vigilar_web.films import require_camera
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.items import camera_name
from vigilar_web.policy import SEE_FILTERED, Cameras, control
from vigilar_web.routes.types import ItemId

router = guarded_router()


class ParcelWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    action: PackageAction


class VehicleWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=120, description="as in [[vehicles.known]]")
    event_id: Uuid = Field(description="an event that shows it")


@router.get("/api/v1/packages")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def packages(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """The parcels that lie outside, oldest first; null `items` while nobody looks for any."""
    state = parts.model.packages or PackagesState(enabled=False)
    if parts.model.service_gone("events"):
        raise ApiError(503, "events_unavailable", "The events service is not running.")
    if not state.enabled and not state.count:
        return {"items": None}
    cameras = parts.settings.cameras
    return {
        "items": [
            one.model_dump(mode="json", exclude={"picture_id"})
            | {"camera_name": camera_name(one.camera_id, cameras), "picture_url": _picture(one.picture_id)}
            for one in state.packages
            if caller.sees(one.camera_id)
        ]
    }


@router.post("/api/v1/packages/{package_id}")
@access(Access.SESSION, control(Cameras.FILTERED, "package.change"))
async def package(
    package_id: ItemId, request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """It was collected, or is no parcel."""
    wish = await body_of(request, ParcelWish)
    lying = parts.model.packages.packages if parts.model.packages else []
    found = next((one for one in lying if one.package_id == package_id), None)
    if found is None:
        raise not_found("That parcel does not lie there any more.")
    require_camera(caller, found.camera_id)
    command = PackageCommand(action=wish.action, package_id=package_id, user=session.user[:80])
    reply = await ask(parts, topics.CMD_PACKAGE, command, _unavailable)
    if not reply.ok:
        raise ApiError(404 if reply.code == "not_found" else 409, reply.code, reply.message)
    return {"package_id": package_id, "action": wish.action.value}


@router.get("/api/v1/vehicles")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def vehicles(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """The known vehicles: whether they are at home, and where each was seen last."""
    known = parts.model.vehicles.vehicles if parts.model.vehicles else []
    cameras = parts.settings.cameras
    items = []
    for one in known:
        sees = caller.sees(one.camera_id)
        items.append(
            {
                "id": one.vehicle_id,
                "name": one.name,
                "home": None if parts.model.service_gone("events") else one.home,
                "since_ms": one.since_ms,
                "seen_ms": one.seen_ms,
                "camera_name": camera_name(one.camera_id, cameras) if sees else None,
                "event_id": one.event_id if sees else None,
                "picture_url": _picture(one.picture_id) if sees else None,
            }
        )
    return {"items": items}


@router.post("/api/v1/vehicles/learn")
@access(Access.SESSION, control(Cameras.FILTERED, "vehicle.learn"))
async def learn(
    request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """What an event shows is this known vehicle: the detector keeps how it looked."""
    wish = await body_of(request, VehicleWish)
    row = await parts.storage.json("GET", f"/v1/events/{wish.event_id}")
    require_camera(caller, row.get("camera_id"))
    measure = measure_of(row)
    if len(measure) != MEASURE_LENGTH:
        raise ApiError(
            409, "not_measured", "Its colour could not be told there: choose an event in daylight."
        )
    command = VehicleCommand(
        action=VehicleAction.LEARN,
        name=wish.name,
        camera_id=row.get("camera_id"),
        measure=measure,
        user=session.user[:80],
    )
    reply = await ask(parts, topics.CMD_VEHICLE, command, _silent)
    if not reply.ok:
        raise ApiError(409, reply.code, reply.message)
    return {"message": reply.message}


def measure_of(row: Mapping[str, Any]) -> list[float]:
    """How the vehicle of an event looked, as its end says it or its beginning; empty where that is not known."""
    for part in (row.get("end_detail"), row.get("detail")):
        seen = part.get("vehicle") if isinstance(part, Mapping) else None
        if isinstance(seen, Mapping) and isinstance(seen.get("measure"), list) and seen["measure"]:
            return [float(value) for value in seen["measure"]]
    return []


def _picture(picture_id: str | None) -> str | None:
    return f"/api/v1/pictures/{picture_id}" if picture_id else None


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "events_unavailable", "The events service does not answer; nothing was changed.")


def _silent(_: str = "") -> ApiError:
    return ApiError(503, "detector_silent", "The detector does not answer; nothing was learnt.")
