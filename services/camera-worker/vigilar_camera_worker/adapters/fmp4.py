"""Packets into fragmented MP4 by stream copy; nothing is re-encoded."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from vigilar_camera_worker.adapters.sound import RATES_HZ, TRANSCODED, Sound, SoundEncoder
from vigilar_camera_worker.adapters.stream import NEVER_DECODE, AudioTrack
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.errors import UnusableStreamError

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

FRAGMENT_S: Final = 0.38
"""A fragment ends with the first frame that makes it so long: six of fifteen a second, 0.5 s from six a second on."""
RECORDING: Final = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer",
    # FFmpeg closes a fragment with the frame that reaches it.
    "frag_duration": str(int(FRAGMENT_S * 1e6)),
    "flush_packets": "1",
    # Never hold video back for long because the camera's sound stopped.
    "max_interleave_delta": "500000",
}
LIVE: Final = {
    "movflags": "frag_every_frame+empty_moov+default_base_moof+skip_trailer",
    "flush_packets": "1",
    "max_interleave_delta": "100000",
}
_TICK: Final = Fraction(1, TICKS_PER_S)
_DEMUXERS: Final = {"h264": "h264", "hevc": "hevc", "av1": "obu"}
_DECODERS: Final = {"av1": "libdav1d"}
"""FFmpeg's own one needs hardware."""


@dataclass(frozen=True)
class StreamFormat:
    """How one connection's packets are to be read, from its first keyframe on; immutable, shared by threads."""

    stream_id: str
    codec: str
    width_px: int
    height_px: int
    parameter_sets: bytes
    audio: AudioTrack | None
    _keyframe: Any = field(repr=False)

    @property
    def decoder(self) -> str:
        """What FFmpeg calls the decoder of its pictures."""
        return _DECODERS.get(self.codec, self.codec)

    @property
    def audio_codec(self) -> str:
        """As it is in files and parts; what cannot be copied becomes AAC."""
        if self.audio is None:
            return ""
        return "aac" if self.audio.codec in TRANSCODED else self.audio.codec


def read_format(
    stream_id: str, codec: str, keyframe: bytes, sets: bytes, audio: AudioTrack | None
) -> StreamFormat:
    """From a keyframe with parameter sets in front of it. Raises UnusableStreamError when they make no sense."""
    import av

    try:
        container = av.open(io.BytesIO(keyframe), format=_DEMUXERS[codec], options=NEVER_DECODE)
        context = container.streams.video[0].codec_context
        width_px, height_px = context.width, context.height
    except (av.FFmpegError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "no picture in it"
        raise UnusableStreamError(f"the camera's {codec} cannot be read: {reason}") from None
    if not (0 < width_px <= 16384 and 0 < height_px <= 16384):
        raise UnusableStreamError(f"the camera's {codec} says it is {width_px}×{height_px} pixels large")
    return StreamFormat(stream_id, codec, width_px, height_px, sets, audio, container)


class Muxer:
    """One MP4, from its first packet (which must be a video keyframe) to its last; times start at 0 there.

    ``take`` gives what became complete: whole boxes, the first time with the init segment in front. A packet
    comes out only when the next one is in. Used by one thread.
    """

    def __init__(self, wanted: StreamFormat, options: dict[str, str], *, audio: bool = True) -> None:
        self._sink = _Sink()
        self._output = _open_output(self._sink, options)
        self._video = _add_video(self._output, wanted)
        self._audio: Any = None
        self._sound: SoundEncoder | None = None
        if audio and wanted.audio is not None:
            track = wanted.audio
            if track.codec in TRANSCODED:
                self._sound = SoundEncoder(track)
                track = replace(track, codec="aac", config=self._sound.config)
            self._audio = _add_audio(self._output, track)
        self._base: int | None = None
        self._last: dict[bool, int] = {}
        self.end = 0
        """Media time (ticks from the start of this file) at which the newest video frame ends."""
        self.packets = 0
        self._last_sound: Packet | None = None

    def mux(self, packet: Packet) -> bool:
        """False when the packet was left out (audio before the first keyframe, or of a track not written)."""
        if not packet.video and self._audio is None:
            return False
        if self._base is None:
            if not (packet.video and packet.key):
                return False
            self._base = packet.dts
        if self._sound is not None and not packet.video:
            self._last_sound = packet
            return self._mux_sound(self._sound.feed(packet), packet)
        return self._mux_one(packet)

    def _mux_sound(self, pieces: list[Sound], packet: Packet) -> bool:
        muxed = False
        for sound in pieces:
            one = replace(packet, pts=sound.pts, dts=sound.pts, duration=sound.duration, data=sound.data)
            muxed = self._mux_one(one) or muxed
        return muxed

    def _mux_one(self, packet: Packet) -> bool:
        import av

        assert self._base is not None
        dts = packet.dts - self._base
        if dts < 0:
            return False
        dts = max(dts, self._last.get(packet.video, -1) + 1)
        self._last[packet.video] = dts
        copy = av.Packet(packet.data)
        copy.stream = self._video if packet.video else self._audio
        copy.time_base = _TICK
        copy.dts = dts
        copy.pts = max(dts, packet.pts - self._base)
        copy.duration = packet.duration
        copy.is_keyframe = packet.key or not packet.video
        self._output.mux_one(copy)
        self.packets += 1
        if packet.video:
            self.end = dts + packet.duration
        return True

    def take(self) -> bytes:
        return self._sink.take()

    def close(self) -> bytes:
        """The rest: what was held back. The muxer is of no further use."""
        if self.packets:
            if self._sound is not None and self._last_sound is not None:
                self._mux_sound(self._sound.close(), self._last_sound)
            self._output.close()
        return self._sink.take()


class _Sink(io.RawIOBase):
    """Where FFmpeg writes; never seekable, so that it only appends."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _open_output(sink: _Sink, options: dict[str, str]) -> OutputContainer:
    import av

    return av.open(sink, "w", format="mp4", options=options)


def _add_video(output: OutputContainer, wanted: StreamFormat) -> Any:
    template: InputContainer = wanted._keyframe
    stream = output.add_stream_from_template(template.streams.video[0], opaque=True)
    stream.time_base = _TICK
    context = stream.codec_context
    context.extradata = wanted.parameter_sets
    if wanted.codec == "hevc":
        context.codec_tag = "hvc1"  # browsers know this one; FFmpeg's default hev1 not all of them
    return stream


def _add_audio(output: OutputContainer, track: AudioTrack) -> Any:
    """A copied track needs a decoder's context as template, because an encoder's would write its own set-up."""
    import av

    template = av.open(io.BytesIO(_silent_adts(track)), format="aac")
    stream = output.add_stream_from_template(template.streams.audio[0], opaque=True)
    stream.time_base = Fraction(1, track.sample_rate_hz)
    stream.codec_context.extradata = track.config
    stream.codec_context.sample_rate = track.sample_rate_hz
    return stream


def _silent_adts(track: AudioTrack) -> bytes:
    """A few empty ADTS frames: enough for FFmpeg to set up an AAC track."""
    rate = RATES_HZ.index(track.sample_rate_hz) if track.sample_rate_hz in RATES_HZ else 4
    payload = b"\x21\x10\x04\x60\x8c\x1c" if track.channels > 1 else b"\x01\x18\x20\x07"
    size = 7 + len(payload)
    header = bytes(
        (
            0xFF,
            0xF1,
            0x40 | rate << 2 | track.channels >> 2,
            (track.channels & 3) << 6 | size >> 11,
            size >> 3 & 0xFF,
            (size & 7) << 5 | 0x1F,
            0xFC,
        )
    )
    return (header + payload) * 8
