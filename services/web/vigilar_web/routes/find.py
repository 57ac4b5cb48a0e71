"""Find cameras: a search that a camera's worker does, because it is on the cameras' network and this service is not."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages.camera import CameraCondition, FindCameras

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import administer

router = guarded_router()

ANSWER_LIMIT_S = 13.0
"""The worker listens for three seconds and gives each device six."""


class FindWish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    user: str = Field("", max_length=64)
    password: str = Field("", max_length=128, repr=False)
    host: str = Field("", pattern=r"^[A-Za-z0-9.-]{0,253}$")


@router.post("/api/v1/find-cameras")
@access(Access.SESSION, administer("cameras.find"))
async def find_cameras(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """Cameras that answer by ONVIF, with blocks for `vigilar.toml`. The login goes to them alone and is not kept."""
    wish = await body_of(request, FindWish)
    command = FindCameras(
        user=wish.user,
        password=wish.password,
        host=wish.host,
        taken_ids=list(parts.settings.cameras)[:256],
    )
    reply = await ask(
        parts, topics.CMD_FIND_CAMERAS, command, _unavailable, ANSWER_LIMIT_S, camera_id=_searcher(parts)
    )
    if not reply.ok:
        raise ApiError(429 if reply.code == "busy" else 409, reply.code, reply.message)
    return reply.data


def _searcher(parts: Parts) -> str:
    """A camera whose worker runs. Raises ApiError when there is none."""
    running = [
        camera_id
        for camera_id in parts.settings.cameras
        if parts.model.camera_state(camera_id) is not None and not parts.model.worker_gone(camera_id)
    ]
    if not running:
        raise _unavailable()
    online = (c for c in running if parts.model.camera_state(c).condition is CameraCondition.ONLINE)  # type: ignore[union-attr]
    return next(online, running[0])


def _unavailable(_: str = "") -> ApiError:
    return ApiError(
        503,
        "no_searcher",
        "No camera worker runs that could search. On the machine itself: vigilar cameras discover",
    )
