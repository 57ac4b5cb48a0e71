"""What one address really sends, tried out: for `vigilar cameras probe` and for the page that finds cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from vigilar_common.clock import Clock, uuid7

from vigilar_camera_worker.adapters.fmp4 import read_format
from vigilar_camera_worker.adapters.stream import TRANSPORTS, CameraStream, open_stream
from vigilar_camera_worker.domain.nal import ParameterSets
from vigilar_camera_worker.errors import CameraError, LoginRefusedError, NoSuchStreamError, UnreachableError

WATCH_S: Final = 5.0
MAX_WATCH_S: Final = 30.0
_HOPELESS: Final = (UnreachableError, LoginRefusedError, NoSuchStreamError)
"""Another transport would not help."""


@dataclass(frozen=True)
class Try:
    transport: str
    error: str = ""
    code: str = ""


@dataclass
class Found:
    """Numbers are 0 where nothing was seen."""

    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    fps: float = 0.0
    gop_s: float = 0.0
    bitrate_kbps: int = 0
    audio: str = ""
    transport: str = ""
    tries: list[Try] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        return bool(self.transport) and self.width_px > 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"usable": self.usable}


def probe(url: str, clock: Clock, watch_s: float = WATCH_S, transports: Sequence[str] = TRANSPORTS) -> Found:
    """Tries one transport after the other and watches the first that works; never raises for what a camera does."""
    found = Found()
    for transport in transports if url.startswith(("rtsp://", "rtsps://")) else ("http",):
        try:
            stream = open_stream(url, clock, transport)
        except CameraError as error:
            found.tries.append(Try(transport, str(error), error.code))
            if isinstance(error, _HOPELESS):
                break
            continue
        try:
            _watch(stream, clock, watch_s, found)
        except CameraError as error:
            found.tries.append(Try(transport, str(error), error.code))
        finally:
            stream.close()
        if found.width_px:
            found.transport = transport
            found.tries.append(Try(transport))
            break
    return found


def _watch(stream: CameraStream, clock: Clock, watch_s: float, found: Found) -> None:
    """Raises CameraError when it ends before anything was learned."""
    sets = ParameterSets(stream.codec, stream.described)
    found.codec = stream.codec
    found.audio = stream.audio.codec if stream.audio else stream.unsupported_audio
    began_s, frames, size, keys = clock.monotonic_s(), 0, 0, []
    try:
        for packet in stream.packets():
            now_s = clock.monotonic_s()
            if not packet.video:
                continue
            frames += 1
            size += len(packet.data)
            if packet.key:
                keys.append(now_s)
                if not found.width_px:
                    _measure(stream, sets, packet.data, clock, found)
            if now_s - began_s >= watch_s:
                break
    except CameraError:
        if not found.width_px:
            raise
    passed_s = max(clock.monotonic_s() - began_s, 0.1)
    if frames > 1:
        found.fps = round(frames / passed_s, 1)
        found.bitrate_kbps = round(size * 8 / 1000 / passed_s)
    if len(keys) > 1:
        found.gop_s = round((keys[-1] - keys[0]) / (len(keys) - 1), 1)


def _measure(stream: CameraStream, sets: ParameterSets, keyframe: bytes, clock: Clock, found: Found) -> None:
    try:
        data, _ = sets.take(keyframe)
    except ValueError:
        return
    wanted = read_format(uuid7(clock), stream.codec, data, sets.current, stream.audio)
    found.width_px, found.height_px = wanted.width_px, wanted.height_px
