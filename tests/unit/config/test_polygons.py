"""What counts as a zone: three corners or more, no side across another, some area."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common.config.polygons import polygon_problem

GOOD = {
    "triangle": [(0, 0), (1, 0), (0, 1)],
    "closed by hand": [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)],
    "a corner twice": [(0, 0), (1, 0), (1, 0), (0, 1)],
    "a corner on a side": [(0, 0), (0.5, 0), (1, 0), (0, 1)],
    "hollow": [(0, 0), (1, 0), (1, 1), (0.5, 0.2), (0, 1)],
}
BAD = {
    "bow tie": ([(0, 0), (1, 1), (1, 0), (0, 1)], "sides 1 and 3 meet"),
    "back on itself": ([(0, 0), (1, 0), (0.5, 0), (0.5, 1)], "sides 1 and 2 meet"),
    "a corner in a far side": ([(0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)], "meet"),
    "two corners": ([(0, 0), (1, 1), (0, 0), (0, 0)], "fewer than three"),
    "tiny": ([(0.5, 0.5), (0.501, 0.5), (0.5, 0.501)], "next to nothing"),
}


@pytest.mark.parametrize("corners", GOOD.values(), ids=GOOD)
def test_an_area_is_an_area(corners: list[tuple[float, float]]) -> None:
    assert polygon_problem(corners) == ""


@pytest.mark.parametrize(("corners", "says"), BAD.values(), ids=BAD)
def test_what_is_none_is_told(corners: list[tuple[float, float]], says: str) -> None:
    assert says in polygon_problem(corners)


@given(st.lists(st.floats(0.05, 0.5), min_size=3, max_size=40))
def test_a_star_around_a_point_never_crosses_itself(radii: list[float]) -> None:
    step = 2 * math.pi / len(radii)
    corners = [(0.5 + r * math.cos(n * step), 0.5 + r * math.sin(n * step)) for n, r in enumerate(radii)]
    assert polygon_problem(corners) == ""


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12))
def test_any_corners_get_an_answer(corners: list[tuple[float, float]]) -> None:
    assert isinstance(polygon_problem(corners), str)
