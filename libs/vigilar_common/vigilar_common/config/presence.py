"""`[presence]`: who is home, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vigilar_common.config.base import AnyCaseLower, AnyCaseUpper, Name, Section
from vigilar_common.config.mqtt import Prefix
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
    ip: str = Field(
        "",
        max_length=255,
        pattern=r"^[A-Za-z0-9_.:%-]*$",
        title="Phone address",
        description="Fixed address of the person's phone; empty: device_tracker alone tells.",
    )
    role: Annotated[Role, AnyCaseLower] = Field(Role.ADULT, title="Role", description="adult or child.")
    device_tracker: str = Field(
        "",
        max_length=120,
        pattern=r"^((device_tracker|person)\.[a-z0-9_]+)?$",
        title="Device tracker",
        description="Entity of Home Assistant that knows too, such as person.ann or device_tracker.anns_phone.",
    )

    @model_validator(mode="after")
    def _check_known_by_something(self) -> Self:
        if not self.ip and not self.device_tracker:
            raise ValueError(f'[[presence.members]] "{self.name}" needs ip or device_tracker')
        return self


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
    device_tracker_prefix: Prefix = Field(
        "homeassistant_states",
        title="Device tracker prefix",
        description="base_topic of Home Assistant's mqtt_statestream, below which the entities' states are.",
    )
    allow_disarm: bool = Field(
        False,
        title="May disarm",
        description="Let actions disarm, or arm less than before. Whoever takes a phone's address could do so too.",
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

    @model_validator(mode="after")
    def _check_one_member_each(self) -> Self:
        """Two people with one phone would both be home, or both away, whoever carries it."""
        seen: dict[tuple[str, str], str] = {}
        for member in self.members:
            for key in _keys(member):
                if (other := seen.setdefault(key, member.name)) != member.name:
                    raise ValueError(
                        f'[[presence.members]] "{other}" and "{member.name}" have the same {key[0]} {key[1]}'
                    )
        return self


def _keys(member: Member) -> Iterator[tuple[str, str]]:
    if member.ip:
        try:
            yield "ip", str(ip_address(member.ip))
        except ValueError:
            yield "ip", member.ip.lower().rstrip(".")
    if member.device_tracker:
        yield "device_tracker", member.device_tracker
