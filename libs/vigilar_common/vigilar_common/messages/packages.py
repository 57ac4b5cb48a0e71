"""Parcels at the door: put down, reminded of, gone. Each fact names the whole parcel, so any may come first."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, TimestampMs, Uuid
from vigilar_common.messages.camera import Box


class PackageState(StrEnum):
    DETECTED = "detected"
    REMINDED = "reminded"
    COLLECTED = "collected"


class Collector(StrEnum):
    HOUSEHOLD = "household"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


class PackageDetected(Fact):
    """A parcel was put down; `ts_ms` is when."""

    TYPE: ClassVar[str] = "package.detected"
    package_id: Uuid
    camera_id: Identifier
    box: Box
    zone: str = Field("", max_length=80)
    event_id: Uuid | None = None
    picture_id: Uuid | None = None


class PackageReminded(Fact):
    """The household was told that a parcel still lies there."""

    TYPE: ClassVar[str] = "package.reminded"
    package_id: Uuid
    camera_id: Identifier
    detected_ms: TimestampMs


class PackageCollected(Fact):
    """A parcel is gone; `ts_ms` is when."""

    TYPE: ClassVar[str] = "package.collected"
    package_id: Uuid
    camera_id: Identifier
    detected_ms: TimestampMs
    collected_by: Collector = Collector.UNKNOWN
