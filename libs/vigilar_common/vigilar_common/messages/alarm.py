"""Arm state, its commands and its log."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value


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


class ArmMode(StrEnum):
    """What is armed: the part of an armed state's name behind `armed_`."""

    HOME = "home"
    AWAY = "away"
    NIGHT = "night"
    VACATION = "vacation"

    @property
    def armed(self) -> ArmState:
        return ArmState(f"armed_{self.value}")


class Severity(StrEnum):
    INFO = "info"
    ALERT = "alert"
    CRITICAL = "critical"


class EventType(StrEnum):
    MOTION = "motion"
    OBJECT = "object"
    """A person, a vehicle, an animal … was followed by a camera: `detail` says what and where, at the end how it went."""
    VEHICLE = "vehicle"
    """A vehicle arrived (it was parked) or drove off: `detail` says which, and whether it belongs here."""
    PACKAGE = "package"
    """A parcel was put down."""
    PACKAGE_REMINDER = "package_reminder"
    """It still lies there: for hours, at dusk, or while it rains."""
    PACKAGE_COLLECTED = "package_collected"
    PACKAGE_TAKEN = "package_taken"
    """It is gone, and nobody of the household can have taken it."""
    CAMERA_OFFLINE = "camera_offline"
    CAMERA_ONLINE = "camera_online"
    ALARM_TRIGGERED = "alarm_triggered"
    ALARM_CONFIRMED = "alarm_confirmed"
    """Nobody disarmed within the abort window: for whoever is to be told of real alarms only."""
    FAILED_TO_ARM = "failed_to_arm"
    SENSOR_OPENED = "sensor_opened"
    """While it matters: armed, leaving, entering or triggered."""
    DURESS = "duress"
    POWER_OUT = "power_out"
    POWER_LOW = "power_low"
    POWER_BACK = "power_back"
    HOST_SHUTDOWN = "host_shutdown"
    """Planned, cancelled or begun, because the battery runs out."""
    RULE = "rule"
    """A rule fired: `detail` says which, why, and what it did."""


class OpenSensor(Value):
    """A sensor as the alarm sees it."""

    sensor_id: Identifier
    name: str = Field(max_length=120)
    what: str = Field("open", max_length=40, description="open, motion, smoke, tamper, unavailable, …")
    at_ms: TimestampMs = Field(0, description="since when")


MAX_LISTED = 32
"""Sensors that one list of an `AlarmState` names; the counts beside the lists are whole."""


class AlarmState(Message):
    """Retained: the arm state now."""

    state: ArmState
    since_ms: TimestampMs
    changed_by: str = Field("", max_length=80)
    pin_configured: bool = False
    arm_mode: ArmMode | None = Field(None, description="what is armed, being armed, or holds after the alarm")
    next_state: ArmState | None = Field(None, description="what follows when nothing happens until until_ms")
    delay_s: int = Field(0, ge=0, le=3600, description="whole length of the running delay")
    until_ms: TimestampMs = Field(0, description="when the running delay ends; 0: none runs")
    open_sensors: list[OpenSensor] = Field(default_factory=list, max_length=MAX_LISTED)
    open_count: int = Field(0, ge=0)
    bypassed_sensors: list[OpenSensor] = Field(default_factory=list, max_length=MAX_LISTED)
    bypassed_count: int = Field(0, ge=0)
    unknown_sensors: list[OpenSensor] = Field(default_factory=list, max_length=MAX_LISTED)
    unknown_count: int = Field(0, ge=0, description="sensors of which nothing is known: they guard nothing")
    triggered_by: list[OpenSensor] = Field(default_factory=list, max_length=MAX_LISTED)


class SirenState(Message):
    """Retained: whether the siren shall sound now."""

    on: bool
    since_ms: TimestampMs = 0
    until_ms: TimestampMs = Field(0, description="when it ends by itself")
    reason: Text = ""


class ArmCommand(Message):
    """Command to events, the only place that checks a PIN."""

    action: ArmAction
    pin: str = Field("", max_length=64, repr=False)
    user: str = Field("", max_length=80, description="who asked, as the sender knows them")
    bypass_open: bool = Field(False, description="arm although sensors are open, without these")
    bypass: list[Identifier] = Field(
        default_factory=list, max_length=MAX_LISTED, description="sensors to leave out until disarmed"
    )


class ResetPin(Message):
    """Command to events: a new PIN for who knows the recovery passphrase."""

    passphrase: str = Field(max_length=1024, repr=False)
    new_pin: str = Field(max_length=64, repr=False)
    user: str = Field("", max_length=80, description="who is logged in")


class PinsAction(StrEnum):
    LIST = "list"
    SET = "set"
    REMOVE = "remove"
    SET_PASSPHRASE = "set_passphrase"  # noqa: S105 a word


class PinsCommand(Message):
    """Command to events: what an admin does to the PINs of the house. Only events keeps and checks them."""

    action: PinsAction
    name: str = Field("", max_length=120, description="whose; empty: the PIN of the house")
    secret: str = Field("", max_length=1024, repr=False, description="the new PIN or passphrase")
    duress: bool = False
    modes: list[ArmMode] = Field(default_factory=list, max_length=4)
    days: list[str] = Field(default_factory=list, max_length=7, description="mon to sun; empty: all")
    from_time: str = Field("", max_length=5, description="HH:MM; empty: always")
    until_time: str = Field("", max_length=5)
    user: str = Field("", max_length=80, description="who is logged in")


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
