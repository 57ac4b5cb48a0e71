"""Vehicles: what is told of one by its looks, which of them belong here, and who is at home."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from vigilar_common.messages.base import Identifier, Message, Text, TimestampMs, Uuid, Value
from vigilar_common.messages.camera import Box

MEASURE_LENGTH: Final = 18
"""Twelve shares of hues and six of brightnesses of what has no hue; together 1."""
MAX_KNOWN: Final = 256

Measure = Annotated[
    list[Annotated[float, Field(ge=0, le=1)]],
    Field(max_length=MEASURE_LENGTH, description="empty: not measurable"),
]
VehicleName = Annotated[str, Field(max_length=120)]


class VehicleColour(StrEnum):
    UNKNOWN = "unknown"
    """It is night, infrared or glare, or the colour lies between two."""
    BLACK = "black"
    GREY = "grey"
    SILVER = "silver"
    WHITE = "white"
    RED = "red"
    ORANGE = "orange"
    BROWN = "brown"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"


class VehicleSize(StrEnum):
    UNKNOWN = "unknown"
    SMALL = "small"
    """On two wheels."""
    COMPACT = "compact"
    MIDSIZE = "midsize"
    LARGE = "large"
    """An off-roader or a van: higher than 1.65 m."""
    HEAVY = "heavy"
    """A lorry or a bus: higher than 2.4 m."""


class Acquaintance(StrEnum):
    """Whether it belongs here; the words of `[[alerts.profiles]] recognition`."""

    HOUSEHOLD = "household"
    STRANGER = "stranger"
    UNKNOWN = "unknown"
    """Its colour cannot be seen, or nothing is calibrated to compare it with."""


class VehicleLook(Value):
    """What one picture tells of a vehicle."""

    colour: VehicleColour = VehicleColour.UNKNOWN
    size: VehicleSize = VehicleSize.UNKNOWN
    measure: Measure = Field(default_factory=list)
    name: VehicleName = Field("", description="the known vehicle that it looks like; empty: none")
    calibrated: bool = Field(False, description="that vehicle, or any when none fits, was measured before")
    reason: str = Field("", max_length=80, description="why its colour is not told; empty when it is")


class VehicleSeen(Value):
    """What all pictures of a vehicle tell together, by vote."""

    colour: VehicleColour = VehicleColour.UNKNOWN
    size: VehicleSize = VehicleSize.UNKNOWN
    name: VehicleName = Field("", description="the known vehicle that it is, or looks like; empty: none")
    recognition: Acquaintance = Acquaintance.UNKNOWN
    measure: Measure = Field(default_factory=list)
    looks: int = Field(0, ge=0, description="pictures in which its colour could be told")


class VehicleMove(StrEnum):
    ARRIVED = "arrived"
    """It was parked."""
    LEFT = "left"
    """It stood there and drove off."""


class KnownVehicleState(Value):
    """Whether a vehicle of `[[vehicles.known]]` is at home."""

    vehicle_id: Identifier
    name: VehicleName
    home: bool | None = Field(None, description="null: it was neither seen arriving nor leaving yet")
    since_ms: TimestampMs = 0
    seen_ms: TimestampMs = Field(0, description="when it was recognised last; 0: never")
    camera_id: Identifier | None = None
    event_id: Uuid | None = Field(None, description="in which it was seen last")
    picture_id: Uuid | None = None


class VehiclesState(Message):
    """Retained: the known vehicles, in the order of the configuration."""

    vehicles: list[KnownVehicleState] = Field(default_factory=list, max_length=MAX_KNOWN)


class VehicleAction(StrEnum):
    LEARN = "learn"
    """What was seen is this vehicle."""
    FORGET = "forget"
    """Everything that was learnt of it."""


class VehicleCommand(Message):
    """Command to the detector, which keeps what is known of vehicles' looks."""

    action: VehicleAction
    name: VehicleName
    camera_id: Identifier | None = None
    measure: Measure = Field(default_factory=list)
    box: Box | None = None
    user: Text = Field("", description="who is logged in")


def vehicle_id(name: str) -> str:
    """A name as it can stand in topics and names of files; names that would look alike stay apart."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "vehicle"
    if plain == name:
        return plain
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
