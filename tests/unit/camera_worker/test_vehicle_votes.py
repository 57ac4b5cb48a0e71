"""What all looks at a vehicle tell together, and whether it drove off from where it stood."""

from __future__ import annotations

import pytest
from object_scenes import CAR, Actor, looks, tracker
from vigilar_camera_worker.domain.object_tracker import Left
from vigilar_camera_worker.domain.vehicle_votes import MAX_LOOKS, VehicleVotes
from vigilar_common.messages.vehicles import Acquaintance, VehicleColour, VehicleLook, VehicleSize

MEASURE = [0.0] * 17 + [1.0]


def look(
    colour: VehicleColour = VehicleColour.SILVER, name: str = "", *, calibrated: bool = True
) -> VehicleLook:
    return VehicleLook(
        colour=colour, name=name, calibrated=calibrated, size=VehicleSize.MIDSIZE,
        measure=[] if colour is VehicleColour.UNKNOWN else MEASURE,
    )  # fmt: skip


UNSEEN = look(VehicleColour.UNKNOWN)


def votes(*looks: VehicleLook) -> VehicleVotes:
    found = VehicleVotes()
    for one in looks:
        found.add(one, 0.5)
    return found


def test_most_looks_decide_and_one_in_glare_does_not() -> None:
    seen = votes(*[look(name="estate")] * 4, look(VehicleColour.WHITE)).seen()
    assert seen is not None
    assert (seen.colour, seen.name, seen.recognition) == (
        VehicleColour.SILVER,
        "estate",
        Acquaintance.HOUSEHOLD,
    )
    assert (seen.size, seen.looks, seen.measure) == (VehicleSize.MIDSIZE, 5, MEASURE)


@pytest.mark.parametrize(
    ("looks", "recognition"),
    [
        ([look(name="estate")], Acquaintance.UNKNOWN), ([look()] * 2, Acquaintance.UNKNOWN),
        ([look()] * 3, Acquaintance.STRANGER),
        ([look(calibrated=False)] * 9, Acquaintance.UNKNOWN), ([UNSEEN] * 9, Acquaintance.UNKNOWN),
        ([look(name="estate", calibrated=False)] * 9, Acquaintance.UNKNOWN),
        ([look(name="estate")] * 3 + [look()] * 3, Acquaintance.UNKNOWN),
    ],
    ids=["one look", "two strange", "three strange", "nothing calibrated", "night", "by words", "torn"],
)  # fmt: skip
def test_who_it_is_is_told_only_when_enough_looks_agree(
    looks: list[VehicleLook], recognition: Acquaintance
) -> None:
    seen = votes(*looks).seen()
    assert seen is not None
    assert seen.recognition is recognition


def test_a_colour_that_few_looks_show_is_not_told() -> None:
    seen = votes(*[UNSEEN] * 8, look()).seen()
    assert seen is not None
    assert seen.colour is VehicleColour.UNKNOWN


def test_nothing_is_told_of_what_is_no_vehicle_and_a_long_stay_counts_no_further() -> None:
    assert VehicleVotes().seen() is None
    found = votes(*[look()] * MAX_LOOKS, *[look(VehicleColour.RED)] * MAX_LOOKS).seen()
    assert found is not None
    assert found.colour is VehicleColour.SILVER


def ends(*cast: Actor, to_s: float) -> list[Left]:
    subject = tracker()
    return [item for one in looks(cast, to_s) for item in subject.look(one) if isinstance(item, Left)]


def test_a_car_that_was_parked_and_drives_off_left_and_one_that_passes_a_parked_car_did_not() -> None:
    place, out = (0.4, 0.5), (1.2, 0.5)
    (gone,) = ends(Actor("car", place, place, 0, 60, CAR), Actor("car", place, out, 60, 66, CAR), to_s=80)
    assert gone.followed.drove_off
    parked = Actor("car", place, place, 0, 80, CAR)
    (passed,) = ends(parked, Actor("car", (-0.1, 0.62), (1.2, 0.62), 60, 66, CAR), to_s=80)
    assert not passed.followed.drove_off
