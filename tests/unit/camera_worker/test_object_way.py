"""Where an object was, kept in few points."""

from __future__ import annotations

from itertools import pairwise

from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.object_track import ObjectTrack
from vigilar_camera_worker.domain.way import MAX_POINTS, Way
from vigilar_camera_worker.object_words import way_of
from vigilar_common.messages.objects import MAX_WAY_POINTS


def box(x: float) -> Rect:
    return Rect(x, 0.5, 0.1, 0.2)


def walked(looks: int, every_ms: int = 100) -> Way:
    way = Way()
    for number in range(looks):
        way.add(1_000_000 + number * every_ms, box(number / looks))
    return way


def test_a_short_way_is_kept_whole_but_for_looks_that_follow_at_once() -> None:
    assert [at for at, _ in walked(3, 400).points] == [1_000_000, 1_000_400, 1_000_800]
    assert [at for at, _ in walked(6).points] == [1_000_000, 1_000_200, 1_000_400, 1_000_500]


def test_an_hour_has_few_points_evenly_in_time_and_the_last_one() -> None:
    points = walked(36_000).points
    assert MAX_POINTS // 2 <= len(points) <= MAX_POINTS <= MAX_WAY_POINTS
    assert (points[0][0], points[-1][0]) == (1_000_000, 1_000_000 + 35_999 * 100)
    steps = [b - a for (a, _), (b, _) in pairwise(points[:-1])]
    assert max(steps) <= 2.1 * min(steps)


def test_it_is_told_in_ms_since_the_beginning_and_in_parts_of_the_picture() -> None:
    track = ObjectTrack("t", 16 / 9, 0.0, 5_000, box(0.1))
    track.went.add(5_000, box(0.1))
    track.went.add(6_000, Rect(0.95, 0.5, 0.12345, 0.2))
    assert way_of(track) == [(0, 0.1, 0.5, 0.1, 0.2), (1000, 0.95, 0.5, 0.05, 0.2)]
