"""Find cameras and try them out: the scout does it, because it is on the cameras' network and this service is not."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.config.base import CAMERA_SCHEMES
from vigilar_common.messages import Message
from vigilar_common.messages.camera import FindCameras, TryCamera
from vigilar_common.topics import Topic

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import administer

router = guarded_router()

FIND_LIMIT_S = 13.0
"""The scout listens for three seconds and gives each device six."""
TRY_LIMIT_S = 24.0
"""Three transports are tried, each for up to five seconds, and then it is watched until a picture comes."""


class FindWish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    user: str = Field("", max_length=64)
    password: str = Field("", max_length=128, repr=False)
    host: str = Field("", pattern=r"^[A-Za-z0-9.-]{0,253}$")


class TryWish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    url: str = Field(
        max_length=2048,
        repr=False,
        pattern=rf"^({'|'.join(CAMERA_SCHEMES)})://[!-~]+$",
        description="with its login",
    )


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
    return await _asked(parts, topics.CMD_FIND_CAMERAS, command, FIND_LIMIT_S)


@router.post("/api/v1/try-camera")
@access(Access.SESSION, administer("cameras.try"))
async def try_camera(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """What an address sends, with a picture of it as JPEG in base64. The address goes to the scout and is not kept."""
    wish = await body_of(request, TryWish)
    return await _asked(parts, topics.CMD_TRY_CAMERA, TryCamera(url=wish.url), TRY_LIMIT_S)


async def _asked(parts: Parts, topic: Topic, command: Message, limit_s: float) -> dict[str, Any]:
    """The scout's data. Raises ApiError."""
    reply = await ask(parts, topic, command, _unavailable, limit_s)
    if not reply.ok:
        raise ApiError(429 if reply.code == "busy" else 409, reply.code, reply.message)
    return reply.data


def _unavailable(_: str = "") -> ApiError:
    return ApiError(
        503,
        "no_scout",
        "The service that looks for cameras (scout) does not answer. On the machine itself: vigilar cameras discover",
    )
