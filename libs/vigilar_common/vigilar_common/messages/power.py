"""What a UPS says, in the words of NUT."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.base import Fact, Identifier, Keep, Message, Text, TimestampMs, Value


class PowerState(StrEnum):
    ON_LINE = "on_line"
    ON_BATTERY = "on_battery"
    LOW_BATTERY = "low_battery"
    UNKNOWN = "unknown"
    """The UPS or its server does not answer."""


class ShutdownStage(StrEnum):
    PLANNED = "planned"
    CANCELLED = "cancelled"
    BEGUN = "begun"


Flag = Annotated[str, Field(max_length=16)]
"""A word of `ups.status`: OL, OB, LB, RB, CHRG …"""


class PowerValues(Value):
    """What a UPS measures; what it does not tell is empty."""

    charge_pct: float | None = Field(None, ge=0, le=100)
    runtime_s: int | None = Field(None, ge=0, le=10_000_000, description="until the battery is empty")
    load_pct: float | None = Field(None, ge=0, le=1_000)
    input_v: float | None = Field(None, ge=0, le=10_000, description="volts of the mains")
    temperature_c: float | None = Field(None, ge=-100, le=300)


class PowerChanged(Fact):
    """A UPS changed its state."""

    TYPE: ClassVar[str] = "power.changed"
    ups_id: Identifier
    state: PowerState
    flags: list[Flag] = Field(
        default_factory=list, max_length=16, description="words of ups.status: OL, OB, LB, RB, CHRG …"
    )
    before: PowerState | None = Field(None, description="the same as state where only a flag changed")
    severity: Severity
    values: PowerValues = PowerValues()
    reason: Text = ""


class PowerReading(Fact):
    """What a UPS measures now; a full outbox keeps the newest."""

    TYPE: ClassVar[str] = "power.reading"
    KEEP: ClassVar[Keep] = Keep.NEWEST
    ups_id: Identifier
    values: PowerValues

    def telemetry_key(self) -> str:
        return f"{self.TYPE}/{self.ups_id}"


class PowerShutdown(Fact):
    """The orderly shutdown of the host is planned, cancelled or begun."""

    TYPE: ClassVar[str] = "power.shutdown"
    ups_id: Identifier
    stage: ShutdownStage
    at_ms: TimestampMs = Field(description="when the host goes down")
    reason: Text


class PowerStatus(Message):
    """Retained: a UPS as it is now."""

    ups_id: Identifier
    state: PowerState
    since_ms: TimestampMs = Field(description="when it came into this state")
    flags: list[Flag] = Field(default_factory=list, max_length=16)
    values: PowerValues = PowerValues()
    reason: Text = Field("", description="why nothing is known, or what is special")
    shutdown: ShutdownStage | None = Field(None, description="planned or begun; empty: none")
    shutdown_at_ms: TimestampMs = 0


class ShutdownNotice(Message):
    """Command to every service: the host goes down, so what must survive has to be on disk."""

    stage: ShutdownStage
    at_ms: TimestampMs = Field(description="when the host goes down")
    reason: Text = ""
