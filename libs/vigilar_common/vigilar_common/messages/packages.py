"""Parcels at the door: put down, reminded of, gone. Each fact names the whole parcel, so any may come first.

A camera tells of things that somebody left behind (`ThingLeft`, `ThingGone`); events makes parcels of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, Message, Text, TimestampMs, Uuid, Value
from vigilar_common.messages.camera import Box


class PackageState(StrEnum):
    DETECTED = "detected"
    REMINDED = "reminded"
    COLLECTED = "collected"


class Collector(StrEnum):
    HOUSEHOLD = "household"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


MAX_LISTED = 64
"""Parcels that one `PackagesState` lists; its count is whole."""


class ThingLeft(Fact):
    """Somebody put something down and left it; `ts_ms` is when it was first seen lying there."""

    TYPE: ClassVar[str] = "thing.left"
    camera_id: Identifier
    thing_id: Uuid
    box: Box
    zones: list[str] = Field(default_factory=list, max_length=32, description="named zones that it lies in")
    confidence: float = Field(ge=0, le=1)
    by_class: str = Field("", max_length=40, description="what was near it before: person, car, …")
    by_track: Uuid | None = Field(None, description="the object that was near it before")
    picture_id: Uuid | None = None


class ThingGone(Fact):
    """What somebody left behind lies there no more; `ts_ms` is when somebody was near it, or when it was missed."""

    TYPE: ClassVar[str] = "thing.gone"
    camera_id: Identifier
    thing_id: Uuid
    by_class: str = Field(
        "", max_length=40, description="what was near it then: person, car, …; empty: nobody was"
    )
    by_track: Uuid | None = None


class PackageDetected(Fact):
    """A parcel was put down; `ts_ms` is when."""

    TYPE: ClassVar[str] = "package.detected"
    package_id: Uuid
    camera_id: Identifier
    box: Box
    zone: str = Field("", max_length=80)
    event_id: Uuid | None = None
    picture_id: Uuid | None = None


class Reminder(StrEnum):
    HOURS = "hours"
    DUSK = "dusk"
    RAIN = "rain"


class PackageReminded(Fact):
    """The household was told that a parcel still lies there."""

    TYPE: ClassVar[str] = "package.reminded"
    package_id: Uuid
    camera_id: Identifier
    detected_ms: TimestampMs
    why: Reminder = Reminder.HOURS


class PackageCollected(Fact):
    """A parcel is gone; `ts_ms` is when."""

    TYPE: ClassVar[str] = "package.collected"
    package_id: Uuid
    camera_id: Identifier
    detected_ms: TimestampMs
    collected_by: Collector = Collector.UNKNOWN
    reason: Text = Field("", description="why it is taken for so")


class LyingPackage(Value):
    """A parcel that lies outside."""

    package_id: Uuid
    camera_id: Identifier
    zone: str = Field("", max_length=120)
    since_ms: TimestampMs
    state: PackageState = PackageState.DETECTED
    reminded_ms: TimestampMs = 0
    event_id: Uuid | None = None
    picture_id: Uuid | None = None


class PackagesState(Message):
    """Retained: the parcels that lie outside."""

    enabled: bool = True
    count: int = Field(0, ge=0)
    packages: list[LyingPackage] = Field(
        default_factory=list, max_length=MAX_LISTED, description="oldest first"
    )


class PackageAction(StrEnum):
    COLLECTED = "collected"
    """Somebody of the household has it."""
    NOT_A_PARCEL = "not_a_parcel"
    """What lies there is something else; the same in the same place is not told again."""


class PackageCommand(Message):
    """Command to events, of one parcel."""

    action: PackageAction
    package_id: Uuid
    user: Text = Field("", description="who is logged in")
