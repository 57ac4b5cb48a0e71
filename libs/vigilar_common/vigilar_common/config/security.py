"""`[security]`: the PIN that arms and disarms, and how to get back in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vigilar_common.config.base import AnyCaseLower, Name, Section, secret
from vigilar_common.messages.alarm import ArmMode
from vigilar_common.passwords import why_not_pin_hash


def _pin_hash(stored: str) -> str:
    if stored and (why := why_not_pin_hash(stored)):
        raise ValueError(f"{why}; make one with `vigilar config set-pin`")
    return stored


def _passphrase_hash(stored: str) -> str:
    if stored and (why := why_not_pin_hash(stored)):
        raise ValueError(f"{why}; make one with `vigilar config set-recovery-passphrase`")
    return stored


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Pin(Section):
    """A PIN with a name of its own, beside `pin_hash`."""

    name: Name = Field(title="Name", description="Whose PIN it is, unique; stands in the log.")
    pin_hash: Annotated[str, AfterValidator(_pin_hash)] = secret(
        "PIN hash", "Made by `vigilar config set-pin`; empty: this PIN does not work."
    )
    duress: bool = Field(
        False,
        title="Duress",
        description="Disarms as any other PIN and silently reports a critical event. Has neither modes nor times.",
    )
    modes: tuple[Annotated[ArmMode, AnyCaseLower], ...] = Field(
        (), max_length=4, title="Modes", description="Modes it may arm and disarm; empty: all."
    )
    days: tuple[Annotated[Weekday, AnyCaseLower], ...] = Field(
        (), max_length=7, title="Days", description="Days on which it works, mon to sun; empty: all."
    )
    from_time: Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] = Field(
        "",
        title="From",
        description="Time of day from which it works (HH:MM, in the time zone of [system]); empty: always.",
    )
    until_time: Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] = Field(
        "",
        title="Until",
        description="Time of day until which it works; earlier than from_time: over midnight.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.duress and (self.modes or self.days or self.from_time or self.until_time):
            raise ValueError(f'[[security.pins]] "{self.name}": a duress PIN has no modes, days or times')
        if bool(self.from_time) != bool(self.until_time):
            raise ValueError(f'[[security.pins]] "{self.name}": from_time and until_time belong together')
        return self


class Security(Section):
    """Hashes only, never the PIN or passphrase itself."""

    pin_hash: Annotated[str, AfterValidator(_pin_hash)] = secret(
        "PIN hash", "Hash of the arm/disarm PIN, made by `vigilar config set-pin`."
    )
    recovery_passphrase_hash: Annotated[str, AfterValidator(_passphrase_hash)] = secret(
        "Recovery passphrase hash",
        "Made by `vigilar config set-recovery-passphrase`; whoever knows the passphrase may reset the PIN. "
        "Empty: no recovery.",
    )
    pins: tuple[Pin, ...] = Field(
        (),
        max_length=8,
        title="Named PINs",
        description="One [[security.pins]] block per PIN; each makes a check of a PIN some 0.2 s longer.",
    )
