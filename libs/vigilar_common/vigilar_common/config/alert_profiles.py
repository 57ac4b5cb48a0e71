"""What is worth telling, when, and how loud: profiles, escalation, grouping and quiet hours of `[alerts]`."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from vigilar_common.config.base import AnyCaseLower, AnyCaseUpper, Name, Section
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.config.rule_words import window_of
from vigilar_common.config.rules import Channel
from vigilar_common.messages.alarm import ArmState, EventType, Severity


class Recognition(StrEnum):
    """Whether who was seen belongs to the house."""

    HOUSEHOLD = "household"
    STRANGER = "stranger"
    UNKNOWN = "unknown"
    """Nobody was recognised, or nothing looks for faces."""


def _window(text: str) -> str:
    try:
        window_of(text)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("value ")) from None
    return text


WindowText = Annotated[str, Field(max_length=120), AfterValidator(_window)]
"""`22:00-06:00`, `mon-fri 08:00-17:00`, `sunset-30m-sunrise`: as in rules."""
Channels = Annotated[tuple[Annotated[Channel, AnyCaseLower], ...], Field(max_length=16)]
People = Annotated[tuple[Name, ...], Field(max_length=32)]


class AlertProfile(Section):
    """Which events of which cameras are worth an alert, and when."""

    name: Name = Field(title="Name", description="Unique name of the profile.")
    locations: tuple[Annotated[CameraLocation, AnyCaseUpper], ...] = Field(
        (), max_length=16, title="Locations", description="Locations of cameras it is for; empty: all."
    )
    arm_states: tuple[Annotated[ArmState, AnyCaseLower], ...] = Field(
        (), max_length=16, title="Arm states", description="Arm states in which it alerts; empty: all."
    )
    events: tuple[Annotated[EventType, AnyCaseLower], ...] = Field(
        (EventType.MOTION,),
        min_length=1,
        max_length=64,
        title="Events",
        description="Kinds of events that alert.",
    )
    severity: Annotated[Severity, AnyCaseLower] = Field(
        Severity.ALERT, title="Severity", description="info, alert or critical."
    )
    times: tuple[WindowText, ...] = Field(
        (),
        max_length=16,
        title="Times",
        description='Times of day in which it alerts, like "22:00-06:00" or "mon-fri 08:00-17:00"; empty: always.',
    )
    zones: tuple[Name, ...] = Field(
        (),
        max_length=32,
        title="Zones",
        description="Named zones of cameras, one of which must be touched; empty: all.",
    )
    classes: tuple[Annotated[str, AnyCaseLower, Field(pattern=r"^[a-z][a-z0-9_ -]{0,39}$")], ...] = Field(
        (),
        max_length=32,
        title="Classes",
        description="What must have been recognised: person, car, …; empty: anything, also nothing.",
    )
    recognition: tuple[Annotated[Recognition, AnyCaseLower], ...] = Field(
        (),
        max_length=3,
        title="Recognition",
        description="Whom: household, stranger, unknown; empty: everybody.",
    )
    cooldown_s: int = Field(
        0,
        ge=0,
        le=86_400,
        title="Cooldown",
        description="Seconds after an alert of this profile in which new ones are listed and not sent; critical ones are.",
    )
    mute: bool = Field(
        False,
        title="Mute",
        description="What fits is listed and told to nobody; an alarm and duress are told all the same.",
    )
    channels: Channels = Field(
        (), title="Channels", description="Through which channels; empty: all that are on."
    )
    people: People = Field(
        (), title="People", description="Whose devices Web Push goes to, by login name; empty: everybody's."
    )

    def why_not(
        self,
        event: EventType,
        arm_state: ArmState,
        location: CameraLocation | None = None,
        *,
        zones: Collection[str] = (),
        object_class: str = "",
        recognition: Recognition = Recognition.UNKNOWN,
    ) -> str:
        """Why it does not fit such an event, in words; empty when it does. Times of day are the caller's to check.

        `location` is None where no camera is involved, `object_class` empty while nothing was recognised.
        """
        if event not in self.events:
            return f"it is for {_list(self.events)}"
        if self.arm_states and arm_state not in self.arm_states:
            return f"the arm state was {arm_state}, it is for {_list(self.arm_states)}"
        if self.locations and location not in self.locations:
            return f"the location is {location or 'not a camera'}, it is for {_list(self.locations)}"
        if self.zones and not set(self.zones) & set(zones):
            return f"it touched {_list(zones) or 'no named zone'}, it is for {_list(self.zones)}"
        if self.classes and object_class not in self.classes:
            return f"{object_class or 'nothing'} was recognised, it is for {_list(self.classes)}"
        if self.recognition and recognition not in self.recognition:
            return f"who was seen is {recognition}, it is for {_list(self.recognition)}"
        return ""


class EscalationStep(Section):
    """What happens when nobody acknowledges an alert: told again, to more people, through more channels, louder."""

    name: Name = Field(title="Name", description="Unique name of the step; steps follow in their order.")
    after_s: int = Field(
        180,
        ge=10,
        le=3600,
        title="After",
        description="Seconds without acknowledgement since the alert, or since the step before.",
    )
    min_severity: Annotated[Severity, AnyCaseLower] = Field(
        Severity.CRITICAL, title="From severity", description="Of alerts that are at least this severe."
    )
    severity: Annotated[Severity, AnyCaseLower] = Field(
        Severity.CRITICAL, title="Severity", description="Told as at least this severe."
    )
    channels: Channels = Field(
        (), title="Channels", description="Through which channels; empty: all that are on."
    )
    people: People = Field(
        (), title="People", description="Whose devices Web Push goes to, by login name; empty: everybody's."
    )


class Grouping(Section):
    """Which facts are one incident, told as one alert that is updated."""

    window_s: int = Field(
        180,
        ge=10,
        le=3600,
        title="Window",
        description="Seconds of quiet after which the next fact is a new incident.",
    )
    max_s: int = Field(
        1800,
        ge=60,
        le=86_400,
        title="Longest",
        description="Seconds after which an incident that goes on is told anew; an alarm goes on until disarmed.",
    )
    trouble_window_s: int = Field(
        1800,
        ge=10,
        le=86_400,
        title="Trouble window",
        description="The window for the same camera going offline again, and for the power.",
    )
    update_s: int = Field(
        10,
        ge=1,
        le=600,
        title="Updates",
        description="Seconds between two silent updates of one alert, at least.",
    )


class Quiet(Section):
    """Hours in which only critical alerts are sent; the rest is told as one digest at their end."""

    times: tuple[WindowText, ...] = Field(
        (),
        max_length=16,
        title="Times",
        description='Times of day, like "22:00-07:00" or "sat,sun 00:00-09:00"; empty: none.',
    )
    digest: bool = Field(
        True, title="Digest", description="Tell at the end what was held back; it is listed in any case."
    )


_OUTSIDE = (CameraLocation.EXTERIOR, CameraLocation.ENTRY, CameraLocation.DRIVEWAY, CameraLocation.GARDEN)
_INSIDE = (CameraLocation.INTERIOR, CameraLocation.GARAGE)
ALWAYS_TOLD = (EventType.ALARM_TRIGGERED, EventType.DURESS)
"""Told as critical also when no profile names them: profiles of one's own are no reason for a silent alarm."""
DEFAULT_PROFILES = (
    AlertProfile(
        name="alarm", events=(EventType.ALARM_TRIGGERED, EventType.DURESS), severity=Severity.CRITICAL
    ),
    AlertProfile(
        name="sensors",
        arm_states=(
            ArmState.ARMED_HOME,
            ArmState.ARMED_AWAY,
            ArmState.ARMED_NIGHT,
            ArmState.ARMED_VACATION,
            ArmState.PENDING,
        ),
        events=(EventType.SENSOR_OPENED,),
    ),
    AlertProfile(name="not armed", events=(EventType.FAILED_TO_ARM,)),
    AlertProfile(name="outside", locations=_OUTSIDE, events=(EventType.MOTION,)),
    AlertProfile(
        name="inside",
        locations=_INSIDE,
        arm_states=(ArmState.ARMED_AWAY, ArmState.ARMED_VACATION, ArmState.PENDING, ArmState.TRIGGERED),
        events=(EventType.MOTION,),
    ),
    AlertProfile(
        name="parcels",
        events=(EventType.PACKAGE, EventType.PACKAGE_REMINDER, EventType.PACKAGE_TAKEN),
    ),
    AlertProfile(name="camera trouble", events=(EventType.CAMERA_OFFLINE,)),
    AlertProfile(
        name="power",
        events=(EventType.POWER_OUT, EventType.POWER_LOW, EventType.POWER_BACK, EventType.HOST_SHUTDOWN),
    ),
)
DEFAULT_ESCALATION = (EscalationStep(name="again"),)


def _list(words: Collection[str]) -> str:
    return ", ".join(str(word) for word in words)
