"""PINs and the recovery passphrase as an admin sets them in the page: kept by events, over restarts, hashes only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alarm_house import House, hash_of
from vigilar_common.bus import Received
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import PinsAction, PinsCommand
from vigilar_common.messages.system import SystemEvent
from vigilar_common.topics import CMD_PINS

CONFIG = {"security": {"pins": [{"name": "Ann", "pin_hash": hash_of("2222")}]}}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for module in ("pin_changes", "arming"):
        monkeypatch.setattr(f"vigilar_events.{module}.hash_pin", hash_of)
    return House(tmp_path, config=CONFIG)


def order(
    house: House, action: PinsAction, name: str = "", secret: str = "", sender: str = "web", **more: Any
) -> Reply:
    replies: list[Reply] = []
    command = PinsCommand(
        id="x", ts_ms=house.clock.now_ms(), action=action, name=name, secret=secret, user="admin", **more
    )
    house.arming.handle(Received(CMD_PINS, {"sender": sender}, command, b"", {}, False, replies.append))
    (reply,) = replies
    return reply


def opens(house: House, pin: str) -> bool:
    house.ask("DISARM", "1234")
    return house.ask("ARM_HOME", pin).ok


def test_a_named_pin_is_added_changed_and_removed_and_outlives_a_restart(house: House) -> None:
    assert order(house, PinsAction.SET, "Bob", "4444", modes=["home"]).ok
    assert order(house, PinsAction.SET, "Ann", "5555").ok
    for _ in range(2):
        assert opens(house, "4444")
        assert opens(house, "5555")
        assert not opens(house, "2222"), "the old one of Ann"
        house.restart()
    assert house.ask("ARM_AWAY", "4444").code == "pin_not_allowed"
    assert order(house, PinsAction.REMOVE, "Ann").ok
    assert not opens(house, "5555")
    assert not opens(house, "2222"), "nor does the one of the configuration come back"
    assert order(house, PinsAction.REMOVE, "Ann").code == "not_found"


def test_a_pin_that_the_owner_puts_into_the_configuration_later_wins(house: House) -> None:
    order(house, PinsAction.SET, "Ann", "5555")
    house.configure(
        security={"pin_hash": hash_of("1234"), "pins": [{"name": "Ann", "pin_hash": hash_of("7777")}]}
    )
    assert opens(house, "7777")
    assert not opens(house, "5555")


def test_the_pin_of_the_house_and_the_passphrase_are_set(house: House) -> None:
    assert order(house, PinsAction.LIST).data == {
        "configured": True,
        "named": [
            {"name": "Ann", "duress": False, "modes": [], "days": [], "from_time": "", "until_time": ""}
        ],
        "recovery": False,
    }
    assert order(house, PinsAction.SET, "", "8888").ok
    assert order(house, PinsAction.SET_PASSPHRASE, "", "a long passphrase").ok
    house.restart()
    assert house.ask("ARM_AWAY", "8888").ok
    assert order(house, PinsAction.LIST).data["recovery"] is True
    assert house.reset("a long passphrase", "1357").ok
    assert house.ask("DISARM", "1357").ok
    assert opens_after_reset(house), "the named ones stay"


def opens_after_reset(house: House) -> bool:
    return house.ask("ARM_HOME", "2222").ok


@pytest.mark.parametrize(
    ("name", "secret", "more", "code"),
    [("Bob", "12", {}, "bad_pin"), ("Bob", "abcd", {}, "bad_pin"), ("Bob", "2222", {}, "pin_taken"),
     ("Bob", "1234", {}, "pin_taken"), ("", "2222", {}, "pin_taken"),
     ("Bob", "4444", {"from_time": "10:00"}, "invalid"), ("Bob", "4444", {"days": ["someday"]}, "invalid"),
     ("Bob", "4444", {"duress": True, "modes": ["home"]}, "invalid")],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(
    house: House, name: str, secret: str, more: dict[str, Any], code: str
) -> None:
    before = order(house, PinsAction.LIST).data
    assert order(house, PinsAction.SET, name, secret, **more).code == code
    assert order(house, PinsAction.LIST).data == before
    assert opens(house, "2222")


def test_only_the_web_service_may_and_what_was_done_is_told_without_the_pin(house: House) -> None:
    assert order(house, PinsAction.SET, "Bob", "4444", sender="home_automation").code == "forbidden"
    assert order(house, PinsAction.SET, "Bob", "4444").ok
    (told,) = house.facts.of(SystemEvent)
    assert (told.code, "Bob" in told.message, "4444" in told.message) == ("pins_changed", True, False)
    assert order(house, PinsAction.SET_PASSPHRASE, "", "short").code == "bad_passphrase"


def test_there_are_at_most_eight_named_pins(house: House) -> None:
    for number in range(7):
        assert order(house, PinsAction.SET, f"n{number}", f"600{number}").ok
    assert order(house, PinsAction.SET, "one more", "6009").code == "too_many"
    assert order(house, PinsAction.SET, "Ann", "6009").ok
