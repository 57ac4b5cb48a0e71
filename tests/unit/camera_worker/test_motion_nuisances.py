"""Light, shake, weather, insects and leaves against ground truth: no alarm from them, and people found among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from motion_scenes import Event
from nuisance_scenes import FPS, NUISANCES, pictures
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.domain.governor import DecodePlan
from vigilar_camera_worker.domain.motion import MotionMachine, Observation, Rejection, Started
from vigilar_camera_worker.domain.tracks import Tracks
from vigilar_common.config import Camera

EARLY_S, LATE_S = 0.3, 1.0


@dataclass
class Watched:
    """Times in s; ``rejected``: how often each reason was counted."""

    told_s: list[float]
    rejected: dict[str, int]
    events: list[Event] = field(default_factory=list)

    def found(self) -> list[str]:
        return [
            event.kind
            for event in self.events
            if any(event.first / FPS - EARLY_S <= at <= event.end / FPS + LATE_S for at in self.told_s)
        ]


def watch(name: str, kinds: tuple[str, ...], seconds: float, lead_s: float = 12.0) -> Watched:
    camera = Camera(id="a", display_name="A", rtsp_url="rtsp://host/path")
    detector, machine = MotionDetector(camera), MotionMachine()
    events: list[Event] = []
    told = []
    for t, picture in pictures(name, kinds, events, seconds, lead_s):
        if isinstance(machine.observe(detector.observe(picture, t, round(t * 1000))), Started):
            told.append(t)
    return Watched(told, detector.rejections, events)


ALONE = {
    "lamp": Rejection.LIGHT,
    "headlights": Rejection.LIGHT,
    "room light": Rejection.LIGHT,
    "clouds": None,  # levelled before the background model sees them
    "shake": Rejection.SHAKE,
    "infrared": Rejection.SCENE,
    "rain": Rejection.RAIN,
    "snow": Rejection.RAIN,
    "insects": Rejection.FLEETING,
}


@pytest.mark.parametrize("name", ALONE)
def test_what_moves_nothing_alarms_nobody(name: str) -> None:
    seen = watch(name, (), 28.0)
    assert [at for at in seen.told_s if at > NUISANCES[name].settle_s] == []
    reason = ALONE[name]
    if reason is not None:
        assert seen.rejected[f"rejected_{reason.value}"] >= 1, "and it is counted"


def test_leaves_are_learnt_and_a_person_before_them_is_still_seen() -> None:
    seen = watch("foliage", ("medium", "small"), 0, lead_s=75.0)
    walks = [(event.first / FPS - 1, event.end / FPS + 6) for event in seen.events]
    settled = [at for at in seen.told_s if at > NUISANCES["foliage"].settle_s]
    assert [at for at in settled if not any(first <= at <= end for first, end in walks)] == []
    assert seen.found() == ["medium", "small"]
    assert seen.rejected["rejected_foliage"] >= 1


AMONG = {
    **dict.fromkeys(
        ("lamp", "room light", "headlights", "clouds", "shake", "infrared", "insects"), ("brief", "medium")
    ),
    # Heavy rain and snow hide what is small or soon gone.
    "rain": ("medium", "large"),
    "snow": ("medium", "large"),
}


@pytest.mark.parametrize("name", AMONG)
def test_people_are_found_among_all_of_it(name: str) -> None:
    seen = watch(name, AMONG[name], 0, lead_s=9.0)
    assert tuple(seen.found()) == AMONG[name], seen.told_s


def test_a_motion_in_rain_goes_on_though_only_the_first_looks_of_each_gop_are_taken() -> None:
    camera = Camera(id="a", display_name="A", rtsp_url="rtsp://host/path")
    detector, machine, plan = MotionDetector(camera), MotionMachine(), DecodePlan()
    events: list[Event] = []
    began: list[float] = []
    shown_s: list[float] = []
    hits = looks = 0
    for index, (t, picture) in enumerate(pictures("rain", ("large",), events, 0, 9.0)):
        key = index % (2 * FPS) == 0
        if key:
            hits = 0
        if not plan.wanted(t, key, machine.moving, hits):
            continue
        seen = detector.observe(picture, t, round(t * 1000))
        looks += machine.moving
        if isinstance(machine.observe(seen), Started):
            began.append(t)
        if machine.moving and seen.hit and seen.followed:
            hits += 1
            shown_s.append(t)
    last_s = events[0].end / FPS
    assert began
    assert shown_s[-1] > last_s - 2.5, "until it was gone, in the last GOP that shows it whole"
    gaps = [later - before for before, later in pairwise(shown_s)]
    assert max(gaps) < 2.5, "in each GOP"
    assert looks < (last_s + 5 - began[0]) * FPS / 2


def test_a_picture_that_never_stops_changing_as_a_whole_is_motion_in_the_end() -> None:
    camera = Camera(id="a", display_name="A", rtsp_url="rtsp://host/path")
    detector, machine = MotionDetector(camera), MotionMachine()
    random = np.random.default_rng(2)
    told = []
    for index in range(20 * FPS):
        picture = random.integers(0, 255, (18, 32)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
        if isinstance(machine.observe(detector.observe(picture, index / FPS, 0)), Started):
            told.append(index / FPS)
    assert len(told) == 1
    assert 7 < told[0] < 12


def _hit(at_s: float, *, followed: bool) -> Observation:
    return Observation(at_s, 0, score=0.1, area_px=900, followed=followed)


def test_what_is_never_seen_twice_in_reach_neither_begins_a_motion_nor_keeps_one_going() -> None:
    machine = MotionMachine()
    assert [machine.observe(_hit(n / 5, followed=False)) for n in range(10)] == [None] * 10
    assert isinstance(machine.observe(_hit(2.0, followed=True)), Started)
    results = [machine.observe(_hit(2 + n / 5, followed=False)) for n in range(1, 30)]
    assert sum(item is not None for item in results) == 1, "it ended after the quiet time"


def test_a_walker_is_followed_and_travels_and_a_fly_is_neither() -> None:
    walker, fly = Tracks(), Tracks()
    walks = [walker.update([(40 + 9 * n, 80, 14, 43)], n / 5)[0] for n in range(5)]
    assert walks[-1].followed
    assert walks[-1].travels
    flies = [fly.update([(20 + 90 * n, 60, 36, 24)], n / 5)[0] for n in range(4)]
    assert not any(track.followed for track in flies)
    assert fly.update([], 10.0) == []
    assert fly.take_fleeting() == 4


def test_a_swaying_branch_is_followed_but_does_not_travel() -> None:
    tracks = Tracks()
    for n in range(20):
        (track,) = tracks.update([(100 + (n % 3), 50, 40, 30)], n / 5)
    assert track.followed
    assert not track.travels
