"""What the search for motion is told to, what it asks, and what it keeps."""

from __future__ import annotations

from typing import Final, Protocol

from vigilar_common.config import Camera

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.adapters.trigger import Trigger
from vigilar_camera_worker.domain.bits import NalError
from vigilar_camera_worker.domain.fitness import Chain, new_chain
from vigilar_camera_worker.domain.motion import Ended, Observation, Phase, Started
from vigilar_camera_worker.domain.packets import Packet

MAX_WAITING_PACKETS: Final = 60
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024
MAX_GOP_PACKETS: Final = 600
MAX_GOP_BYTES: Final = 24 * 1024 * 1024


class MotionListener(Protocol):
    """Called on the analyser's thread."""

    def picture_decoded(self, stream_id: str, picture: Picture) -> None: ...
    def motion_started(self, started: Started, picture: Picture) -> None: ...
    def motion_ended(self, ended: Ended) -> None: ...
    def observed(self, seen: Observation, picture: Picture) -> None: ...


class MainPictures(Protocol):
    """The main stream, for a search in the sub stream."""

    def time_s(self, wall_ms: int) -> float | None: ...
    def picture(self, wall_ms: int) -> Picture | None: ...


class Onlooker(Protocol):
    """Somebody who tunes the detector; used on the analyser's thread."""

    @property
    def wanted(self) -> bool: ...
    def looked(self, seen: Observation, detector: MotionDetector, phase: Phase) -> None: ...


class Held:
    """Packets that may be needed later, in order. Who adds looks whether it is ``full``."""

    max_packets: int
    max_bytes: int

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.packets: list[Packet] = []
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        self.packets.append(packet)
        self._bytes += len(packet.data)

    def take(self) -> list[Packet]:
        """All of them; none is held any more."""
        packets = self.packets
        self.clear()
        return packets

    @property
    def full(self) -> bool:
        return len(self.packets) >= self.max_packets or self._bytes >= self.max_bytes


class Gop(Held):
    """The newest one, for a clean decode from its keyframe."""

    max_packets, max_bytes = MAX_GOP_PACKETS, MAX_GOP_BYTES


class Waiting(Held):
    """What need not be decoded if the next keyframe comes in time."""

    max_packets, max_bytes = MAX_WAITING_PACKETS, MAX_WAITING_BYTES


def trigger_for(camera: Camera, detector: MotionDetector) -> Trigger:
    full = camera.resolution_motion
    scale = detector.width * detector.height / (full[0] * full[1])
    return Trigger(
        detector.width,
        detector.height,
        detector.zones.counts,
        camera.motion_min_area_px * scale,
        camera.motion_sensitivity,
    )


def chain_for(wanted: StreamFormat) -> tuple[Chain | None, str]:
    try:
        return new_chain(wanted.codec, wanted.parameter_sets), ""
    except NalError as error:
        return None, str(error)
