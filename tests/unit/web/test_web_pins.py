"""PINs set in the page: handed to the events service, kept nowhere else, told to nobody."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import PinsAction, PinsCommand
from vigilar_common.messages.audit import Audited
from vigilar_web.sessions import RECENT_MS


def answer(web: Any, **reply: Any) -> list[PinsCommand]:
    asked: list[PinsCommand] = []

    def answered(topic: Any, message: Any, _: Any) -> Reply:
        assert topic is topics.CMD_PINS
        asked.append(message)
        return Reply(**reply)

    web.bus.answers = answered
    return asked


def test_a_pin_is_handed_on_with_who_set_it_and_is_in_no_log(home: Any, caplog: Any) -> None:
    asked = answer(home, ok=True, message="The PIN holds.", data={"named": []})
    wish = {
        "name": "Cleaner",
        "pin": "975310",
        "modes": ["home"],
        "days": ["mon"],
        "from_time": "08:00",
        "until_time": "12:00",
    }
    told = home.send("PUT", "/api/v1/pins", wish)
    assert told.json() == {"message": "The PIN holds.", "named": []}
    (command,) = asked
    assert (command.action, command.name, command.secret, command.user) == (
        PinsAction.SET,
        "Cleaner",
        "975310",
        "admin",
    )
    home.parts.audit.close()
    (entry,) = home.facts.of(Audited)
    assert (entry.action, entry.detail) == ("pin.set", "Cleaner")
    assert "975310" not in caplog.text + entry.model_dump_json() + repr(command)


def test_the_passphrase_and_the_list_go_the_same_way(home: Any) -> None:
    asked = answer(home, ok=True, data={"configured": True, "named": [], "recovery": True})
    assert home.get("/api/v1/pins").json()["recovery"] is True
    assert home.send("PUT", "/api/v1/pins/recovery", {"passphrase": "a long passphrase"}).status_code == 200
    assert home.send("DELETE", "/api/v1/pins", {"name": "Ann"}).status_code == 200
    assert [command.action for command in asked] == [
        PinsAction.LIST,
        PinsAction.SET_PASSPHRASE,
        PinsAction.REMOVE,
    ]


@pytest.mark.parametrize(("code", "status"), [("bad_pin", 422), ("pin_taken", 409), ("not_found", 404)])
def test_a_refusal_of_the_alarm_is_passed_on(home: Any, error: Any, code: str, status: int) -> None:
    answer(home, ok=False, code=code, message="No.")
    refused = home.send("PUT", "/api/v1/pins", {"pin": "1"})
    assert (refused.status_code, error(refused)) == (status, code)


def test_it_asks_for_the_password_again_and_says_when_the_alarm_is_away(home: Any, error: Any) -> None:
    assert error(home.send("PUT", "/api/v1/pins", {"pin": "975310"})) == "alarm_unavailable"
    home.clock.advance(RECENT_MS / 1000)
    assert error(home.send("PUT", "/api/v1/pins", {"pin": "975310"})) == "sign_in_again"
