"""What facts of cameras mean."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vigilar_common.config import Camera, Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.camera import (
    Box,
    CameraCondition,
    CameraOffline,
    CameraOnline,
    CameraState,
    MotionEnded,
    MotionStarted,
)
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft, object_event_id
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CAMERA_AVAILABLE, CAMERA_STATE
from vigilar_events.handlers import Handlers


def _config(*ids: str) -> Config:
    cameras = [
        Camera(
            id=i,
            display_name=f"The {i}",
            rtsp_url="rtsp://x/",
            location="EXTERIOR" if i == "front" else "INTERIOR",
        )
        for i in ids
    ]
    return Config(cameras=tuple(cameras))


class House:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.facts = FakeFacts(self.clock)
        self.bus = FakeBus(self.clock)
        self.arm_state = ArmState.DISARMED
        self.folder = folder
        self.restart()

    def restart(self) -> None:
        self.handlers = Handlers(
            clock=self.clock,
            facts=self.facts,  # type: ignore[arg-type]
            arm_state=lambda: self.arm_state,
            file=StateFile(self.folder / "outages.json"),
            config=_config("front", "hall"),
        )
        self.handlers.load()
        self.bus = FakeBus(self.clock)
        self.bus.subscribe(CAMERA_AVAILABLE, self.handlers.on_available)
        self.bus.subscribe(CAMERA_STATE, self.handlers.on_camera_state)

    def tell(self, fact: Fact, live: bool = True) -> Fact:
        fact = fact.model_copy(
            update={"id": fact.id or str(uuid4()), "ts_ms": fact.ts_ms or self.clock.now_ms()}
        )
        self.handlers.on_fact(fact, max(0.0, (self.clock.now_ms() - fact.ts_ms) / 1000), live)
        return fact

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.handlers.tick()

    @property
    def opened(self) -> list[EventOpened]:
        return self.facts.of(EventOpened)

    @property
    def ended(self) -> list[EventEnded]:
        return self.facts.of(EventEnded)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def _motion(camera_id: str = "front") -> MotionStarted:
    return MotionStarted(
        camera_id=camera_id,
        motion_id=str(uuid4()),
        score=0.4,
        area_px=900,
        zones=["drive"],
        picture_id=str(uuid4()),
        recording_id=str(uuid4()),
    )


def test_motion_becomes_an_event_with_picture_and_recording_and_ends_with_it(house: House) -> None:
    motion = house.tell(_motion())
    assert isinstance(motion, MotionStarted)
    (event,) = house.opened
    assert event.title == "Motion at The front"
    assert (event.picture_id, event.recording_id, event.ts_ms) == (
        motion.picture_id,
        motion.recording_id,
        motion.ts_ms,
    )
    assert event.zones == ["drive"]
    house.clock.advance(7)
    house.tell(
        MotionEnded(
            camera_id="front",
            motion_id=motion.motion_id,
            started_ms=motion.ts_ms,
            peak_score=0.5,
            mean_score=0.2,
            curve=[0.1, 0.5],
        )
    )
    (end,) = house.ended
    assert end.detail == {"peak_score": 0.5, "mean_score": 0.2, "curve": [0.1, 0.5], "curve_step_s": 1}
    assert (end.event_id, end.ended_ms) == (event.event_id, house.clock.now_ms())


def test_a_repeated_fact_gives_the_same_ids_also_after_a_restart(house: House) -> None:
    motion = house.tell(_motion())
    house.restart()
    house.tell(motion, live=False)
    first, second = house.opened
    assert (first.id, first.event_id) == (second.id, second.event_id)
    assert first.id != first.event_id != motion.id


@pytest.mark.parametrize(
    ("state", "camera", "severity"),
    [
        ("disarmed", "front", "info"),
        ("disarmed", "hall", "info"),
        ("armed_home", "front", "alert"),
        ("armed_home", "hall", "info"),
        ("armed_night", "hall", "info"),
        ("armed_away", "front", "alert"),
        ("armed_away", "hall", "critical"),
        ("armed_vacation", "hall", "critical"),
    ],
)
def test_how_much_motion_matters_follows_from_arm_state_and_place(
    house: House, state: str, camera: str, severity: str
) -> None:
    house.arm_state = ArmState(state)
    house.tell(_motion(camera))
    assert house.opened[0].severity.value == severity
    assert house.opened[0].arm_state.value == state


def test_a_fact_older_than_30_seconds_informs_only(house: House) -> None:
    house.arm_state = ArmState.ARMED_AWAY
    motion = _motion("hall").model_copy(update={"ts_ms": house.clock.now_ms() - 31_000})
    house.tell(motion, live=False)
    assert house.opened[0].severity is Severity.INFO
    assert house.opened[0].detail == {"late_s": 31}


def test_an_outage_makes_one_event_after_ten_seconds_and_ends_with_the_picture(house: House) -> None:
    gone = house.tell(CameraOffline(camera_id="front", reason="timeout"))
    house.wait(9)
    assert house.opened == []
    house.wait(2)
    (event,) = house.opened
    assert (event.type.value, event.title, event.ts_ms) == (
        "camera_offline",
        "The front is offline",
        gone.ts_ms,
    )
    assert event.detail["reason"] == "timeout"
    house.wait(60)
    house.tell(CameraOnline(camera_id="front", offline_s=71))
    assert len(house.opened) == 1
    assert house.ended[0].event_id == event.event_id


def test_a_hiccup_makes_no_event(house: House) -> None:
    house.tell(CameraOffline(camera_id="front", reason="timeout"))
    house.wait(8)
    house.tell(CameraOnline(camera_id="front"))
    house.wait(60)
    assert house.opened == []
    assert house.ended == []
    assert house.handlers.damped_outages == 1


def test_a_flapping_camera_makes_at_most_one_event_in_five_minutes(house: House) -> None:
    times = []
    for _ in range(100):
        house.tell(CameraOffline(camera_id="front", reason="timeout"))
        before = len(house.opened)
        house.wait(15)
        times += [house.clock.monotonic_s()] * (len(house.opened) - before)
        house.tell(CameraOnline(camera_id="front"))
        house.wait(5)
    assert 6 <= len(times) <= 7, "2,000 seconds"
    assert all(later - earlier >= 300 - 15 for earlier, later in pairwise(times))
    assert len(house.ended) == len(house.opened)


def test_an_outage_that_lasts_is_told_once_the_damping_is_over(house: House) -> None:
    for _ in range(2):
        house.tell(CameraOffline(camera_id="front", reason="timeout"))
        house.wait(20)
        house.tell(CameraOnline(camera_id="front"))
        house.wait(2)
    house.tell(CameraOffline(camera_id="front", reason="cable"))
    house.wait(400)
    assert [event.detail["reason"] for event in house.opened] == ["timeout", "cable"]


def test_an_outage_read_from_the_log_with_its_end_is_told_with_its_end(house: House) -> None:
    start_ms = house.clock.now_ms() - 3_600_000
    house.tell(CameraOffline(camera_id="front", reason="x", ts_ms=start_ms), live=False)
    house.tell(CameraOnline(camera_id="front", ts_ms=start_ms + 60_000), live=False)
    assert len(house.opened) == len(house.ended) == 1
    assert house.opened[0].severity is Severity.INFO


def test_an_open_outage_survives_a_restart_and_still_ends(house: House) -> None:
    house.tell(CameraOffline(camera_id="front", reason="x"))
    house.wait(12)
    house.restart()
    house.wait(30)
    assert len(house.opened) == 1
    house.tell(CameraOnline(camera_id="front"))
    assert [end.event_id for end in house.ended] == [house.opened[0].event_id]


def test_a_worker_that_died_counts_as_offline_until_its_camera_is_seen_again(house: House) -> None:
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    house.wait(11)
    assert "not running" in house.opened[0].detail["reason"]
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"online", camera_id="front")
    assert house.ended == []
    house.clock.advance(1)
    state = CameraState(camera_id="front", condition=CameraCondition.ONLINE)
    house.bus.deliver(CAMERA_STATE, state, camera_id="front")
    assert len(house.ended) == 1


def test_a_retained_state_from_before_the_outage_does_not_end_it(house: House) -> None:
    old = CameraState(camera_id="front", condition=CameraCondition.ONLINE, ts_ms=house.clock.now_ms() - 5000)
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    house.bus.deliver(CAMERA_STATE, old, camera_id="front")
    house.wait(11)
    assert len(house.opened) == 1


def test_a_camera_in_privacy_is_not_missing(house: House) -> None:
    """Its worker restarts to drop the connection: that must not look like a camera that was cut off."""
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    house.wait(3)
    private = CameraState(camera_id="front", condition=CameraCondition.OFFLINE, privacy=True)
    house.bus.deliver(CAMERA_STATE, private, camera_id="front")
    house.wait(60)
    assert house.opened == []


def test_a_clock_that_jumps_neither_makes_nor_hides_an_outage(house: House) -> None:
    house.tell(CameraOffline(camera_id="front", reason="x"))
    house.clock.jump_wall(3600)
    house.wait(5)
    assert house.opened == []
    house.clock.jump_wall(-7200)
    house.wait(6)
    assert len(house.opened) == 1


def test_a_camera_that_is_removed_is_not_missing(house: House) -> None:
    house.tell(CameraOffline(camera_id="front", reason="x"))
    house.tell(CameraOffline(camera_id="hall", reason="x"))
    house.wait(12)
    house.handlers.configure(_config("front"))
    assert len(house.opened) == 2
    assert len(house.ended) == 1
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="hall")
    house.wait(60)
    assert len(house.opened) == 2


def _seen(track_id: str, **more: Any) -> ObjectDetected:
    box = Box(x=0.1, y=0.2, w=0.1, h=0.4)
    return ObjectDetected(
        camera_id="front",
        track_id=track_id,
        object_class="person",
        confidence=0.8,
        box=box,
        zones=["drive"],
        **more,
    )


def _left(track_id: str, **more: Any) -> ObjectLeft:
    box = Box(x=0.5, y=0.2, w=0.1, h=0.4)
    return ObjectLeft(
        camera_id="front", track_id=track_id, reason=ObjectEnd.GONE, object_class="person", confidence=0.9, box=box,
        started_ms=1, zones=["drive", "door"], dwell_s={"door": 3.5}, **more,
    )  # fmt: skip


def test_an_object_is_one_event_that_says_at_its_end_how_it_went(house: House) -> None:
    track_id, motion_id, best = str(uuid4()), str(uuid4()), str(uuid4())
    house.tell(_seen(track_id, motion_id=motion_id))
    house.tell(_left(track_id, picture_id=best))
    (event,), (end,) = house.opened, house.ended
    assert (event.type, event.title, event.cause_id) == (EventType.OBJECT, "Person at The front", motion_id)
    assert (event.detail["object_class"], event.detail["track_id"], event.score) == ("person", track_id, 0.8)
    assert end.event_id == event.event_id
    assert (end.detail["zones"], end.detail["dwell_s"], end.detail["picture_id"]) == (
        ["drive", "door"],
        {"door": 3.5},
        best,
    )


def test_an_object_without_motion_is_its_own_cause_and_late_ones_say_so(house: House) -> None:
    track_id = str(uuid4())
    house.arm_state = ArmState.ARMED_AWAY
    house.tell(_seen(track_id, ts_ms=house.clock.now_ms() - 60_000))
    (event,) = house.opened
    assert (event.cause_id, event.detail["late_s"], event.severity) == (track_id, 60, Severity.INFO)


def test_what_a_worker_that_died_had_in_sight_ends_with_it(house: House) -> None:
    here, gone = str(uuid4()), str(uuid4())
    house.tell(_seen(here))
    house.tell(_seen(gone))
    house.tell(_left(gone))
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    house.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    ends = [end for end in house.ended if end.event_id == object_event_id(here)]
    assert [end.detail for end in ends] == [{"reason": "interrupted"}]
    house.tell(_left(here))
    assert len({end.id for end in house.ended}) == len(house.ended) == 3, "the true end takes its place"
