"""Recordings: pre-roll, post-roll, splits, gaps, a disk that fails. Real files, read back and decoded."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import camera_media as media
import pytest
from camera_rig import frame_times_s
from recorder_bench import MOTION_ID, Bench, frames
from vigilar_camera_worker.adapters.files import Incoming
from vigilar_camera_worker.adapters.fmp4 import FRAGMENT_S, RECORDING, Muxer
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.domain.session import Close, Open, StorePicture
from vigilar_camera_worker.writer import OPEN_S, Writer
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.reader import VgeReader
from vigilar_common.crypto.vge.recover import recover
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.messages.camera import (
    PictureTaken,
    RecordingOpened,
    Trigger,
)


@pytest.fixture(name="make")
def _make(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**more: Any) -> Bench:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Bench(folder, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.recorder.stop(5)


def times_s(mp4: bytes) -> list[float]:
    with av.open(io.BytesIO(mp4), mode="r") as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def test_a_clip_starts_with_a_keyframe_at_least_the_pre_roll_before_the_onset(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 80))
    recording_id = bench.recorder.motion_started(7.4, MOTION_ID)
    bench.feed(media.video(80, 10))
    bench.recorder.motion_ended(8.5, MOTION_ID)
    bench.feed(media.video(90, 40))
    bench.finish()
    (opened,), (finished,) = bench.facts.of(RecordingOpened), bench.finished()
    assert opened.recording_id == finished.recording_id == recording_id
    assert (opened.trigger, opened.cause_id, opened.codec) == (Trigger.MOTION, MOTION_ID, "h264")
    first = (opened.ts_ms - media.START_MS) / 1000
    assert first <= 7.4 - 2 - 0.5
    assert first > 7.4 - 2 - 0.5 - 1.01, "not more than one GOP more than asked"
    got = frames(bench.content(recording_id))
    assert got[0] == round(first * media.FPS)
    assert got == list(range(got[0], got[0] + len(got))), "no frame is missing or doubled"
    assert got[-1] == 115, "until post_s after the last motion, and not longer"
    assert finished.reason == "motion over"
    assert finished.ended_ms - finished.started_ms == len(got) * 100
    assert finished.size_bytes == (bench.folder / f"{recording_id}.vge").stat().st_size


def test_motion_in_the_post_roll_extends_the_clip(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 50))
    first = bench.recorder.motion_started(4, MOTION_ID)
    bench.recorder.motion_ended(5, MOTION_ID)
    bench.feed(media.video(50, 20))
    assert bench.recorder.motion_started(6.5, MOTION_ID) == first
    bench.feed(media.video(70, 60))
    bench.finish()
    assert [fact.reason for fact in bench.finished()] == ["stopping"]
    assert frames(bench.content(first))[-1] == 129


def test_fragments_are_short_begin_at_keyframes_and_are_in_the_footer(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 45))
    recording_id = bench.recorder.motion_started(4, MOTION_ID)
    bench.feed(media.video(45, 40))
    bench.finish()
    content = bench.content(recording_id)
    index = FragmentIndex()
    index.feed(content)
    assert max(fragment.duration_ms for fragment in index.fragments) <= 500
    assert [f.time_ms for f in index.fragments if f.keyframe] == list(
        range(0, index.fragments[-1].time_ms, 1000)
    )
    ring = KeyRing()
    ring.add_private(bench.private)
    with VgeReader(bench.folder / f"{recording_id}.vge", ring) as reader:
        assert [(f.time_ms, f.keyframe) for f in reader.fragments] == [
            (f.time_ms, f.keyframe) for f in index.fragments
        ]
        for fragment in reader.fragments:
            assert content[fragment.offset + 4 : fragment.offset + 8] == b"moof"
        assert reader.footer is not None
        assert reader.footer.metadata["trigger"] == "motion"


def test_what_a_kill_takes_of_a_recording_is_less_than_a_second(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    writer = Writer(bench.incoming, "front", bench.facts.emit, bench.clock, sync_interval_s=1)
    writer._handle(Open(MOTION_ID, Trigger.MOTION, None, media.stream_format()))
    ring = KeyRing()
    ring.add_private(bench.private)
    for fed, packet in enumerate(media.video(0, 45), 1):
        writer._handle(packet)
        if fed < 25:
            continue
        copy = tmp_path / f"{fed}.vge"
        shutil.copy(tmp_path / f"{MOTION_ID}.vge", copy)
        whole = recover(copy, ring).media_end_ms / 1000 * media.FPS
        with VgeReader(copy, ring) as reader:
            kept = frame_times_s(reader.read(0, reader.plaintext_length), torn=True)
        assert fed - len(kept) <= (FRAGMENT_S + OPEN_S) * media.FPS + 2
        assert fed - whole < media.FPS, "of what plays by its index too"
    writer._finish(Close("stopping"))
    bench.recorder.stop(5)


def test_a_reader_that_gave_the_end_of_a_fragment_may_rest_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    writer = Writer(bench.incoming, "front", bench.facts.emit, bench.clock, sync_interval_s=1)
    writer._handle(Open(MOTION_ID, Trigger.MOTION, None, media.stream_format()))
    dues = 0
    for packet in media.video(0, 40):
        if packet.number < 3:
            writer._handle(packet)
            continue
        writer.put(packet)
        if writer._due:  # only then its thread has something to do
            assert writer.needless_s(packet.time_s) == pytest.approx(FRAGMENT_S)
            dues, writer._due = dues + 1, False
            while writer._items:
                writer._handle(writer._items.popleft())
    assert dues == 11, "after 0.4 and 0.8 s and with the keyframe of each second"
    assert writer.counters["syncs"] == dues + 1, "each one ended there, and the header came first"
    writer._finish(Close("stopping"))
    bench.recorder.stop(5)


def test_a_long_recording_is_split_at_a_keyframe_without_losing_a_frame(make: Callable[..., Bench]) -> None:
    bench = make(policy=Policy(True, True, pre_s=2, post_s=3, onset_slack_s=0.5, split_s=4.5))
    bench.begin()
    bench.feed(media.video(0, 130))
    bench.finish()
    finished = bench.finished()
    assert [fact.reason for fact in finished] == ["split", "split", "stopping"]
    got = [frames(bench.content(fact.recording_id)) for fact in finished]
    assert [item for part in got for item in part] == list(range(130))
    assert all(part[0] % 10 == 0 for part in got)
    assert [fact.started_ms for fact in finished][1:] == [fact.ended_ms for fact in finished][:-1]
    assert bench.gaps() == []


def test_hevc_and_plain_files_record_too(make: Callable[..., Bench]) -> None:
    for encrypt in (True, False):
        bench = make(encrypt=encrypt, policy=Policy(True, True, 2, 3, 0.5))
        bench.begin(media.stream_format("hevc"))
        bench.feed(media.video(0, 30, "hevc"))
        bench.finish()
        (opened,) = bench.facts.of(RecordingOpened)
        assert (opened.codec, opened.encrypted) == ("hevc", encrypt)
        assert len(times_s(bench.content(opened.recording_id))) == 30
        assert (bench.folder / f"{opened.recording_id}.{'vge' if encrypt else 'mp4'}").exists()


def test_sound_is_copied_and_stays_with_the_picture() -> None:
    track, units = media.aac()
    muxer = Muxer(media.stream_format("h264", track), RECORDING)
    sound = [
        Packet(0, False, False, at, at, 5760, 0, data)
        for index, data in enumerate(units[:90])
        if (at := index * 1024 * TICKS_PER_S // track.sample_rate_hz) >= 0
    ]
    out = b""
    for packet in sorted([*media.video(0, 50), *sound], key=lambda item: item.dts):
        muxer.mux(packet)
        out += muxer.take()
    out += muxer.close()
    with av.open(io.BytesIO(out), mode="r") as container:
        assert container.streams.audio[0].codec_context.sample_rate == 16_000
        heard = list(container.decode(audio=0))
    # The first packets of a decoder are its run-in.
    assert len(heard) >= 85
    sound_level: Any = heard[40]
    assert abs(sound_level.to_ndarray()).mean() > 0.05
    index = FragmentIndex()
    index.feed(out)
    assert index.codecs == ["avc1.42c00b", "mp4a.40.2"]


def test_broken_timestamps_do_not_break_the_file() -> None:
    muxer = Muxer(media.stream_format(), RECORDING)
    packets = media.video(0, 30)
    packets[7] = replace(packets[7], dts=packets[6].dts, pts=packets[6].dts - 5)
    packets[15] = replace(packets[15], dts=packets[13].dts, pts=packets[13].dts)
    out = b"".join([muxer.take() for packet in packets if muxer.mux(packet)]) + muxer.close()
    assert frames(out) == list(range(30))


def test_a_lost_camera_finishes_the_file_and_the_gap_is_told_when_it_is_back(
    make: Callable[..., Bench],
) -> None:
    bench = make(policy=Policy(True, True, 2, 3, 0.5))
    bench.begin()
    bench.feed(media.video(0, 25))
    bench.recorder.interrupted("connection refused")
    bench.ring.clear()
    bench.begin()
    bench.feed([replace(packet, wall_ms=packet.wall_ms + 60_000) for packet in media.video(30, 20)])
    bench.finish()
    assert [fact.reason for fact in bench.finished()] == ["connection refused", "stopping"]
    (gap,) = bench.gaps()
    assert (gap.from_ms, gap.to_ms) == (media.START_MS + 2500, media.START_MS + 63_000)
    assert gap.reason == "connection refused"


def test_a_camera_lost_in_motion_goes_on_recording_when_it_returns_in_time(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.motion_started(4, MOTION_ID)
    bench.feed(media.video(50, 5))
    bench.recorder.interrupted("gone")
    bench.ring.clear()
    bench.begin()
    bench.feed(media.video(70, 60))
    bench.finish()
    opened = bench.facts.of(RecordingOpened)
    assert [fact.cause_id for fact in opened] == [MOTION_ID, MOTION_ID]
    assert [fact.reason for fact in bench.finished()] == ["gone", "motion over"]
    assert [(gap.from_ms, gap.to_ms) for gap in bench.gaps()] == [
        (media.START_MS + 5500, media.START_MS + 7000)
    ]


def test_a_camera_that_stays_away_is_a_gap_until_the_recording_would_have_ended(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.motion_started(4, MOTION_ID)
    bench.recorder.interrupted("gone")
    bench.clock.advance(20)
    bench.recorder.tick()
    bench.finish()
    assert [(gap.from_ms, gap.to_ms) for gap in bench.gaps()] == [
        (media.START_MS + 5000, media.START_MS + 8000)
    ]


def test_a_camera_lost_while_nothing_was_recorded_leaves_no_gap(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.interrupted("gone")
    bench.finish()
    assert bench.facts.emitted == []


def test_other_parameters_in_mid_stream_split_the_recording_without_a_gap(make: Callable[..., Bench]) -> None:
    bench = make(policy=Policy(True, True, 2, 3, 0.5))
    bench.begin()
    bench.feed(media.video(0, 20))
    bench.recorder.interrupted("the camera changed its picture format", lossless=True)
    bench.ring.clear()
    bench.begin(media.stream_format("hevc"))
    bench.feed(media.video(20, 20, "hevc"))
    bench.finish()
    assert [fact.codec for fact in bench.facts.of(RecordingOpened)] == ["h264", "hevc"]
    assert bench.gaps() == []


class FullDisk:
    """Stands between Incoming and the disk: writing fails while ``full``."""

    def __init__(self, file: Any, bench: FullDiskBench) -> None:
        self._file, self._bench = file, bench

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> None:
        if self._bench.full:
            raise OSError(28, "No space left on device", "x")
        self._file.write(data)


class FullDiskBench(Incoming):
    full = False

    def recording(self, recording_id: str, stream_id: str, created_ms: int) -> Any:
        if self.full:
            raise OSError(28, "No space left on device", "x")
        return FullDisk(super().recording(recording_id, stream_id, created_ms), self)


def settle(writer: Writer) -> None:
    import time

    deadline = time.monotonic() + 5
    while writer.queued_bytes:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_full_disk_is_a_gap_with_its_reason_and_recording_resumes_by_itself(
    make: Callable[..., Bench],
) -> None:
    bench = make(policy=Policy(True, True, 2, 3, 0.5))
    incoming = FullDiskBench(bench.folder, "front", True, (bench.private.public_key(),), bench.clock)
    bench.writer._incoming = incoming
    changes: list[str] = []
    bench.writer.on_change = lambda: changes.append(bench.writer.problem)
    bench.begin()
    bench.feed(media.video(0, 25))
    settle(bench.writer)
    object.__setattr__(incoming, "full", True)
    bench.feed(media.video(25, 25))
    settle(bench.writer)
    assert bench.writer.problem == "recording failed: No space left on device"
    bench.clock.advance(4)
    bench.feed(media.video(50, 25))
    settle(bench.writer)
    assert not bench.writer.recording
    object.__setattr__(incoming, "full", False)
    bench.clock.advance(4)
    bench.feed(media.video(75, 25))
    bench.finish()
    first, second = bench.facts.of(RecordingOpened)
    (gap,) = bench.gaps()
    assert gap.reason == "recording failed: No space left on device"
    assert gap.to_ms == second.ts_ms == media.START_MS + 8000
    assert gap.recording_id == second.recording_id
    assert frames(bench.content(second.recording_id)) == list(range(80, 100))
    assert bench.writer.problem == ""
    assert "recording failed: No space left on device" in changes
    # What was written before is still there for storage to recover, under a name that was never used again.
    assert first.recording_id != second.recording_id
    assert (bench.folder / f"{first.recording_id}.vge").exists()


def test_a_thumbnail_is_sealed_before_it_is_told(make: Callable[..., Bench]) -> None:
    bench = make()
    picture_id = "0198c0de-0000-7000-8000-0000000000bb"
    bench.recorder.store(
        StorePicture(picture_id, MOTION_ID, media.STREAM_ID, media.START_MS, 64, 36, b"jpeg bytes")
    )
    bench.finish()
    (taken,) = bench.facts.of(PictureTaken)
    assert (taken.picture_id, taken.cause_id, taken.width_px) == (picture_id, MOTION_ID, 64)
    ring = KeyRing()
    ring.add_private(bench.private)
    with VgeReader(bench.folder / f"{picture_id}.vge", ring) as reader:
        assert reader.read(0, reader.plaintext_length) == b"jpeg bytes"


def test_without_motion_recording_nothing_is_recorded_on_motion(make: Callable[..., Bench]) -> None:
    bench = make(policy=Policy(False, False, 2, 3, 0.5))
    bench.begin()
    bench.feed(media.video(0, 50))
    assert bench.recorder.motion_started(4, MOTION_ID) is None
    bench.feed(media.video(50, 20))
    bench.finish()
    assert bench.facts.emitted == []
