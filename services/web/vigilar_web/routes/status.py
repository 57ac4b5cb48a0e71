"""How the house and the system are."""

from __future__ import annotations

from typing import Any

from vigilar_common.messages.camera import CameraCondition

from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, SessionNeeded, access, guarded_router
from vigilar_web.gateway import STILL_WORKS
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED
from vigilar_web.routes.auth import session_info
from vigilar_web.routes.cameras import cameras

router = guarded_router()


@router.get("/system/status")
@access(Access.SESSION, SEE_FILTERED)
async def system_status(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """How the house is, in one look: the arm state, and how many cameras and sensors are well."""
    states = [
        parts.model.camera_state(camera_id) for camera_id in parts.settings.cameras if caller.sees(camera_id)
    ]
    online = sum(state is not None and state.condition is CameraCondition.ONLINE for state in states)
    alarm = parts.model.alarm
    troubles = troubles_of(parts)
    health = parts.model.health
    return {
        "status": "degraded" if troubles else (health.status if health else "starting"),
        "arm_state": str(alarm.state) if alarm else None,
        "cameras": {
            "total": len(states),
            "online": online,
            "offline": len(states) - online,
            "recording": sum(state is not None and state.recording for state in states),
        },
        "sensors": {
            "total": len(parts.settings.sensors),
            "known": sum(
                item["known"] for item in map(parts.model.sensor_item, parts.settings.sensors.values())
            ),
        },
        "troubles": troubles,
    }


@router.get("/api/v1/start")
@access(Access.SESSION, SEE_FILTERED)
async def start(parts: PartsNeeded, session: SessionNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """What a page begins with: `session`, `cameras`, and, as far as known, `alarm` and `health`. No other service is asked."""
    return {
        "session": await session_info(parts, session, caller),
        "cameras": (await cameras(parts, caller))["items"],
        "alarm": parts.model.alarm_item(),
        "health": parts.model.health_item(caller.sees_all),
    }


@router.get("/api/v1/health")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def health(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Services, disks and findings with their cures."""
    item = parts.model.health_item(caller.sees_all)
    if item is None:
        raise ApiError(503, "health_unavailable", "The health service has not reported yet.")
    return item


def troubles_of(parts: Parts) -> list[str]:
    """Which part is down, and what still works: sentences for people."""
    troubles = []
    if not parts.bus.connected:
        troubles.append(
            "The message broker is away: live pictures and the alarm cannot be reached from here. Recordings can be."
        )
    if parts.storage.problem:
        troubles.append(
            f"Storage does not answer: recordings and past events are out of reach. {STILL_WORKS}"
        )
    if parts.model.service_gone("events"):
        troubles.append("The events service is not running: the alarm cannot be changed.")
    if parts.model.service_gone("alerts"):
        troubles.append("The alerts service is not running: notifications are not sent.")
    return troubles
