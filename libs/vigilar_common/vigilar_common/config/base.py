"""What every section shares: strictness, the mark of a secret, and the small types of values."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from vigilar_common.messages.base import ID_PATTERN

MAX_NAME_LENGTH = 120
MAX_PATH_LENGTH = 1024
MAX_URL_LENGTH = 2048

CAMERA_SCHEMES = ("rtsp", "rtsps", "http", "https")
"""How a picture may be fetched. FFmpeg knows many more (file, concat and the like); none is let in."""


class Section(BaseModel):
    """A section of `vigilar.toml`: unknown keys are errors, values never appear in error texts."""

    # Deferred: the root's validator holds those of all sections, so none of them needs one of its own at start.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        str_max_length=4096,
        defer_build=True,
    )


def secret(title: str, description: str) -> Any:
    """A text key that `show`, logs and foreign slices never carry; empty by default."""
    return Field(
        default="",
        title=title,
        description=description,
        max_length=MAX_PATH_LENGTH,
        repr=False,
        json_schema_extra={"secret": True},
    )


def is_secret(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))


def _no_control_characters(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must not hold control characters or line breaks")
    return text


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, a folder, climbing or absolute
        from difflib import get_close_matches

        near = get_close_matches(name, available_timezones(), n=1, cutoff=0.6)
        hint = f'; did you mean "{near[0]}"?' if near else " (like Europe/Vienna or America/New_York)"
        raise ValueError(f"is not a time zone of the IANA list{hint}") from error
    return name


def _camera_url(url: str) -> str:
    """Refuse what is not a network camera. The text never shows up in the message: it holds a password."""
    if not url:
        return url
    allowed = ", ".join(f"{scheme}://" for scheme in CAMERA_SCHEMES)
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise ValueError("must not hold blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL: host or port cannot be read") from error
    if parts.scheme not in CAMERA_SCHEMES:
        named = re.match(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://", url)
        said = f'scheme "{named.group(1)}" is not allowed; ' if named else ""
        raise ValueError(f"{said}it must start with one of {allowed}")
    if not host:
        raise ValueError("names no host")
    if "@" not in parts.netloc and ":" in parts.netloc and "@" in url:
        # `//admin:12/x@host` would connect to a host named admin and show the password as a path.
        raise ValueError("has an @ behind a / ? or #: write these characters of a password as %2F %3F %23")
    return url


def _http_url(url: str) -> str:
    if not url:
        return url
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("must not hold blanks or control characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL: host or port cannot be read") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must start with http:// or https:// and name a host")
    return url


Id = Annotated[str, Field(pattern=ID_PATTERN)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_no_control_characters)]
Words = Annotated[str, Field(max_length=500), AfterValidator(_no_control_characters)]
"""One line of free text, possibly empty."""
FilePath = Annotated[str, Field(max_length=MAX_PATH_LENGTH), AfterValidator(_no_control_characters)]
Host = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.:%\[\]-]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[float, Field(ge=1, le=100)]
TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_known_zone)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
CameraUrl = Annotated[str, Field(max_length=MAX_URL_LENGTH), AfterValidator(_camera_url)]
HttpUrl = Annotated[str, Field(max_length=MAX_URL_LENGTH), AfterValidator(_http_url)]
AnyCaseUpper = BeforeValidator(_upper)
"""For enums written in capitals; `interior` means INTERIOR."""
AnyCaseLower = BeforeValidator(_lower)
Pixels = Annotated[int, Field(ge=16, le=16384)]
Resolution = tuple[Pixels, Pixels]
"""Width and height in pixels."""
