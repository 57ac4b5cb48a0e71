"""Faces as numbers: how good one is, how it is turned upright, what models say of where it is; and what is sealed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from face_rig import KEY, POINTS, who
from hypothesis import given
from hypothesis import strategies as some
from storage_rig import new_id
from vigilar_common.errors import StartupError
from vigilar_visitors.adapters.crops import Crop, Crops
from vigilar_visitors.adapters.sealing import Sealer, SealError
from vigilar_visitors.domain.decode import MAX_FACES, DecodeError, centerface, yunet
from vigilar_visitors.domain.faces import Face, Fault, pose, quality, upright

PICTURE = (400, 400)
CELLS = (16, 16)


def face(points: Any = POINTS, box: Any = (10.0, 10.0, 80.0, 90.0)) -> Face:
    return Face(box, 0.9, points)


def turned(points: Any, degrees: float) -> Any:
    angle = math.radians(degrees)
    return tuple(
        (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        for x, y in points
    )


def test_a_large_sharp_straight_face_is_good_and_each_weakness_makes_it_worse() -> None:
    whole = quality(face(box=(10, 10, 120, 130)), PICTURE, 200, 40)
    assert whole.fault is None
    assert whole.share > 0.95
    small = quality(face(box=(10, 10, 50, 60)), PICTURE, 200, 40)
    dull = quality(face(box=(10, 10, 120, 130)), PICTURE, 30, 40)
    aside = quality(
        face((POINTS[0], POINTS[1], (62.0, 60.0), *POINTS[3:]), (10, 10, 120, 130)), PICTURE, 200, 40
    )
    assert all(one.fault is None and one.share < whole.share for one in (small, dull, aside))


@pytest.mark.parametrize(
    ("seen", "sharpness", "fault"),
    [
        (face(box=(10, 10, 30, 40)), 200, Fault.SMALL),
        (face(), 5, Fault.BLURRED),
        (face((POINTS[0], POINTS[1], (85.0, 60.0), *POINTS[3:])), 200, Fault.TURNED),
        (face((POINTS[0], POINTS[1], (50.0, 42.0), *POINTS[3:])), 200, Fault.TURNED),
        (face(turned(POINTS, 70)), 200, Fault.TURNED),
        (face(((50.0, 50.0),) * 5), 200, Fault.TURNED),
        (face(tuple((x - 40, y) for x, y in POINTS)), 200, Fault.CUT),
    ],
)
def test_what_nobody_could_be_recognised_by_has_a_fault(seen: Face, sharpness: float, fault: Fault) -> None:
    assert quality(seen, PICTURE, sharpness, 40).fault is fault


@given(some.floats(-180, 180), some.floats(0.2, 5), some.floats(-300, 300), some.floats(-300, 300))
def test_points_that_were_turned_scaled_and_moved_come_back_to_their_places(
    degrees: float, scale: float, right: float, down: float
) -> None:
    moved = tuple((scale * x + right, scale * y + down) for x, y in turned(POINTS, degrees))
    matrix = upright(moved, POINTS)
    back = np.array(moved) @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(back, POINTS, atol=1e-6)


def test_points_that_fall_together_cannot_be_turned() -> None:
    with pytest.raises(ValueError, match="together"):
        upright(((5.0, 5.0),) * 5, POINTS)
    assert pose(((5.0, 5.0),) * 5)[1] < 0


def heat(*cells: tuple[int, int, float]) -> list[Any]:
    """What CenterFace gives for faces of 40 pixels at these cells (row, column, score)."""
    tables = [np.zeros((1, n, *CELLS), np.float32) for n in (1, 2, 2, 10)]
    for row, column, score in cells:
        tables[0][0, 0, row, column] = score
        tables[1][0, :, row, column] = math.log(10)
        tables[3][0, :, row, column] = [0.4, 0.3, 0.4, 0.7, 0.6, 0.5, 0.8, 0.3, 0.8, 0.7]
    return tables


def test_centerface_is_read_as_boxes_and_points() -> None:
    (found,) = centerface(heat((8, 8, 0.9)), 0.5)
    assert found.box == pytest.approx((14, 14, 40, 40), abs=1e-3)
    assert found.points[0] == pytest.approx((14 + 12, 14 + 16), abs=1e-3)


def test_of_faces_that_overlap_the_surest_stays_and_those_below_the_threshold_are_none() -> None:
    found = centerface(heat((8, 8, 0.9), (8, 9, 0.8), (0, 0, 0.3)), 0.5)
    assert [round(one.score, 2) for one in found] == [0.9]


def test_no_picture_makes_more_than_a_bounded_number_of_faces() -> None:
    tables = heat(*((row, column, 0.9) for row in range(16) for column in range(16)))
    tables[1][:] = math.log(0.5)
    assert len(centerface(tables, 0.5)) == MAX_FACES


@pytest.mark.parametrize("break_it", ["shape", "count", "nan"])
def test_answers_that_are_no_faces_are_refused(break_it: str) -> None:
    tables = heat((8, 8, 0.9))
    if break_it == "shape":
        tables[1] = tables[1][:, :, :5]
    elif break_it == "count":
        tables.pop()
    else:
        tables[2][:] = np.nan
    with pytest.raises(DecodeError):
        centerface(tables, 0.5)


def test_yunet_is_read_by_its_three_grids() -> None:
    size, outputs = (64, 64), []
    for width in (1, 1, 4, 10):
        outputs += [np.zeros((1, (64 // s) * (64 // s), width), np.float32) for s in (8, 16, 32)]
    cell = 4 * (64 // 16) // 2 + 2  # second grid, row 2, column 2
    outputs[1][0, cell] = outputs[4][0, cell] = 0.9
    outputs[7][0, cell] = [0.5, 0.5, math.log(1.5), math.log(2)]
    (found,) = yunet(outputs, 0.5, size)
    assert found.box == pytest.approx((40 - 12, 40 - 16, 24, 32), abs=1e-3)
    with pytest.raises(DecodeError):
        yunet(outputs[:11], 0.5, size)


def test_a_vector_opens_only_for_its_embedding_its_model_and_its_key() -> None:
    mine, other = Sealer(KEY), Sealer("cd" * 32)
    one, two = new_id(), new_id()
    sealed = mine.seal_vector(who(3), one, "model/1")
    assert np.array_equal(mine.open_vector(sealed, one, "model/1"), who(3))
    for opener, bound, model in ((mine, two, "model/1"), (mine, one, "model/2"), (other, one, "model/1")):
        with pytest.raises(SealError):
            opener.open_vector(sealed, bound, model)
    with pytest.raises(SealError):
        mine.open_vector("no base64!", one, "model/1")


@pytest.mark.parametrize("key", ["", "ab" * 31, "zz" * 32])
def test_a_bad_key_ends_the_start_and_is_not_repeated(key: str) -> None:
    with pytest.raises(StartupError) as error:
        Sealer(key)
    assert not key or key not in str(error.value)


def test_pictures_lie_sealed_and_go_with_their_vector(tmp_path: Path) -> None:
    crops = Crops(tmp_path / "faces", Sealer(KEY))
    one, two = new_id(), new_id()
    for name in (one, two):
        crops.put(name, Crop(b"jpeg of a face", POINTS).pack())
    assert b"jpeg" not in (tmp_path / "faces" / f"{one}.face").read_bytes()
    crop = crops.get(one)
    assert crop is not None
    assert crop.jpeg == b"jpeg of a face"
    assert crop.points == POINTS
    (tmp_path / "faces" / "half.new").write_bytes(b"x")
    assert crops.keep_only({one}) == 2
    assert crops.get(two) is None
    assert crops.count() == 1
    crops.remove([one, one])
    assert crops.count() == 0
    with pytest.raises(SealError):
        crops.get("../secrets")
