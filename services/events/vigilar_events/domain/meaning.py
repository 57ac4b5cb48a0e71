"""What motion means: a fact of a camera in, a fact about the house out."""

from __future__ import annotations

from collections.abc import Mapping

from vigilar_common.config import Camera, CameraLocation
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.animals import PetRuleFired
from vigilar_common.messages.camera import MotionEnded, MotionStarted

FRESH_S = 30.0
"""An older fact informs, it never alarms."""

_INSIDE = (CameraLocation.INTERIOR, CameraLocation.GARAGE)
_AT_HOME = (ArmState.ARMED_HOME, ArmState.ARMED_NIGHT)
_AWAY = (ArmState.ARMED_AWAY, ArmState.ARMED_VACATION, ArmState.PENDING, ArmState.TRIGGERED)


def motion_severity(arm_state: ArmState, location: CameraLocation | None, age_s: float) -> Severity:
    """How much it matters that something moves there, now."""
    inside = location is None or location in _INSIDE
    if age_s > FRESH_S:
        return Severity.INFO
    if arm_state in _AWAY:
        return Severity.CRITICAL if inside else Severity.ALERT
    if arm_state in _AT_HOME:
        return Severity.INFO if inside else Severity.ALERT
    return Severity.INFO


def camera_name(cameras: Mapping[str, Camera], camera_id: str) -> str:
    camera = cameras.get(camera_id)
    return camera.display_name if camera else camera_id


def motion_event_id(motion_id: str) -> str:
    return derived_id("event:motion", motion_id)


def motion_opened(
    fact: MotionStarted, cameras: Mapping[str, Camera], arm_state: ArmState, age_s: float
) -> EventOpened:
    """The event of a motion; the same motion always gives the same ids."""
    camera = cameras.get(fact.camera_id)
    return EventOpened(
        id=derived_id("event.opened:motion", fact.motion_id),
        ts_ms=fact.ts_ms,
        event_id=motion_event_id(fact.motion_id),
        type=EventType.MOTION,
        severity=motion_severity(arm_state, camera.location if camera else None, age_s),
        title=f"Motion at {camera_name(cameras, fact.camera_id)}",
        camera_id=fact.camera_id,
        cause_id=fact.motion_id,
        picture_id=fact.picture_id,
        recording_id=fact.recording_id,
        zones=fact.zones,
        score=fact.score,
        arm_state=arm_state,
        detail={"late_s": round(age_s)} if age_s > FRESH_S else {},
    )


def motion_ended(fact: MotionEnded) -> EventEnded:
    return EventEnded(
        id=derived_id("event.ended:motion", fact.motion_id),
        ts_ms=fact.ts_ms,
        event_id=motion_event_id(fact.motion_id),
        ended_ms=fact.ts_ms,
        detail={
            "peak_score": round(fact.peak_score, 4),
            "mean_score": round(fact.mean_score, 4),
            "curve": fact.curve,
            "curve_step_s": fact.curve_step_s,
        },
    )


def pet_rule_fired(fact: PetRuleFired, arm_state: ArmState, age_s: float) -> EventOpened:
    """A rule about a pet wants people told; a late one informs."""
    late = age_s > FRESH_S
    detail = {
        "rule_id": fact.rule_id,
        "reason": fact.reason,
        "pet_id": fact.pet_id,
        "track_id": fact.track_id,
    }
    return EventOpened(
        id=derived_id("event.opened:pet-rule", fact.id),
        ts_ms=fact.ts_ms,
        event_id=derived_id("event:pet-rule", fact.id),
        type=EventType.RULE,
        severity=Severity.INFO if late else Severity.ALERT,
        title=fact.title,
        camera_id=fact.camera_id,
        cause_id=fact.track_id,
        arm_state=arm_state,
        detail=detail | {"channels": [] if late else ["all"]} | ({"late_s": round(age_s)} if late else {}),
    )
