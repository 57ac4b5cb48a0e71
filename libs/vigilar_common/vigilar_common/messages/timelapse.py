"""Timelapses: what is to be made, and what was."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Identifier, TimestampMs, Uuid

TimeOfDay = Annotated[
    str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|(sunrise|sunset)([+-][0-9]{1,3})?)$")
]
"""HH:MM in the configured time zone, or sunrise or sunset with minutes more or less: sunset-30."""
Weekday = Annotated[int, Field(ge=0, le=6)]


class TimelapseSaved(Fact):
    """A schedule was made or changed; the newest says all."""

    TYPE: ClassVar[str] = "timelapse.saved"
    schedule_id: Uuid
    camera_id: Identifier
    name: str = Field(min_length=1, max_length=120)
    start_time: TimeOfDay
    end_time: TimeOfDay
    days: list[Weekday] = Field(
        default_factory=lambda: list(range(7)), min_length=1, max_length=7, description="0 is Monday"
    )
    interval_s: int = Field(ge=1, le=86_400, description="between two pictures")
    fps: int = Field(25, ge=1, le=60, description="of the film")
    retention_days: int = Field(30, ge=1, le=36_500, description="how long its films are kept")
    enabled: bool = True


class TimelapseRemoved(Fact):
    """A schedule was removed; its films stay until their time is over."""

    TYPE: ClassVar[str] = "timelapse.removed"
    schedule_id: Uuid


class TimelapseMade(Fact):
    """A film of a schedule is ready."""

    TYPE: ClassVar[str] = "timelapse.made"
    schedule_id: Uuid
    recording_id: Uuid | None = Field(None, description="the film; empty when there was nothing to show")
    from_ms: TimestampMs
    to_ms: TimestampMs
    pictures: int = Field(ge=0, le=10_000_000)
