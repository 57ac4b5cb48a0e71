"""Recordings of real RTSP connections: sound in step, wrapped counters, H.265, a change of format, a hung camera."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import camera_media as media
import numpy as np
import pytest
import rtp_media
from camera_rig import QUICK_FILM, wait_for
from footage import ensure_film, running_camera
from recorder_bench import Bench, frames
from vigilar_camera_worker.camera import CameraReader
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.report import Report
from vigilar_common.clock import SystemClock
from vigilar_common.config import Camera
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.messages.camera import RecordingOpened
from vigilar_common.testing import FakeBus

ALWAYS = Policy(True, True, pre_s=2, post_s=3, onset_slack_s=0.5)


class Nobody:
    """Stands for live view and analysis; every picture is a good one, and none is waited for."""

    watching = False

    def main_needless_s(self, time_s: float) -> float:
        return 1.0

    def stream_started(self, wanted: Any) -> None: ...
    def interrupted(self) -> None: ...
    def feed(self, packet: Any) -> None: ...
    def put(self, packet: Any) -> None: ...

    @property
    def good_s(self) -> float:
        return time.monotonic()


@dataclass
class Watch:
    """A real connection and real files; broker and analysis are left out."""

    folder: Path
    url: str
    policy: Policy = ALWAYS
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        clock: Any = SystemClock()
        self.bench = Bench(self.folder, encrypt=False, policy=self.policy, clock=clock)
        self.report = Report(FakeBus(clock), self.bench.facts, "front", clock)  # type: ignore[arg-type]
        camera = Camera(id="front", display_name="Front", rtsp_url=self.url, resolution_capture=(320, 240))
        nobody: Any = Nobody()
        self.reader = CameraReader(
            camera, clock, self.report, self.bench.ring, self.bench.recorder, nobody, nobody
        )
        self.reader.start()

    def frames_arrived(self) -> int:
        return self.reader.counters["video_frames"]

    def stop(self) -> float:
        """Seconds until all of it was on the disk."""
        began_s = time.monotonic()
        self.reader.stop(0.2)
        assert self.bench.recorder.stop(1.5)
        return time.monotonic() - began_s

    def contents(self) -> list[bytes]:
        return [self.bench.content(fact.recording_id) for fact in self.bench.finished()]


@pytest.fixture(name="watch")
def _watch(tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def watch(url: str, **more: Any) -> Watch:
        made.append(Watch(tmp_path, url, **more))
        return made[-1]

    yield watch
    for one in made:
        one.stop()


def times_of(mp4: bytes) -> tuple[dict[int, float], float]:
    """(time of each frame of the film, time of the click)."""
    shown: dict[int, float] = {}
    click_s = -1.0
    with av.open(io.BytesIO(mp4), mode="r") as container:
        for frame in container.decode(video=0):
            shown[int((frame.to_ndarray(format="gray")[120] > 160).argmax()) // 2] = float(frame.time or 0)
    with av.open(io.BytesIO(mp4), mode="r") as container:
        for sound in container.decode(audio=0):
            loud = np.abs(sound.to_ndarray()).mean(axis=0) > 0.05
            if loud.any() and click_s < 0:
                click_s = float(sound.time or 0) + int(loud.argmax()) / sound.sample_rate
    return shown, click_s


def test_g711_sound_is_recorded_in_step_although_it_comes_late_and_both_clocks_are_told(
    watch: Callable[..., Watch],
) -> None:
    units = [data for data, _ in media.access_units()][:60]
    video_ticks, sound_ticks, utc_s = 4_000_000_000, 123_456, time.time() + 30
    script = rtp_media.video("h264", units, media.FPS, video_ticks)
    script += rtp_media.mulaw(rtp_media.click(6, 4.0), sound_ticks, late_s=0.15)
    for at_s in (0.0, 2.0, 4.0):
        script.append(
            rtp_media.report(at_s, rtp_media.VIDEO_REPORT, video_ticks + int(at_s * 90_000), utc_s + at_s)
        )
        script.append(
            rtp_media.report(at_s, rtp_media.SOUND_REPORT, sound_ticks + int(at_s * 8_000), utc_s + at_s)
        )
    with rtp_media.media_camera("h264", units[0], script, rtp_media.SOUND_SDP) as camera:
        watched = watch(camera.url)
        wait_for(lambda: watched.frames_arrived() >= 60, 20, "the film")
        offset_s = watched.reader.clock_offset_s
        watched.stop()
    (opened,) = watched.bench.facts.of(RecordingOpened)
    assert opened.audio_codec == "aac"
    shown, click_s = times_of(watched.contents()[0])
    assert set(range(1, 60)) <= set(shown), "every frame"
    assert abs(click_s - shown[40]) < 0.05
    assert abs(offset_s - 30) < 0.5
    assert any("30 s ahead of ours" in finding for finding in watched.report._findings.values())


def test_a_counter_that_wraps_at_32_bits_is_no_jump(watch: Callable[..., Watch]) -> None:
    units = [data for data, _ in media.access_units()][:40]
    script = rtp_media.video("h264", units, media.FPS * 2, (1 << 32) - 90_000)
    with rtp_media.media_camera("h264", units[0], script) as camera:
        watched = watch(camera.url)
        wait_for(lambda: watched.frames_arrived() >= 40, 20, "the film")
        watched.stop()
    (content,) = watched.contents()
    assert frames(content) == list(range(40))
    assert watched.reader.counters["clock_jumps"] == 0
    (finished,) = watched.bench.finished()
    assert abs(finished.ended_ms - finished.started_ms - 2000) < 100


def test_h265_over_rtsp_is_recorded_and_every_frame_decodes(
    watch: Callable[..., Watch], tmp_path: Path
) -> None:
    film = ensure_film(**{**QUICK_FILM, "codec": "hevc"})
    with running_camera({"demo": film}, tmp_path / "camera") as camera:
        watched = watch(camera.urls["demo"])
        wait_for(lambda: watched.frames_arrived() >= 25, 20, "pictures")
        watched.stop()
    (opened,) = watched.bench.facts.of(RecordingOpened)
    assert (opened.codec, opened.width_px, opened.height_px) == ("hevc", 640, 480)
    with av.open(io.BytesIO(watched.contents()[0]), mode="r") as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
        assert len(list(container.decode(video=0))) >= 25


def test_av1_over_rtsp_is_recorded_and_every_frame_decodes(watch: Callable[..., Watch]) -> None:
    units = media.access_units("av1", 60)[:40]
    with rtp_media.media_camera("av1", units[0][0], rtp_media.av1(units, 20)) as camera:
        watched = watch(camera.url)
        wait_for(lambda: watched.frames_arrived() >= 40, 20, "the film")
        watched.stop()
    (opened,) = watched.bench.facts.of(RecordingOpened)
    assert (opened.codec, opened.width_px, opened.height_px) == ("av1", 320, 240)
    (content,) = watched.contents()
    assert frames(content) == list(range(40))
    index = FragmentIndex()
    index.feed(content)
    assert index.codecs == ["av01.0.00M.08"]


def test_another_resolution_in_mid_stream_begins_a_new_file_and_neither_is_broken(
    watch: Callable[..., Watch],
) -> None:
    small = [data for data, _ in media.access_units()][:20]
    large = [data for data, _ in media.access_units(size=(480, 320))][:20]
    script = rtp_media.video("h264", [*small, *large], media.FPS * 2)
    with rtp_media.media_camera("h264", small[0], script) as camera:
        watched = watch(camera.url)
        wait_for(lambda: watched.frames_arrived() >= 40, 20, "the film")
        watched.stop()
    sizes = [(fact.width_px, fact.height_px) for fact in watched.bench.facts.of(RecordingOpened)]
    assert sizes == [(320, 240), (480, 320)]
    assert [frames(content) for content in watched.contents()] == [list(range(20))] * 2
    assert watched.bench.gaps() == []


def test_a_camera_that_hangs_does_not_hold_up_the_end_of_its_recording(watch: Callable[..., Watch]) -> None:
    units = [data for data, _ in media.access_units()][:20]
    with rtp_media.media_camera("h264", units[0], rtp_media.video("h264", units, 20)) as camera:
        watched = watch(camera.url)
        wait_for(lambda: watched.frames_arrived() >= 20, 20, "the film")
        assert watched.stop() < 2
    (finished,) = watched.bench.finished()
    assert finished.reason == "stopping"
    assert frames(watched.contents()[0]) == list(range(20))
