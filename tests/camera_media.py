"""Small streams for unit tests, made with PyAV: packets of a moving square, and silence."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.stream import AudioTrack
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet

FPS = 10
STEP = TICKS_PER_S // FPS
STREAM_ID = "0198c0de-0000-7000-8000-0000000000aa"
START_MS = 1_750_000_000_000


@functools.cache
def access_units(
    codec: str = "h264", count: int = 200, gop: int = 10, size: tuple[int, int] = (320, 240)
) -> tuple[tuple[bytes, bool], ...]:
    """(bytes, is keyframe) of a film in which a bright square moves, its place telling the frame."""
    import av

    encoders = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
    encoder: Any = av.CodecContext.create(encoders[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = {
        "g": str(gop),
        "bf": "0",
        "preset": "ultrafast",
        "tune": "zerolatency",
        "sc_threshold": "0",
        "x265-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:log-level=none",
    }
    if codec == "h264":
        del encoder.options["x265-params"]
    if codec == "av1":
        encoder.options = {"preset": "12", "g": str(gop), "svtav1-params": "pred-struct=1:lp=1"}
    with own_priority_kept():
        return tuple(_encoded(encoder, count, size))


@contextlib.contextmanager
def own_priority_kept() -> Iterator[None]:
    """SVT-AV1, run as root, gives the thread that calls it the real-time class FIFO and leaves it so; every process
    started later, a whole house with its browser, would inherit a class in which it starves the machine."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _encoded(encoder: Any, count: int, size: tuple[int, int]) -> Iterator[tuple[bytes, bool]]:
    import av

    for index in range(count):
        picture = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
        picture[: size[1]] = 60
        left = index * 2 % 280
        picture[100:140, left : left + 40] = 200
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts = index
        yield from ((bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame))
    yield from ((bytes(packet), packet.is_keyframe) for packet in encoder.encode(None))


def video(first: int = 0, count: int = 100, codec: str = "h264", number: int | None = None) -> list[Packet]:
    """Packets of the film; frame n is at n / 10 s, its wall time START_MS + 100 n."""
    return [
        Packet(
            number=(first + index if number is None else number + index),
            video=True,
            key=key,
            pts=(first + index) * STEP,
            dts=(first + index) * STEP,
            duration=STEP,
            wall_ms=START_MS + (first + index) * 1000 // FPS,
            data=data,
        )
        for index, (data, key) in enumerate(access_units(codec)[first : first + count])
    ]


@functools.cache
def stream_format(codec: str = "h264", audio: AudioTrack | None = None) -> StreamFormat:
    keyframe = access_units(codec)[0][0]
    return read_format(STREAM_ID, codec, keyframe, parameter_sets(keyframe, codec), audio)


@functools.cache
def aac(rate_hz: int = 16_000, count: int = 100) -> tuple[AudioTrack, tuple[bytes, ...]]:
    import av

    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", "fltp"
    encoder.open()
    tone = np.sin(np.arange(1024) * 0.1).astype(np.float32)[np.newaxis, :] * 0.3
    packets = []
    for index in range(count):
        frame: Any = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, index * 1024
        packets += encoder.encode(frame)
    return AudioTrack("aac", rate_hz, 1, encoder.extradata), tuple(bytes(packet) for packet in packets)
