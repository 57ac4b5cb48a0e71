"""Where the detector is asked to look, what it is sent, and what becomes of its answers."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vigilar_camera_worker.adapters.cutting import cut
from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.crops import GIVE_UP_S, SWEEP_EVERY_S, Crops
from vigilar_camera_worker.domain.looks import Look, Rect
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.regions import Region, regions, tiles
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import CropResult, CropSeen, Detection, DetectorLease
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.topics import AVAILABLE, CROP, CROP_SEEN, DETECTOR_LEASE

WIDE, HIGH = 640, 360
unit = st.floats(0, 1, allow_nan=False)
boxes = st.lists(
    st.tuples(unit, unit, unit, unit).map(lambda b: (b[0], b[1], b[2] * (1 - b[0]), b[3] * (1 - b[1]))),
    max_size=32,
)


# -- where ---------------------------------------------------------------------------------------------


@given(
    boxes,
    st.sampled_from([(640, 360), (320, 240), (1920, 1080), (360, 640), (3840, 2160), (64, 48)]),
    st.integers(1, 2),
)
def test_parts_hold_all_that_moves_and_lie_in_the_picture(
    found: list[tuple[float, float, float, float]], size: tuple[int, int], most: int
) -> None:
    width, height = size
    parts = regions(found, width, height, most)
    assert len(parts) <= most
    assert bool(parts) == bool(found)
    for part in parts:
        assert part.x >= 0 <= part.y
        assert part.x + part.width <= width
        assert part.y + part.height <= height
        assert part.x % 2 == part.y % 2 == part.width % 2 == part.height % 2 == 0
    for x, y, w, h in found:
        inside = [
            part
            for part in parts
            if part.x <= x * width + 2 and (x + w) * width <= part.x + part.width + 2
            and part.y <= y * height + 2 and (y + h) * height <= part.y + part.height + 2
        ]  # fmt: skip
        assert inside, "something that moves is in no part"


def test_a_part_is_square_and_has_room_around_what_moves() -> None:
    (part,) = regions([(0.4, 0.4, 0.1, 0.3)], WIDE, HIGH, 2)
    assert abs(part.width - part.height) <= 2
    assert part.height > 1.4 * 0.3 * HIGH
    assert part.x < 0.4 * WIDE < 0.5 * WIDE < part.x + part.width


def test_parts_of_one_thing_are_one_part_and_two_things_are_two() -> None:
    near = [(0.40, 0.40, 0.05, 0.1), (0.42, 0.50, 0.05, 0.1)]
    assert len(regions(near, WIDE, HIGH, 2)) == 1
    assert len(regions([*near, (0.9, 0.1, 0.05, 0.1)], WIDE, HIGH, 2)) == 2


@settings(max_examples=50)
@given(st.integers(64, 700), st.integers(64, 700))
def test_the_tiles_of_a_sweep_cover_the_picture(width: int, height: int) -> None:
    found = tiles(width, height)
    covered = np.zeros((height, width), np.bool_)
    for tile in found:
        covered[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = True
    assert covered[: height // 2 * 2, : width // 2 * 2].all()
    assert len(found) <= 3


# -- what is sent --------------------------------------------------------------------------------------


def picture(
    width: int = WIDE, height: int = HIGH, pixel_format: str = "yuv420p", full: bool = False
) -> Picture:
    """Left half red, right half blue."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2, 0] = rgb[:, width // 2 :, 2] = 220
    frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
        format=pixel_format, dst_color_range="JPEG" if full else "MPEG"
    )
    return Picture(frame, 1_000)


@pytest.mark.parametrize(
    ("pixel_format", "full"), [("yuv420p", False), ("yuvj420p", True), ("nv12", False), ("yuv422p", False)]
)
def test_a_crop_shows_the_part_in_its_colours_whatever_the_pixel_format(
    pixel_format: str, full: bool
) -> None:
    shown = picture(pixel_format=pixel_format, full=full)
    jpeg = cut(shown, Region(220, 100, 200, 200), 160)
    pixels: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (160, 160, 3)
    left, right = pixels[80, 20].astype(int), pixels[80, 140].astype(int)
    assert np.abs(left - [0, 0, 220]).max() < 25
    assert np.abs(right - [220, 0, 0]).max() < 25


def test_a_crop_is_never_larger_than_it_is_in_the_picture() -> None:
    pixels: Any = cv2.imdecode(
        np.frombuffer(cut(picture(), Region(0, 0, 96, 96), 640), np.uint8), cv2.IMREAD_COLOR
    )
    assert pixels.shape == (96, 96, 3)


# -- when, and what comes back -------------------------------------------------------------------------


class Objects:
    def __init__(self, wanted: bool = True) -> None:
        self.wanted, self.muted = wanted, False
        self.where: list[Rect] = []
        self.looks: list[Look] = []
        self.reasons: list[str] = []

    def looked(self, look: Look) -> None:
        self.looks.append(look)

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)

    def expected(self) -> list[Rect]:
        return self.where


class Rig:
    def __init__(self, wanted: bool = True) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus(self.clock)
        self.objects = Objects(wanted)
        self.crops = Crops(self.bus, "front", self.clock, self.objects)
        self.crops.start()
        self.shown = picture()

    def lease(self, per_s: float = 50, lease_s: float = 60, *, fresh: bool = False) -> None:
        """``fresh``: with what is looked at after a start; else that has been done."""
        self.bus.deliver(
            DETECTOR_LEASE, DetectorLease(lease_s=lease_s, crop_px=320, crops_per_s=per_s, model_id="x")
        )
        if not fresh:
            self.crops._starts.clear()

    def look(self, *found: Box, after_s: float = 0.2) -> None:
        self.clock.advance(after_s)
        now_ms = self.clock.now_ms()
        area_px = 100 if found else 0
        self.crops.looked(Observation(self.clock.monotonic_s(), now_ms, 0.1, area_px, found), self.shown)

    @property
    def sent(self) -> list[str]:
        return [str(p.properties["crop_id"]) for p in self.bus.published if p.topic is CROP]

    def answer(self, crop_id: str, result: CropResult = CropResult.SEEN, *objects: Detection) -> None:
        seen = CropSeen(camera_id="front", crop_id=crop_id, result=result, objects=list(objects))
        self.bus.deliver(CROP_SEEN, seen, camera_id="front")

    def answer_all(self) -> None:
        for crop_id in self.sent:
            self.answer(crop_id)


WALKER = Box(x=0.4, y=0.4, w=0.1, h=0.2)
FAR = Box(x=0.9, y=0.1, w=0.05, h=0.1)


def test_nothing_is_cut_without_a_lease_or_while_nothing_moves() -> None:
    rig = Rig()
    rig.crops.began()
    rig.look(WALKER)
    rig.crops.ended()
    rig.lease()
    rig.look(WALKER)
    assert rig.sent == []


def test_a_camera_that_is_not_looked_at_hears_no_lease() -> None:
    rig = Rig(wanted=False)
    rig.lease()
    rig.crops.began()
    rig.look(WALKER)
    assert rig.sent == []


def test_the_look_that_confirmed_the_motion_is_the_first_one_sent() -> None:
    rig = Rig()
    rig.lease()
    rig.look(WALKER)
    rig.crops.began()
    assert len(rig.sent) == 1


def test_at_most_two_crops_wait_for_an_answer_and_one_that_never_comes_is_given_up() -> None:
    rig = Rig()
    rig.lease()
    rig.crops.began()
    for _ in range(4):
        rig.look(WALKER, FAR)
    assert len(rig.sent) == 2
    assert rig.crops.counters["crops_skipped"] == 3
    rig.look(WALKER, after_s=GIVE_UP_S)
    assert len(rig.sent) > 2
    assert rig.crops.counters["crops_unanswered"] == 2


def test_the_detector_says_how_often() -> None:
    rig = Rig()
    rig.lease(per_s=0.5)
    rig.crops.began()
    for _ in range(4):
        rig.look(WALKER)
        rig.answer_all()
    assert len(rig.sent) == 1


def test_boxes_of_a_crop_come_back_as_boxes_of_the_picture() -> None:
    rig = Rig()
    rig.lease()
    rig.crops.began()
    rig.look(WALKER)
    (part,) = regions([(0.4, 0.4, 0.1, 0.2)], WIDE, HIGH, 2)
    whole = Box(x=0.25, y=0.5, w=0.5, h=0.5)
    rig.answer(rig.sent[0], CropResult.SEEN, Detection(object_class="person", score=0.8, box=whole))
    (look,) = rig.objects.looks
    (seen,) = look.objects
    assert seen.box.x == pytest.approx((part.x + 0.25 * part.width) / WIDE)
    assert seen.box.h == pytest.approx(0.5 * part.height / HIGH)
    assert look.moving[0].x == WALKER.x
    assert look.area.w == pytest.approx(part.width / WIDE)


@pytest.mark.parametrize(
    "result", [CropResult.LATE, CropResult.FAILED, CropResult.REFUSED, CropResult.REPLACED]
)
def test_what_was_not_seen_is_no_look_and_frees_its_place(result: CropResult) -> None:
    rig = Rig()
    rig.lease()
    rig.crops.began()
    rig.look(WALKER)
    rig.answer(rig.sent[0], result)
    assert rig.objects.looks == []
    assert rig.crops.counters[f"crops_{result.value}"] == 1
    rig.look(WALKER)
    rig.look(WALKER)
    assert len(rig.sent) == 3


def test_answers_that_nobody_asked_for_are_left_out() -> None:
    rig = Rig()
    rig.lease()
    rig.answer("01890000-0000-7000-8000-000000000000")
    assert rig.objects.looks == []


def test_the_whole_picture_is_swept_now_and_then_and_when_it_is_over() -> None:
    rig = Rig()
    rig.lease(per_s=20)
    rig.crops.began()
    for _ in range(int(3 * SWEEP_EVERY_S / 0.2)):
        rig.look(WALKER)
        rig.answer_all()
    assert rig.crops.counters["sweeps"] == 3
    widths = {round(look.area.h, 2) for look in rig.objects.looks}
    assert 1.0 in widths
    rig.crops.ended()
    assert rig.crops.counters["sweeps"] == 4
    for _ in range(20):
        rig.answer_all()
        rig.look()
    assert widest(rig) >= 1.0, "the tile that was too much at a time follows"
    count = len(rig.sent)
    rig.look(WALKER)
    assert len(rig.sent) == count, "nothing moves any more"


def widest(rig: Rig) -> float:
    """How far to the right the last three looks reach."""
    return max(look.area.x + look.area.w for look in rig.objects.looks[-3:])


def test_where_somebody_was_seen_last_is_looked_at_again_until_the_motion_counts_as_over() -> None:
    rig = Rig()
    rig.lease(per_s=20)
    rig.crops.began()
    rig.look(WALKER, after_s=0.1)
    rig.answer_all()
    rig.objects.looks.clear()
    gone = Rect(FAR.x, FAR.y, FAR.w, FAR.h)
    rig.objects.where = [gone]
    for _ in range(25):
        rig.look()
        rig.answer_all()
    around = [look for look in rig.objects.looks if look.area.w < 0.5]
    assert len(around) >= 3, "as many looks as the tracker wants before somebody has left"
    assert all(gone.inside(look.area) >= 0.99 for look in around)


def test_who_stands_still_afterwards_is_looked_at_now_and_then_and_not_for_ever() -> None:
    rig = Rig()
    rig.lease(per_s=20, lease_s=60)
    rig.crops.began()
    rig.look(WALKER)
    rig.crops.ended()
    rig.objects.where = [Rect(WALKER.x, WALKER.y, WALKER.w, WALKER.h)]
    rig.objects.looks.clear()
    for second in range(1200):
        if second % 10 == 0:
            rig.lease(per_s=20)
        rig.look(after_s=1.0)
        rig.answer_all()
    assert 80 <= len(rig.objects.looks) <= 95, "each ten seconds, for a quarter of an hour"


def test_after_a_start_all_of_the_picture_is_looked_at_though_nothing_moves() -> None:
    rig = Rig()
    rig.lease(fresh=True)
    rig.objects.muted = True
    rig.look()
    assert rig.sent == [], "detection is switched off"
    rig.objects.muted = False
    for _ in range(70):
        rig.look(after_s=1.0)
        rig.answer_all()
        rig.lease(fresh=True)
    assert rig.crops.counters["sweeps"] == 4
    assert len(rig.sent) == 4 * len(tiles(WIDE, HIGH)), "then it rests"


def test_a_detector_that_dies_or_falls_silent_is_told_and_nothing_is_sent() -> None:
    rig = Rig()
    rig.lease(lease_s=5)
    rig.crops.began()
    rig.look(WALKER)
    rig.look(WALKER, after_s=6)
    assert rig.objects.reasons == ["the detector has not been heard of"]
    rig.lease()
    rig.bus.deliver(AVAILABLE, payload=b"offline", service="detector")
    rig.look(WALKER)
    assert rig.objects.reasons[-1] == "the detector does not run"
    assert len(rig.sent) == 1
    rig.lease()
    rig.look(WALKER)
    assert len(rig.sent) > 1, "it is back"


def test_a_broker_that_is_away_costs_the_crop_alone() -> None:
    rig = Rig()
    rig.lease()
    rig.crops.began()
    rig.bus.connected = False
    for _ in range(4):
        rig.look(WALKER)
    assert rig.crops.counters["crops_unsent"] == 4
    rig.bus.connected = True
    rig.look(WALKER)
    assert rig.sent
