"""What sensors say: changes that matter, numbers that come and go, and silence."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StrictBool

from vigilar_common.messages.base import Fact, Identifier, Keep, Message, Text, TimestampMs

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""What is measured: contact, occupancy, temperature, battery …"""
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Unit = Annotated[str, Field(max_length=16)]
SensorValue = StrictBool | Number | Annotated[str, Field(max_length=80)]


class SensorChanged(Fact):
    """A key of a sensor has a new value that means something (contact, smoke, button): never dropped."""

    TYPE: ClassVar[str] = "sensor.changed"
    sensor_id: Identifier
    key: Key
    value: SensorValue
    unit: Unit = Field("", description="of a number, empty for others")
    initial: bool = Field(
        False,
        description="the first word after a start, a silence or a loss: a state, not something that happens now",
    )


class SensorReading(Fact):
    """A number that is measured again and again; a full outbox keeps the newest of each key."""

    TYPE: ClassVar[str] = "sensor.reading"
    KEEP: ClassVar[Keep] = Keep.NEWEST
    sensor_id: Identifier
    key: Key
    value: Number
    unit: Unit

    def telemetry_key(self) -> str:
        return f"{self.TYPE}/{self.sensor_id}/{self.key}"


class SensorLost(Fact):
    """Nothing is known of a sensor until it is heard again: silent, unavailable, or the service started."""

    TYPE: ClassVar[str] = "sensor.lost"
    sensor_id: Identifier
    reason: Text


class SensorState(Message):
    """Retained: what is known of one configured sensor now. `values` of a sensor that is not `known` are its last."""

    sensor_id: Identifier
    type: str = Field(max_length=32, description="as configured: CONTACT, MOTION …")
    known: bool = Field(description="heard since the service started, and neither silent nor unavailable")
    reason: Text = Field("", description="why it is not known")
    active: bool | None = Field(
        None, description="open, moving, smoke …; null: not known, or no such sensor (numbers, buttons)"
    )
    heard_ms: TimestampMs | None = Field(None, description="its last message, UTC milliseconds")
    values: dict[Key, SensorValue] = Field(default_factory=dict, description="newest value of each key")
    units: dict[Key, Unit] = Field(default_factory=dict, description="of the numbers among them")
    battery_low: bool | None = Field(None, description="null: it does not say")
