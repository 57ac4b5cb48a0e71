"""Real footage: as many people are told as walk through it, and no parked car is. The hand count: `vtest_people.toml`."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from camera_rig import rig
from footage import CACHE, ensure_film, running_camera
from object_film import FilmRig, Irregular
from patience import wait_until
from real_model import MODELS, ensure_model
from service_rig import ServiceRig
from vigilar_common import topics
from vigilar_common.config import Camera
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.testing.broker import TestBroker
from vigilar_demo_camera.footage import ensure_footage
from vigilar_detector.loading import load

TRUTH = Path(__file__).parents[1] / "vtest_people.toml"
MOST_OFF = 0.15
SHORT_S, MOST_OFF_SHORT = 14.0, 2
FILM: dict[str, Any] = {"lead_s": 8.0, "idle_s": 8.0, "busy_s": 79.5, "cycles": 1}
SIZE = (768, 576)


def people(until_s: float = 1e9) -> int:
    """Who has come into the picture by then."""
    rows = tomllib.loads(TRUTH.read_text("utf-8"))["people"]
    return sum(row["from_s"] < until_s for row in rows)


def told(to_s: float, irregular: Irregular | None = None) -> Counter[str]:
    camera = Camera(
        id="front", display_name="Front", rtsp_url="rtsp://127.0.0.1:9/x", resolution_capture=SIZE
    )
    film = FilmRig(camera, load(ensure_model(), 0.25, 1), irregular=irregular)
    return Counter(one.object_class for one in film.play(ensure_footage(CACHE / "footage"), to_s=to_s))


def test_people_of_the_first_seconds_are_told_and_parked_cars_are_not() -> None:
    seen = told(SHORT_S)
    assert set(seen) == {"person"}
    assert abs(seen["person"] - people(SHORT_S - 2)) <= MOST_OFF_SHORT


@pytest.mark.slow
def test_as_many_people_are_told_as_walk_through_the_film_and_no_parked_car() -> None:
    seen = told(1e9)
    assert set(seen) == {"person"}
    assert abs(seen["person"] - people()) <= MOST_OFF * people()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_pictures_and_answers_at_odd_times_tell_the_same(seed: int) -> None:
    """As on a machine that has much else to do: three looks a second instead of four, some answers late or never."""
    seen = told(1e9, Irregular(seed))
    assert set(seen) == {"person"}
    assert abs(seen["person"] - people()) <= MOST_OFF * people()


@pytest.mark.slow
def test_worker_detector_and_broker_tell_the_same_in_real_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_model()
    monkeypatch.setenv("VIGILAR_MODELS_DIR", str(MODELS))
    film, broker = ensure_film(**FILM), TestBroker(tmp_path / "broker")
    broker.start()
    detection = "[detection]\nperson_detection = true\n"
    front = '[[cameras]]\nid = "front"\ndisplay_name = "Front"\nrtsp_url = "rtsp://127.0.0.1:9/front"\n'
    detector = ServiceRig(tmp_path / "detector", broker, detection + front).service("detector").start()
    try:
        with (
            running_camera({"demo": film}, tmp_path / "camera") as camera,
            rig(tmp_path / "rig", broker) as made,
        ):
            made.configure(camera.urls["demo"], system=detection, resolution_capture=list(SIZE))
            heard = made.listen()
            made.start()
            wait_until(lambda: camera.truth("end"), 150, "the end of the film")
            wait_until(lambda: heard.of(topics.MOTION_ENDED), 30, "the end of the motion")
            facts = [item.message for item in heard.received]
            seen = Counter(one.object_class for one in facts if isinstance(one, ObjectDetected))
    finally:
        detector.stop()
        broker.stop()
    assert set(seen) == {"person"}
    assert abs(seen["person"] - people()) <= MOST_OFF * people()
