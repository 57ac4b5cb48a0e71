"""`[offsite]`: where recordings go, encrypted as they are, while they are being written."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from vigilar_common.config.alert_channels import PrivateTarget
from vigilar_common.config.base import AnyCaseLower, FilePath, HttpUrl, Section, secret

SCHEMES = ("sftp", "s3", "https", "http")
HOST_KEY = re.compile(
    r"SHA256:[A-Za-z0-9+/]{43}=?|(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,1400}={0,2}"
)


class Occasion(StrEnum):
    """What makes a recording worth sending."""

    ALARM = "alarm"
    ENTRY = "entry"
    RULE = "rule"
    MANUAL = "manual"
    ARMED = "armed"
    ALWAYS = "always"


def _target(url: str) -> str:
    """Never repeats the text: a password may have been written into it."""
    if not url:
        return url
    if any(character.isspace() or not character.isprintable() or character in "\\?#" for character in url):
        raise ValueError("must not hold blanks, control characters, backslashes, ? or #")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL: host or port cannot be read") from error
    if parts.scheme not in SCHEMES or not host:
        raise ValueError("must be sftp://user@host:port/path, s3://bucket/path or https://host/path (WebDAV)")
    if parts.password is not None:
        raise ValueError("must hold no password: that belongs to [offsite] password")
    if parts.scheme == "s3" and (parts.port is not None or parts.username is not None):
        raise ValueError("names a bucket as s3://bucket/path; the server is [offsite] endpoint")
    if ".." in parts.path.split("/"):
        raise ValueError("must not hold .. in its path")
    return url


def _host_key(text: str) -> str:
    text = " ".join(text.split()[:2])
    if text and not HOST_KEY.fullmatch(text):
        raise ValueError('must be "SHA256:…" or the key itself, such as "ssh-ed25519 AAAA…"')
    return text


class Offsite(Section):
    """Evidence that leaves the house while it happens. Only ciphertext is sent; nothing off-site is ever deleted."""

    enabled: bool = Field(
        False, title="Enabled", description="Send sealed recordings to a place elsewhere while they grow."
    )
    url: Annotated[str, Field(max_length=1024), AfterValidator(_target)] = Field(
        "",
        title="Target",
        description="sftp://user@host:port/path, s3://bucket/path, or https://host/path for WebDAV; a path begins at the "
        "login's root.",
    )
    host_key: Annotated[str, Field(max_length=1600), AfterValidator(_host_key)] = Field(
        "",
        title="Host key",
        description="Of an SFTP server: SHA256:… or the public key itself (ssh-keyscan prints it). Another one is refused.",
    )
    endpoint: HttpUrl = Field(
        "",
        title="S3 server",
        description="Of an s3:// target, such as https://s3.eu-central-1.amazonaws.com.",
    )
    region: str = Field(
        "us-east-1", pattern=r"^[A-Za-z0-9-]{1,40}$", title="S3 region", description="Of the bucket."
    )
    username: str = Field(
        "",
        max_length=254,
        title="User name",
        description="For S3 the access key id; empty with SFTP: the one in the URL.",
    )
    password: str = secret(
        "Password", "For S3 the secret access key; with SFTP empty when the login is by key."
    )
    ca_file: FilePath = Field(
        "",
        title="CA file",
        description="PEM file of the authority behind an https target; empty: the system's.",
    )
    private_targets: tuple[PrivateTarget, ...] = Field(
        (),
        max_length=32,
        title="Private targets",
        description="Addresses, networks and names inside the house that the target may have, as `192.168.1.5`; no other is "
        "taken. Plain http goes there only.",
    )
    occasions: tuple[Annotated[Occasion, AnyCaseLower], ...] = Field(
        (Occasion.ALARM, Occasion.RULE),
        min_length=1,
        max_length=6,
        title="Occasions",
        description="Which recordings: alarm (all cameras while it is triggered), entry (from the entry delay on), rule "
        "(recorded by a rule), manual, armed (while the alarm is armed), always.",
    )
    before_alarm_s: int = Field(
        60,
        ge=0,
        le=3600,
        title="Before the alarm",
        description="Recordings that ended at most so many seconds before the alarm are sent too.",
    )
    part_interval_s: float = Field(
        2.0,
        ge=0.5,
        le=60,
        title="Part interval",
        description="Seconds of footage in one object of S3 and WebDAV, or 1 MiB of it, whichever comes first.",
    )
    max_upload_mbps: float = Field(
        10.0,
        ge=0,
        le=10_000,
        title="Most upload",
        description="Megabits per second that are used at most; 0: no limit.",
    )
    keep_trying_h: int = Field(
        72,
        ge=1,
        le=720,
        title="Keep trying",
        description="Hours after which a recording that could not be sent is given up, with a finding.",
    )

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        if not self.enabled:
            return self
        scheme = urlsplit(self.url).scheme
        if not scheme:
            raise ValueError("[offsite] url: enabled needs a target")
        if scheme == "sftp" and not self.host_key:
            raise ValueError(
                "[offsite] host_key: an SFTP target needs the server's key; `ssh-keyscan -p PORT HOST` prints it"
            )
        if scheme == "s3" and not self.endpoint:
            raise ValueError("[offsite] endpoint: an s3:// target needs the address of its server")
        if not self.private_targets and (scheme == "http" or self.endpoint.startswith("http:")):
            raise ValueError("[offsite] url: http would send the login in the clear; use https")
        return self
