"""Power and people on the page: what is known, what is not, and what is switched off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages.power import PowerState, PowerStatus, PowerValues, ShutdownStage
from vigilar_common.messages.presence import Household, HouseholdStatus, PersonStatus, Role, person_id
from vigilar_web.settings import MemberInfo

MEMBERS = (MemberInfo("Ann <b>", "adult"), MemberInfo("Kim", "child"))


@pytest.fixture(name="house")
def _house(home: Any) -> Any:
    home.parts.settings = replace(home.parts.settings, watches_power=True, members=MEMBERS)
    return home


def item(house: Any) -> Any:
    return house.get("/api/v1/house").json()


def tell_person(house: Any, name: str, home: bool | None, role: Role = Role.ADULT) -> None:
    key = person_id(name)
    status = PersonStatus(person_id=key, member=name, role=role, home=home, since_ms=7)
    house.bus.deliver(topics.PERSON_STATE, status, person_id=key)


def test_what_is_switched_off_is_not_there(home: Any) -> None:
    home.parts.settings = replace(home.parts.settings, watches_power=False, members=())
    assert item(home) == {"power": None, "people": None}


def test_before_anybody_spoke_nothing_is_known(house: Any) -> None:
    found = item(house)
    assert (found["power"]["state"], found["power"]["reason"]) == ("unknown", "not heard yet")
    assert found["people"]["state"] is None
    assert [member["home"] for member in found["people"]["members"]] == [None, None]


def test_the_power_with_its_numbers_and_a_planned_shutdown(house: Any) -> None:
    status = PowerStatus(
        ups_id="ups", state=PowerState.LOW_BATTERY, since_ms=5, flags=["OB", "LB"],
        values=PowerValues(charge_pct=9, runtime_s=120), shutdown=ShutdownStage.PLANNED, shutdown_at_ms=9,
    )  # fmt: skip
    house.bus.deliver(topics.POWER_STATE, status, ups_id="ups")
    power = item(house)["power"]
    assert (power["state"], power["flags"], power["values"]["runtime_s"]) == (
        "low_battery",
        ["OB", "LB"],
        120,
    )
    assert (power["shutdown"], power["shutdown_at_ms"]) == ("planned", 9)
    house.bus.deliver(topics.AVAILABLE, payload=b"offline", service="ups")
    gone = item(house)["power"]
    assert (gone["state"], gone["values"]["charge_pct"]) == ("unknown", None)
    assert "not running" in gone["reason"]


def test_people_in_the_order_of_the_configuration_and_nobody_else(house: Any) -> None:
    tell_person(house, "Kim", False, Role.CHILD)
    tell_person(house, "Ann <b>", True)
    tell_person(house, "Stranger", True)
    house.bus.deliver(topics.HOUSEHOLD_STATE, HouseholdStatus(state=Household.ADULTS_HOME))
    people = item(house)["people"]
    assert people["state"] == "ADULTS_HOME"
    assert [(m["name"], m["role"], m["home"]) for m in people["members"]] == [
        ("Ann <b>", "adult", True), ("Kim", "child", False),
    ]  # fmt: skip
    house.bus.deliver(topics.AVAILABLE, payload=b"offline", service="presence")
    people = item(house)["people"]
    assert (people["state"], people["members"][0]["home"]) == (None, None)
    assert "not running" in people["reason"]


def test_what_the_ups_measured_before_comes_from_storage(house: Any) -> None:
    values = {"charge_pct": 90, "runtime_s": 600, "load_pct": 20, "input_v": None, "temperature_c": None}
    row = {"ts_ms": 5, "source": "ups", "type": "power.reading", "ups_id": "ups", "values": values}
    house.storage.answers["/v1/house-log"] = {"items": [row], "next": "more"}
    answer = house.get("/api/v1/house/power/history?from_ms=3")
    assert answer.json() == {"items": [{"ts_ms": 5, "ups_id": "ups", **values}], "next": "more"}
    assert house.storage.requests[-1].url.params["type"] == "power.reading"
