"""Arm state, its commands and its log."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid


class ArmState(StrEnum):
    """The names that Home Assistant uses."""

    DISARMED = "disarmed"
    ARMED_HOME = "armed_home"
    ARMED_AWAY = "armed_away"
    ARMED_NIGHT = "armed_night"
    ARMED_VACATION = "armed_vacation"
    ARMING = "arming"
    PENDING = "pending"
    TRIGGERED = "triggered"
    DISARMING = "disarming"


class ArmAction(StrEnum):
    DISARM = "DISARM"
    ARM_HOME = "ARM_HOME"
    ARM_AWAY = "ARM_AWAY"
    ARM_NIGHT = "ARM_NIGHT"
    ARM_VACATION = "ARM_VACATION"


class Severity(StrEnum):
    INFO = "info"
    ALERT = "alert"
    CRITICAL = "critical"


class EventType(StrEnum):
    MOTION = "motion"
    CAMERA_OFFLINE = "camera_offline"
    CAMERA_ONLINE = "camera_online"


class AlarmState(Message):
    """Retained: the arm state now."""

    state: ArmState
    since_ms: TimestampMs
    changed_by: str = Field("", max_length=80)
    pin_configured: bool = False


class ArmCommand(Message):
    """Command to events, the only place that checks a PIN."""

    action: ArmAction
    pin: str = Field("", max_length=64, repr=False)
    user: str = Field("", max_length=80, description="who asked, as the sender knows them")


class ArmStateChanged(Fact):
    TYPE: ClassVar[str] = "alarm.changed"
    from_state: ArmState
    to_state: ArmState
    changed_by: str = Field(max_length=80)
    method: str = Field(max_length=32, description="web, mqtt, rule, presence, restart")
    reason: Text = ""


class ArmRefused(Fact):
    """Somebody tried and was refused (wrong PIN, stale command, too many tries)."""

    TYPE: ClassVar[str] = "alarm.refused"
    action: ArmAction
    code: str = Field(max_length=64)
    requested_by: str = Field(max_length=80)
    method: str = Field(max_length=32)


class EventOpened(Fact):
    """A row of `events`: what the facts mean. `ts_ms` is when it began."""

    TYPE: ClassVar[str] = "event.opened"
    event_id: Uuid
    type: EventType
    severity: Severity
    title: Text
    camera_id: Identifier | None = None
    sensor_id: Identifier | None = None
    cause_id: Uuid | None = Field(None, description="the motion (or other fact) it was derived from")
    picture_id: Uuid | None = None
    recording_id: Uuid | None = None
    zones: list[str] = Field(default_factory=list, max_length=32)
    score: float = Field(0, ge=0, le=1)
    arm_state: ArmState
    detail: dict[str, Any] = Field(default_factory=dict)


class EventEnded(Fact):
    TYPE: ClassVar[str] = "event.ended"
    event_id: Uuid
    ended_ms: TimestampMs
    detail: dict[str, Any] = Field(default_factory=dict)
