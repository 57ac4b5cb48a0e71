"""Which known vehicle one looks like, how far each reaches, and what the sizes of boxes say."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from vehicle_pictures import crop_of, found_at, lit, painted, street
from vigilar_common.config.detection import KnownVehicle, Vehicles
from vigilar_common.messages.vehicles import VehicleColour, VehicleLook, VehicleSize
from vigilar_detector.adapters import vehicle_files as files
from vigilar_detector.adapters.vehicle_pixels import body_of
from vigilar_detector.domain.known_vehicles import (
    MAX_SAMPLES,
    Household,
    Known,
    Measures,
    colour_of,
    kept,
    look_alikes,
    radii,
    size_of_words,
)
from vigilar_detector.domain.perspective import Ground, fitted, size_of
from vigilar_models.errors import ModelError

GAINS = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)


def shown(colour: str, gains: Sequence[float] = GAINS, frame: int = 1) -> tuple[Measures, ...]:
    van = painted(street(frame), colour)
    return tuple(body_of(crop_of(lit(van, gain)), found_at()).measure for gain in gains)


def look(colour: str, gain: float = 0.7, **over: Any) -> VehicleLook:
    (measure,) = shown(colour, (gain,), frame=400)
    return VehicleLook(colour=VehicleColour(colour), measure=list(measure), **over)


def household(*vehicles: Known) -> Household:
    return Household(vehicles, radii(vehicles))


ESTATE = Known("estate", VehicleColour.SILVER, VehicleSize.MIDSIZE, shown("silver"))
RED = Known("red one", VehicleColour.RED, VehicleSize.COMPACT, shown("red"))


def test_a_calibrated_vehicle_is_known_in_other_light_and_all_others_are_strange() -> None:
    ours = household(ESTATE, RED)
    assert (ours.compare(look("silver")).name, ours.compare(look("red")).name) == ("estate", "red one")
    for colour in ("white", "grey", "black", "blue", "green", "yellow"):
        found = ours.compare(look(colour))
        assert (found.name, found.calibrated) == ("", True), colour


def test_what_cannot_be_measured_is_neither_known_nor_strange() -> None:
    unseen = VehicleLook(reason="it is too dark")
    assert household(ESTATE).compare(unseen) == unseen
    assert not household(ESTATE).compare(unseen).calibrated
    assert household().compare(look("red")) == look("red")


def test_words_alone_make_a_likeness_and_never_an_acquaintance() -> None:
    by_words = household(Known("van", VehicleColour.WHITE))
    found = by_words.compare(look("white"))
    assert (found.name, found.calibrated) == ("van", False)
    found = by_words.compare(look("red"))
    assert (found.name, found.calibrated) == ("", False), "nobody can be strange where nobody was measured"


def test_another_size_is_another_vehicle() -> None:
    ours = household(ESTATE)
    assert ours.compare(look("silver", size=VehicleSize.MIDSIZE)).name == "estate"
    assert ours.compare(look("silver", size=VehicleSize.HEAVY)).name == ""


def test_two_vehicles_that_look_alike_reach_less_far_and_are_told_of() -> None:
    twin = Known("other estate", VehicleColour.SILVER, VehicleSize.UNKNOWN, shown("silver", frame=200))
    assert radii([ESTATE, twin])["estate"] < radii([ESTATE])["estate"]
    assert look_alikes([ESTATE, RED, twin]) == [("estate", "other estate")]
    assert look_alikes([ESTATE, Known("lorry", VehicleColour.SILVER, VehicleSize.HEAVY, twin.samples)]) == []


@pytest.mark.parametrize(
    ("words", "colour", "size"),
    [
        ("Silver", VehicleColour.SILVER, VehicleSize.UNKNOWN), ("dark gray estate", VehicleColour.GREY, VehicleSize.MIDSIZE),
        ("full-size pickup", VehicleColour.UNKNOWN, VehicleSize.LARGE), ("", VehicleColour.UNKNOWN, VehicleSize.UNKNOWN),
        ("something", VehicleColour.UNKNOWN, VehicleSize.UNKNOWN),
    ],
)  # fmt: skip
def test_words_of_the_configuration(words: str, colour: VehicleColour, size: VehicleSize) -> None:
    assert (colour_of(words), size_of_words(words)) == (colour, size)


def test_of_many_looks_the_most_different_ones_are_kept() -> None:
    same = [ESTATE.samples[0]] * MAX_SAMPLES
    left = kept([*same, *RED.samples])
    assert len(left) == MAX_SAMPLES
    assert set(RED.samples) <= set(left)


# -- files ------------------------------------------------------------------------------------------------


def test_what_was_learnt_is_read_again_and_the_file_may_be_named(tmp_path: Path) -> None:
    named = KnownVehicle(name="Family car", calibration_file="ours/car.json", color_profile="silver")
    path = files.calibration_path(named, tmp_path)
    assert path == tmp_path / "ours/car.json"
    files.write_samples(path, named.name, ESTATE.samples)
    found, problems = files.read_household(Vehicles(known=(named, KnownVehicle(name="Bike"))), tmp_path)
    assert problems == []
    assert [(v.name, len(v.samples), v.colour) for v in found.vehicles] == [
        ("Family car", len(GAINS), VehicleColour.SILVER),
        ("Bike", 0, VehicleColour.UNKNOWN),
    ]


GOOD = [0.0] * 17 + [1.0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is no JSON"), ("[]", "is no JSON object"), ('{"version": 9, "samples": []}', "no calibration of version 1"),
        (json.dumps({"version": 1, "samples": [{"measure": [1, 2]}]}), "sample 0 has not 18 numbers"),
        (json.dumps({"version": 1, "samples": [{"measure": GOOD}, {"measure": [*GOOD[:-1], 7]}]}), "sample 1 holds"),
        (json.dumps({"version": 1, "samples": [3]}), "sample 0"), (" " * (files.MAX_BYTES + 1), "larger than"),
    ],
)  # fmt: skip
def test_a_damaged_calibration_is_named_and_its_vehicle_counts_as_not_calibrated(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "car.json").write_text(content)
    with pytest.raises(ModelError, match=reason):
        files.read_samples(tmp_path / "car.json")
    found, problems = files.read_household(Vehicles(known=(KnownVehicle(name="car"),)), tmp_path)
    assert found.vehicles[0].samples == ()
    assert "car.json" in problems[0]


# -- the view ---------------------------------------------------------------------------------------------


def people(
    count: int = 40, slope: float = 0.5, base: float = -0.05, odd: int = 0
) -> list[tuple[float, float]]:
    random_ = random.Random(5)
    found = []
    for number in range(count):
        foot = 0.35 + 0.6 * random_.random()
        height = 1.7 * (slope * foot + base) * random_.uniform(0.93, 1.07)
        found.append((foot, height * (0.4 if number < odd else 1.0)))
    random_.shuffle(found)
    return found


def test_the_ground_is_found_although_a_third_of_the_people_are_half_hidden() -> None:
    ground = fitted(people(60, odd=18))
    for foot in (0.4, 0.6, 0.9):
        assert ground.metre(foot) == pytest.approx(0.5 * foot - 0.05, rel=0.12)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (people(5), "5 standing persons were seen"), ([(0.5, 0.2)] * 20, "equally far away"),
        (people(slope=-0.4, base=0.5), "who are farther away are not smaller"),
    ],
)  # fmt: skip
def test_a_view_that_cannot_be_measured_is_refused_with_the_reason(
    seen: list[tuple[float, float]], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        fitted(seen)


GROUND = Ground(0.5, -0.05)


@pytest.mark.parametrize("foot", [0.4, 0.7, 0.95])
@pytest.mark.parametrize(
    ("object_class", "wide_m", "high_m", "size"),
    [
        ("car", 3.8, 1.5, VehicleSize.COMPACT), ("car", 4.7, 1.5, VehicleSize.MIDSIZE),
        ("car", 1.8, 1.5, VehicleSize.UNKNOWN), ("car", 2.0, 1.9, VehicleSize.LARGE), ("truck", 6.0, 3.0, VehicleSize.HEAVY),
        ("motorcycle", 2.0, 1.2, VehicleSize.SMALL), ("bus", 2.5, 1.0, VehicleSize.HEAVY),
    ],
)  # fmt: skip
def test_the_same_vehicle_has_the_same_size_near_and_far(
    foot: float, object_class: str, wide_m: float, high_m: float, size: VehicleSize
) -> None:
    metre = GROUND.metre(foot)
    assert size_of(object_class, wide_m * metre, high_m * metre, foot, GROUND) is size


def test_without_a_measured_view_only_two_wheels_and_buses_have_a_size() -> None:
    assert size_of("car", 0.4, 0.2, 0.8, None) is VehicleSize.UNKNOWN
    assert size_of("bicycle", 0.4, 0.2, 0.8, None) is VehicleSize.SMALL
