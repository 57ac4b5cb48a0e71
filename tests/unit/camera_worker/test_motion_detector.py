"""Motion in synthetic scenes with a known onset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vigilar_camera_worker.adapters.detector import MotionDetector, analysis_size, threshold
from vigilar_camera_worker.domain.motion import MotionMachine, Observation, Started
from vigilar_camera_worker.domain.zones import polygon_mask, zone_map
from vigilar_common.config import Camera

FPS = 5
SIZE = (640, 360)


def camera(**more: Any) -> Camera:
    return Camera(id="a", display_name="A", rtsp_url="rtsp://host/path", **more)


class Scene:
    """A textured background with sensor noise, in front of which a person-sized block may walk."""

    def __init__(self, noise: float = 4.0) -> None:
        self._random = np.random.default_rng(1)
        self._background = self._random.integers(40, 180, (360 // 8, 640 // 8)).astype(np.float32)
        self._background = np.kron(self._background, np.ones((8, 8), np.float32))
        # A few fields of noise, shifted at random: drawing new ones would take most of the test's time.
        self._fields = self._random.normal(0, noise, (4, 360, 640)).astype(np.float32)

    def picture(self, walker_x: int | None = None, gain: float = 1.0, y: int = 150) -> np.ndarray[Any, Any]:
        picture = self._background * gain
        if walker_x is not None:
            picture = picture.copy()
            picture[y : y + 90, walker_x : walker_x + 36] = 20
        field, shift = self._random.integers(4), int(self._random.integers(640 * 360))
        noise = np.roll(self._fields[field].ravel(), shift).reshape(360, 640)
        noisy: np.ndarray[Any, Any] = np.clip(picture + noise, 0, 255).astype(np.uint8)
        return noisy


def watch(
    detector: MotionDetector, pictures: list[np.ndarray[Any, Any]], from_s: float = 0.0
) -> list[Observation]:
    return [
        detector.observe(picture, from_s + index / FPS, round((from_s + index / FPS) * 1000))
        for index, picture in enumerate(pictures)
    ]


def still(scene: Scene, seconds: float) -> list[np.ndarray[Any, Any]]:
    return [scene.picture() for _ in range(round(seconds * FPS))]


def test_a_walker_is_seen_at_once_and_where_it_is() -> None:
    scene, detector = Scene(), MotionDetector(camera())
    quiet = watch(detector, still(scene, 8))
    assert not any(item.hit for item in quiet)
    walk = watch(detector, [scene.picture(100 + 12 * n) for n in range(15)], from_s=8)
    machine = MotionMachine()
    results = [machine.observe(item) for item in quiet + walk]
    (started,) = [item for item in results if isinstance(item, Started)]
    assert 8.0 <= started.onset_s <= 8.4
    box = started.seen.boxes[0]
    centre = (box.x + box.w / 2) * 640
    at = round((started.seen.time_s - 8) * FPS)
    assert abs(centre - (100 + 12 * at + 18)) < 40
    assert 0.35 < box.y + box.h / 2 < 0.75
    assert 500 < started.seen.area_px < 8000


@pytest.mark.parametrize("noise", [1.0, 4.0, 8.0])
def test_sensor_noise_alone_is_no_motion(noise: float) -> None:
    assert not any(item.hit for item in watch(MotionDetector(camera()), still(Scene(noise), 12)))


def test_switching_the_light_on_is_no_motion_and_walking_afterwards_is() -> None:
    scene, detector = Scene(), MotionDetector(camera())
    watch(detector, still(scene, 6))
    lit = watch(detector, [scene.picture(gain=1.5) for _ in range(25)], from_s=6)
    assert not any(item.hit for item in lit)
    assert detector.rejections["rejected_light"] >= 1
    assert any(
        item.hit for item in watch(detector, [scene.picture(50 + 15 * n, 1.5) for n in range(10)], from_s=11)
    )


def test_something_smaller_than_the_least_area_does_not_count() -> None:
    scene = Scene()
    for least, expected in ((500, True), (8000, False)):
        detector = MotionDetector(camera(motion_min_area_px=least))
        watch(detector, still(scene, 6))
        walk = watch(detector, [scene.picture(100 + 12 * n) for n in range(10)], from_s=6)
        assert any(item.hit for item in walk) is expected


def test_zones_decide_what_counts_and_are_named() -> None:
    scene = Scene()
    left, right = ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), ((0.5, 0), (1, 0), (1, 1), (0.5, 1))
    walk = [scene.picture(40 + 8 * n) for n in range(12)]
    cases: list[tuple[dict[str, Any], bool, set[str]]] = [
        ({"motion_zones": [right]}, False, set()),
        ({"motion_zones": [left]}, True, set()),
        ({"zones": [{"name": "door", "polygon": left}]}, True, {"door"}),
        ({"zones": [{"name": "street", "polygon": left, "mode": "exclude"}]}, False, set()),
        ({"motion_zones": [((0, 0), (320, 0), (320, 360), (0, 360))]}, True, set()),
    ]
    for more, expected, names in cases:
        detector = MotionDetector(camera(**more))
        watch(detector, still(scene, 6))
        got = [item for item in watch(detector, walk, from_s=6) if item.hit]
        assert bool(got) is expected, more
        assert {name for item in got for name in item.zones} == names


def test_what_stands_still_becomes_background() -> None:
    scene, detector = Scene(), MotionDetector(camera())
    watch(detector, still(scene, 6))
    parked = watch(detector, [scene.picture(300) for _ in range(45 * FPS)], from_s=6)
    assert any(item.hit for item in parked[:10])
    assert not any(item.hit for item in parked[-10 * FPS :])


def test_more_sensitivity_means_a_lower_threshold_and_the_default_is_that_of_opencv() -> None:
    values = [threshold(step / 10) for step in range(11)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(100)
    assert 14 < threshold(0.7) < 17


def test_large_analysis_sizes_are_divided_and_small_ones_kept() -> None:
    assert analysis_size((640, 360)) == (320, 180)
    assert analysis_size((1920, 1080)) == (320, 180)
    assert analysis_size((160, 120)) == (160, 120)


def test_a_polygon_covers_its_share_of_the_picture() -> None:
    triangle = polygon_mask(((0, 0), (1, 0), (0, 1)), 200, 100)
    assert triangle.mean() == pytest.approx(0.5, abs=0.01)
    assert triangle[5, 5]
    assert not triangle[95, 195]
    assert zone_map(200, 100, exclude=[((0, 0), (1, 0), (0, 1))]).area_px == pytest.approx(10_000, abs=200)
