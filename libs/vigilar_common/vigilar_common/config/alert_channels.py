"""`[alerts.local]`, `[alerts.web_push]` and the other channels: how people are told."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from vigilar_common.config.base import MAX_URL_LENGTH, FilePath, HttpUrl, Port, Section, secret

ORDERED_CHANNELS = ("web_push", "email", "apprise", "webhook", "mqtt", "desktop")
"""Channels that may stand in an order; the alerts page and syslog always get everything."""


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
    to_addr: str = Field(
        "", max_length=1000, title="Recipient", description="Address that alerts go to; several with commas."
    )
    use_tls: bool = Field(
        True,
        title="TLS",
        description="Encrypt the way to the mail server; without encryption nothing is sent then.",
    )
    starttls: bool = Field(
        True,
        title="STARTTLS",
        description="With TLS: begin in clear text and switch, as on port 587; false: TLS at once. Port 465 always is at once.",
    )
    username: str = Field(
        "", max_length=254, title="User name", description="Login at the mail server; empty: none."
    )
    password: str = secret("Password", "Password at the mail server.")
    pictures: bool = Field(True, title="Pictures", description="Put the event's picture into the mail.")


class Webhook(Section):
    """A POST to a server of yours."""

    enabled: bool = Field(False, title="Enabled", description="POST alerts as JSON.")
    url: HttpUrl = Field("", repr=False, title="URL", description="Where alerts are sent.")
    secret: str = secret("Secret", "Key of the HMAC that signs each body.")


def _target(text: str) -> str:
    """A network, an address or a name."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", text) or re.fullmatch(
            r"[0-9.]+", text
        ):
            raise ValueError(
                "is neither an address, a network like 192.168.1.0/24, nor a host name"
            ) from None
        return text.lower()


def _apprise_url(text: str) -> str:
    """Whether Apprise knows the service is found out when it is loaded; the text, a secret, is never shown."""
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]{1,30}://\S", text) or any(c.isspace() for c in text):
        raise ValueError("is not a URL of Apprise like ntfy://topic or tgram://token/chat")
    return text


PrivateTarget = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_target)]


class Apprise(Section):
    """A hundred services through the library Apprise: ntfy, Telegram, Pushover, Signal, Matrix, Discord and more."""

    enabled: bool = Field(True, title="Enabled", description="Send alerts to the URLs below.")
    urls: tuple[Annotated[str, Field(max_length=MAX_URL_LENGTH), AfterValidator(_apprise_url)], ...] = Field(
        (),
        max_length=16,
        title="URLs",
        description="One per service, as Apprise writes them: `ntfy://topic`, `tgram://token/chat`.",
        repr=False,
        json_schema_extra={"secret": True},
    )


class NotifyTopic(Section):
    """A message on the broker for home automation."""

    enabled: bool = Field(
        False,
        title="Enabled",
        description="Publish each alert on `vigilar/alerts/notify` for home automation.",
    )
