"""`[alerts.*]`: who is told what, and how."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from vigilar_common.config.alert_channels import (
    ORDERED_CHANNELS,
    Apprise,
    Email,
    Local,
    NotifyTopic,
    PrivateTarget,
    Webhook,
    WebPush,
)
from vigilar_common.config.alert_profiles import ALWAYS_TOLD as ALWAYS_TOLD
from vigilar_common.config.alert_profiles import (
    DEFAULT_ESCALATION,
    DEFAULT_PROFILES,
    AlertProfile,
    EscalationStep,
    Grouping,
    Quiet,
)
from vigilar_common.config.base import FilePath, HttpUrl, Section
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.messages.alarm import ArmState, EventType


class Alerts(Section):
    """Channels and profiles."""

    fallback: tuple[str, ...] = Field(
        (),
        max_length=6,
        title="Order of channels",
        description="web_push, email, apprise, webhook, mqtt, desktop in the order to be tried: each only when those before it "
        "did not deliver in time; empty: all at once. Channels that are not named get everything at once.",
    )
    fallback_after_s: float = Field(
        30.0,
        ge=5,
        le=900,
        title="Next channel after",
        description="Seconds until the next channel is tried.",
    )
    private_targets: tuple[PrivateTarget, ...] = Field(
        (),
        max_length=32,
        title="Private targets",
        description="Addresses, networks and names inside the house that alerts may be sent to, as `192.168.1.5`; no other is.",
    )
    ca_file: FilePath = Field(
        "",
        title="Own authorities",
        description="PEM file with certificate authorities that are trusted besides the system's.",
    )
    page_url: HttpUrl = Field(
        "",
        title="Address of the page",
        description="How people reach the page, as `https://house.example.org`; mails and messages link to their event below it.",
    )
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
    apprise: Apprise = Field(Apprise(), title="Apprise", description="A hundred other services.")
    mqtt: NotifyTopic = Field(NotifyTopic(), title="MQTT", description="A message for home automation.")
    profiles: tuple[AlertProfile, ...] = Field(
        DEFAULT_PROFILES,
        max_length=64,
        title="Profiles",
        description="One [[alerts.profiles]] block each; writing any replaces the default ones.",
    )

    @model_validator(mode="after")
    def _check_fallback(self) -> Self:
        for name in self.fallback:
            if name not in ORDERED_CHANNELS:
                raise ValueError(f'fallback: "{name}" is none of {", ".join(ORDERED_CHANNELS)}')
        if len(set(self.fallback)) != len(self.fallback):
            raise ValueError("fallback: a channel stands there twice")
        return self

    def profile_for(
        self, event: EventType, arm_state: ArmState, location: CameraLocation | None = None
    ) -> AlertProfile | None:
        """The first profile that alerts on such an event; None: no alert."""
        return next((p for p in self.profiles if not p.why_not(event, arm_state, location)), None)
