"""The list of sensors: what is known, and what is not said although it was known before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages.sensor import SensorState
from vigilar_web.settings import SensorInfo


@pytest.fixture(name="house")
def _house(home: Any) -> Any:
    sensors = {
        "door": SensorInfo("door", "Front <door>", "CONTACT", "hall"),
        "new": SensorInfo("new", "New", "SMOKE", ""),
    }
    home.parts.settings = replace(home.parts.settings, sensors=sensors)
    return home


def tell(house: Any, sensor_id: str = "door", topic_id: str = "", **state: Any) -> None:
    message = SensorState(sensor_id=sensor_id, type="CONTACT", **({"known": True} | state))
    house.bus.deliver(topics.SENSOR_STATE, message, sensor_id=topic_id or sensor_id)


def items(house: Any) -> dict[str, Any]:
    return {item["id"]: item for item in house.get("/api/v1/sensors").json()["items"]}


def test_a_sensor_is_listed_with_its_state_battery_and_last_word(house: Any) -> None:
    tell(
        house,
        active=True,
        heard_ms=5,
        values={"contact": False, "battery": 12.0},
        units={"battery": "%"},
        battery_low=True,
    )
    assert items(house)["door"] == {
        "id": "door", "name": "Front <door>", "type": "CONTACT", "location": "hall", "known": True, "reason": "", "active": True,
        "values": {"contact": False, "battery": 12.0}, "units": {"battery": "%"}, "battery_low": True, "heard_ms": 5,
    }  # fmt: skip
    assert items(house)["new"]["known"] is False
    assert items(house)["new"]["reason"] == "not heard yet"
    assert house.get("/system/status").json()["sensors"] == {"total": 2, "known": 1}


def test_while_its_service_is_not_running_nothing_is_known(house: Any) -> None:
    tell(house, active=False, values={"contact": True})
    house.bus.deliver(topics.AVAILABLE, payload=b"offline", service="sensors")
    gone = items(house)["door"]
    assert (gone["known"], gone["active"], gone["reason"]) == (
        False,
        None,
        "The sensors service is not running.",
    )
    house.bus.deliver(topics.AVAILABLE, payload=b"online", service="sensors")
    assert items(house)["door"]["active"] is False


def test_a_state_of_another_sensor_or_of_one_that_is_not_configured_is_ignored(house: Any) -> None:
    tell(house, "door", topic_id="new", active=True)
    tell(house, "stranger", active=True)
    assert {item["known"] for item in items(house).values()} == {False}


def test_what_a_sensor_measured_before_comes_from_storage(house: Any) -> None:
    page = {"items": [{"ts_ms": 5, "value": 21.5, "unit": "°C"}], "next": None}
    house.storage.answers["/v1/sensors/door/history"] = page
    answer = house.get("/api/v1/sensors/door/history?key=temperature&from_ms=3&limit=7")
    assert answer.json() == page
    asked = house.storage.requests[-1].url.params
    assert dict(asked) == {"key": "temperature", "from_ms": "3", "limit": "7"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/sensors/other/history?key=temperature", 404),
        ("/api/v1/sensors/door/history", 422),
        ("/api/v1/sensors/door/history?key=a/b", 422),
        ("/api/v1/sensors/door/history?key=temperature&limit=100000", 422),
    ],
)
def test_a_past_that_cannot_be_shown_is_refused_before_storage_is_asked(
    house: Any, path: str, status: int
) -> None:
    before = len(house.storage.requests)
    assert house.get(path).status_code == status
    assert len(house.storage.requests) == before
