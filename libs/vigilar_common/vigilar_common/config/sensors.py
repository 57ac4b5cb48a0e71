"""`[[sensors]]` and `[sensors.gpio]`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from vigilar_common.config.base import AnyCaseUpper, Id, Name, Section, Words

KNOWN_TYPES = (
    "CONTACT",
    "MOTION",
    "TEMPERATURE",
    "HUMIDITY",
    "SMOKE",
    "CARBON_MONOXIDE",
    "GAS",
    "WATER_LEAK",
    "VIBRATION",
    "GLASS_BREAK",
    "TAMPER",
    "OCCUPANCY",
    "LOCK",
    "SIREN",
    "BUTTON",
    "POWER",
    "ILLUMINANCE",
)
"""Types with a meaning of their own; another word is accepted with a warning."""


class Protocol(StrEnum):
    ZIGBEE = "ZIGBEE"
    ZWAVE = "ZWAVE"
    GPIO = "GPIO"


class Sensor(Section):
    """One sensor and how it is reached."""

    id: Id = Field(title="Id", description="Short name in topics; never changes, never repeats.")
    display_name: Name = Field(title="Display name", description="What people call the sensor.")
    type: Annotated[str, AnyCaseUpper, Field(pattern=r"^[A-Z][A-Z0-9_]{0,31}$")] = Field(
        title="Type", description="What it senses: CONTACT, MOTION, TEMPERATURE and the like."
    )
    protocol: Annotated[Protocol, AnyCaseUpper] = Field(title="Protocol", description="How it talks.")
    device_address: str = Field(
        min_length=1,
        max_length=200,
        coerce_numbers_to_str=True,
        title="Device address",
        description="Zigbee: friendly name or IEEE address; Z-Wave: node; GPIO: line number.",
    )
    location: Words = Field("", title="Location", description="Where it hangs, in your words.")
    enabled: bool = Field(True, title="Enabled", description="Watch this sensor.")
    inverted: bool = Field(
        False,
        title="Inverted",
        description="Swap what its main value means: open and closed, moving and still.",
    )
    silent_after_m: int = Field(
        0,
        ge=0,
        le=44_640,
        title="Silent after",
        description="Minutes without a message after which it counts as silent; 0: as its type has it.",
    )


class Gpio(Section):
    """What holds for all sensors on GPIO lines."""

    bounce_time_ms: int = Field(
        50,
        ge=0,
        le=10_000,
        title="Bounce time",
        description="Milliseconds a GPIO line must be quiet before a change counts.",
    )
