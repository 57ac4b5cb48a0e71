"""What alerts decides about: events of the house, and what was recognised in their pictures, in one shape."""

from __future__ import annotations

from dataclasses import dataclass

from vigilar_common.config.alert_profiles import Recognition
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import object_event_id
from vigilar_common.messages.visitors import VisitBegan

MAX_CHANNELS = 8
MAX_ZONES = 32


@dataclass(frozen=True)
class Happening:
    """One fact. `key` is what it is remembered by: the event's id, or the fact's own for a detection."""

    key: str
    kind: EventType
    ts_ms: int
    severity: Severity
    title: str
    arm_state: ArmState
    event_id: str | None = None
    camera_id: str | None = None
    sensor_id: str | None = None
    picture_id: str | None = None
    cause_id: str | None = None
    rule_id: str = ""
    zones: tuple[str, ...] = ()
    object_class: str = ""
    recognition: Recognition = Recognition.UNKNOWN
    channels: tuple[str, ...] = ()
    """Those that a rule wants told, `all` among them perhaps."""
    reason: str = ""
    score: float = 0.0
    """How sure what was recognised is, 0–1."""
    detected: bool = False
    """A detection: it tells more of an event that is known already."""


def of_event(event: EventOpened) -> Happening:
    """Fields that a later recogniser puts into `detail` (`object_class`, `recognition`) are read where they are."""
    detail = event.detail
    is_rule = event.type is EventType.RULE
    named = detail.get("channels") if is_rule else None
    recognised = detail.get("recognition")
    return Happening(
        key=event.event_id,
        kind=event.type,
        ts_ms=event.ts_ms,
        severity=event.severity,
        title=event.title,
        arm_state=event.arm_state,
        event_id=event.event_id,
        camera_id=event.camera_id,
        sensor_id=event.sensor_id,
        picture_id=event.picture_id,
        cause_id=event.cause_id,
        rule_id=_word(detail.get("rule_id")) if is_rule else "",
        zones=tuple(event.zones[:MAX_ZONES]),
        object_class=_word(detail.get("object_class")),
        recognition=Recognition(recognised) if recognised in tuple(Recognition) else Recognition.UNKNOWN,
        channels=tuple(str(name) for name in named[:MAX_CHANNELS]) if isinstance(named, list) else (),
        reason=_word(detail.get("reason"), 300),
    )


def of_detection(fact: ObjectDetected, camera_name: str, arm_state: ArmState) -> Happening:
    """As motion that is now known to be a person, a car …; its event is the object's, which begins when it came into sight."""
    return Happening(
        key=fact.id,
        kind=EventType.MOTION,
        ts_ms=fact.ts_ms,
        severity=Severity.INFO,
        title=f"{fact.object_class.capitalize()} at {camera_name}",
        arm_state=arm_state,
        event_id=object_event_id(fact.track_id),
        camera_id=fact.camera_id,
        picture_id=fact.picture_id,
        cause_id=fact.motion_id,
        zones=tuple(fact.zones),
        object_class=fact.object_class,
        score=fact.confidence,
        detected=True,
    )


def of_visit(fact: VisitBegan, camera_name: str, arm_state: ArmState, who: Recognition) -> Happening:
    """As motion of which is known whether it is somebody of the house. Names stay where faces are kept."""
    somebody = "Somebody of the household" if who is Recognition.HOUSEHOLD else "A visitor"
    return Happening(
        key=fact.id,
        kind=EventType.MOTION,
        ts_ms=fact.ts_ms,
        severity=Severity.INFO,
        title=f"{somebody} at {camera_name}",
        arm_state=arm_state,
        event_id=fact.event_id,
        camera_id=fact.camera_id,
        picture_id=fact.picture_id,
        object_class="person",
        recognition=who,
        detected=True,
    )


def _word(value: object, limit: int = 80) -> str:
    return value[:limit] if isinstance(value, str) else ""
