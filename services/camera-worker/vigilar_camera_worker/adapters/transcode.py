"""Packets of a camera into smaller pictures: decoded, scaled, and encoded again as H.264 or JPEG.

One thread, bounded input sizes, and a rate that the encoder keeps: what a transcode may cost is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from vigilar_common.errors import VigilarError

from vigilar_camera_worker.adapters.decoder import MAX_PICTURE_PX
from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet

if TYPE_CHECKING:
    import av

KEYFRAME_INTERVAL_S: Final = 2.0
"""A viewer who comes later waits for no keyframe: the worker keeps the current GOP of every transcode."""
BUFFER_S: Final = 1.0
"""The bit rate is kept over this long (the encoder's VBV buffer)."""
JPEG_QUALITY: Final = 75
LOWEST_JPEG_QUALITY: Final = 25


class TranscodeError(VigilarError):
    """The stream cannot be decoded, or this machine's libraries cannot encode."""


@dataclass(frozen=True)
class Profile:
    """Upper bounds: a picture is never enlarged, and keeps its shape."""

    width_px: int
    height_px: int
    fps: int
    bitrate_kbps: int = 0
    """0: pictures one by one as JPEG."""

    @property
    def jpeg(self) -> bool:
        return not self.bitrate_kbps

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Even numbers, as encoders want them."""
        scale = min(1.0, self.width_px / width_px, self.height_px / height_px)
        return _even(width_px, scale), _even(height_px, scale)


def _even(side_px: int, scale: float) -> int:
    return max(2, min(round(side_px * scale / 2), side_px // 2) * 2)


@dataclass(frozen=True)
class Encoded:
    """One picture. ``pts`` in ticks of the source."""

    data: bytes
    key: bool
    pts: int


class Transcoder:
    """From one connection's packets to one profile. Used by one thread. Raises TranscodeError for pictures that are
    too large to be decoded."""

    def __init__(self, wanted: StreamFormat, profile: Profile) -> None:
        import av

        if wanted.width_px * wanted.height_px > MAX_PICTURE_PX:
            raise TranscodeError(
                f"pictures of {wanted.width_px}×{wanted.height_px} pixels are too large to be decoded"
            )
        self._profile = profile
        context = av.CodecContext.create(wanted.decoder, "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_type = "NONE"
        context.thread_count = 1  # see adapters/decoder.py
        context.options = {"max_pixels": str(MAX_PICTURE_PX)}
        if profile.size_for(wanted.width_px, wanted.height_px)[1] * 2 <= wanted.height_px:
            # Too small for its work to be seen.
            context.options = {**context.options, "skip_loop_filter": "all"}
        context.extradata = wanted.parameter_sets
        self._decoder = context
        self._scaler = av.video.reformatter.VideoReformatter()
        self._encoder: Any = None
        self._size = (0, 0)
        self._needs_key = True
        self._due = 0
        self._step = TICKS_PER_S // profile.fps
        self._last_pts = -1
        self.errors = 0
        """Packets that gave no clean picture."""

    def feed(self, packet: Packet, *, show: bool = True) -> list[Encoded]:
        """What became complete. ``show`` False: only decoded, because newer packets are waiting already.

        Raises TranscodeError when this machine cannot encode.
        """
        import av

        if self._needs_key and not packet.key:
            return []
        copy = av.Packet(packet.data)
        copy.pts, copy.dts = packet.pts, packet.dts
        try:
            frames = self._decoder.decode(copy)
        except av.FFmpegError:
            self.errors += 1
            self.restart()
            return []
        self._needs_key = False
        found: list[Encoded] = []
        for frame in frames:
            if frame.is_corrupt:
                self.errors += 1
            elif show and self._is_due(frame.pts or packet.pts):
                found += self._encode(frame, frame.pts or packet.pts)
        return found

    def restart(self) -> None:
        """Packets are missing: wait for a keyframe."""
        self._decoder.flush_buffers()
        self._needs_key = True

    def _is_due(self, pts: int) -> bool:
        if pts < self._due - self._step // 20 and self._due - pts < TICKS_PER_S * 10:
            return False
        self._due = max(self._due + self._step, pts)
        return True

    def _encode(self, frame: av.VideoFrame, pts: int) -> list[Encoded]:
        import av

        size = self._profile.size_for(frame.width, frame.height)
        if self._profile.jpeg:
            return [Encoded(_jpeg(self._scaler, frame, size), True, pts)]
        try:
            if self._encoder is None or size != self._size:
                self._encoder, self._size = _h264_encoder(self._profile, size), size
            picture = self._scaler.reformat(frame, size[0], size[1], "yuv420p")
            picture.pts = self._last_pts = max(pts, self._last_pts + 1)
            picture.time_base = Fraction(1, TICKS_PER_S)
            picture.pict_type = 0  # the camera's choice of keyframes is not the encoder's
            packets = self._encoder.encode(picture)
        except av.FFmpegError as error:
            raise TranscodeError(f"H.264 cannot be encoded here: {error.strerror}") from None
        return [Encoded(bytes(made), made.is_keyframe, made.pts or pts) for made in packets]


def _h264_encoder(profile: Profile, size: tuple[int, int]) -> Any:
    """No B-frames, no look-ahead: a picture leaves as soon as it is in."""
    import av

    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, TICKS_PER_S), Fraction(profile.fps)
    encoder.bit_rate = profile.bitrate_kbps * 1000
    encoder.thread_count = 1
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "main",
        "g": str(max(1, round(profile.fps * KEYFRAME_INTERVAL_S))),
        "sc_threshold": "0",
        "maxrate": str(profile.bitrate_kbps * 1000),
        "bufsize": str(round(profile.bitrate_kbps * 1000 * BUFFER_S)),
    }
    return encoder


def _jpeg(scaler: Any, frame: av.VideoFrame, size: tuple[int, int]) -> bytes:
    """At most MAX_JPEG_BYTES, at the cost of quality. Raises TranscodeError."""
    import cv2

    from vigilar_camera_worker.adapters.pictures import MAX_BYTES

    pixels = scaler.reformat(frame, size[0], size[1], "bgr24").to_ndarray()
    for quality in (JPEG_QUALITY, LOWEST_JPEG_QUALITY):
        done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(encoded) <= MAX_BYTES:
            return bytes(encoded.tobytes())
    raise TranscodeError(f"a {size[0]}×{size[1]} picture does not fit into {MAX_BYTES} bytes")
