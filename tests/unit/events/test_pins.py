"""Several PINs, duress, and a PIN set anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alarm_house import House, hash_of
from pydantic import ValidationError
from vigilar_common.config import Config
from vigilar_common.messages.alarm import ArmMode, ArmState, ArmStateChanged, EventOpened
from vigilar_common.messages.system import SystemEvent
from vigilar_common.passwords import hash_pin, verify_pin
from vigilar_events.domain.pins import Found, PinBook

PHRASE = "correct horse battery"
NAMED = [
    {"name": "Ann", "pin_hash": hash_of("2222")},
    {"name": "Cleaner", "pin_hash": hash_of("3333"), "modes": ["home"]},
    {"name": "Threat", "pin_hash": hash_of("9999"), "duress": True},
]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, config={"security": {"pins": NAMED, "recovery_passphrase_hash": hash_of(PHRASE)}})


def test_each_named_pin_works_and_stands_in_the_log(house: House) -> None:
    assert house.ask("ARM_AWAY", "2222", sender="home_automation", user="").ok
    assert house.ask("DISARM", "1234").ok
    assert [fact.changed_by for fact in house.facts.of(ArmStateChanged)] == [
        "home_automation (PIN of Ann)",
        "admin",
    ]


def test_a_pin_for_one_mode_neither_arms_nor_disarms_another(house: House) -> None:
    assert house.ask("ARM_AWAY", "3333").code == "pin_not_allowed"
    assert house.ask("ARM_HOME", "3333").ok
    house.ask("ARM_AWAY", "1234")
    assert house.ask("DISARM", "3333").code == "pin_not_allowed"
    assert house.guard.state is ArmState.ARMED_AWAY


def test_duress_disarms_looks_like_any_other_and_reports_silently(house: House) -> None:
    house.ask("ARM_AWAY", "1234")
    hashed = house.hashed
    plain = house.ask("DISARM", "1234")
    cost = house.hashed - hashed
    house.ask("ARM_AWAY", "1234")
    hashed = house.hashed
    forced = house.ask("DISARM", "9999")
    assert (forced.ok, forced.code, forced.message, forced.data) == (
        plain.ok,
        plain.code,
        plain.message,
        plain.data,
    )
    assert house.hashed - hashed == cost == len(NAMED) + 1, "no PIN is found sooner than another"
    assert house.guard.state is ArmState.DISARMED
    assert not house.siren.on
    (event,) = house.facts.of(EventOpened)
    assert (event.type, event.severity) == ("duress", "critical")
    assert house.told.changed_by.startswith("admin")


def test_a_duress_pin_alone_is_no_pin() -> None:
    security = Config.model_validate({"security": {"pins": [NAMED[2]]}}).security
    assert not PinBook(security, "UTC").configured


@pytest.mark.parametrize(
    ("pin", "when_ms", "allowed"),
    [
        ({"days": ["thu"]}, 0, True),  # 1970-01-01 was a Thursday
        ({"days": ["fri"]}, 0, False),
        ({"from_time": "10:01", "until_time": "13:00"}, 9 * 3_600_000, False),  # 10:00 in Vienna
        ({"from_time": "10:00", "until_time": "13:00"}, 9 * 3_600_000, True),
        ({"from_time": "10:00", "until_time": "13:00"}, 12 * 3_600_000, False),
        ({"from_time": "22:00", "until_time": "06:00"}, 0, True),
        ({"from_time": "22:00", "until_time": "06:00", "days": ["wed"]}, 0, True),  # Wednesday's night
        ({"from_time": "22:00", "until_time": "06:00", "days": ["thu"]}, 0, False),
        ({"from_time": "22:00", "until_time": "06:00"}, 6 * 3_600_000, False),
    ],
)
def test_times_of_a_pin_are_local_and_may_pass_midnight(
    pin: dict[str, Any], when_ms: int, allowed: bool
) -> None:
    config = Config.model_validate({"security": {"pins": [{"name": "x", "pin_hash": hash_of("1")} | pin]}})
    owner = Found("x", pin=config.security.pins[0])
    assert owner.allowed(ArmMode.HOME, when_ms, "Europe/Vienna") is allowed


@pytest.mark.parametrize(
    "pins",
    [
        [{"name": "x", "duress": True, "modes": ["home"]}],
        [{"name": "x", "from_time": "09:00"}],
        [{"name": "x"}, {"name": "x"}],
        [{"name": "x", "pin_hash": "1234"}],
        [{"name": str(n)} for n in range(9)],
    ],
)
def test_pins_that_make_no_sense_are_refused(pins: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"security": {"pins": pins}})


# -- a PIN set anew ---------------------------------------------------------------------------------------


@pytest.fixture
def recoverable(tmp_path: Path) -> House:
    """Real hashes: the new one is made by the service itself."""
    security = {"pin_hash": hash_pin("1234"), "recovery_passphrase_hash": hash_pin(PHRASE)}
    house = House(tmp_path, "", {"security": security})
    house.arming._verify = verify_pin
    return house


def test_the_passphrase_sets_a_new_pin_that_survives_a_restart_until_the_configuration_has_another(
    recoverable: House,
) -> None:
    house = recoverable
    assert house.reset(PHRASE, "5678").ok
    assert house.ask("ARM_AWAY", "1234").code == "wrong_pin"
    house.restart()
    house.arming._verify = verify_pin
    assert house.ask("ARM_AWAY", "5678").ok
    house.configure(security={"pin_hash": hash_pin("2468")})
    assert house.ask("DISARM", "5678").code == "wrong_pin"
    assert house.ask("DISARM", "2468").ok
    assert [event.code for event in house.facts.of(SystemEvent)] == ["pin_reset"]
    assert "5678" not in repr(house.facts.emitted) + (house.folder / "pin.json").read_text()


@pytest.mark.parametrize(
    ("phrase", "pin", "sender", "code"),
    [
        ("wrong", "5678", "web", "wrong_passphrase"),
        (PHRASE, "12", "web", "bad_pin"),
        (PHRASE, "abcd", "web", "bad_pin"),
        (PHRASE, "2222", "web", "pin_taken"),
        (PHRASE, "9999", "web", "pin_taken"),
        (PHRASE, "5678", "home_automation", "forbidden"),
    ],
)
def test_a_reset_that_is_not_right_changes_nothing(
    house: House, phrase: str, pin: str, sender: str, code: str
) -> None:
    assert house.reset(phrase, pin, sender).code == code
    assert house.ask("ARM_AWAY", "1234").ok
    assert not (house.folder / "pin.json").exists()


def test_without_a_passphrase_there_is_no_recovery(tmp_path: Path) -> None:
    assert House(tmp_path).reset(PHRASE, "5678").code == "recovery_not_configured"


def test_the_passphrase_is_limited_apart_from_pins(house: House) -> None:
    codes = [house.reset("wrong", "5678").code for _ in range(7)]
    assert codes == ["wrong_passphrase"] * 5 + ["too_many_tries"] * 2
    house.restart()
    assert house.reset(PHRASE, "5678").code == "too_many_tries"
    assert house.ask("ARM_AWAY", "1234").ok, "the owner is not locked out"


def test_when_pins_are_used_up_the_passphrase_still_works(house: House) -> None:
    for _ in range(20):
        house.ask("DISARM", "0000")
    assert house.ask("DISARM", "1234").code == "too_many_tries"
    assert house.reset(PHRASE, "5678").ok


def test_a_disk_that_refuses_leaves_the_old_pin(house: House) -> None:
    (house.folder / "pin.json.tmp").mkdir()
    assert house.reset(PHRASE, "5678").code == "alarm_unavailable"
    assert house.ask("ARM_AWAY", "1234").ok
