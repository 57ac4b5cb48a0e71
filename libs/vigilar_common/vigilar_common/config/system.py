"""`[system]` and `[location]`: what holds for the whole installation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from vigilar_common.config.base import AnyCaseUpper, FilePath, Name, Section, TimeZone, secret


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class System(Section):
    """Name, time zone, folders and log level."""

    name: Name = Field(
        "Vigilar Home Security",
        title="Name",
        description="What this installation is called in logs and the UI.",
    )
    timezone: TimeZone = Field(
        "UTC",
        title="Time zone",
        description="IANA zone of the house, for the UI, digests, schedules and names of exports; "
        "stored times stay UTC.",
    )
    data_dir: FilePath = Field(
        "/var/vigilar/data",
        min_length=1,
        title="Data folder",
        description="Holds the database and what is derived from it.",
    )
    recordings_dir: FilePath = Field(
        "/var/vigilar/recordings",
        min_length=1,
        title="Recordings folder",
        description="Holds the encrypted .vge files; one file system for all of it.",
    )
    hls_dir: FilePath = Field(
        "/var/vigilar/hls",
        min_length=1,
        title="HLS folder",
        description="Short-lived live segments; best on tmpfs.",
    )
    log_level: Annotated[LogLevel, AnyCaseUpper] = Field(
        LogLevel.INFO,
        title="Log level",
        description="DEBUG traces bus messages, motion scores and codec messages.",
    )
    cameras_per_process: int = Field(
        1,
        ge=1,
        le=64,
        title="Cameras per process",
        description="1 keeps cameras apart: what one sends cannot harm another. More saves memory (about half of it at 8); a "
        "crash then costs all cameras of that process some seconds, and after it each of them has its own. Cameras with a "
        "container of their own, and those of `vigilar start`, have a process each whatever stands here.",
    )
    arm_pin_hash: str = secret(
        "Arm PIN hash (deprecated)",
        "Parsed but ignored; use [security] pin_hash, made by `vigilar config set-pin`.",
    )


class Location(Section):
    """Where the house stands; sunrise and sunset follow from it."""

    latitude: float = Field(
        0.0, ge=-90, le=90, title="Latitude", description="Degrees north, for sunrise and sunset."
    )
    longitude: float = Field(
        0.0, ge=-180, le=180, title="Longitude", description="Degrees east, for sunrise and sunset."
    )
