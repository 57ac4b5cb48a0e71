"""Recording, detection and privacy by command: what is kept, what is answered, and which frames lie in which file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import camera_media as media
import pytest
from recorder_bench import MOTION_ID, Bench, frames
from vigilar_camera_worker.adapters.decoder import Decoder
from vigilar_camera_worker.domain.motion import Ended, Observation, Started
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.motion_report import MotionReport
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.switches import Switches
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import (
    CameraState,
    CameraSwitch,
    CameraSwitchName,
    MotionEnded,
    MotionStarted,
    Trigger,
)
from vigilar_common.messages.system import SystemEvent
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts

CONTINUOUS = Policy(True, True, pre_s=2, post_s=3, onset_slack_s=0.5)


class House:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.facts = FakeFacts(self.clock)
        self.restart()

    def restart(self) -> None:
        self.bus = FakeBus(self.clock)
        self.report = Report(self.bus, self.facts, "front", self.clock)  # type: ignore[arg-type]
        self.switches = Switches(StateFile(self.folder / "switches.json"), self.report, self.clock)
        self.changed: list[CameraSwitchName] = []
        self.switches.on_change = self.changed.append
        self.switches.load()

    def ask(self, switch: str, on: bool, sender: str = "homeassistant") -> Reply:
        replies: list[Reply] = []
        command = CameraSwitch(switch=CameraSwitchName(switch), on=on, user="Ann\x00")
        ids = {"sender": sender, "camera_id": "front"}
        self.switches.received(Received(topics.CMD_SWITCH, ids, command, b"", {}, False, replies.append))
        (reply,) = replies
        return reply

    @property
    def told(self) -> CameraState:
        state = self.bus.states["vigilar/camera/front/state"]
        assert isinstance(state, CameraState)
        return state


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize(
    ("switch", "on", "field"),
    [
        ("recording", False, "recording_on"),
        ("detection", False, "detection_on"),
        ("privacy", True, "privacy"),
    ],
)
def test_a_switch_is_kept_told_and_logged_with_who_asked(
    house: House, switch: str, on: bool, field: str
) -> None:
    reply = house.ask(switch, on)
    assert (reply.ok, reply.data[field]) == (True, on)
    assert house.changed == [switch]
    assert getattr(house.told, field) is on
    (event,) = house.facts.of(SystemEvent)
    assert event.message == f"front: {switch} {'on' if on else 'off'} by homeassistant Ann"
    house.restart()
    assert getattr(house.told, field) is on
    assert house.ask(switch, on).ok
    assert house.changed == [], "it is so already"


def test_what_cannot_be_kept_is_not_done(house: House) -> None:
    house.folder.joinpath("switches.json.tmp").mkdir()
    reply = house.ask("privacy", True)
    assert (reply.ok, reply.code, reply.data["privacy"]) == (False, "not_kept", False)
    assert house.changed == []


def test_a_damaged_file_means_privacy_rather_than_an_unwanted_picture(house: House) -> None:
    house.ask("detection", False)
    for path in house.folder.glob("switches*"):
        path.write_text("torn")
    house.restart()
    assert house.told.privacy
    assert house.ask("privacy", False).ok


def test_the_end_of_privacy_is_known_until_its_gap_is_told(house: House) -> None:
    house.ask("privacy", True)
    house.clock.advance(60)
    house.ask("privacy", False, "web")
    house.restart()
    assert house.switches.private_until_ms == house.clock.now_ms()
    house.switches.gap_told()
    house.restart()
    assert house.switches.private_until_ms == 0


def test_in_privacy_every_other_command_is_refused(house: House) -> None:
    replies: list[Reply] = []
    house.switches.refuse(Received(topics.CMD_SNAPSHOT, {}, None, b"", {}, False, replies.append))
    assert [(reply.ok, reply.code) for reply in replies] == [(False, "privacy")]


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, policy=CONTINUOUS)
    yield made
    made.recorder.stop(5)


def test_switched_off_the_file_ends_at_once_and_nothing_begins_until_it_is_on_again(bench: Bench) -> None:
    bench.begin()
    bench.feed(media.video(0, 25))
    bench.recorder.switch(False)
    bench.feed(media.video(25, 40))
    assert bench.recorder.motion_started(media.START_MS / 1000, MOTION_ID) is None
    ordered = bench.recorder.order("events", Trigger.RULE, None, 0.5)
    assert (ordered.recording_id, ordered.away) == (None, "recording is switched off")
    bench.recorder.interrupted("gone")
    bench.ring.clear()
    bench.begin()
    bench.feed(media.video(65, 15))
    bench.recorder.switch(True)
    bench.feed(media.video(80, 30))
    bench.finish()
    first, second = bench.finished()
    assert first.reason == "switched off"
    assert frames(bench.content(first.recording_id)) == list(range(25))
    assert frames(bench.content(second.recording_id)) == list(range(80, 110))
    assert bench.gaps() == [], "nobody wanted what is not there"


def test_with_detection_off_motion_is_neither_told_nor_recorded_and_what_moves_is_told_to_its_end(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    bus, facts = FakeBus(clock), FakeFacts(clock)
    bench = Bench(tmp_path)
    bench.begin()
    bench.feed(media.video(0, 30))
    report = Report(bus, facts, "front", clock)  # type: ignore[arg-type]
    motion = MotionReport(bus, report, bench.recorder, clock, lambda _stream: None)
    picture = Decoder(media.stream_format()).feed(media.video(count=1)[0])[0]
    motion.picture_decoded(MOTION_ID, picture)
    began = Started(1.0, clock.now_ms(), Observation(1.0, clock.now_ms(), 0.1, 500))
    ended = Ended(clock.now_ms(), 2.0, clock.now_ms() + 1000, 0.1)

    motion.motion_started(began, picture)
    motion.muted = True
    motion.motion_ended(ended)
    assert [type(fact) for fact in facts.emitted] == [MotionStarted, MotionEnded]
    motion.motion_started(began, picture)
    motion.motion_ended(ended)
    assert len(facts.emitted) == 2
    motion.muted = False
    motion.motion_started(began, picture)
    assert len(facts.of(MotionStarted)) == 2
    bench.finish()
