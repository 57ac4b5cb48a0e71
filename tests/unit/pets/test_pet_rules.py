"""Rules about pets, without a service: every condition, priority, rest, explained."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common.almanac import Almanac
from vigilar_common.messages.animals import Light, ThreatLevel
from vigilar_common.messages.pets import PetRuleWish
from vigilar_pets.domain import wild
from vigilar_pets.domain.rules import Rules, Seen, World

MOMO, TOM = "0198f2c5-7d4e-7a31-9d52-3c1f0e6b8a90", "0198f2c5-7d4e-7a31-9d52-3c1f0e6b8a91"
HOUR_MS = 3_600_000


def rule(*conditions: dict[str, Any], **keys: Any) -> PetRuleWish:
    whole = {"pet_id": MOMO, "name": "r", "conditions": list(conditions), "actions": [{"kind": "alert"}]}
    return PetRuleWish.model_validate(whole | {"cooldown_s": 60} | keys)


def world(last: dict[str, Seen] | None = None, *, dark: bool | None = False) -> World:
    return World({MOMO: "Momo", TOM: "Tom"}, last or {}, lambda camera: camera == "yard", lambda _: dark)


def seen(pet: str = MOMO, camera: str = "yard", zone: str = "", ts_ms: int = HOUR_MS) -> Seen:
    return Seen(pet, camera, zone, ts_ms)


@pytest.mark.parametrize(
    ("condition", "what", "dark", "holds"),
    [
        ({"kind": "seen"}, seen(), False, True),
        ({"kind": "seen"}, seen(TOM), False, False),
        ({"kind": "seen", "camera_id": "hall"}, seen(), False, False),
        ({"kind": "seen_in_zone", "zone": "pond"}, seen(zone="pond"), False, True),
        ({"kind": "seen_in_zone", "zone": "pond"}, seen(), False, False),
        ({"kind": "out_after_dark"}, seen(), True, True),
        ({"kind": "out_after_dark"}, seen(), False, False),
        ({"kind": "out_after_dark"}, seen(), None, False),
        ({"kind": "out_after_dark"}, seen(camera="hall"), True, False),
    ],
)
def test_a_condition_holds_or_not(
    condition: dict[str, Any], what: Seen, dark: bool | None, holds: bool
) -> None:
    firings = Rules({"a": rule(condition)}).on_seen(what, world(dark=dark))
    assert bool(firings) is holds
    if holds:
        assert firings[0].reason.startswith("Momo was")


def test_two_pets_are_together_when_one_camera_saw_both_within_a_minute() -> None:
    rules = Rules({"a": rule({"kind": "together_with", "other_pet_id": TOM}, cooldown_s=0)})
    near = {TOM: seen(TOM, ts_ms=HOUR_MS - 40_000)}
    assert rules.on_seen(seen(), world(near))[0].reason == "Momo and Tom were seen within 40 s"
    assert not rules.on_seen(seen(), world({TOM: seen(TOM, ts_ms=HOUR_MS - 90_000)}))
    assert not rules.on_seen(seen(), world({TOM: seen(TOM, camera="hall")}))


def test_of_one_sighting_the_highest_priority_fires_and_then_rests() -> None:
    rules = Rules({"low": rule({"kind": "seen"}), "high": rule({"kind": "seen"}, priority=5)})
    assert [f.rule_id for f in rules.on_seen(seen(), world())] == ["high"]
    assert [f.rule_id for f in rules.on_seen(seen(ts_ms=HOUR_MS + 1_000), world())] == ["low"]
    assert rules.on_seen(seen(ts_ms=HOUR_MS + 2_000), world()) == []
    assert [f.rule_id for f in rules.on_seen(seen(ts_ms=HOUR_MS + 60_000), world())] == ["high"]


def test_an_absence_is_told_once_until_the_pet_was_seen_again() -> None:
    rules = Rules({"a": rule({"kind": "not_seen_for", "duration_s": 3600}, pet_id=None, cooldown_s=0)})
    last = {MOMO: seen(ts_ms=0)}
    assert rules.on_time(HOUR_MS - 1, world(last)) == []
    (firing,) = rules.on_time(HOUR_MS * 3, world(last))
    assert (firing.pet_id, firing.reason) == (MOMO, "Momo was not seen for 3 hours")
    assert rules.on_time(HOUR_MS * 9, world(last)) == []
    assert rules.on_time(HOUR_MS * 9, world({MOMO: seen(ts_ms=HOUR_MS * 7)}))
    assert rules.on_seen(seen(ts_ms=HOUR_MS * 9), world()) == [], "being seen is no absence"


def test_a_pet_that_was_never_seen_is_not_missed_and_a_rule_that_is_off_is_not_asked() -> None:
    absent = {"kind": "not_seen_for", "duration_s": 1}
    assert Rules({"a": rule(absent)}).on_time(HOUR_MS, world()) == []
    assert Rules({"a": rule({"kind": "seen"}, enabled=False)}).on_seen(seen(), world()) == []


def test_kinds_of_animals_and_their_threats() -> None:
    assert wild.species_of({"fox": 0.6, "dog": 0.2}, "dog") == ("fox", 0.6)
    assert wild.species_of({"fox": 0.2}, "bird") == ("bird", 0.0)
    assert wild.is_wild("fox", 0.6)
    assert not wild.is_wild("dog", 0.9)
    assert wild.is_wild("bird", 0.0)
    assert not wild.is_wild("cat", 0.0), "a cat that nobody is sure of is no wildlife"
    assert wild.threat_of("fox", {}) is ThreatLevel.LOW
    assert wild.threat_of("fox", {"fox": ThreatLevel.HIGH}) is ThreatLevel.HIGH
    assert wild.threat_of("robin", {}) is ThreatLevel.NONE


def test_the_light_of_a_day_in_berlin() -> None:
    almanac = Almanac("Europe/Berlin", 52.5, 13.4)
    noon_ms = 1_782_043_200_000  # 2026-06-21 12:00 UTC; the sun rose at 02:43 and sets at 19:33
    lights = {
        -HOUR_MS * 12: Light.NIGHT, -HOUR_MS * 9 - HOUR_MS // 2: Light.DAWN, 0: Light.DAY,
        HOUR_MS * 8 - HOUR_MS // 6: Light.DUSK,
    }  # fmt: skip
    for after_ms, light in lights.items():
        assert wild.light_at(almanac, noon_ms + after_ms) is light
