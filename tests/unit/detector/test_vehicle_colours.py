"""The colour of a vehicle out of real street footage, painted and lit otherwise, and when none is told."""

from __future__ import annotations

import numpy as np
import pytest
from vehicle_pictures import BLUE_CAR, PAINT, U8, VAN, crop_of, found_at, infrared, lit, painted, street
from vigilar_common.messages.vehicles import MEASURE_LENGTH
from vigilar_detector.adapters.vehicle_pixels import body_of
from vigilar_detector.domain.colours import Measured
from vigilar_detector.domain.known_vehicles import distance

WARM, COLD = (0.75, 0.95, 1.1), (1.15, 1.0, 0.85)


def told(picture: U8) -> Measured:
    return body_of(crop_of(picture), found_at())


@pytest.mark.parametrize("colour", PAINT)
def test_the_colour_of_paint_is_told_by_day_in_dull_in_warm_and_in_cold_light(colour: str) -> None:
    van = painted(street(), colour)
    for light, picture in {
        "day": van,
        "warm": lit(van, 0.8, WARM),
        "cold": lit(van, 0.8, COLD),
        "dull": lit(van, 0.45),
    }.items():
        seen = told(picture)
        likely = {colour, "unknown", "orange"} if colour == "brown" else {colour}
        assert seen.colour.value in likely, (light, seen)


def test_a_real_light_blue_car_is_blue() -> None:
    assert body_of(crop_of(street()), found_at(BLUE_CAR)).colour.value == "blue"


@pytest.mark.parametrize("colour", PAINT)
def test_at_night_and_in_infrared_light_no_colour_is_told_and_nothing_is_measured(colour: str) -> None:
    van = painted(street(), colour)
    for picture, reason in (
        (lit(van, 0.02), "it is too dark"),
        (infrared(van), "the picture has no colours"),
    ):
        assert told(picture) == Measured(reason=reason)


def test_headlights_in_the_dark_are_no_white_paint() -> None:
    glaring: U8 = lit(street(), 0.2)
    x, y, w, h = VAN
    glaring[y + 20 : y + h, x : x + w] = 255
    assert told(glaring) == Measured(reason="it is lit too brightly")


def test_what_is_too_small_or_outside_of_the_picture_is_not_measured() -> None:
    picture = crop_of(street())
    assert body_of(picture, found_at((160, 60, 8, 6))).reason == "it is too small"
    assert body_of(np.zeros((0, 0, 3), np.uint8), found_at()).reason == "it is too small"


def test_the_measure_of_one_vehicle_stays_nearer_to_itself_in_other_light_than_to_any_other_paint() -> None:
    measures = {c: told(painted(street(), c)).measure for c in PAINT}
    for colour in PAINT:
        own = told(lit(painted(street(), colour), 0.45, WARM)).measure
        assert len(own) == MEASURE_LENGTH
        assert sum(own) == pytest.approx(1, abs=0.01)
        near = sorted(PAINT, key=lambda other: distance(own, measures[other]))
        assert near[0] == colour
        assert distance(own, measures[near[0]]) < 0.8 * distance(own, measures[near[1]])
