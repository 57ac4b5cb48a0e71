"""A camera worker as a process of its own: a real RTSP camera, a real broker, real files."""

from __future__ import annotations

import io
import signal
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from camera_rig import QUICK_FILM, Heard, Rig, frame_times_s, rig, wait_for
from footage import RunningCamera, ensure_film, running_camera
from patience import PATIENCE
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.crypto.vge import FooterState, VgeReader, recover
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.messages.camera import CameraCondition, CameraState, MotionStarted
from vigilar_common.testing.broker import TestBroker

START_LIMIT_S = 15.0


@pytest.fixture(scope="module", name="film")
def _film() -> Path:
    return ensure_film(**QUICK_FILM)


@pytest.fixture(name="running")
def _running(broker: TestBroker, tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path / "rig", broker) as made:
        yield made


def online(heard: Heard) -> bool:
    return heard.state is not None and heard.state.condition is CameraCondition.ONLINE


@dataclass
class Story:
    """One walk past the camera, from start to stop."""

    heard: Heard
    camera: RunningCamera
    rig: Rig
    ready: int
    metrics: str
    stop_s: float

    def onset_ms(self) -> int:
        return int(self.camera.truth("onset")[0]["wall_ms"])

    def picture(self, kind: str) -> Received:
        (found,) = [item for item in self.heard.of(topics.PICTURE) if item.properties["kind"] == kind]
        return found

    def content(self, recording_id: str) -> bytes:
        with VgeReader(self.rig.incoming / f"{recording_id}.vge", self.rig.ring()) as reader:
            assert reader.footer is not None
            assert reader.footer.state is FooterState.OK
            return reader.read(0, reader.plaintext_length)


@pytest.fixture(scope="module", autouse=True, name="garbage")
def _garbage(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A worker whose camera sends garbage. It takes ten seconds to say so: meanwhile other tests run."""
    folder = tmp_path_factory.mktemp("garbage")
    broker = TestBroker(folder / "broker")
    broker.start()
    try:
        with (
            running_camera({"demo": film}, folder / "camera", faults=["demo=garbage@0"]) as camera,
            rig(folder / "rig", broker) as made,
        ):
            made.configure(camera.urls["demo"], record_on_motion=False)
            made.listen()
            made.start()
            yield made
    finally:
        broker.stop()


@pytest.fixture(scope="module", name="story")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    # Motion that comes back before a new pre-roll would begin goes on in the same recording: here it stays away.
    film = ensure_film(**{**QUICK_FILM, "lead_s": 13.0})
    folder = tmp_path_factory.mktemp("story")
    broker = TestBroker(folder / "broker")
    broker.start()
    with running_camera({"demo": film}, folder / "camera") as camera, rig(folder / "rig", broker) as made:
        made.configure(camera.urls["demo"])
        heard = made.listen()
        made.start()
        wait_for(lambda: online(heard), START_LIMIT_S, "online")
        with urllib.request.urlopen(f"http://127.0.0.1:{made.health_port}/health/ready", timeout=5) as answer:
            ready = answer.status
        wait_for(lambda: heard.of(topics.MOTION_STARTED), 25, "motion started")
        made.lease(4)
        wait_for(lambda: heard.of(topics.RECORDING_FINISHED), 25, "recording finished")
        with urllib.request.urlopen(f"http://127.0.0.1:{made.health_port}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
        stop_s = made.stop()
        wait_for(lambda: heard.state and heard.state.condition is CameraCondition.OFFLINE, 5, "a last state")
        yield Story(heard, camera, made, ready, metrics, stop_s)
    broker.stop()


def test_what_happens_is_told_in_order(story: Story) -> None:
    wanted = (
        topics.CAMERA_ONLINE,
        topics.MOTION_STARTED,
        topics.RECORDING_OPENED,
        topics.PICTURE_TAKEN,
        topics.MOTION_ENDED,
        topics.RECORDING_FINISHED,
    )
    told = [item.topic for item in story.heard.received if item.topic in wanted]
    assert sorted(told, key=wanted.index) == list(wanted), "each of them once"
    for earlier, later in (
        (topics.CAMERA_ONLINE, topics.MOTION_STARTED),
        (topics.MOTION_STARTED, topics.MOTION_ENDED),
        (topics.RECORDING_OPENED, topics.MOTION_ENDED),
        (topics.PICTURE_TAKEN, topics.MOTION_ENDED),
        (topics.MOTION_ENDED, topics.RECORDING_FINISHED),
    ):
        assert told.index(earlier) < told.index(later)


def test_a_picture_is_shown_before_anything_moves_and_leaves_no_file(story: Story) -> None:
    snapshot = story.picture("snapshot")
    told = story.heard.received
    assert told.index(snapshot) < told.index(story.heard.of(topics.MOTION_STARTED)[0])
    assert snapshot.payload[:2] == b"\xff\xd8"
    assert (snapshot.properties["width_px"], snapshot.properties["height_px"]) == ("640", "480")
    assert not list(story.rig.incoming.glob(f"{snapshot.properties['picture_id']}*"))


def test_motion_is_told_soon_after_it_began_with_its_picture_and_recording(story: Story) -> None:
    (received,) = story.heard.of(topics.MOTION_STARTED)
    motion = received.message
    assert isinstance(motion, MotionStarted)
    picture = story.picture("thumbnail")
    (taken,) = story.heard.messages(topics.PICTURE_TAKEN)
    (opened,) = story.heard.messages(topics.RECORDING_OPENED)
    assert -300 <= motion.ts_ms - story.onset_ms() <= 1500
    assert motion.boxes
    assert motion.area_px > 500
    assert motion.picture_id == picture.properties["picture_id"] == taken.picture_id
    assert picture.properties["cause_id"] == motion.motion_id == taken.cause_id == opened.cause_id
    assert motion.recording_id == opened.recording_id
    assert picture.payload[:2] == b"\xff\xd8"
    with VgeReader(story.rig.incoming / f"{taken.picture_id}.vge", story.rig.ring()) as reader:
        assert reader.read(0, reader.plaintext_length) == picture.payload


def test_the_clip_plays_and_begins_at_least_four_seconds_before_the_onset(story: Story) -> None:
    (finished,) = story.heard.messages(topics.RECORDING_FINISHED)
    content = story.content(finished.recording_id)
    times = frame_times_s(content)
    assert times[0] == 0
    assert story.onset_ms() - finished.started_ms >= 4000
    assert times[-1] >= 5 + 2 + 2 - 0.5, "pre-roll, motion and post-roll"
    assert finished.ended_ms - finished.started_ms == pytest.approx(times[-1] * 1000, abs=200)
    index = FragmentIndex()
    index.feed(content)
    assert max(fragment.duration_ms for fragment in index.fragments) <= 500
    assert b"ftyp" not in (story.rig.incoming / f"{finished.recording_id}.vge").read_bytes()


def test_live_parts_play_and_have_no_hole(story: Story) -> None:
    parts = story.heard.of(topics.LIVE)
    assert [part.properties["kind"] for part in parts[:2]] == ["init", "part"]
    assert [int(part.properties["seq"]) for part in parts] == list(range(len(parts)))
    assert parts[0].properties["codec"].startswith('video/mp4; codecs="avc1.')
    assert 25 <= len(parts) <= 60, "about four seconds of ten frames, and nothing after the lease"
    with av.open(io.BytesIO(b"".join(part.payload for part in parts)), mode="r") as container:
        assert len(list(container.decode(video=0))) >= 25


def test_state_health_and_metrics_tell_the_truth(story: Story) -> None:
    states = [state for state in story.heard.messages(topics.CAMERA_STATE) if isinstance(state, CameraState)]
    assert any(state.motion and state.recording for state in states)
    assert any(9 < state.fps < 11 for state in states)
    assert (states[-1].condition, states[-1].motion, states[-1].recording) == ("offline", False, False)
    assert states[-1].reason == "the camera worker is stopped"
    assert story.ready == 200
    assert "vigilar_camera_video_frames_total" in story.metrics
    assert "vigilar_camera_online 1.0" in story.metrics
    assert story.stop_s <= 2


def test_a_camera_that_goes_away_and_comes_back(film: Path, running: Rig, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path / "camera") as camera:
        running.configure(camera.urls["demo"], record_continuous=True)
        heard = running.listen()
        running.start()
        wait_for(lambda: heard.of(topics.RECORDING_OPENED), START_LIMIT_S, "recording")
        time.sleep(1)
        camera.process.kill()
        wait_for(lambda: heard.of(topics.CAMERA_OFFLINE), 10, "offline")
    assert "connection refused" in heard.messages(topics.CAMERA_OFFLINE)[0].reason
    assert [fact.reason[:9] for fact in heard.messages(topics.RECORDING_FINISHED)] == ["127.0.0.1"]
    with running_camera({"demo": film}, tmp_path / "camera2", port=camera.port):
        wait_for(lambda: len(heard.of(topics.CAMERA_ONLINE)) == 2, 15, "online again")
        wait_for(lambda: heard.of(topics.RECORDING_GAP), 5, "the gap")
        wait_for(lambda: len(heard.of(topics.RECORDING_OPENED)) == 2, 5, "recording again")
        (gap,) = heard.messages(topics.RECORDING_GAP)
        first = heard.messages(topics.RECORDING_FINISHED)[0]
        second = heard.messages(topics.RECORDING_OPENED)[1]
        assert gap.from_ms == pytest.approx(first.ended_ms, abs=200)
        assert gap.to_ms == second.ts_ms
        time.sleep(3)
        running.stop(signal.SIGKILL)
        killed_ms = time.time() * 1000
        info = recover(running.incoming / f"{second.recording_id}.vge", running.ring())
        assert not info.already_finished
        with VgeReader(info.path, running.ring()) as reader:
            times = frame_times_s(reader.read(0, reader.plaintext_length), torn=True)
        lost_ms = killed_ms - (second.ts_ms + times[-1] * 1000)
        assert lost_ms < 2500, "a second of syncing, half a second of fragment, and some"


def test_a_stop_while_recording_finishes_the_file_within_two_seconds(
    film: Path, running: Rig, tmp_path: Path
) -> None:
    with running_camera({"demo": film}, tmp_path / "camera") as camera:
        running.configure(camera.urls["demo"], record_continuous=True, encrypt=False)
        heard = running.listen()
        running.start()
        wait_for(lambda: heard.of(topics.RECORDING_OPENED), START_LIMIT_S, "recording")
        time.sleep(1.5)
        assert running.stop() <= 2 * PATIENCE  # 0.3 s on a machine that does nothing else
    (finished,) = heard.messages(topics.RECORDING_FINISHED)
    assert finished.reason == "stopping"
    plain = running.incoming / f"{finished.recording_id}.mp4"
    assert plain.stat().st_size == finished.size_bytes
    assert len(frame_times_s(plain.read_bytes())) >= 10


def test_wrong_addresses_are_told_with_their_reason_and_without_the_password(
    film: Path, running: Rig, tmp_path: Path
) -> None:
    heard = running.listen()
    with running_camera(
        {"demo": film}, tmp_path / "camera", user="viewer", password="right-password"
    ) as camera:
        host = f"127.0.0.1:{camera.port}"
        cases = [
            (f"rtsp://viewer:wrong-password@{host}/demo", f"{host}/demo refuses user or password (401)"),
            (f"rtsp://viewer:right-password@{host}/nowhere", f"{host}/nowhere: no such stream (404)"),
        ]
        for url, words in cases:
            running.configure(url)
            process = running.start()
            count = len(heard.of(topics.CAMERA_OFFLINE)) + 1
            wait_for(lambda count=count: len(heard.of(topics.CAMERA_OFFLINE)) == count, START_LIMIT_S, words)  # type: ignore[misc]
            assert words in heard.messages(topics.CAMERA_OFFLINE)[-1].reason
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"password" not in command
            running.stop()
    assert "-password" not in running.log


def test_a_camera_that_sends_garbage_is_offline_and_says_so(garbage: Rig) -> None:
    heard = garbage.heard
    wait_for(lambda: heard.of(topics.CAMERA_OFFLINE), 25, "offline")
    assert "cannot be decoded" in heard.messages(topics.CAMERA_OFFLINE)[0].reason
    assert not heard.of(topics.CAMERA_ONLINE)
    assert garbage.process is not None
    assert garbage.process.poll() is None


def test_a_missing_key_and_a_missing_camera_end_the_process_with_a_clear_reason(running: Rig) -> None:
    running.configure("rtsp://127.0.0.1:9/x")
    key = running.folder / "secrets" / "camera-worker-front" / "storage_public.pem"
    key.write_text("abc")
    processes = [running.start(), running.start("--camera", "attic")]
    assert [process.wait(START_LIMIT_S * PATIENCE) for process in processes] == [1, 1]
    assert f"public key {key}: neither PEM nor 64 hexadecimal digits" in running.log
    assert "no configuration for camera-worker-attic yet" in running.log
