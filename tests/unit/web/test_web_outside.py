"""Parcels and known vehicles in the public API: what is there, what may be said of it, and who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.packages import LyingPackage, PackageAction, PackageCommand, PackagesState
from vigilar_common.messages.vehicles import KnownVehicleState, VehicleAction, VehicleCommand, VehiclesState
from vigilar_common.topics import Topic

UUID = "01234567-89ab-7def-8123-456789abcdef"
OTHER = "01234567-89ab-7def-8123-456789abcd00"
MEASURE = [0.0] * 17 + [1.0]


def answered(home: Any, **answer: Any) -> list[tuple[Topic, Any]]:
    heard: list[tuple[Topic, Any]] = []

    def received(topic: Topic, message: Any, _: Any) -> Reply:
        heard.append((topic, message))
        return Reply.model_validate({"ok": True, "message": "Done.", **answer})

    home.bus.answers = received
    return heard


def lying(home: Any, camera_id: str = "front") -> None:
    one = LyingPackage(
        package_id=UUID, camera_id=camera_id, zone="Mat", since_ms=5, picture_id=OTHER, event_id=OTHER
    )
    home.bus.deliver(topics.PACKAGES_STATE, PackagesState(count=1, packages=[one]))


def test_parcels_are_listed_with_their_pictures_and_null_while_nobody_looks(home: Any) -> None:
    home.login()
    assert home.get("/api/v1/packages").json() == {"items": None}
    home.bus.deliver(topics.PACKAGES_STATE, PackagesState())
    assert home.get("/api/v1/packages").json() == {"items": []}
    lying(home)
    (item,) = home.get("/api/v1/packages").json()["items"]
    assert (item["package_id"], item["zone"], item["since_ms"]) == (UUID, "Mat", 5)
    assert item["picture_url"] == f"/api/v1/pictures/{OTHER}"


def test_while_the_events_service_is_gone_nothing_is_claimed(home: Any) -> None:
    home.login()
    lying(home)
    home.bus.deliver(topics.AVAILABLE, payload=b"offline", service="events")
    assert home.get("/api/v1/packages").json()["error"]["code"] == "events_unavailable"


@pytest.mark.parametrize("action", list(PackageAction))
def test_what_is_said_of_a_parcel_goes_to_events_with_who_said_it(home: Any, action: PackageAction) -> None:
    home.login()
    lying(home)
    heard = answered(home)
    assert home.send("POST", f"/api/v1/packages/{UUID}", {"action": action.value}).status_code == 200
    ((topic, command),) = heard
    assert topic is topics.CMD_PACKAGE
    assert isinstance(command, PackageCommand)
    assert (command.action, command.package_id, command.user) == (action, UUID, "admin")


def test_a_parcel_that_is_gone_bad_words_and_a_silent_service_are_said(home: Any) -> None:
    home.login()
    assert home.send("POST", f"/api/v1/packages/{UUID}", {"action": "collected"}).status_code == 404
    lying(home)
    assert home.send("POST", f"/api/v1/packages/{UUID}", {"action": "eaten"}).status_code == 422
    answer = home.send("POST", f"/api/v1/packages/{UUID}", {"action": "collected"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "events_unavailable")
    answered(home, ok=False, code="not_found", message="It is gone.")
    assert home.send("POST", f"/api/v1/packages/{UUID}", {"action": "collected"}).status_code == 404


def test_known_vehicles_say_whether_they_are_at_home(home: Any) -> None:
    home.login()
    assert home.get("/api/v1/vehicles").json() == {"items": []}
    car = KnownVehicleState(vehicle_id="car", name="Car", home=True, since_ms=5, seen_ms=6, camera_id="front")
    home.bus.deliver(topics.VEHICLES_STATE, VehiclesState(vehicles=[car]))
    (item,) = home.get("/api/v1/vehicles").json()["items"]
    assert (item["name"], item["home"], item["seen_ms"]) == ("Car", True, 6)
    home.bus.deliver(topics.AVAILABLE, payload=b"offline", service="events")
    assert home.get("/api/v1/vehicles").json()["items"][0]["home"] is None


@pytest.mark.parametrize("where", ["detail", "end_detail"])
def test_what_an_event_shows_is_learnt_by_the_detector(home: Any, where: str) -> None:
    home.login()
    home.storage.answers[f"/v1/events/{UUID}"] = {
        "id": UUID, "camera_id": "front", where: {"vehicle": {"measure": MEASURE}},
    }  # fmt: skip
    heard = answered(home)
    assert home.send("POST", "/api/v1/vehicles/learn", {"name": "Car", "event_id": UUID}).json() == {
        "message": "Done."
    }
    ((topic, command),) = heard
    assert topic is topics.CMD_VEHICLE
    assert isinstance(command, VehicleCommand)
    assert (command.action, command.name, command.measure, command.user) == (
        VehicleAction.LEARN, "Car", MEASURE, "admin",
    )  # fmt: skip


def test_an_event_at_night_teaches_nothing_and_a_refusal_is_passed_on(home: Any) -> None:
    home.login()
    row = {"id": UUID, "camera_id": "front", "detail": {}, "end_detail": {"vehicle": {"measure": []}}}
    home.storage.answers[f"/v1/events/{UUID}"] = row
    answer = home.send("POST", "/api/v1/vehicles/learn", {"name": "Car", "event_id": UUID})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_measured")
    home.storage.answers[f"/v1/events/{UUID}"] = row | {"detail": {"vehicle": {"measure": MEASURE}}}
    answer = home.send("POST", "/api/v1/vehicles/learn", {"name": "Car", "event_id": UUID})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "detector_silent")
    answered(home, ok=False, code="refused", message="There is no such vehicle.")
    assert home.send("POST", "/api/v1/vehicles/learn", {"name": "X", "event_id": UUID}).status_code == 409
