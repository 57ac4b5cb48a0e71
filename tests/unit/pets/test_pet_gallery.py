"""Which pet looks like that, or nobody: thresholds of the household's own photos, twins, strangers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from vigilar_pets.domain.gallery import DEFAULT_THRESHOLD, LEAST_THRESHOLD, MOST_THRESHOLD, Gallery
from vigilar_pets.domain.tracks import MAX_TRACKS, SILENT_S, Tracks

Floats = NDArray[np.float32]
SIZE = 64


def near(seed: int, spread: float = 0.03, count: int = 5) -> list[Floats]:
    """Vectors of length one about a direction of their own."""
    random = np.random.default_rng(seed)
    middle = np.random.default_rng(seed // 100).normal(0, 1, SIZE)
    middle /= np.linalg.norm(middle)
    rows = middle + random.normal(0, spread, (count, SIZE))
    return [(row / np.linalg.norm(row)).astype(np.float32) for row in rows]


def test_the_likest_pet_is_told_and_a_stranger_is_nobody() -> None:
    gallery = Gallery({"momo": near(100), "tom": near(200)})
    assert gallery.tell(near(101, count=1)[0]).pet_id == "momo"
    assert gallery.tell(near(201, count=1)[0]).pet_id == "tom"
    stranger = gallery.tell(near(300, count=1)[0])
    assert stranger.pet_id is None
    assert stranger.likeness < gallery.threshold


def test_two_pets_that_look_the_same_are_told_as_nobody() -> None:
    gallery = Gallery({"one": near(100), "twin": near(101)})
    told = gallery.tell(near(102, count=1)[0])
    assert told.pet_id is None
    assert told.likeness > 0.9
    learnt = gallery.learnt()
    assert learnt.photos == 10
    assert learnt.unsure > 0


def test_the_threshold_follows_from_the_photos_within_its_bounds() -> None:
    assert Gallery({"momo": near(100)}).threshold == DEFAULT_THRESHOLD
    apart = Gallery({"momo": near(100), "tom": near(200)})
    assert LEAST_THRESHOLD <= apart.threshold <= MOST_THRESHOLD
    assert apart.learnt().right == 10
    alike = Gallery({"one": near(100, 0.01), "twin": near(101, 0.01)})
    assert alike.threshold == MOST_THRESHOLD


def test_nobody_is_told_by_an_empty_household_and_one_photo_is_never_right() -> None:
    assert Gallery({}).tell(near(100)[0]).pet_id is None
    assert Gallery({}).learnt().photos == 0
    assert Gallery({"momo": near(100, count=1)}).learnt().right == 0


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_photos_are_enough(count: int) -> None:
    assert Gallery({"momo": near(100, count=count)}).tell(near(101, count=1)[0]).pet_id == "momo"


def test_all_pictures_of_a_passage_decide_together_and_one_bad_one_does_not_undo_them() -> None:
    gallery = Gallery({"momo": near(100), "tom": near(200)})
    track = Tracks().of("t", "front", "cat", 1_000)
    for vector in near(101, count=3):
        track.add(vector, {"cat": 0.9}, 1.0, 1_000)
    assert track.judge(gallery).pet_id == "momo"
    assert track.row_due(1_000)
    track.told_row(1_000)
    track.add(near(300, count=1)[0], {"cat": 0.2}, 0.05, 2_000)
    assert track.judge(gallery).pet_id == "momo"
    assert not track.row_due(5_000), "one identification per passage"
    assert track.shares()["cat"] > 0.85


def test_a_change_of_mind_is_told_at_most_once_a_second() -> None:
    track = Tracks().of("t", "front", "cat", 0)
    track.told_row(1_000)
    track.add(near(100, count=1)[0], {}, 1.0, 1_500)
    track.judge(Gallery({"momo": near(101)}))
    assert not track.row_due(1_500)
    assert track.row_due(2_000)


def test_tracks_are_bounded_and_silent_ones_end() -> None:
    tracks = Tracks()
    for number in range(MAX_TRACKS + 5):
        tracks.of(str(number), "front", "cat", number)
    assert (len(tracks), tracks.dropped) == (MAX_TRACKS, 5)
    assert len(tracks.silent(round(SILENT_S * 1000) + 10)) == 5
    assert len(tracks.silent(10**9)) == MAX_TRACKS - 5
    assert len(tracks) == 0
