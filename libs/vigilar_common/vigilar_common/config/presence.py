"""`[presence]`: who is home, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from vigilar_common.config.base import AnyCaseLower, AnyCaseUpper, Host, Name, Section
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.presence import Household, Role

_CHOOSABLE = (
    ArmState.DISARMED,
    ArmState.ARMED_HOME,
    ArmState.ARMED_AWAY,
    ArmState.ARMED_NIGHT,
    ArmState.ARMED_VACATION,
)


def _choosable(state: ArmState) -> ArmState:
    if state not in _CHOOSABLE:
        raise ValueError(f"must be one of {', '.join(_CHOOSABLE)}")
    return state


class PresenceMethod(StrEnum):
    ICMP = "icmp"
    ARPING = "arping"


class Member(Section):
    """A person, known by the phone."""

    name: Name = Field(title="Name", description="Who it is, unique.")
    ip: Host = Field(title="Phone address", description="Fixed address of the person's phone.")
    role: Annotated[Role, AnyCaseLower] = Field(Role.ADULT, title="Role", description="adult or child.")


class Presence(Section):
    """Phones on the network tell who is home."""

    enabled: bool = Field(False, title="Enabled", description="Find out who is home.")
    ping_interval_s: int = Field(
        30, ge=5, le=3600, title="Ping interval", description="Seconds between two rounds."
    )
    departure_delay_m: int = Field(
        10,
        ge=0,
        le=1440,
        title="Departure delay",
        description="Minutes of silence after which a person is away.",
    )
    method: Annotated[PresenceMethod, AnyCaseLower] = Field(
        PresenceMethod.ICMP, title="Method", description="icmp (ping) or arping (needs the host's network)."
    )
    members: tuple[Member, ...] = Field(
        (), max_length=64, title="Members", description="One [[presence.members]] block per person."
    )
    actions: dict[
        Annotated[Household, AnyCaseUpper], Annotated[ArmState, AnyCaseLower, AfterValidator(_choosable)]
    ] = Field(
        {},
        title="Actions",
        description="Arm state to go to for EMPTY, ADULTS_HOME, KIDS_HOME, ALL_HOME; others change nothing.",
    )
