"""What a camera with sound sends, packet by packet: RTP timestamps, sender reports and pauses are the test's choice."""

from __future__ import annotations

import contextlib
import io
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from odd_camera import OddCamera, Oddity, describe, rtp

VIDEO_HZ = 90_000
NTP_EPOCH_S = 2_208_988_800
VIDEO, VIDEO_REPORT, SOUND, SOUND_REPORT = range(4)
"""Interleaved channels."""


@dataclass(frozen=True)
class Sent:
    at_s: float
    channel: int
    data: bytes


def video(
    codec: str, units: Iterable[bytes], fps: int, first_ticks: int = 0, start_s: float = 0.0
) -> list[Sent]:
    """Access units as RTP; the first has the timestamp ``first_ticks``."""
    sent: list[Sent] = []
    for index, unit in enumerate(units):
        ticks = first_ticks + index * VIDEO_HZ // fps
        packets = rtp(codec, unit, len(sent) + 1000, ticks & 0xFFFFFFFF)
        sent += [Sent(start_s + index / fps, VIDEO, packet) for packet in packets]
    return sent


def report(at_s: float, channel: int, ticks: int, utc_s: float) -> Sent:
    """An RTCP sender report: this RTP timestamp is this moment by the camera's clock."""
    seconds = utc_s + NTP_EPOCH_S
    ntp = int(seconds) << 32 | int((seconds % 1) * (1 << 32))
    body = struct.pack(">BBHIQIII", 0x80, 200, 6, 7, ntp, ticks & 0xFFFFFFFF, 1, 1)
    return Sent(at_s, channel, body)


class _Sink(io.RawIOBase):
    """Takes what FFmpeg's RTP packetiser sends, packet by packet."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(data)


def av1(units: Sequence[tuple[bytes, bool]], fps: int) -> list[Sent]:
    """AV1 (temporal unit, is a keyframe) in RTP, packed by FFmpeg."""
    import av

    sink, sent = _Sink(), []
    options = {"packetsize": "1400"}
    output: Any = av.open(
        sink, "w", format="rtp", container_options=options, options={"strict": "experimental"}
    )
    template: Any = av.open(io.BytesIO(units[0][0]), format="obu")
    stream = output.add_stream_from_template(template.streams.video[0], opaque=True)
    stream.time_base = Fraction(1, VIDEO_HZ)
    for index, (unit, key) in enumerate(units):
        packet = av.Packet(unit)
        packet.is_keyframe = key
        packet.stream, packet.time_base = stream, Fraction(1, VIDEO_HZ)
        packet.pts = packet.dts = index * VIDEO_HZ // fps
        output.mux_one(packet)
        pieces, sink.pieces = sink.pieces, []
        # FFmpeg's own sender reports (type 200) tell the time of this machine; the test's camera has its own.
        sent += [Sent(index / fps, VIDEO, piece) for piece in pieces if piece[1] != 200]
    return sent


AV1_SDP = (
    "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 AV1/90000\r\na=control:v\r\n"
)


def click(seconds: float, click_s: float, rate_hz: int = 8_000) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Silence with 50 ms of a tone."""
    samples = np.zeros(int(seconds * rate_hz), np.int16)
    tone = np.sin(np.arange(rate_hz // 20) * 2 * np.pi * 900 / rate_hz) * 20_000
    at = int(click_s * rate_hz)
    samples[at : at + len(tone)] = tone.astype(np.int16)
    return samples


def mulaw(samples: np.ndarray[Any, np.dtype[np.int16]], first_ticks: int, late_s: float = 0.0) -> list[Sent]:
    """G.711 in RTP packets of 20 ms, each sent ``late_s`` after its last sample."""
    import av

    encoder: Any = av.CodecContext.create("pcm_mulaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8_000, "mono", "s16"
    encoder.open()
    sent = []
    for index in range(len(samples) // 160):
        frame: Any = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, index * 160 : index * 160 + 160]), format="s16", layout="mono"
        )
        frame.sample_rate = 8_000
        head = struct.pack(">BBHII", 0x80, 0, index & 0xFFFF, (first_ticks + index * 160) & 0xFFFFFFFF, 8)
        data = head + b"".join(bytes(packet) for packet in encoder.encode(frame))
        sent.append(Sent((index + 1) * 0.02 + late_s, SOUND, data))
    return sent


SOUND_SDP = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:a\r\n"


class MediaCamera(OddCamera):
    """Plays its script in real time to each viewer; then it says nothing more and keeps the connection."""

    def __init__(self, sdp: str, script: Iterable[Sent]) -> None:
        self._script = sorted(script, key=lambda item: item.at_s)
        super().__init__(Oddity(sdp=sdp, answers={"SETUP": self._set_up}))

    def _set_up(self, request: str) -> bytes:
        sequence = next(line[5:].strip() for line in request.split("\r\n") if line.startswith("CSeq"))
        channels = "2-3" if request.split(" ")[1].endswith("/a") else "0-1"
        return (
            f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nSession: 1;timeout=60\r\n"
            f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}\r\n\r\n"
        ).encode()

    def _play(self, client: Any) -> None:
        began_s = time.monotonic()
        for item in self._script:
            wait_s = began_s + item.at_s - time.monotonic()
            if wait_s > 0 and self.done.wait(wait_s):
                return
            client.sendall(struct.pack(">cBH", b"$", item.channel, len(item.data)) + item.data)
        self.done.wait(60)


@contextlib.contextmanager
def media_camera(
    codec: str, keyframe: bytes, script: Iterable[Sent], extra: str = ""
) -> Iterator[MediaCamera]:
    camera = MediaCamera(AV1_SDP if codec == "av1" else describe(codec, keyframe, extra=extra), script)
    try:
        yield camera
    finally:
        camera.stop()
