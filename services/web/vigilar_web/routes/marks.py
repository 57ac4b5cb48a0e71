"""What the owner says of objects, and how often each camera was wrong."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages.base import Uuid
from vigilar_common.messages.detection import ObjectClass
from vigilar_common.messages.objects import MarkObject, Verdict

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.policy import SEE_CAMERA, Cameras, control
from vigilar_web.routes.types import CameraId

router = guarded_router()


class MarkWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    track_id: Uuid
    object_class: ObjectClass
    verdict: Verdict = Field(description="none takes back whatever was said")


@router.post("/api/v1/cameras/{camera_id}/marks")
@access(Access.SESSION, control(Cameras.PATH, "camera.mark"))
async def mark(
    camera_id: CameraId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """The camera's worker keeps the mark and learns from it; `learnt` says whether it could."""
    parts.camera(camera_id)
    wish = await body_of(request, MarkWish)
    command = MarkObject(
        track_id=wish.track_id,
        object_class=wish.object_class,
        verdict=wish.verdict,
        user=session.user[:80],
    )
    reply = await ask(parts, topics.CMD_MARK, command, _unavailable, camera_id=camera_id)
    if not reply.ok:
        raise ApiError(409, reply.code, reply.message)
    return {"message": reply.message, **reply.data}


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "camera_silent", "The camera's worker does not answer; nothing was marked.")


@router.get("/api/v1/cameras/{camera_id}/false-alarms")
@access(Access.SESSION, SEE_CAMERA, renews=False)
async def false_alarms(camera_id: CameraId, parts: PartsNeeded) -> Any:
    """Told, marked as wrong and suppressed in the last 7 and 30 days, and the newest of both."""
    parts.camera(camera_id)
    return await parts.storage.json("GET", f"/v1/cameras/{camera_id}/false-alarms")
