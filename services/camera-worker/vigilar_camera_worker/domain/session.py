"""What one recording is, and the items that travel from the camera's thread to the writer's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vigilar_common.messages.camera import PictureKind, Trigger

from vigilar_camera_worker.domain.clocks import Clocks
from vigilar_camera_worker.domain.packets import Packet


@dataclass(frozen=True)
class Open:
    """Begin a file with the next packet, a video keyframe. ``wanted`` is the adapters' StreamFormat."""

    recording_id: str
    trigger: Trigger
    cause_id: str | None
    wanted: Any = field(repr=False)


@dataclass(frozen=True)
class Close:
    """Finish the file; ``reason`` goes into its fact."""

    reason: str
    ended_ms: int | None = None
    """Where the next file follows at once, its first frame's time: neither gap nor overlap by a drifting clock."""
    clocks: Clocks | None = None
    over: bool = False
    """There was nothing more to record; False: something came between."""


@dataclass(frozen=True)
class Missing:
    """Seconds that were not recorded."""

    from_ms: int
    to_ms: int
    reason: str


@dataclass(frozen=True)
class StorePicture:
    """Seal a picture."""

    picture_id: str
    cause_id: str
    stream_id: str
    taken_ms: int
    width_px: int
    height_px: int
    jpeg: bytes = field(repr=False)
    kind: PictureKind = PictureKind.THUMBNAIL


@dataclass(frozen=True)
class Written:
    """Up to where recordings are on the disk."""

    ended_ms: int
    trigger: Trigger
    cause_id: str | None
    wanted: bool
    """More was to be recorded."""


Item = Open | Close | Missing | StorePicture | Packet


def size_bytes(item: Item) -> int:
    """What an item weighs in the queue."""
    if isinstance(item, Packet):
        return len(item.data) + 200
    return len(item.jpeg) + 200 if isinstance(item, StorePicture) else 200
