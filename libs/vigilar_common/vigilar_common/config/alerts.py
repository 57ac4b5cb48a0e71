"""`[alerts.*]`: who is told what, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from vigilar_common.config.base import (
    AnyCaseLower,
    AnyCaseUpper,
    FilePath,
    HttpUrl,
    Name,
    Port,
    Section,
    secret,
)
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.messages.alarm import ArmState, EventType, Severity


def _contact(value: object) -> object:
    if isinstance(value, str) and "@" in value and ":" not in value:
        return f"mailto:{value}"
    return value


class Local(Section):
    """On this machine."""

    enabled: bool = Field(True, title="Enabled", description="Alert on this machine.")
    syslog: bool = Field(True, title="Syslog", description="Write alerts to syslog as logger vigilar.alerts.")
    desktop_notify: bool = Field(
        False, title="Desktop notification", description="Call notify-send, for an operator's console."
    )


class WebPush(Section):
    """Notifications of browsers and phones."""

    enabled: bool = Field(True, title="Enabled", description="Send Web Push notifications.")
    vapid_private_key_file: FilePath = Field(
        "/etc/vigilar/secrets/vapid_private.pem",
        min_length=1,
        title="VAPID key file",
        description="PEM file with the key that signs pushes.",
    )
    vapid_claim_email: Annotated[
        str,
        BeforeValidator(_contact),
        Field(max_length=254, pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$"),
    ] = Field(
        "mailto:admin@vigilar.local",
        title="VAPID contact",
        description="mailto: or https: address of the operator; push services may refuse a .local one.",
    )
    extra_endpoints: tuple[Annotated[HttpUrl, Field(min_length=1)], ...] = Field(
        (),
        max_length=32,
        title="Extra push services",
        description="URL prefixes of push services besides the browsers' own; http only on loopback, where no port means any.",
    )


class Email(Section):
    """Mail through an SMTP server."""

    enabled: bool = Field(False, title="Enabled", description="Send alerts by mail.")
    smtp_host: str = Field(
        "", max_length=255, title="SMTP host", description="Name or address of the mail server."
    )
    smtp_port: Port = Field(587, title="SMTP port", description="TCP port of the mail server.")
    from_addr: str = Field("", max_length=254, title="Sender", description="Address that alerts come from.")
    to_addr: str = Field("", max_length=1000, title="Recipient", description="Address that alerts go to.")
    use_tls: bool = Field(True, title="TLS", description="Encrypt the way to the mail server.")
    username: str = Field(
        "", max_length=254, title="User name", description="Login at the mail server; empty: none."
    )
    password: str = secret("Password", "Password at the mail server.")


class Webhook(Section):
    """A POST to a server of yours."""

    enabled: bool = Field(False, title="Enabled", description="POST alerts as JSON.")
    url: HttpUrl = Field("", repr=False, title="URL", description="Where alerts are sent.")
    secret: str = secret("Secret", "Key of the HMAC that signs each body.")


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

    def matches(self, event: EventType, arm_state: ArmState, location: CameraLocation | None) -> bool:
        """Whether this profile alerts on such an event; ``location`` is None where no camera is involved."""
        return (
            event in self.events
            and (not self.arm_states or arm_state in self.arm_states)
            and (not self.locations or location in self.locations)
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
    AlertProfile(name="camera trouble", events=(EventType.CAMERA_OFFLINE,)),
    AlertProfile(
        name="power",
        events=(EventType.POWER_OUT, EventType.POWER_LOW, EventType.POWER_BACK, EventType.HOST_SHUTDOWN),
    ),
)


class Alerts(Section):
    """Channels and profiles."""

    local: Local = Field(Local(), title="On this machine", description="Syslog and desktop.")
    web_push: WebPush = Field(WebPush(), title="Web Push", description="Browsers and phones.")
    email: Email = Field(Email(), title="E-mail", description="Mail through SMTP.")
    webhook: Webhook = Field(Webhook(), title="Webhook", description="A POST to a server of yours.")
    profiles: tuple[AlertProfile, ...] = Field(
        DEFAULT_PROFILES,
        max_length=64,
        title="Profiles",
        description="One [[alerts.profiles]] block each; writing any replaces the default ones.",
    )

    def profile_for(
        self, event: EventType, arm_state: ArmState, location: CameraLocation | None = None
    ) -> AlertProfile | None:
        """The first profile that alerts on such an event; None: no alert."""
        return next((p for p in self.profiles if p.matches(event, arm_state, location)), None)
