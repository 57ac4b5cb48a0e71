"""Tune motion: looks while somebody asks, thresholds and zones through storage's settings."""

from __future__ import annotations

import json
from typing import Any

import httpx
from vigilar_common import topics
from vigilar_web.items import event_item
from vigilar_web.live.tuning import KEPT_LOOKS, MAX_WATCHED

TUNE = "/api/v1/cameras/front/tune"
MOTION = "/api/v1/cameras/front/motion"
CAMERA = {
    "id": "front",
    "rtsp_url": "rtsp://user:***@host/x",
    "motion_sensitivity": 0.7,
    "motion_min_area_px": 500,
    "motion_zones": [],
    "zones": [{"name": "street", "mode": "exclude", "polygon": [[0, 0], [1, 0], [1, 0.3]]}],
    "resolution_motion": [640, 360],
}
SETTINGS = {"revision": "r1", "values": {"cameras": [CAMERA]}, "origins": {}, "warnings": []}


def look(home: Any, camera: str = "front", **more: Any) -> None:
    payload = json.dumps({"score": 0.1, **more}).encode()
    home.bus.deliver(topics.TUNE, payload=payload, properties={"seq": "1"}, camera_id=camera)
    home.settle()


def test_looks_come_while_somebody_asks_and_each_only_once(home: Any) -> None:
    home.login()
    look(home, n=0)
    assert home.send("POST", TUNE, {"after": 0}).json() == {"looks": [], "after": 0}
    for n in (1, 2):
        look(home, n=n)
    first = home.send("POST", TUNE, {"after": 0}).json()
    assert [item["n"] for item in first["looks"]] == [1, 2]
    look(home, n=3)
    assert [item["n"] for item in home.send("POST", TUNE, {"after": first["after"]}).json()["looks"]] == [3]
    # What a page says that knew an earlier process of this service.
    assert len(home.send("POST", TUNE, {"after": 99_999}).json()["looks"]) == 3


def test_the_lease_is_renewed_every_two_seconds_and_ends_with_the_asking(home: Any) -> None:
    home.login()
    for _ in range(5):
        home.send("POST", TUNE)
        home.clock.advance(0.6)
    sent = home.bus.messages(topics.CMD_TUNE)
    assert [lease.lease_s for lease in sent] == [6, 6]
    home.clock.advance(11)
    home.send("POST", "/api/v1/cameras/yard/tune")
    look(home, n=9)
    assert home.send("POST", TUNE).json()["looks"] == [], "what was said while nobody asked is not kept"


def test_what_is_kept_is_bounded_and_what_is_no_look_is_refused(home: Any) -> None:
    home.login()
    home.send("POST", TUNE)
    for n in range(KEPT_LOOKS + 20):
        look(home, n=n)
    kept = home.send("POST", TUNE).json()["looks"]
    assert [item["n"] for item in kept] == list(range(20, KEPT_LOOKS + 20))
    for payload in (b"", b"[]", b"\xff", b"{"):
        home.bus.deliver(topics.TUNE, payload=payload, camera_id="front")
    home.settle()
    assert home.parts.tuning.refused == 4
    assert MAX_WATCHED >= 2


def test_without_a_session_or_its_token_nothing_is_told_or_changed(home: Any) -> None:
    assert home.ask("POST", TUNE, content="{}").status_code in (401, 403)
    home.login()
    plain = {"Origin": "http://house.lan:49735", "Content-Type": "application/json"}
    assert home.ask("POST", TUNE, content="{}", headers=plain).status_code == 403
    assert home.ask("PUT", MOTION, content="{}", headers=plain).status_code == 403
    assert home.send("POST", "/api/v1/cameras/nowhere/tune").status_code == 404
    assert home.bus.messages(topics.CMD_TUNE) == []


def test_a_silent_broker_is_told(home: Any) -> None:
    home.login()
    home.bus.connected = False
    answer = home.send("POST", TUNE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "camera_silent")


def test_the_page_gets_what_concerns_motion_and_no_address(home: Any) -> None:
    home.login()
    home.storage.answers["/v1/settings"] = SETTINGS
    shown = home.get(MOTION).json()
    assert shown["revision"] == "r1"
    assert shown["zones"][0]["name"] == "street"
    assert "rtsp" not in json.dumps(shown)
    home.storage.answers["/v1/settings"] = SETTINGS | {"values": {"cameras": []}}
    assert home.get(MOTION).status_code == 404


def test_a_change_goes_to_the_settings_with_the_name_of_who_made_it(home: Any) -> None:
    home.login()
    asked: list[dict[str, Any]] = []

    def put(request: httpx.Request) -> Any:
        asked.append(json.loads(request.content))
        return SETTINGS | {"revision": "r2"}

    home.storage.answers["/v1/settings"] = put
    zone = {"name": "door", "mode": "include", "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]]}
    mask = zone | {"name": "poster", "mode": "mask", "classes": ["person"]}
    line = {"name": "gate", "start": [0.1, 0.6], "end": [0.9, 0.6]}
    wish = {
        "revision": "r1",
        "motion_sensitivity": 0.5,
        "motion_min_area_px": 900,
        "zones": [zone, mask],
        "lines": [line],
    }
    assert home.send("PUT", MOTION, wish).json()["revision"] == "r2"
    (body,) = asked
    assert (body["actor"], body["revision"]) == ("admin", "r1")
    assert body["changes"] == {
        "cameras": [
            {
                "motion_sensitivity": 0.5,
                "motion_min_area_px": 900,
                "zones": [zone, mask],
                "lines": [line],
                "id": "front",
            }
        ]
    }


def test_a_bad_change_is_refused_by_name_and_a_refusal_of_storage_is_passed_on(home: Any) -> None:
    home.login()
    wish = {"revision": "r1", "motion_sensitivity": 0.5, "motion_min_area_px": 900}
    for bad in (
        {"motion_sensitivity": 2},
        {"motion_min_area_px": -1},
        {"rtsp_url": "rtsp://elsewhere"},
        {"zones": [{"name": "a", "polygon": [[0, 0], [1, 1]]}]},
        {"zones": [{"name": "a", "mode": "maybe", "polygon": [[0, 0], [1, 1], [1, 0]]}]},
    ):
        assert home.send("PUT", MOTION, wish | bad).status_code == 422, bad
    words = '[[cameras]] "front": zone "a" crosses itself'
    error = {"error": {"code": "invalid_settings", "message": words, "field": None}}
    home.storage.answers["/v1/settings"] = httpx.Response(422, json=error)
    answer = home.send("PUT", MOTION, wish)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == words


def test_an_event_shows_how_strongly_it_moved_once_it_is_over() -> None:
    row: dict[str, Any] = {"id": "x", "type": "motion"}
    assert event_item(row, {})["score_curve"] is None
    over = row | {
        "end_detail": {"peak_score": 0.5, "mean_score": 0.2, "curve": [0.1, 0.5], "curve_step_s": 2}
    }
    assert event_item(over, {})["score_curve"] == {
        "points": [0.1, 0.5],
        "step_s": 2,
        "mean": 0.2,
        "peak": 0.5,
    }
    assert event_item(row | {"end_detail": {"peak_score": 0.5}}, {})["score_curve"] is None
