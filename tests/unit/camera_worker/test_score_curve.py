"""The history of a motion's score: one value a second, never more than 120."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_camera_worker.domain.curve import MAX_POINTS, ScoreCurve


def test_each_second_keeps_its_largest_score() -> None:
    curve = ScoreCurve(1_000_000)
    for n, score in enumerate((0.1, 0.3, 0.2, 0.0, 0.05, 0.4)):
        curve.add(1_000_000 + n * 500, score)
    assert curve.points == [0.3, 0.2, 0.4]
    assert curve.step_s == 1.0
    assert curve.mean == pytest.approx(0.175)


def test_seconds_without_a_look_keep_the_value_before() -> None:
    curve = ScoreCurve(0)
    curve.add(0, 0.2)
    curve.add(3_000, 0.5)
    assert curve.points == [0.2, 0.2, 0.2, 0.5]


def test_an_hour_is_told_in_as_many_points_and_its_peak_stays() -> None:
    curve = ScoreCurve(0)
    for second in range(3600):
        curve.add(second * 1000, 0.9 if second == 1801 else 0.1)
    assert len(curve.points) <= MAX_POINTS
    assert curve.step_s == 32
    assert curve.points[1801 // 32] == 0.9
    assert len(curve.points) == -(-3600 // 32)


@given(st.lists(st.tuples(st.integers(-5_000, 4_000_000), st.floats(0, 1)), max_size=40))
def test_whatever_comes_in_whatever_order_it_stays_small_and_within_bounds(
    looks: list[tuple[int, float]],
) -> None:
    curve = ScoreCurve(0)
    for wall_ms, score in looks:
        curve.add(wall_ms, score)
    assert len(curve.points) <= MAX_POINTS
    assert all(0 <= value <= 1 for value in curve.points)
    assert curve.points == [] or max(curve.points) == round(max(score for _, score in looks), 4)
