"""`[web]`, `[remote]` and `[kiosk]`: how people reach the system."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vigilar_common.config.base import FilePath, Host, Name, Pixels, Port, Section, secret
from vigilar_common.passwords import why_not_password_hash

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*")


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError('is not a network like "10.99.0.0/24"') from error


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ValueError('is not an IP address like "10.99.0.2"') from error


def _password_hash(stored: str) -> str:
    if stored and (why := why_not_password_hash(stored)):
        raise ValueError(f"{why}; make one with `vigilar config set-password`")
    return stored


INSIDE_NAMES = ("local", "localhost", "lan", "home", "internal", "home.arpa", "fritz.box")
"""Names below these are never given to anybody in the world outside."""
INSIDE_NETWORKS = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)


def _name_inside(text: str) -> str:
    """A name or address that the house's own certificate may hold."""
    text = text.strip().lower()
    try:
        address = ip_address(text)
    except ValueError:
        if not _HOST_NAME.fullmatch(text):
            raise ValueError('is no name or address like "vigilar.lan" or "192.168.1.10"') from None
        if "." in text and not text.endswith(tuple(f".{end}" for end in INSIDE_NAMES)):
            raise ValueError(
                "is a name of the world outside: give tls_cert and tls_key a certificate for it (docs/guide/phones.md)"
            ) from None
        return text
    if not any(address in network for network in INSIDE_NETWORKS if network.version == address.version):
        raise ValueError("is an address of the world outside: give tls_cert and tls_key a certificate for it")
    return str(address)


class Web(Section):
    """The one door for people: listener, certificate and login."""

    host: Host = Field(
        "0.0.0.0",  # noqa: S104 - the described default: the UI is for the whole LAN
        title="Listen address",
        description="Address to listen on; 127.0.0.1 behind a reverse proxy of your own.",
    )
    port: Port = Field(49735, title="Listen port", description="TCP port of the UI and its API.")
    tls_cert: FilePath = Field(
        "",
        title="TLS certificate",
        description="PEM file; HTTPS is served when certificate and key are both set.",
    )
    tls_key: FilePath = Field("", title="TLS key", description="PEM file with the private key of tls_cert.")
    names: tuple[Annotated[str, AfterValidator(_name_inside)], ...] = Field(
        (),
        max_length=32,
        title="Names and addresses",
        description="Under which browsers in the house reach the page; the certificate that `init` makes holds them.",
    )
    username: Name = Field("admin", title="User name", description="Login name of the UI.")
    password_hash: Annotated[str, AfterValidator(_password_hash)] = secret(
        "Password hash",
        "scrypt hash made by `vigilar config set-password`; empty: only the set-up wizard is served.",
    )
    session_timeout: int = Field(
        3600,
        ge=60,
        le=2_592_000,
        title="Session timeout",
        description="Seconds of idleness after which a login ends.",
    )
    session_lifetime: int = Field(
        2_592_000,
        ge=60,
        le=31_536_000,
        title="Session lifetime",
        description="Seconds after which a login ends however busy it was.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        return self


class Remote(Section):
    """The leaner pictures for people who come through the tunnel."""

    enabled: bool = Field(
        False, title="Enabled", description="Serve the remote profile to clients of the tunnel."
    )
    upload_bandwidth_mbps: float = Field(
        22.0,
        gt=0,
        le=100_000,
        title="Upload bandwidth",
        description="Megabits per second of your uplink; the ceiling that the UI reckons with.",
    )
    remote_hls_resolution: tuple[Pixels, Pixels] = Field(
        (426, 240), title="Remote resolution", description="Width and height in pixels of the remote profile."
    )
    remote_hls_fps: int = Field(
        10, ge=1, le=60, title="Remote frame rate", description="Frames per second of the remote profile."
    )
    remote_hls_bitrate_kbps: int = Field(
        500,
        ge=50,
        le=50_000,
        title="Remote bit rate",
        description="Kilobits per second of the remote profile.",
    )
    max_remote_viewers: int = Field(
        4, ge=0, le=1000, title="Remote viewers", description="Most people watching at once; 0 = unlimited."
    )
    tunnel_ip: Annotated[str, AfterValidator(_address)] = Field(
        "10.99.0.2",
        title="Tunnel address",
        description="Address of this server in the tunnel, for display only.",
    )
    tunnel_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        ("10.99.0.0/24",),
        max_length=32,
        title="Tunnel networks",
        description="Networks whose clients count as remote and get the remote profile.",
    )


class Kiosk(Section):
    """The always-on screen in the hall."""

    ambient_enabled: bool = Field(
        True,
        title="Ambient view",
        description="Show the quiet full-screen view when nobody touches the kiosk.",
    )
