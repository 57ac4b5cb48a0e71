"""Whose crop is looked at: fairness, deadline, flood; and crops that are none."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest
import tiny_models
from numpy.typing import NDArray
from patience import wait_until
from vigilar_common.clock import SystemClock
from vigilar_common.messages.detection import CropResult, CropSeen
from vigilar_common.testing import FakeClock
from vigilar_detector.domain.findings import Condition, findings
from vigilar_detector.domain.turns import Crop, Turns
from vigilar_detector.looker import FAULTS_IN_A_ROW, Loaded, Looker
from vigilar_detector.window import Window
from vigilar_models import jpeg
from vigilar_models.arrays import Pixels
from vigilar_models.errors import CropError
from vigilar_models.manifest import Manifest

ID = "01890000-0000-7000-8000-{:012d}"
PICTURE = tiny_models.jpeg()


def crop(camera: str, number: int, came_s: float = 0.0, data: bytes = PICTURE) -> Crop:
    return Crop(camera, ID.format(number), data, came_s)


def test_cameras_take_turns_however_many_crops_one_of_them_sends() -> None:
    turns = Turns()
    for number, camera in enumerate(("front", "front", "back", "side")):
        turns.offer(crop(camera, number))
    order = [found.camera_id for found, _ in iter(lambda: turns.take(0.1), (None, [])) if found]
    assert order == ["front", "back", "side", "front"]


def test_a_third_crop_of_a_camera_takes_the_place_of_the_oldest() -> None:
    turns = Turns()
    replaced = [turns.offer(crop("front", number)) for number in range(3)]
    assert [old.crop_id if old else None for old in replaced] == [None, None, ID.format(0)]
    assert len(turns) == 2


def test_what_waits_longer_than_the_deadline_is_not_looked_at() -> None:
    turns = Turns()
    turns.offer(crop("front", 1, came_s=0.0))
    turns.offer(crop("back", 2, came_s=0.4))
    found, late = turns.take(0.6)
    assert found is not None
    assert found.camera_id == "back"
    assert [old.camera_id for old in late] == ["front"]


def test_thirty_cameras_that_flood_get_equal_shares_and_a_bounded_queue() -> None:
    turns, shares = Turns(), Counter[str]()
    for step in range(200):
        for camera in range(30):
            turns.offer(crop(f"camera-{camera}", step, came_s=step / 10))
        for _ in range(7):
            found, _ = turns.take(step / 10)
            shares[found.camera_id if found else ""] += 1
        assert len(turns) <= 60
    assert min(shares.values()) > 0.9 * max(shares.values())
    assert len(shares) == 30


def test_cameras_that_have_fallen_silent_no_longer_count_as_busy() -> None:
    turns = Turns()
    turns.offer(crop("front", 1, came_s=0.0))
    turns.offer(crop("back", 2, came_s=3.0))
    assert (turns.busy(3.0), turns.busy(5.0), turns.busy(20.0)) == (2, 1, 0)


# -- pictures ------------------------------------------------------------------------------------------


def test_the_size_is_read_from_the_headers() -> None:
    assert jpeg.size_of(tiny_models.jpeg(48, 32)) == (48, 32)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        b"\xff\xd8\xff\xe0\x00\x00" * 90,
        PICTURE[:30],
        b"\0" * 5000,
    ],
)
def test_what_is_no_jpeg_is_refused_from_outside(data: bytes) -> None:
    with pytest.raises(CropError):
        jpeg.check(data)


@pytest.mark.parametrize("size", [(65535, 65535), (641, 32), (32, 641), (0, 10)])
def test_a_picture_that_says_it_is_giant_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(CropError, match="large"):
        jpeg.check(tiny_models.claimed_size(PICTURE, *size))


def test_every_beginning_of_a_picture_is_refused_or_decoded_whole() -> None:
    for length in range(0, len(PICTURE), 7):
        try:
            decoded = jpeg.pixels(PICTURE[:length])
        except CropError:
            continue
        assert decoded.shape == (32, 32, 3)


# -- the threads that look -----------------------------------------------------------------------------


class Model:
    """Answers by hand; ``gate`` holds it back."""

    classes = tuple(tiny_models.CLASSES)
    device = "test"
    anchors: NDArray[np.float32] | None = None

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.answer = tiny_models.person_in_the_middle()

    def look(self, worker: int, picture: Pixels) -> list[NDArray[np.generic]]:
        assert self.gate.wait(30)
        return list(self.answer.values())


class Rig:
    def __init__(self) -> None:
        self.answers: list[CropSeen] = []
        self.model = Model()
        manifest = Manifest.model_validate(tiny_models.manifest(b"x"))
        self.looker = Looker(Loaded(manifest, self.model, 1, 0.5), self.answers.append, SystemClock())
        self.looker.start()

    def offer(self, *crops: tuple[str, int, bytes]) -> None:
        for camera, number, data in crops:
            self.looker.offer(crop(camera, number, SystemClock().monotonic_s(), data))

    def wait(self, count: int) -> list[CropResult]:
        wait_until(lambda: len(self.answers) >= count, 5, f"{count} answers")
        return [answer.result for answer in self.answers]


@pytest.fixture(name="rig")
def _rig() -> Rig:
    return Rig()


def test_each_crop_is_answered_with_what_is_in_it(rig: Rig) -> None:
    rig.offer(("front", 1, PICTURE))
    assert rig.wait(1) == [CropResult.SEEN]
    (answer,) = rig.answers
    assert (answer.camera_id, answer.crop_id, answer.objects[0].object_class) == (
        "front",
        ID.format(1),
        "person",
    )
    rig.looker.stop(2)


def test_a_corrupt_crop_is_refused_and_the_next_one_looked_at(rig: Rig) -> None:
    torn = PICTURE[: len(PICTURE) // 2]
    rig.offer(("front", 1, b"no picture"), ("front", 2, torn[:170]), ("front", 3, PICTURE))
    assert rig.wait(3).count(CropResult.SEEN) >= 1
    assert rig.answers[0].result is CropResult.REFUSED
    assert rig.looker.dead() == ""
    rig.looker.stop(2)


def test_a_flood_is_answered_in_full_and_what_cannot_be_seen_says_so(rig: Rig) -> None:
    rig.model.gate.clear()
    rig.offer(*((f"camera-{n % 30}", n, PICTURE) for n in range(300)))
    assert rig.looker.waiting <= 60
    rig.model.gate.set()
    results = Counter(rig.wait(300))
    assert results[CropResult.REPLACED] >= 300 - 61
    assert set(results) <= {CropResult.SEEN, CropResult.REPLACED, CropResult.LATE}
    rig.looker.stop(2)


def test_a_model_that_gives_nan_fails_crop_by_crop_and_is_told_after_a_while(rig: Rig) -> None:
    rig.model.answer["labels"][0, 1, 0] = float("nan")
    for number in range(FAULTS_IN_A_ROW):
        rig.offer(("front", number, PICTURE))
        assert rig.wait(number + 1)[-1] is CropResult.FAILED
    assert "numbers that are none" in rig.looker.problem
    rig.model.answer["labels"][0, 1, 0] = -5
    rig.offer(("front", 99, PICTURE))
    assert rig.wait(FAULTS_IN_A_ROW + 1)[-1] is CropResult.SEEN
    assert rig.looker.problem == ""
    rig.looker.stop(2)


def test_busy_cameras_share_what_the_machine_can_do() -> None:
    manifest = Manifest.model_validate(tiny_models.manifest(b"x"))
    clock = FakeClock()
    looker = Looker(Loaded(manifest, Model(), 2, 0.5), lambda _seen: None, clock)
    assert looker.rate_per_s(10.0) == 5.0
    for number in range(40):
        looker.offer(crop(f"camera-{number}", number, clock.monotonic_s()))
    assert looker.rate_per_s(10.0) == pytest.approx(4.0)
    assert looker.rate_per_s(1000.0) == 0.5


# -- what the owner is told ----------------------------------------------------------------------------


def test_crops_that_are_not_seen_in_time_become_a_finding() -> None:
    window = Window()
    counters = {"crops_seen": 0, "crops_late": 0, "crops_replaced": 0, "crops_failed": 0}
    window.note(0.0, counters)
    window.note(30.0, counters | {"crops_seen": 150, "crops_late": 20})
    assert window.counts() == (150, 20)
    (told,) = findings(Condition(seen=150, unseen=20))
    assert (told.code, told.title) == (
        "detector_slow",
        "20 of 170 crops of the last minute were not looked at in time",
    )
    window.note(85.0, counters | {"crops_seen": 160, "crops_late": 20})
    assert window.counts() == (10, 0)
    assert list(findings(Condition(seen=10, unseen=5))) == []


def test_a_model_that_is_missing_is_a_finding_that_says_that_motion_goes_on() -> None:
    (told,) = findings(Condition(problem="model x is not installed"))
    assert told.code == "detector_model"
    assert "model x is not installed" in told.title
    assert "Motion alone goes on" in told.cure
