"""What the house is told of objects: facts with their pictures, and a retained state that is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from object_scenes import CAR, LONGER_S, START_MS, Actor, looks
from vigilar_camera_worker.domain.looks import Look, Rect, Seen
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.object_report import MAX_LOOKS, ObjectReport
from vigilar_camera_worker.report import Report
from vigilar_common.config import Camera
from vigilar_common.config.detection import Detection
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import CameraObjects, ObjectChanged, ObjectEnd, ObjectLeft
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CAMERA_OBJECTS, PICTURE

MOTION_ID = "01970000-0000-7000-8000-000000000001"
WALK = Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 8)


class Frame:
    """A picture of 1280×720, grey; the part that was asked for is told by its size."""

    width_px, height_px = 1280, 720

    def bgr(self, width_px: int, height_px: int) -> NDArray[np.uint8]:
        return np.full((height_px, width_px, 3), 90, np.uint8)


class View:
    stream_id = "01970000-0000-7000-8000-000000000009"

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.there = True

    def picture(self, wall_ms: int) -> Frame | None:
        self.asked.append(wall_ms)
        return Frame() if self.there else None


class House:
    def __init__(self, *, motion_id: str = MOTION_ID, keeps: bool = True, **detection: Any) -> None:
        self.clock = FakeClock(START_MS)
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.view, self.stored, self.motion_id = View(), list[StorePicture](), motion_id
        camera = Camera.model_validate(
            {
                "id": "front",
                "display_name": "Front",
                "rtsp_url": "rtsp://192.0.2.1/main",
                "lines": [{"name": "Gate", "start": [0.5, 0.9], "end": [0.5, 0.1]}],
                "zones": [{"name": "Path", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
            }
        )
        settings = Detection.model_validate({"person_detection": True, **detection})
        self.report = Report(self.bus, self.facts, "front", self.clock)  # type: ignore[arg-type]
        self.objects = ObjectReport(
            self.bus, self.report, self.clock, camera, settings,
            self.view, lambda item: keeps and not self.stored.append(item), lambda: self.motion_id,  # type: ignore[arg-type, func-returns-value]
        )  # fmt: skip

    def play(self, scene: list[Look]) -> None:
        for look in scene:
            self.clock.advance((look.wall_ms - self.clock.now_ms()) / 1000)
            self.objects.looked(look)
            if self.objects.wanted:
                self.objects.turn()

    @property
    def state(self) -> CameraObjects:
        (state,) = [state for state in self.bus.states.values() if isinstance(state, CameraObjects)]
        return state


def test_a_person_is_told_with_motion_zone_and_picture_and_leaves_with_the_whole_story() -> None:
    house = House()
    house.play(looks([WALK], 15))
    (seen,), (left,) = house.facts.of(ObjectDetected), house.facts.of(ObjectLeft)
    assert (seen.object_class, seen.motion_id, seen.zones, seen.ts_ms) == (
        "person",
        MOTION_ID,
        ["Path"],
        START_MS,
    )
    assert seen.picture_id == house.stored[0].picture_id
    assert (left.track_id, left.reason, left.zones) == (seen.track_id, ObjectEnd.GONE, ["Path"])
    assert (left.direction, left.crossed[0].line, left.crossed[0].direction) == ("right", "Gate", "in")
    assert left.ts_ms == START_MS + 8000
    assert left.looks > 35
    assert [fact.what.value for fact in house.facts.of(ObjectChanged)] == ["line_crossed"]


def test_the_retained_state_counts_what_is_there_and_is_empty_afterwards() -> None:
    house = House()
    house.play(looks([WALK], 5))
    assert (house.state.known, house.state.counts, house.state.zones) == (
        True,
        {"person": 1},
        {"Path": {"person": 1}},
    )
    assert house.state.objects[0].object_class == "person"
    house.play(looks([WALK], 15, from_s=5.2))
    assert (house.state.known, house.state.counts, house.state.objects) == (True, {}, [])


def test_the_state_is_not_told_again_while_nothing_changes() -> None:
    house = House()
    house.play(looks([WALK], 7))
    told = [item for item in house.bus.published if item.topic is CAMERA_OBJECTS]
    assert len(told) <= 2


def test_at_a_start_nothing_is_known_whatever_an_earlier_run_said() -> None:
    house = House()
    house.objects.start()
    assert (house.state.known, house.state.reason, house.state.counts) == (False, "nobody has looked yet", {})
    house.objects.stop(5.0)


@pytest.mark.parametrize("off", [{"person_detection": False}, {"cameras": ["back"]}])
def test_switched_off_nothing_runs_and_what_was_retained_is_taken_back(off: dict[str, Any]) -> None:
    house = House(**off)
    house.bus.set_state(CAMERA_OBJECTS, CameraObjects(camera_id="front", known=True), camera_id="front")
    house.objects.start()
    house.play(looks([WALK], 4))
    assert house.bus.states == {}
    assert house.facts.of(ObjectDetected) == []
    assert house.objects.alive


def test_when_nobody_looks_any_more_objects_leave_and_the_state_says_why() -> None:
    house = House()
    house.play(looks([WALK], 4))
    house.objects.lost("the detector is not running")
    house.objects.turn()
    (left,) = house.facts.of(ObjectLeft)
    assert left.reason is ObjectEnd.INTERRUPTED
    assert (house.state.known, house.state.reason, house.state.counts) == (
        False,
        "the detector is not running",
        {},
    )


def test_of_a_camera_that_is_offline_nothing_is_known() -> None:
    house = House()
    house.play(looks([WALK], 4))
    house.report.online()
    house.report.lost("no route to host")
    house.objects.turn()
    assert house.state.known, "one try at connecting is allowed"
    house.report.lost("no route to host")
    house.objects.turn()
    assert (house.state.known, house.state.reason, house.state.counts) == (False, "the camera is offline", {})


def test_detection_that_is_switched_off_by_command_ends_at_once_and_comes_back() -> None:
    house = House()
    house.play(looks([WALK], 4))
    house.objects.mute(True)
    house.play(looks([WALK], 6, from_s=4.2))
    assert (len(house.facts.of(ObjectDetected)), house.state.known) == (1, False)
    house.objects.mute(False)
    house.play(looks([WALK], 8, from_s=6.2))
    assert (len(house.facts.of(ObjectDetected)), house.state.known) == (2, True)


def test_a_parked_car_is_counted_and_told_nobody() -> None:
    house = House()
    house.play(looks([Actor("car", (0.5, 0.7), (0.5, 0.7), 0, 60, CAR)], 30))
    assert (house.state.counts, house.state.objects[0].resting) == ({"car": 1}, True)
    assert house.facts.of(ObjectDetected) == []
    assert house.stored == []


def test_a_better_moment_makes_the_picture_that_the_end_tells() -> None:
    house, scene = House(), []
    for number, look in enumerate(looks([WALK], 15)):
        score = 0.95 if number > 20 else 0.6
        scene.append(Look(look.wall_ms, tuple(Seen(s.object_class, score, s.box) for s in look.objects)))
    house.play(scene)
    (seen,), (left,) = house.facts.of(ObjectDetected), house.facts.of(ObjectLeft)
    assert [item.picture_id for item in house.stored] == [seen.picture_id, left.picture_id]
    assert {item.cause_id for item in house.stored} == {MOTION_ID}
    sent = [item for item in house.bus.published if item.topic is PICTURE]
    assert [item.properties["kind"] for item in sent] == ["object", "object"]


def test_a_moment_that_is_gone_costs_the_picture_and_not_the_news() -> None:
    house = House()
    house.view.there = False
    house.play(looks([WALK], 15))
    assert (house.facts.of(ObjectDetected)[0].picture_id, house.facts.of(ObjectLeft)[0].picture_id) == (
        None,
        None,
    )
    assert house.objects.counters["object_pictures_failed"] >= 1


def test_a_disk_that_is_too_slow_costs_the_picture_alone() -> None:
    house = House(keeps=False)
    house.play(looks([WALK], 15))
    assert house.facts.of(ObjectDetected)[0].picture_id is None


@pytest.mark.parametrize("late_s", [0.0, 2.0])
def test_answers_of_a_busy_machine_end_an_object_no_sooner_than_prompt_ones(late_s: float) -> None:
    """Who was seen last at eight seconds is waited for until fourteen, by the time of the looks."""
    house = House()
    for look in looks([WALK], 13 - LONGER_S):
        house.clock.advance((look.wall_ms - house.clock.now_ms()) / 1000 + late_s)
        house.objects.looked(look)
        house.objects.turn()
        house.objects.turn()
    assert (len(house.facts.of(ObjectDetected)), house.facts.of(ObjectLeft)) == (1, [])


def test_without_motion_the_object_is_its_own_cause() -> None:
    house = House(motion_id="")
    house.play(looks([WALK], 15))
    (seen,) = house.facts.of(ObjectDetected)
    assert seen.motion_id is None
    assert house.stored[0].cause_id == seen.track_id


def test_answers_that_come_faster_than_they_are_handled_are_counted_and_the_newest_kept() -> None:
    house = House()
    for look in looks([WALK], 20):
        house.objects.looked(look)
    assert house.objects.counters["object_looks_dropped"] == len(looks([WALK], 20)) - MAX_LOOKS


def test_the_picture_is_cut_around_the_object_and_no_wider_than_a_thumbnail() -> None:
    house = House()
    house.play(
        [Look(look.wall_ms, tuple(_small(seen) for seen in look.objects)) for look in looks([WALK], 4)]
    )
    assert (house.stored[0].width_px, house.stored[0].height_px) == (384, 216)


def _small(seen: Seen) -> Seen:
    return Seen(seen.object_class, seen.score, Rect(seen.box.x, seen.box.y, 0.03, 0.1))


def test_one_look_that_cannot_be_told_is_counted_and_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    scene = looks([WALK], 5)
    whole = house.objects._tracker.look

    def torn(look: Look) -> Any:
        if look is scene[0]:
            raise RuntimeError("torn")
        return whole(look)

    monkeypatch.setattr(house.objects._tracker, "look", torn)
    for look in scene[:20]:
        house.objects.looked(look)
    house.objects.turn()
    assert house.objects.counters["object_looks_failed"] == 1
    assert len(house.facts.of(ObjectDetected)) == 1


def test_new_zones_are_not_lost_for_looks_that_do_not_fit() -> None:
    house = House()
    renamed = house.objects._camera.model_copy(
        update={"zones": [house.objects._camera.zones[0].model_copy(update={"name": "Lawn"})]}
    )
    house.objects.retune(renamed)
    scene = looks([WALK], 8)
    for look in (scene * 3)[: MAX_LOOKS + 5]:
        house.objects.looked(look)
    house.objects.turn()
    assert house.objects._camera.zones[0].name == "Lawn"
    assert house.objects.counters["object_looks_dropped"] == 6
