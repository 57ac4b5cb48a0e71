"""Sound that MP4 cannot hold becomes AAC and stays with the picture. A click, looked for in what was made."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import camera_media as media
import numpy as np
import pytest
from vigilar_camera_worker.adapters.fmp4 import RECORDING, Muxer
from vigilar_camera_worker.adapters.sound import SoundEncoder, set_up, usable
from vigilar_camera_worker.adapters.stream import AudioTrack
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet

CLICK_S = 5.0
IN_STEP_S = 0.05


def track_of(codec: str, encoder: str, rate_hz: int) -> tuple[AudioTrack, list[Packet]]:
    """Ten seconds of silence with a tone of 50 ms at CLICK_S."""
    make: Any = av.CodecContext.create(encoder, "w")
    make.sample_rate, make.layout, make.format = rate_hz, "mono", "s16"
    make.time_base = Fraction(1, rate_hz)
    if "g726" in encoder:
        make.options = {"code_size": "4"}
    make.open()
    samples = np.zeros((1, rate_hz * 10), np.int16)
    tone = np.sin(np.arange(rate_hz // 20) * 2 * np.pi * 900 / rate_hz) * 20_000
    at = int(CLICK_S * rate_hz)
    samples[0, at : at + len(tone)] = tone.astype(np.int16)
    size, packets = make.frame_size or rate_hz // 50, []
    for first in range(0, samples.shape[1] - size + 1, size):
        piece = np.ascontiguousarray(samples[:, first : first + size])
        frame: Any = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, first, Fraction(1, rate_hz)
        ticks = first * TICKS_PER_S // rate_hz
        packets += [Packet(0, False, False, ticks, ticks, 0, 0, bytes(p)) for p in make.encode(frame)]
    return AudioTrack(codec, rate_hz, 1, set_up(codec, rate_hz, rate_hz * 4)), packets


def muxed(track: AudioTrack, sound: list[Packet]) -> bytes:
    muxer = Muxer(media.stream_format("h264", track), RECORDING)
    out = b""
    for packet in sorted([*media.video(0, 100), *sound], key=lambda item: item.dts):
        muxer.mux(packet)
        out += muxer.take()
    return out + muxer.close()


def clicks_s(mp4: bytes) -> list[float]:
    """When silence ends, by the times in the file."""
    found, quiet = [], True
    with av.open(io.BytesIO(mp4), mode="r") as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray()).mean(axis=0) > 0.05
            if loud.any() and quiet:
                found.append(float(frame.time or 0) + int(loud.argmax()) / frame.sample_rate)
            quiet = not loud.any()
    return found


@pytest.mark.parametrize(
    ("codec", "encoder", "rate_hz"),
    [
        ("pcm_alaw", "pcm_alaw", 8_000),
        ("pcm_mulaw", "pcm_mulaw", 8_000),
        ("adpcm_g726", "g726", 8_000),
        ("adpcm_g726le", "g726le", 8_000),
        ("adpcm_g722", "adpcm_g722", 16_000),
        ("pcm_s16be", "pcm_s16be", 16_000),
        ("opus", "libopus", 48_000),
    ],
)
def test_what_cameras_send_becomes_aac_in_step_with_the_picture(
    codec: str, encoder: str, rate_hz: int
) -> None:
    assert usable(codec, rate_hz, 1)
    track, sound = track_of(codec, encoder, rate_hz)
    found = clicks_s(muxed(track, sound))
    assert len(found) == 1
    assert abs(found[0] - CLICK_S) < IN_STEP_S


def test_lost_sound_leaves_silence_and_what_follows_is_in_step() -> None:
    track, sound = track_of("pcm_alaw", "pcm_alaw", 8_000)
    found = clicks_s(muxed(track, [p for p in sound if not 2.0 < p.time_s < 4.5]))
    assert abs(found[0] - CLICK_S) < IN_STEP_S


def test_sound_that_begins_late_or_pauses_for_long_is_in_step() -> None:
    track, sound = track_of("pcm_alaw", "pcm_alaw", 8_000)
    late = [p for p in sound if p.time_s > 3.3]
    assert abs(clicks_s(muxed(track, late))[0] - CLICK_S) < IN_STEP_S
    shift = 15 * TICKS_PER_S
    encoder = SoundEncoder(track)
    made = [out for p in sound[:50] for out in encoder.feed(p)]
    made += [out for p in sound[:50] for out in encoder.feed(replace(p, pts=p.pts + shift))]
    assert max(b.pts - a.pts for a, b in pairwise(made)) > 13 * TICKS_PER_S


def test_a_clock_that_is_off_by_half_a_percent_stays_in_step() -> None:
    track, sound = track_of("pcm_mulaw", "pcm_mulaw", 8_000)
    for factor in (0.995, 1.005):
        stretched = [replace(p, pts=round(p.pts * factor), dts=round(p.dts * factor)) for p in sound]
        assert abs(clicks_s(muxed(track, stretched))[0] - CLICK_S * factor) < IN_STEP_S


def test_garbage_is_counted_and_costs_nothing_else() -> None:
    track, sound = track_of("opus", "libopus", 48_000)
    encoder = SoundEncoder(track)
    for bad in (b"\xff" * 70_000, b"\xff\xff\xff"):
        encoder.feed(replace(sound[0], data=bad))
    assert encoder.errors == 2
    assert sum(len(encoder.feed(p)) for p in sound[:100]) > 80


def test_what_aac_cannot_carry_is_not_usable() -> None:
    assert not usable("pcm_alaw", 8_001, 1)
    assert not usable("pcm_alaw", 8_000, 3)
    assert not usable("mp2", 48_000, 1)
    assert set_up("adpcm_g726", 8_000, 16_000) == b"\2"
    assert set_up("adpcm_g726", 8_000, None) == b"\4"
