"""What one address really sends, tried out: for `vigilar cameras probe` and for the page that finds cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from vigilar_common.clock import Clock, uuid7

from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.stream import TRANSPORTS, CameraStream, open_stream
from vigilar_camera_worker.domain.nal import ParameterSets
from vigilar_camera_worker.domain.packets import Packet, RawPacket
from vigilar_camera_worker.errors import CameraError, LoginRefusedError, NoSuchStreamError, UnreachableError

WATCH_S: Final = 5.0
MAX_WATCH_S: Final = 30.0
SEEN_S: Final = 2.0
"""With a picture so much is enough for the other numbers."""
PICTURE_WIDTHS_PX: Final = (640, 480, 320, 160)
MAX_PICTURE_BYTES: Final = 42_000
"""In base64 it fits into one reply, with all else."""
MAX_DECODED: Final = 60
"""Frames; a stream that shows nothing in them is shown to nobody."""
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
    picture: bytes = field(default=b"", repr=False)
    """JPEG, if one was wanted and could be decoded."""

    @property
    def usable(self) -> bool:
        return bool(self.transport) and self.width_px > 0

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        del told["picture"]
        return told | {"usable": self.usable}


def probe(
    url: str,
    clock: Clock,
    watch_s: float = WATCH_S,
    transports: Sequence[str] = TRANSPORTS,
    *,
    picture: bool = False,
) -> Found:
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
            _watch(stream, clock, watch_s, found, picture)
        except CameraError as error:
            found.tries.append(Try(transport, str(error), error.code))
        finally:
            stream.close()
        if found.width_px:
            found.transport = transport
            found.tries.append(Try(transport))
            break
    return found


def _watch(stream: CameraStream, clock: Clock, watch_s: float, found: Found, picture: bool) -> None:
    """Raises CameraError when it ends before anything was learned."""
    sets = ParameterSets(stream.codec, stream.described)
    found.codec = stream.codec
    found.audio = stream.audio.codec if stream.audio else stream.unsupported_audio
    began_s, frames, size, keys = clock.monotonic_s(), 0, 0, []
    eye: _Eye | None = None
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
                    wanted = _measure(stream, sets, packet.data, clock, found)
                    eye = _Eye(wanted) if picture and wanted is not None else None
            if eye is not None and not found.picture:
                found.picture = eye.picture(packet, sets)
            if now_s - began_s >= (SEEN_S if found.picture else watch_s):
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


def _measure(
    stream: CameraStream, sets: ParameterSets, keyframe: bytes, clock: Clock, found: Found
) -> StreamFormat | None:
    try:
        data, _ = sets.take(keyframe)
    except ValueError:
        return None
    wanted = read_format(uuid7(clock), stream.codec, data, sets.current, stream.audio)
    found.width_px, found.height_px = wanted.width_px, wanted.height_px
    return wanted


class _Eye:
    """Decodes until there is one clean picture."""

    def __init__(self, wanted: StreamFormat) -> None:
        from vigilar_camera_worker.adapters.decoder import Decoder

        self._decoder = Decoder(wanted)
        self._fed = 0

    def picture(self, raw: RawPacket, sets: ParameterSets) -> bytes:
        """JPEG of at most MAX_PICTURE_BYTES; empty while there is none."""
        from vigilar_camera_worker.adapters.pictures import PictureError, thumbnail

        if self._fed >= MAX_DECODED:
            return b""
        self._fed += 1
        try:
            data = sets.take(raw.data)[0] if raw.key else raw.data
        except ValueError:
            return b""
        packet = Packet(
            self._fed, True, raw.key, raw.pts or self._fed, raw.dts or self._fed, raw.duration, 0, data
        )
        for decoded in self._decoder.feed(packet):
            for width_px in PICTURE_WIDTHS_PX:
                try:
                    jpeg = thumbnail(decoded, width_px).data
                except PictureError:
                    continue
                if len(jpeg) <= MAX_PICTURE_BYTES:
                    return jpeg
        return b""
