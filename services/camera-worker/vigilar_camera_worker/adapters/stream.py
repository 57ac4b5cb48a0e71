"""The camera's stream through FFmpeg's libraries: opened quickly, read packet by packet, errors translated."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from vigilar_common.clock import Clock

from vigilar_camera_worker.adapters.gate import Gate
from vigilar_camera_worker.adapters.lull import Lull, Newest
from vigilar_camera_worker.adapters.sound import COPIED, set_up, usable
from vigilar_camera_worker.domain.nal import CODECS
from vigilar_camera_worker.domain.packets import TICKS_PER_S, RawPacket
from vigilar_camera_worker.errors import (
    CameraError,
    LoginRefusedError,
    NoSuchStreamError,
    StalledError,
    StreamLostError,
    TransportRefusedError,
    UnreachableError,
    UnusableStreamError,
    address,
)

if TYPE_CHECKING:
    import av
    from av.audio.codeccontext import AudioCodecContext
    from av.container import InputContainer

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 4.0
"""FFmpeg notices it after one to two times this value."""
MAX_PACKET_BYTES: Final = 16 * 1024 * 1024
TRANSPORTS: Final = ("tcp", "udp", "http")
_TICK: Final = Fraction(1, TICKS_PER_S)
_PRODUCED: Final = struct.Struct("=q")
_GATED_PROTOCOLS: Final = {"tcp": "rtsp,tcp", "udp": "rtsp,tcp,rtp,udp", "http": "rtsp,tcp,http"}
_HTTP_PROTOCOLS: Final = "http,https,tcp,tls"
_HTTP_FORMATS: Final = "mpegts,flv,mov,matroska,mpjpeg,mjpeg"
"""No playlist formats: those would let a camera make us fetch other addresses."""
_MAX_STREAMS: Final = "8"
NEVER_DECODE: Final = {"codec_whitelist": "none"}
"""FFmpeg decodes a picture while it opens a stream, unless it may use no decoder at all."""


@dataclass(frozen=True)
class AudioTrack:
    """``config`` is the codec's own set-up data (AAC: AudioSpecificConfig)."""

    codec: str
    sample_rate_hz: int
    channels: int
    config: bytes


class CameraStream:
    """One open connection. Used by one thread; ``close`` by that thread too."""

    def __init__(
        self,
        container: InputContainer,
        url: str,
        clock: Clock,
        gate: Gate | None = None,
        lull: Lull | None = None,
    ) -> None:
        self._container = container
        self._gate = gate
        self._lull = lull
        self._where = address(url)
        self._clock = clock
        self._video = _best_video(container, self._where)
        context = self._video.codec_context
        self.codec: str = context.codec.canonical_name
        self.described: bytes = context.extradata or b""
        self.unsupported_audio = ""
        self.audio: AudioTrack | None = None
        self._audio = self._pick_audio()
        self._filter = self._annex_b_filter()
        self._video_index = self._video.index
        self._in_ticks = self._filter is None and self._video.time_base == _TICK

    def _pick_audio(self) -> av.audio.stream.AudioStream | None:
        for stream in self._container.streams.audio:
            self.unsupported_audio, self.audio = _audio_of(stream.codec_context)
            if self.audio is not None:
                return stream
        return None

    def _annex_b_filter(self) -> Any:
        """MP4 and FLV carry length-prefixed units; everything behind here expects start codes."""
        if not self.described.startswith(b"\1"):
            return None
        from av.bitstream import BitStreamFilterContext

        return BitStreamFilterContext(f"{self.codec}_mp4toannexb", self._video)

    def packets(self) -> Iterator[RawPacket]:
        """Until the connection is lost: always ends with a CameraError."""
        import av

        streams = [self._video] + ([self._audio] if self._audio is not None else [])
        try:
            for packet in self._container.demux(streams):
                if packet.size > MAX_PACKET_BYTES:
                    raise UnusableStreamError(
                        f"{self._where} sends a frame of {packet.size} bytes, more than {MAX_PACKET_BYTES} are not taken"
                    )
                if packet.size:
                    yield from self._raw(packet)
                if self._lull is not None:
                    self._lull.maybe()
        except av.error.ExitError:
            raise StalledError(f"{self._where} has sent nothing for {READ_TIMEOUT_S:g} s or longer") from None
        except av.FFmpegError as error:
            # The library's text holds the URL and so the password: only its reason goes on.
            raise StreamLostError(f"connection to {self._where} broke: {error.strerror}") from None
        raise StreamLostError(f"{self._where} ended the stream")

    def _raw(self, packet: av.Packet[Any]) -> Iterator[RawPacket]:
        video = packet.stream_index == self._video_index
        if video and self._in_ticks:
            # The usual case without a single fraction: this runs for every packet of every camera, day and night.
            yield RawPacket(
                video=True,
                key=packet.is_keyframe,
                pts=packet.pts,
                dts=packet.dts,
                duration=packet.duration or 0,
                data=bytes(packet),
                # Asked for seldom: the answer costs as much as all the rest, and clocks drift slowly.
                camera_ms=_camera_ms(packet) if packet.is_keyframe else None,
            )
            return
        for piece in self._filter.filter(packet) if video and self._filter else (packet,):
            base = piece.time_base or packet.time_base
            yield RawPacket(
                video=video,
                key=video and piece.is_keyframe,
                pts=_ticks(piece.pts, base),
                dts=_ticks(piece.dts, base),
                duration=_ticks(piece.duration, base) or 0,
                data=bytes(piece),
                camera_ms=_camera_ms(packet) if video else None,
            )

    def close(self) -> None:
        self._container.close()
        self.abort()

    def abort(self) -> None:
        """From any thread: ends a read that waits for the camera."""
        if self._gate is not None:
            self._gate.close()
        self.hurry()

    def needless(self, needless_s: Callable[[], float], newest: Newest) -> None:
        """``needless_s``: how much nobody needs of what follows ``newest``, which the caller keeps. Where the camera's
        socket can hold it, it waits there."""
        if self._lull is not None:
            self._lull.needless_s, self._lull.newest = needless_s, newest

    def hurry(self) -> None:
        """From any thread: what waits there is needed now."""
        if self._lull is not None:
            self._lull.end()


def open_stream(url: str, clock: Clock, transport: str = "tcp") -> CameraStream:
    """Connect and learn what the camera sends. Raises a CameraError after at most about two timeouts.

    ``transport`` (of RTSP): one of TRANSPORTS; a camera that refuses TCP is asked for UDP at once.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https"):
        return _open_http(url, clock)
    if scheme not in ("rtsp", "rtsps"):
        raise UnusableStreamError(f"{address(url)}: the scheme {scheme[:16]!r} is not allowed")
    try:
        return _open_rtsp(url, clock, transport)
    except TransportRefusedError as error:
        if transport != "tcp":
            raise
        log.info("%s; trying UDP", error)
        return _open_rtsp(url, clock, "udp")


def _open_rtsp(url: str, clock: Clock, transport: str) -> CameraStream:
    import av

    options = {
        "analyzeduration": "0",
        "probesize": "32",
        "timeout": str(int(OPEN_TIMEOUT_S * 1e6)),
        "rtsp_transport": str(transport),  # FFmpeg takes no enumeration of ours
        "allowed_media_types": "video+audio",
        "protocol_whitelist": _GATED_PROTOCOLS[transport],
        **NEVER_DECODE,
        "max_streams": _MAX_STREAMS,
    }
    if transport == "udp":
        # Only what comes from the camera's own address; lost packets are waited for this long.
        options |= {"rtsp_flags": "filter_src", "max_delay": "200000", "buffer_size": str(1 << 20)}
    began_s = clock.monotonic_s()
    gate = Gate(url, clock, OPEN_TIMEOUT_S, tunnel=transport == "http")
    try:
        container = av.open(
            gate.url, format="rtsp", options=options, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S)
        )
    except av.FFmpegError as error:
        gate.close()
        if gate.verdict is not None:
            raise gate.verdict from None
        _translate(error, url, clock.monotonic_s() - began_s)
    return _checked(container, url, clock, gate, Lull(gate, clock) if transport == "tcp" else None)


def _open_http(url: str, clock: Clock) -> CameraStream:
    import av

    options = {
        "analyzeduration": "0",
        "probesize": "65536",
        "rw_timeout": str(int(OPEN_TIMEOUT_S * 1e6)),
        "protocol_whitelist": _HTTP_PROTOCOLS,
        "format_whitelist": _HTTP_FORMATS,
        "max_redirects": "0",
        **NEVER_DECODE,
        "max_streams": _MAX_STREAMS,
    }
    began_s = clock.monotonic_s()
    try:
        container = av.open(url, options=options, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S))
    except av.FFmpegError as error:
        _translate(error, url, clock.monotonic_s() - began_s)
    return _checked(container, url, clock, None)


def _checked(
    container: InputContainer, url: str, clock: Clock, gate: Gate | None, lull: Lull | None = None
) -> CameraStream:
    try:
        return CameraStream(container, url, clock, gate, lull)
    except CameraError:
        container.close()
        if gate is not None:
            gate.close()
        raise


def _translate(error: av.FFmpegError, url: str, took_s: float) -> NoReturn:
    """Raises the CameraError that says why; ``from None``, because FFmpeg's own text repeats the URL."""
    import av

    where = address(url)
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            found: CameraError = LoginRefusedError(f"{where} refuses user or password (401)")
        case av.error.HTTPNotFoundError():
            found = NoSuchStreamError(
                f"{where}: no such stream (404); check the path of the camera's address"
            )
        case av.error.ConnectionRefusedError():
            found = UnreachableError(f"{where}: connection refused; nothing listens on this port")
        case av.error.ExitError() | av.error.TimeoutError():
            found = UnreachableError(f"{where} does not answer within {OPEN_TIMEOUT_S:g} s")
        case av.error.InvalidDataError() if took_s >= OPEN_TIMEOUT_S * 0.9:
            found = UnreachableError(
                f"{where} accepts the connection but does not answer within {OPEN_TIMEOUT_S:g} s"
            )
        case av.error.InvalidDataError() | av.error.ArgumentError():
            found = UnusableStreamError(f"{where}: what answers is no video stream that can be used")
        case av.error.HTTPClientError() | av.error.HTTPServerError():
            found = UnusableStreamError(f"{where} refuses the stream: {error.strerror}")
        case _:
            found = UnreachableError(_unreachable(url, where, error))
    raise found from None


def _unreachable(url: str, where: str, error: av.FFmpegError) -> str:
    host = urlsplit(url).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except OSError as problem:
        return f"{where}: the name {host} cannot be resolved ({problem.strerror})"
    return f"{where} cannot be reached: {error.strerror}"


def _best_video(container: InputContainer, where: str) -> av.video.stream.VideoStream:
    names = []
    for stream in container.streams.video:
        name = stream.codec_context.codec.canonical_name if stream.codec_context is not None else "unknown"
        if name in CODECS:
            return stream
        names.append(name)
    if names:
        raise UnusableStreamError(
            f"{where} sends {', '.join(names)}; only H.264, H.265 and AV1 can be recorded"
        )
    raise UnusableStreamError(f"{where} sends no video")


def _ticks(value: int | None, base: Fraction | None) -> int | None:
    if value is None or base is None:
        return None
    return value if base == _TICK else round(value * base * TICKS_PER_S)


def _audio_of(context: AudioCodecContext | None) -> tuple[str, AudioTrack | None]:
    """(name of the codec, how it is kept: copied, made into AAC, or None)."""
    if context is None:
        return "unknown", None
    codec, rate_hz, channels = context.codec.canonical_name, context.sample_rate, context.layout.nb_channels
    if codec in COPIED and context.extradata:
        return codec, AudioTrack(codec, rate_hz, channels, context.extradata)
    if usable(codec, rate_hz, channels):
        return codec, AudioTrack(codec, rate_hz, channels, set_up(codec, rate_hz, context.bit_rate))
    return codec, None


def _camera_ms(packet: av.Packet[Any]) -> int | None:
    """The camera's own time for it, UTC ms, where its RTCP sender reports tell (AVProducerReferenceTime: µs first)."""
    if not packet.has_sidedata("prft"):
        return None
    told = bytes(packet.get_sidedata("prft"))
    wallclock_us: int = _PRODUCED.unpack_from(told)[0] if len(told) >= _PRODUCED.size else -1
    return wallclock_us // 1000 if 0 <= wallclock_us < 1 << 57 else None
