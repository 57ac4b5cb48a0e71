"""`[alerts.*]`: who is told what, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from vigilar_common.config.alert_profiles import ALWAYS_TOLD as ALWAYS_TOLD
from vigilar_common.config.alert_profiles import (
    DEFAULT_ESCALATION,
    DEFAULT_PROFILES,
    AlertProfile,
    EscalationStep,
    Grouping,
    Quiet,
)
from vigilar_common.config.base import FilePath, HttpUrl, Port, Section, secret
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.messages.alarm import ArmState, EventType


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


class Alerts(Section):
    """Channels and profiles."""

    local: Local = Field(Local(), title="On this machine", description="Syslog and desktop.")
    web_push: WebPush = Field(WebPush(), title="Web Push", description="Browsers and phones.")
    email: Email = Field(Email(), title="E-mail", description="Mail through SMTP.")
    webhook: Webhook = Field(Webhook(), title="Webhook", description="A POST to a server of yours.")
    grouping: Grouping = Field(Grouping(), title="Grouping", description="Which facts are one incident.")
    quiet: Quiet = Field(Quiet(), title="Quiet hours", description="When only critical alerts are sent.")
    escalation: tuple[EscalationStep, ...] = Field(
        DEFAULT_ESCALATION,
        max_length=8,
        title="Escalation",
        description="One [[alerts.escalation]] block per step; writing any replaces the default one.",
    )
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
        return next((p for p in self.profiles if not p.why_not(event, arm_state, location)), None)
