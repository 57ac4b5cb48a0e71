"""Encoded packets as they travel through the worker: plain bytes with repaired timestamps.

One of each is made for every packet of every camera, day and night: not frozen, because that makes them three times as
dear. Several threads share them and nobody changes one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TICKS_PER_S: Final = 90_000
"""All timestamps are 90 kHz ticks from the start of the connection, video and audio alike."""


@dataclass(slots=True)
class Packet:
    """One access unit. ``number`` counts up over both tracks of a connection without holes."""

    number: int
    video: bool
    key: bool
    pts: int
    dts: int
    duration: int
    wall_ms: int
    data: bytes = field(repr=False)

    @property
    def time_s(self) -> float:
        """Media time: seconds since the connection began."""
        return self.dts / TICKS_PER_S


@dataclass(slots=True)
class RawPacket:
    """What the camera sent: timestamps in ticks as far as it gave any, possibly jumping."""

    video: bool
    key: bool
    pts: int | None
    dts: int | None
    duration: int
    data: bytes = field(repr=False)
    camera_ms: int | None = None
    """When it was taken by the camera's own clock, UTC; None: it did not say."""
