"""What somebody puts down and leaves, on a real street with real people and a drawn box; and what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from parcel_scenes import ASPECT, HEIGHT, PLACE, START_MS, U8, WIDTH, Play, person, put, told
from vigilar_camera_worker.adapters.still_life import StillLife
from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.left_behind import Parcel, Refused, judged
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.passers import Passage, Passers
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.left_behind import LeftBehind
from vigilar_camera_worker.report import Report
from vigilar_common.config import Camera
from vigilar_common.messages.packages import ThingGone, ThingLeft
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import PICTURE

Change = Callable[[U8, float], U8]


def delivery(**box: Any) -> Play:
    return Play().calm(5).passes(leaves=True, **box).calm(14)


@pytest.mark.parametrize(
    "box",
    [
        {},
        {"bright": 40},
        {"bright": 90, "height_px": 20},
        {"bright": 210},
        {"height_px": 9},
        {"height_px": 30},
    ],
    ids=["middling", "dark", "as bright as the ground", "white", "small", "half as high as a person"],
)
def test_what_is_put_down_is_told_once_and_is_gone_once_when_it_is_taken(box: dict[str, Any]) -> None:
    assert delivery(**box).passes(takes=True).calm(10).run() == ["+thing-1", "gone thing-1"]


def test_who_only_passes_by_takes_nothing() -> None:
    assert delivery().passes().calm(5).passes(number=2).calm(5).run() == ["+thing-1"]


@pytest.mark.slow
def test_two_parcels_are_two_and_the_one_that_stays_stays() -> None:
    play = delivery().passes(leaves=True, place=(220, 140), bright=90).calm(14).passes(takes=True).calm(12)
    assert play.run() == ["+thing-1", "+thing-2", "gone thing-2"]


def test_rare_looks_while_nothing_moves_suffice() -> None:
    play = Play().calm(5).passes(leaves=True).calm(110).passes(takes=True).calm(80)
    play.frames = [one for number, one in enumerate(play.frames) if one[2] or number % 26 == 0]
    assert play.run() == ["+thing-1", "gone thing-1"]


def light(gain: float) -> Change:
    return lambda picture, _at_s: np.clip(picture.astype(np.float32) * gain, 0, 255).astype(np.uint8)


def moved(across: Callable[[float], tuple[float, float]]) -> Change:
    def change(picture: U8, at_s: float) -> U8:
        dx, dy = across(at_s)
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        found: Any = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        return found  # type: ignore[no-any-return]

    return change


def lit(gain: float, since_s: float = 9) -> Change:
    """A patch of shadow (or of light) that appears while somebody passes, and stays."""

    def change(picture: U8, at_s: float) -> U8:
        if at_s < since_s:
            return picture
        factor = np.ones(picture.shape, np.float32)
        cv2.ellipse(factor, (200, 140), (14, 8), 20, 0, 360, gain, -1)
        found: U8 = np.clip(picture * cv2.GaussianBlur(factor, (5, 5), 0), 0, 255).astype(np.uint8)
        return found

    return change


def door(picture: U8, at_s: float) -> U8:
    if at_s < 9:
        return picture
    found = picture.copy()
    cv2.rectangle(found, (200, 70), (226, 152), 25, -1)
    return found


def shadows(picture: U8, at_s: float) -> U8:
    factor = np.ones(picture.shape, np.float32)
    left = round(20 + at_s * 3)
    cv2.rectangle(factor, (left, 60), (left + 60, 179), 0.55, -1)
    found: U8 = (picture * cv2.GaussianBlur(factor, (5, 5), 0)).astype(np.uint8)
    return found


NUISANCES: dict[str, Change] = {
    "the camera swings": moved(lambda t: (3 * np.sin(7 * t), 2 * np.sin(5 * t + 1))),
    "it is turned": moved(lambda t: (25 if t > 12 else 0, 0)),
    "a shadow that stays": lit(0.5),
    "a lit patch that stays": lit(1.6),
    "shadows that wander": shadows,
    "an opened door": door,
    "too dark": light(0.12),
    "lightning": lambda picture, t: light(1.5 if int(t) % 7 == 0 else 1.0)(picture, t),
}


QUICK = ("the camera swings", "a shadow that stays", "an opened door", "too dark")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(c, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, c in NUISANCES.items()
    ],
)
def test_shakes_shadows_doors_and_bad_light_make_no_parcel(change: Change) -> None:
    found = Play(change).calm(5).passes().calm(15).run()
    assert not [word for word in found if word.startswith("+")]


@pytest.mark.slow
def test_by_weak_and_noisy_light_a_parcel_is_still_found() -> None:
    assert Play(light(0.3), noise=5).calm(5).passes(leaves=True).calm(15).passes(takes=True).calm(
        12
    ).run() == [
        "+thing-1",
        "gone thing-1",
    ]


def test_what_had_lain_there_before_and_is_taken_away_is_nothing_new() -> None:
    play = Play()
    play.boxes = [{}]
    assert play.calm(5).passes(takes=True).calm(15).run() == []


def test_what_nobody_can_have_put_down_is_no_parcel() -> None:
    assert Play().calm(5).drawn(20, lambda picture, at_s: put(picture) if at_s > 2 else None).run() == [
        "-nobody_near"
    ]


@pytest.mark.slow
def test_somebody_who_stands_still_and_is_not_recognised_is_too_high() -> None:
    def stands(picture: U8, _at_s: float) -> None:
        person(picture, 200, 0, foot=150)

    assert Play().calm(5).passes().drawn(25, stands).run() == ["-size"]


def test_over_a_restart_it_is_noticed_that_something_was_taken_meanwhile() -> None:
    first = StillLife(WIDTH, HEIGHT)
    assert delivery().run(first) == ["+thing-1"]
    kept = first.kept()
    still_there, taken = StillLife(WIDTH, HEIGHT), StillLife(WIDTH, HEIGHT)
    for again in (still_there, taken):
        again.restore(kept)
    play = Play()
    play.boxes = [{}]
    assert play.calm(10).run(still_there) == []
    assert Play().calm(10).run(taken) == ["gone thing-1"]


@pytest.mark.parametrize(
    "bad",
    [[{}], [{"id": "x", "box": [1]}], [{"id": "x", "box": [0, 0, 1, 1], "present": "AA", "before": "AA"}]],
)
def test_a_damaged_memory_of_what_lay_there_is_refused(bad: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="lacks its fields"):
        StillLife(WIDTH, HEIGHT).restore(bad)


# -- what it is -------------------------------------------------------------------------------------------

BOX = Rect(0.5, 0.7, 0.05, 0.09)
PERSON = Rect(0.46, 0.45, 0.08, 0.34)


def seen(box: Rect = PERSON, kind: Kind = Kind.PERSON, at_ms: int = 10_000) -> Passage:
    return Passage(at_ms, "track", kind.value, kind, box)


def verdict(*passages: Passage, box: Rect = BOX, hint: str = "", known: int = 5) -> str:
    passers = Passers()
    passers.add([*(seen(at_ms=number - 100_000) for number in range(known)), *passages])
    found = judged(box, ASPECT, 12_000, 22_000, passers, hint)
    return f"{found.by.object_class} {found.confidence}" if isinstance(found, Parcel) else found.why


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (verdict(seen()), "person 0.6"), (verdict(seen(), hint="suitcase"), "person 0.85"),
        (verdict(seen(), hint="bird"), "person 0.6"), (verdict(seen(kind=Kind.VEHICLE)), "vehicle 0.45"),
        (verdict(seen(kind=Kind.ANIMAL)), "nobody_near"), (verdict(), "nobody_near"),
        (verdict(seen(Rect(0.05, 0.4, 0.08, 0.34))), "nobody_near"), (verdict(seen(at_ms=60_000)), "nobody_near"),
        (verdict(seen(), seen(BOX, Kind.ANIMAL, 21_500)), "alive"),
        (verdict(seen(), seen(BOX, Kind.THING, 21_500)), "person 0.6"),
        (verdict(seen(), box=Rect(0.5, 0.4, 0.1, 0.39)), "size"), (verdict(seen(), box=Rect(0.5, 0.785, 0.01, 0.01)), "size"),
        (verdict(seen(), box=Rect(0.2, 0.4, 0.5, 0.5), known=0), "size"), (verdict(seen(), known=0), "person 0.6"),
    ],
)  # fmt: skip
def test_size_who_was_there_and_what_stands_there_decide(found: str, expected: str) -> None:
    assert found == expected
    assert not isinstance(found, Refused)


# -- the facts --------------------------------------------------------------------------------------------


class Frame:
    width_px, height_px = WIDTH, HEIGHT

    def __init__(self, picture: U8, time_s: float) -> None:
        self._picture, self.time_s, self.wall_ms = picture, time_s, START_MS + round(time_s * 1000)

    def luma(self) -> U8:
        return self._picture

    def bgr(self, width_px: int, height_px: int) -> U8:
        return np.full((height_px, width_px, 3), 90, np.uint8)


class View:
    stream_id = "01970000-0000-7000-8000-000000000009"

    def picture(self, _wall_ms: int) -> None:
        return None


class House:
    def __init__(self, folder: Path, *, keeps: bool = True, zones: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock(START_MS)
        self.bus, self.facts, self.stored = FakeBus(self.clock), FakeFacts(self.clock), list[StorePicture]()
        self.keeps, self.zones, self.folder = keeps, zones, folder
        self.restart()

    def restart(self) -> None:
        camera = Camera.model_validate(
            {
                "id": "door", "display_name": "Door", "rtsp_url": "rtsp://192.0.2.1/main",
                "resolution_motion": [WIDTH, HEIGHT],
                "zones": [
                    {"name": "Step", "polygon": [[0.4, 0.5], [0.8, 0.5], [0.8, 1], [0.4, 1]]},
                    {"name": "All", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]},
                ],
            }
        )  # fmt: skip
        self.passers = Passers()
        self.subject = LeftBehind(
            self.bus, Report(self.bus, self.facts, "door", self.clock), self.clock, camera, self.passers,  # type: ignore[arg-type]
            View(), self.store, StateFile(self.folder / "left-behind.json"), zones=self.zones,
        )  # fmt: skip
        self.subject.load()

    def store(self, picture: StorePicture) -> bool:
        self.stored.append(picture)
        return self.keeps

    def play(self, play: Play) -> None:
        for time_s, picture, there in play.frames:
            self.passers.add(there)
            frame = Frame(picture, time_s)
            self.subject.looked(Observation(time_s, frame.wall_ms), frame)  # type: ignore[arg-type]


def test_the_house_is_told_with_a_picture_where_it_lies_and_who_was_there(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.play(delivery().passes(takes=True).calm(10))
    (left,), (gone,) = house.facts.of(ThingLeft), house.facts.of(ThingGone)
    assert (left.camera_id, left.zones, left.by_class, left.confidence) == (
        "door",
        ["Step", "All"],
        "person",
        0.6,
    )
    assert abs(left.box.x + left.box.w / 2 - PLACE[0] / WIDTH) < 0.05
    assert left.picture_id == house.stored[0].picture_id
    assert [p.properties["cause_id"] for p in house.bus.published if p.topic is PICTURE] == [left.thing_id]
    assert (gone.thing_id, gone.by_class) == (left.thing_id, "person")
    assert gone.ts_ms > left.ts_ms


def test_a_picture_that_is_not_kept_is_not_named(tmp_path: Path) -> None:
    house = House(tmp_path, keeps=False)
    house.play(delivery())
    (left,) = house.facts.of(ThingLeft)
    assert left.picture_id is None
    assert house.subject.counters["thing_pictures_failed"] == 1


def test_outside_the_wanted_zones_nothing_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, zones=("Step",))
    house.play(delivery(place=(100, 160)))
    assert house.facts.of(ThingLeft) == []
    assert house.subject.counters["things_zone"] == 1


def test_after_a_restart_it_is_still_watched_and_a_damaged_file_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path)
    house.play(delivery())
    house.restart()
    house.play(Play().calm(10))
    (left,), (gone,) = house.facts.of(ThingLeft), house.facts.of(ThingGone)
    assert gone.thing_id == left.thing_id
    (tmp_path / "left-behind.json").write_text("rubbish")
    (tmp_path / "left-behind.json.previous").write_text("rubbish")
    house.restart()
    assert "may have been forgotten" in caplog.text


def test_a_picture_that_cannot_be_searched_costs_nothing_else(tmp_path: Path) -> None:
    house = House(tmp_path)
    frame = Frame(np.zeros((0, 0), np.uint8), 1.0)
    house.subject.looked(Observation(1.0, START_MS), frame)  # type: ignore[arg-type]
    assert house.subject.counters["things_failed"] == 1
    assert list(told(StillLife(WIDTH, HEIGHT), Play())) == []
