"""Pictures of followed objects: sent to who identifies them, when asked for, when there is something new to see."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import pytest
from object_scenes import START_MS, Actor, looks
from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.domain.looks import Look, Seen
from vigilar_camera_worker.object_report import ObjectReport
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.track_crops import MAX_PER_TRACK
from vigilar_common.config import Camera
from vigilar_common.config.detection import Detection
from vigilar_common.messages.detection import ObjectDetected, TrackLease
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.testing.fakes import Published
from vigilar_common.topics import PETS_LEASE, TRACK_CROP, VISITORS_LEASE

WIDE, HIGH = 1920, 1080
WALK = Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 8)


class View:
    """The main stream's pictures; ``asked``: the moments that were decoded."""

    stream_id = "01970000-0000-7000-8000-000000000009"

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.there = True
        pixels = np.random.default_rng(1).integers(0, 255, (HIGH, WIDE, 3), np.uint8)
        self._frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p")

    def picture(self, wall_ms: int) -> Picture | None:
        self.asked.append(wall_ms)
        return Picture(self._frame, wall_ms) if self.there else None


@pytest.fixture(scope="module", name="view")
def _view() -> View:
    return View()


class House:
    def __init__(self, view: View) -> None:
        self.clock = FakeClock(START_MS)
        self.bus, self.facts, self.view = FakeBus(self.clock), FakeFacts(self.clock), view
        view.asked, view.there = [], True
        camera = Camera(id="front", display_name="Front", rtsp_url="rtsp://192.0.2.1/main")
        report = Report(self.bus, self.facts, "front", self.clock)  # type: ignore[arg-type]
        self.objects = ObjectReport(
            self.bus, report, self.clock, camera, Detection(person_detection=True),
            view, lambda _item: True, lambda: "",
        )  # fmt: skip
        self.objects._track_crops.start()

    def lease(self, kinds: Sequence[str] = ("person",), lease_s: float = 60, **more: Any) -> None:
        self.bus.deliver(VISITORS_LEASE, TrackLease(kinds=list(kinds), lease_s=lease_s, **more))

    def play(self, scene: list[Look]) -> None:
        for look in scene:
            self.clock.advance((look.wall_ms - self.clock.now_ms()) / 1000)
            self.objects.looked(look)
            self.objects.turn()

    @property
    def crops(self) -> list[Published]:
        return [item for item in self.bus.published if item.topic is TRACK_CROP]


def seconds(crop: Published) -> float:
    return (int(crop.properties["ts_ms"]) - START_MS) / 1000


def test_an_object_that_is_told_is_shown_with_what_is_known_of_it(view: View) -> None:
    house = House(view)
    house.lease()
    house.play(looks([WALK], 10))
    (told,) = house.facts.of(ObjectDetected)
    first = house.crops[0]
    assert first.ids == {"camera_id": "front"}
    assert set(first.properties) == {"track_id", "kind", "class", "ts_ms", "box", "area", "score"}
    assert (first.properties["track_id"], first.properties["kind"]) == (told.track_id, "person")
    box, area = ([float(n) for n in first.properties[name].split(",")] for name in ("box", "area"))
    assert area[2] == pytest.approx(1.3 * box[2], abs=0.003)
    assert area[3] == pytest.approx(1.3 * box[3], abs=0.003)
    with av.open(io.BytesIO(first.payload)) as shown:
        size = shown.streams.video[0].codec_context
        assert (size.width, size.height) == (round(area[2] * WIDE), round(area[3] * HIGH))


def test_nothing_is_decoded_or_sent_while_nobody_identifies_that_kind_here(view: View) -> None:
    house = House(view)
    house.play(looks([WALK], 3))
    decoded = len(view.asked)
    house.lease(["dog", "animal"])
    house.play(looks([WALK], 4, from_s=3.2))
    house.lease(cameras=["back"])
    house.play(looks([WALK], 6, from_s=4.2))
    assert (house.crops, len(view.asked)) == ([], decoded)


def test_a_lease_that_is_not_renewed_ends(view: View) -> None:
    house = House(view)
    house.lease(lease_s=4)
    house.play(looks([WALK], 10))
    assert house.crops
    assert max(map(seconds, house.crops)) <= 4


def test_leases_of_pets_and_visitors_hold_side_by_side(view: View) -> None:
    house = House(view)
    house.lease(["person"])
    house.bus.deliver(PETS_LEASE, TrackLease(kinds=["dog"]))
    dog = Actor("dog", (0.9, 0.8), (0.1, 0.8), 0, 8, (0.1, 0.15))
    house.play(looks([WALK, dog], 6))
    assert {crop.properties["kind"] for crop in house.crops} == {"person", "animal"}
    assert {crop.properties["class"] for crop in house.crops} == {"person", "dog"}


def test_pictures_of_one_object_are_a_second_apart_and_not_without_end(view: View) -> None:
    house = House(view)
    house.lease()
    house.play(looks([Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 50)], 40))
    times = list(map(seconds, house.crops))
    assert 5 <= len(times) <= MAX_PER_TRACK
    assert all(later - earlier >= 0.8 for earlier, later in itertools.pairwise(times))


def test_a_much_better_moment_is_shown_at_once_and_a_worse_one_waits(view: View) -> None:
    house, scene = House(view), []
    house.lease()
    for look in looks([WALK], 8):
        better = look.wall_ms >= START_MS + 2_600
        scene.append(
            Look(look.wall_ms, tuple(Seen("person", 0.95 if better else 0.6, s.box) for s in look.objects))
        )
    house.play(scene)
    times = list(map(seconds, house.crops))
    assert sum(2.6 <= time_s <= 2.8 for time_s in times) == 1
    assert not [time_s for time_s in times if 2.8 < time_s < 4.4]


def test_several_objects_of_one_moment_cost_one_decoding(view: View) -> None:
    house = House(view)
    house.lease()
    many = [Actor("person", (0.1 + n / 5, 0.5), (0.3 + n / 5, 0.5), 0, 8) for n in range(4)]
    house.play(looks(many, 3))
    moments = {crop.properties["ts_ms"] for crop in house.crops}
    assert len({crop.properties["track_id"] for crop in house.crops}) == 4
    assert len(moments) < len(house.crops)


def test_a_picture_has_at_most_1024_pixels_a_side_and_fits_its_topic(view: View) -> None:
    house = House(view)
    house.lease()
    house.play(looks([Actor("person", (0.4, 0.5), (0.6, 0.5), 0, 8, (0.5, 0.95))], 5))
    for crop in house.crops:
        assert len(crop.payload) <= TRACK_CROP.max_bytes
        with av.open(io.BytesIO(crop.payload)) as shown:
            size = shown.streams.video[0].codec_context
            assert max(size.width, size.height) <= 1024
    assert house.crops


def test_a_moment_that_is_gone_and_a_broker_that_is_away_are_counted(view: View) -> None:
    house = House(view)
    house.lease()
    view.there = False
    house.play(looks([WALK], 3))
    assert house.objects.counters["track_crops_failed"] >= 1
    view.there, house.bus.connected = True, False
    house.play(looks([WALK], 6, from_s=3.2))
    assert house.objects.counters["track_crops_unsent"] >= 1
    assert house.crops == []


def test_what_has_left_is_forgotten_and_no_pixels_are_held(view: View) -> None:
    house = House(view)
    house.lease()
    house.play(looks([WALK], 20))
    assert house.objects._track_crops._of == {}
    assert house.objects._moments._held is None
