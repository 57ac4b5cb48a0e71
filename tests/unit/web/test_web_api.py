"""What the routes answer, and what they do when another service is away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import AlarmState, ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import AlertDelivery, Outcome, PushInfo
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.messages.system import SystemHealth
from vigilar_common.signed_urls import VALID_MS, sign_picture
from vigilar_web import stream as stream_module
from vigilar_web.accounts.model import Caller
from vigilar_web.items import channel_statistics
from vigilar_web.stream import KEEP_ALIVE, RESYNC, Client

UUID = "01234567-89ab-7def-8123-456789abcdef"
OTHER = "01234567-89ab-7def-8123-456789abcd00"
JPEG = b"\xff\xd8\xff\xe0 picture"
ROW = {
    "id": UUID, "type": "motion", "severity": "alert", "title": "Motion", "camera_id": "front", "started_ms": 1000,
    "ended_ms": None, "picture_id": OTHER, "recording_id": OTHER, "recording_offset_ms": 5000, "arm_state": "disarmed",
    "zones": ["Path"], "score": 0.5, "received_ms": 9, "cause_id": None, "detail": {},
}  # fmt: skip
RECORDING = {
    "id": UUID, "camera_id": "front", "started_ms": 1_750_000_000_000, "ended_ms": None, "state": "growing",
    "trigger": "motion", "codec": "h264", "format": "vge2", "starred": 0, "size_bytes": 10, "path": "front/x.vge",
}  # fmt: skip


def camera(home: Any, condition: CameraCondition, camera_id: str = "front", **fields: Any) -> None:
    state = CameraState(camera_id=camera_id, condition=condition, **fields)
    home.bus.deliver(topics.CAMERA_STATE, state, camera_id=camera_id)
    home.settle()


def listen(home: Any) -> Client:
    client = home.parts.stream.join(lambda: Caller(home.parts.accounts.owner, None))
    assert isinstance(client, Client)
    return client


def heard(home: Any, client: Client) -> list[tuple[str, Any]]:
    home.settle()
    text = home.run(client.next(0.01)).decode()
    events = []
    for chunk in text.split("\n\n"):
        if chunk.startswith("event: "):
            name, data = chunk.split("\n", 1)
            events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


# -- cameras and status ---------------------------------------------------------------------------------


def test_cameras_come_from_the_configuration_and_their_state_from_the_worker(home: Any) -> None:
    camera(home, CameraCondition.ONLINE, codec="h264", recording=True)
    camera(home, CameraCondition.ONLINE, camera_id="stranger")
    front, yard = home.get("/api/v1/cameras").json()["items"]
    assert (front["id"], front["name"]) == ("front", "Front door")
    assert front["state"]["condition"] == "online"
    assert "seq" not in front["state"]
    assert yard["state"] is None


def test_a_dead_worker_is_an_offline_camera_whatever_it_said_last(home: Any) -> None:
    camera(home, CameraCondition.ONLINE, recording=True, motion=True)
    home.bus.deliver(topics.CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    state = home.get("/api/v1/cameras").json()["items"][0]["state"]
    assert state["condition"] == "offline"
    assert state["reason"]
    assert not state["recording"]
    home.bus.deliver(topics.CAMERA_AVAILABLE, payload=b"online", camera_id="front")
    assert home.get("/api/v1/cameras").json()["items"][0]["state"]["condition"] == "online"


def test_a_state_under_another_cameras_topic_is_ignored(home: Any) -> None:
    home.bus.deliver(
        topics.CAMERA_STATE,
        CameraState(camera_id="front", condition=CameraCondition.ONLINE),
        camera_id="yard",
    )
    assert home.get("/api/v1/cameras").json()["items"][0]["state"] is None


def test_system_status_is_as_the_guide_says(home: Any) -> None:
    camera(home, CameraCondition.ONLINE, recording=True)
    home.bus.deliver(topics.ALARM_STATE, AlarmState(state=ArmState.ARMED_AWAY, since_ms=5))
    home.bus.deliver(
        topics.SYSTEM_HEALTH, SystemHealth(status="ok", mqtt_connected=True, storage_reachable=True)
    )
    home.storage.answers["/v1/events"] = {"items": [], "next": None}
    home.run(home.parts.storage.probe())
    body = home.get("/system/status").json()
    assert body["arm_state"] == "armed_away"
    assert body["cameras"] == {"total": 2, "online": 1, "offline": 1, "recording": 1}
    assert body["sensors"] == {"total": 0, "known": 0}
    assert body["status"] == "ok"
    assert body["troubles"] == []


def test_status_says_which_part_is_down_and_what_still_works(home: Any) -> None:
    home.storage.down = True
    home.run(home.parts.storage.probe())
    home.bus.deliver(topics.AVAILABLE, payload=b"offline", service="events")
    body = home.get("/system/status").json()
    assert body["status"] == "degraded"
    assert "keep working" in " ".join(body["troubles"])
    assert "alarm cannot be changed" in " ".join(body["troubles"])


def test_health_is_the_newest_report(home: Any, error: Any) -> None:
    missing = home.get("/api/v1/health")
    assert missing.status_code == 503
    assert error(missing) == "health_unavailable"
    home.bus.deliver(
        topics.SYSTEM_HEALTH, SystemHealth(status="warning", mqtt_connected=True, storage_reachable=True)
    )
    assert home.get("/api/v1/health").json()["status"] == "warning"


# -- what storage has -----------------------------------------------------------------------------------


def test_events_carry_names_and_addresses(home: Any) -> None:
    home.storage.answers["/v1/events"] = {"items": [ROW], "next": "abc"}
    body = home.get("/api/v1/events?camera=front&limit=7&cursor=x_-").json()
    assert body["next"] == "abc"
    item = body["items"][0]
    assert item["camera_name"] == "Front door"
    assert item["picture_url"] == f"/api/v1/pictures/{OTHER}"
    assert item["playlist_url"] == f"/api/v1/recordings/{OTHER}/playlist.m3u8"
    assert item["recording_offset_ms"] == 5000
    assert "received_ms" not in item
    assert dict(home.storage.requests[-1].url.params) == {"camera": "front", "limit": "7", "cursor": "x_-"}
    assert home.storage.requests[-1].headers["authorization"] == "Bearer token"


def test_one_event_has_its_deliveries(home: Any) -> None:
    home.storage.answers[f"/v1/events/{UUID}"] = ROW
    home.storage.answers["/v1/alert-log"] = {"items": [{"id": "d", "channel": "web_push"}], "next": None}
    body = home.get(f"/api/v1/events/{UUID}").json()
    assert body["id"] == UUID
    assert body["deliveries"] == [{"id": "d", "channel": "web_push"}]


def test_an_event_told_a_moment_ago_can_be_opened_before_storage_has_it(home: Any) -> None:
    assert home.get(f"/api/v1/events/{UUID}").status_code == 404
    opened = EventOpened(
        event_id=UUID, type=EventType.MOTION, severity=Severity.INFO, title="Motion", camera_id="front",
        arm_state=ArmState.DISARMED, ts_ms=123,
    )  # fmt: skip
    home.bus.deliver(topics.EVENT_OPENED, opened)
    body = home.get(f"/api/v1/events/{UUID}").json()
    assert (body["id"], body["started_ms"], body["deliveries"]) == (UUID, 123, [])


def test_what_storage_does_not_have_is_404(home: Any, error: Any) -> None:
    for path in (
        f"/api/v1/events/{UUID}",
        f"/api/v1/recordings/{UUID}",
        f"/api/v1/recordings/{UUID}/content",
    ):
        response = home.get(path)
        assert response.status_code == 404
        assert error(response) == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/events", f"/api/v1/events/{UUID}", "/api/v1/recordings", f"/api/v1/recordings/{UUID}/content",
        f"/api/v1/recordings/{UUID}/playlist.m3u8", f"/api/v1/pictures/{UUID}", "/api/v1/alerts",
    ],
)  # fmt: skip
@pytest.mark.parametrize("fault", ["down", "500", "401", "broken"])
def test_without_storage_the_answer_says_what_still_works(
    home: Any, error: Any, path: str, fault: str
) -> None:
    home.storage.down = fault == "down"
    answer = httpx.Response(int(fault), json={}) if fault.isdigit() else None
    for asked in ("/v1/events", f"/v1/events/{UUID}", "/v1/recordings", f"/v1/recordings/{UUID}/content",
                  f"/v1/recordings/{UUID}/playlist.m3u8", f"/v1/pictures/{UUID}", "/v1/alert-log"):  # fmt: skip
        home.storage.answers[asked] = answer or (lambda _: httpx.Response(503, content=b"{"))
    response = home.get(path)
    assert response.status_code == 503
    assert error(response) == "storage_unavailable"
    assert "keep working" in response.json()["error"]["message"]
    assert home.parts.storage.problem
    assert home.get("/api/v1/cameras").status_code == 200


def test_a_range_goes_through_to_storage_and_back(home: Any) -> None:
    def film(request: httpx.Request) -> httpx.Response:
        assert request.headers["range"] == "bytes=2-4"
        headers = {
            "Content-Range": "bytes 2-4/10",
            "Accept-Ranges": "bytes",
            "Content-Type": "video/mp4",
            "X-Own": "1",
        }
        return httpx.Response(206, content=b"cde", headers=headers)

    home.storage.answers[f"/v1/recordings/{UUID}/content"] = film
    response = home.get(f"/api/v1/recordings/{UUID}/content", headers={"Range": "bytes=2-4"})
    assert response.status_code == 206
    assert response.content == b"cde"
    assert response.headers["content-range"] == "bytes 2-4/10"
    assert response.headers["content-length"] == "3"
    assert "x-own" not in response.headers


def test_a_range_beyond_the_end_is_416_and_a_list_of_ranges_gets_the_whole(home: Any) -> None:
    def film(request: httpx.Request) -> httpx.Response:
        if "range" in request.headers:
            return httpx.Response(416, headers={"Content-Range": "bytes */10"})
        return httpx.Response(200, content=b"0123456789")

    home.storage.answers[f"/v1/recordings/{UUID}/content"] = film
    path = f"/api/v1/recordings/{UUID}/content"
    assert home.get(path, headers={"Range": "bytes=99-"}).status_code == 416
    assert home.get(path, headers={"Range": "bytes=0-1,4-5"}).content == b"0123456789"


def test_a_download_is_named_after_camera_and_local_time(home: Any) -> None:
    home.storage.answers[f"/v1/recordings/{UUID}"] = RECORDING
    home.storage.answers[f"/v1/recordings/{UUID}/download"] = httpx.Response(200, content=b"film")
    response = home.get(f"/api/v1/recordings/{UUID}/download")
    assert response.headers["content-disposition"] == 'attachment; filename="front_2025-06-15_17-06-40.mp4"'
    assert response.content == b"film"


def test_every_slot_to_storage_is_given_back(home: Any) -> None:
    home.storage.answers["/v1/events"] = {"items": [], "next": None}
    home.storage.answers[f"/v1/recordings/{UUID}/content"] = lambda _: httpx.Response(200, content=b"film")
    free = home.parts.storage._slots._value
    for _ in range(free + 5):
        home.get("/api/v1/events")
        home.get(f"/api/v1/recordings/{UUID}/content")
        home.get(f"/api/v1/recordings/{OTHER}/content")
    home.storage.down = True
    for _ in range(free + 5):
        home.get("/api/v1/events")
    assert home.parts.storage._slots._value == free


def test_starring_goes_through_and_nothing_else_does(home: Any, error: Any) -> None:
    home.storage.answers[f"/v1/recordings/{UUID}"] = RECORDING | {"starred": 1}
    response = home.send("PATCH", f"/api/v1/recordings/{UUID}", {"starred": True})
    assert response.json()["starred"] is True
    assert "path" not in response.json()
    assert json.loads(home.storage.requests[0].content) == {"starred": True}
    bodies: tuple[Any, ...] = ({"starred": "yes"}, {"starred": True, "path": "/etc"}, {}, [], "x")
    for body in bodies:
        refused = home.send("PATCH", f"/api/v1/recordings/{UUID}", body)
        assert refused.status_code == 422, body
        assert error(refused) == "invalid"


def test_alert_statistics_are_of_what_was_delivered() -> None:
    rows: list[Any] = [
        {"channel": "web_push", "outcome": "delivered", "latency_ms": n} for n in range(1, 101)
    ]
    rows += [
        {"channel": "web_push", "outcome": "failed", "latency_ms": 99_999},
        {"channel": "syslog", "outcome": "gone"},
    ]
    found = channel_statistics(rows)
    assert found["web_push"]["p50_ms"] == 50
    assert found["web_push"]["p95_ms"] == 95
    assert found["web_push"]["failed"] == 1
    assert found["syslog"]["p50_ms"] is None


# -- pictures -------------------------------------------------------------------------------------------


def take_picture(home: Any, picture_id: str = UUID, jpeg: bytes = JPEG) -> None:
    home.bus.deliver(topics.PICTURE, payload=jpeg, properties={"picture_id": picture_id}, camera_id="front")


def test_a_picture_is_there_before_storage_has_it_and_without_storage(home: Any) -> None:
    home.storage.down = True
    take_picture(home)
    response = home.get(f"/api/v1/pictures/{UUID}")
    assert response.content == JPEG
    assert response.headers["content-type"] == "image/jpeg"
    assert home.get("/api/v1/cameras/front/snapshot.jpg").content == JPEG
    assert not home.storage.requests


def test_an_older_picture_comes_from_storage(home: Any) -> None:
    home.storage.answers[f"/v1/pictures/{OTHER}"] = lambda _: httpx.Response(200, content=b"\xff\xd8\xffold")
    assert home.get(f"/api/v1/pictures/{OTHER}").content == b"\xff\xd8\xffold"
    home.storage.answers["/v1/events"] = {"items": [{"id": "x", "picture_id": None}, ROW], "next": None}
    assert home.get("/api/v1/cameras/front/snapshot.jpg").content == b"\xff\xd8\xffold"
    home.storage.answers["/v1/events"] = {"items": [], "next": None}
    assert home.get("/api/v1/cameras/front/snapshot.jpg").status_code == 204


def test_what_is_no_jpeg_is_not_taken_as_a_picture(home: Any) -> None:
    take_picture(home, jpeg=b"<svg onload=alert(1)>")
    take_picture(home, picture_id="../../x")
    assert home.parts.pictures.refused == 2
    assert home.get(f"/api/v1/pictures/{UUID}").status_code == 404


def test_kept_pictures_are_bounded_in_bytes(home: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilar_web.pictures.MAX_TOTAL_BYTES", 3_000)
    ids = [f"01234567-89ab-7def-8123-{n:012x}" for n in range(5)]
    for picture_id in ids:
        take_picture(home, picture_id, JPEG + b"x" * 1_000)
    assert [home.parts.pictures.get(i) is not None for i in ids] == [False, False, False, True, True]


def test_a_signed_picture_needs_no_session_for_ten_minutes(web: Any, error: Any) -> None:
    take_picture(web)
    link = sign_picture(b"m" * 32, UUID, web.clock.now_ms())
    assert web.get(link).content == JPEG
    web.clock.advance(VALID_MS / 1000 - 1)
    assert web.get(link).status_code == 200
    web.clock.advance(2)
    expired = web.get(link)
    assert expired.status_code == 403
    assert error(expired) == "forbidden"


def test_a_forged_link_is_refused(web: Any) -> None:
    take_picture(web)
    take_picture(web, OTHER)
    link = sign_picture(b"m" * 32, UUID, web.clock.now_ms())
    forged = sign_picture(b"n" * 32, UUID, web.clock.now_ms())
    later = link.replace("?e=1", "?e=2")
    for path in (
        link.replace(UUID, OTHER),
        forged,
        later,
        link[:-1],
        link.split("&")[0],
        f"/media/p/{UUID}",
        link + "0",
    ):
        assert web.get(path).status_code == 403, path


def test_signed_pictures_are_rate_limited_per_address(web: Any, error: Any) -> None:
    take_picture(web)
    link = sign_picture(b"m" * 32, UUID, web.clock.now_ms())
    codes = [web.get(link).status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]
    assert web.ask("GET", link, web.browser(address="192.0.2.200")).status_code == 200


# -- recording on command ---------------------------------------------------------------------------------


def test_record_now_asks_the_cameras_worker_in_the_name_of_the_user(home: Any, error: Any) -> None:
    asked = answer(home, ok=True, message="Recording for 60 s.", data={"until_ms": 5, "recording_id": None})
    response = home.send("POST", "/api/v1/cameras/front/record", {"action": "start"})
    assert response.json() == {"message": "Recording for 60 s.", "until_ms": 5, "recording_id": None}
    topic, command = asked[0]
    assert topic is topics.CMD_RECORD
    assert (command.action, command.duration_s, command.user) == ("start", 60, "admin")
    for body in ({"action": "start", "duration_s": 3601}, {"action": "erase"}, {"action": "stop", "x": 1}):
        assert home.send("POST", "/api/v1/cameras/front/record", body).status_code == 422
    assert home.send("POST", "/api/v1/cameras/attic/record", {"action": "start"}).status_code == 404
    assert len(asked) == 1
    answer(home, ok=False, code="not_recording", message="No recording was ordered here.")
    response = home.send("POST", "/api/v1/cameras/front/record", {"action": "stop"})
    assert (response.status_code, error(response)) == (409, "not_recording")


# -- the alarm and push ---------------------------------------------------------------------------------


def answer(home: Any, **fields: Any) -> list[Any]:
    asked: list[Any] = []

    def reply(topic: Any, message: Any, _: Any) -> Reply:
        asked.append((topic, message))
        return Reply(**fields)

    home.bus.answers = reply
    return asked


def test_arming_asks_the_events_service_in_the_name_of_the_user(home: Any) -> None:
    asked = answer(home, ok=True, data={"state": "armed_away"})
    response = home.send("POST", "/api/v1/alarm", {"action": "ARM_AWAY", "pin": "1234"})
    assert response.json() == {"state": "armed_away", "open_sensors": []}
    topic, command = asked[0]
    assert topic is topics.CMD_ALARM
    assert (command.action, command.pin, command.user) == ("ARM_AWAY", "1234", "admin")


@pytest.mark.parametrize(
    ("code", "data", "status"),
    [
        ("wrong_pin", {}, 403), ("too_many_tries", {"retry_after_s": 42}, 429), ("alarm_unavailable", {}, 503),
        ("pin_not_configured", {}, 409), ("something_new", {}, 409), ("open_sensors", {"open_sensors": [{}]}, 409),
    ],
)  # fmt: skip
def test_a_refusal_of_the_alarm_keeps_its_code(
    home: Any, error: Any, code: str, data: dict[str, Any], status: int
) -> None:
    answer(home, ok=False, code=code, message="No.", data=data)
    response = home.send("POST", "/api/v1/alarm", {"action": "DISARM", "pin": "0000"})
    assert response.status_code == status
    assert error(response) == code
    if status == 429:
        assert response.json()["error"]["retry_after_s"] == 42
        assert response.headers["retry-after"] == "42"


def test_arm_anyway_goes_through_and_a_refusal_names_what_is_open(home: Any) -> None:
    door = {"sensor_id": "door", "name": "Door", "what": "open", "at_ms": 1}
    asked = answer(home, ok=False, code="open_sensors", message="Open: Door.", data={"open_sensors": [door]})
    body = {"action": "ARM_AWAY", "pin": "1234", "bypass_open": True, "bypass": ["window"]}
    response = home.send("POST", "/api/v1/alarm", body)
    assert response.json()["error"]["open_sensors"] == [door]
    assert (asked[0][1].bypass_open, asked[0][1].bypass) == (True, ["window"])


def test_a_new_pin_is_asked_of_the_events_service_and_stays_nowhere(home: Any, error: Any) -> None:
    asked = answer(home, ok=True, message="The new PIN holds from now on.")
    body = {"passphrase": "correct horse", "new_pin": "987654321"}
    assert home.send("POST", "/system/api/reset-pin", body).status_code == 200
    topic, command = asked[0]
    assert topic is topics.CMD_RESET_PIN
    assert (command.passphrase, command.new_pin, command.user) == ("correct horse", "987654321", "admin")
    assert "987654321" not in repr(command)
    for code, status in (
        ("wrong_passphrase", 403),
        ("too_many_tries", 429),
        ("recovery_not_configured", 409),
    ):
        answer(home, ok=False, code=code, message="No.")
        response = home.send("POST", "/system/api/reset-pin", body)
        assert (response.status_code, error(response)) == (status, code)
        assert "987654321" not in response.text
    assert home.ask("POST", "/system/api/reset-pin", json=body).status_code == 403, "without the page's token"


def delivery(event_id: str | None = None) -> AlertDelivery:
    return AlertDelivery(
        alert_id=UUID, event_id=event_id, channel="web_push", target="Phone", attempt=1, outcome=Outcome.DELIVERED,
        severity=Severity.ALERT, title="t", latency_ms=5,
    )  # fmt: skip


def test_duress_shows_on_no_open_page(home: Any) -> None:
    client = listen(home)
    fact = opened().model_copy(update={"type": EventType.DURESS})
    home.bus.deliver(topics.EVENT_OPENED, fact)
    home.bus.deliver(topics.ALERT_DELIVERY, delivery(event_id=fact.event_id))
    home.bus.deliver(topics.ALERT_DELIVERY, delivery(event_id=None))
    assert [name for name, _ in heard(home, client)] == ["alert"]
    rows = [{"id": UUID, "type": kind, "title": kind} for kind in ("motion", "duress")]
    home.storage.answers["/v1/events"] = {"items": rows, "next": None}
    assert [item["type"] for item in home.get("/api/v1/events").json()["items"]] == ["motion"]
    assert len(home.get("/api/v1/events?type=duress").json()["items"]) == 2


def test_an_alarm_that_does_not_answer_is_said_to_be_unchanged(home: Any, error: Any) -> None:
    response = home.send("POST", "/api/v1/alarm", {"action": "DISARM", "pin": "1234"})
    assert response.status_code == 503
    assert error(response) == "alarm_unavailable"
    assert error(home.get("/api/v1/alarm")) == "alarm_unavailable"


def test_the_alarm_is_told_and_a_pin_never_comes_back(home: Any) -> None:
    home.bus.deliver(
        topics.ALARM_STATE, AlarmState(state=ArmState.ARMED_HOME, since_ms=7, pin_configured=True)
    )
    body = home.get("/api/v1/alarm").json()
    assert (body["state"], body["since_ms"], body["pin_configured"], body["available"]) == (
        "armed_home",
        7,
        True,
        True,
    )
    for wrong in (
        {"action": "EXPLODE", "pin": "987654321"},
        {"pin": "987654321"},
        {"action": "DISARM", "pin": 987654321},
    ):
        response = home.send("POST", "/api/v1/alarm", wrong)
        assert response.status_code == 422
        assert "987654321" not in response.text


def test_push_subscriptions_go_to_the_alerts_service(home: Any, error: Any) -> None:
    assert error(home.get("/api/v1/push")) == "alerts_unavailable"
    home.bus.deliver(topics.PUSH_INFO, PushInfo(public_key="BKey", enabled=True, subscriptions=2))
    assert home.get("/api/v1/push").json()["public_key"] == "BKey"
    browser = {
        "endpoint": "https://push.example/abc",
        "expirationTime": None,
        "keys": {"p256dh": "p", "auth": "a"},
    }
    asked = answer(home, ok=True)
    assert home.send("POST", "/api/v1/push/subscriptions", browser | {"device": "Phone"}).status_code == 201
    assert (asked[0][1].endpoint, asked[0][1].device, asked[0][1].user) == (
        "https://push.example/abc",
        "Phone",
        "admin",
    )
    assert (
        home.send("DELETE", "/api/v1/push/subscriptions", {"endpoint": browser["endpoint"]}).status_code
        == 204
    )
    assert asked[1][0] is topics.CMD_PUSH_UNSUBSCRIBE
    assert home.send("POST", "/api/v1/push/test").json() == {"ok": True, "message": "", "results": []}
    assert home.send("POST", "/api/v1/alerts/test", {"channel": "email"}).json()["ok"] is True
    assert (asked[-1][0], asked[-1][1].channel) == (topics.CMD_ALERT_TEST, "email")
    assert home.send("POST", "/api/v1/alerts/test", {"channel": "../x"}).status_code == 422
    answer(home, ok=False, code="endpoint_not_allowed", message="Not a push service.")
    refused = home.send("POST", "/api/v1/push/subscriptions", browser)
    assert refused.status_code == 422
    assert error(refused) == "endpoint_not_allowed"
    assert home.send("POST", "/api/v1/push/test").json()["ok"] is False
    malformed = home.send("POST", "/api/v1/push/subscriptions", {"endpoint": "https://push.example/abc"})
    assert malformed.status_code == 422
    assert malformed.json()["error"]["field"] == "keys"


# -- server-sent events ---------------------------------------------------------------------------------


def opened(event_id: str = UUID) -> EventOpened:
    return EventOpened(
        event_id=event_id, type=EventType.MOTION, severity=Severity.ALERT, title="Motion\n\nevent: alarm\ndata: {}",
        camera_id="front", arm_state=ArmState.DISARMED, picture_id=OTHER, ts_ms=1_750_000_000_000,
    )  # fmt: skip


def test_open_pages_hear_what_changes_in_the_shape_of_the_api(home: Any) -> None:
    client = listen(home)
    camera(home, CameraCondition.ONLINE)
    home.bus.deliver(topics.EVENT_OPENED, opened())
    home.bus.deliver(topics.EVENT_ENDED, EventEnded(event_id=UUID, ended_ms=1_750_000_009_000))
    home.bus.deliver(topics.ALARM_STATE, AlarmState(state=ArmState.PENDING, since_ms=3))
    home.bus.deliver(
        topics.ALERT_DELIVERY,
        delivery(),
    )
    events = heard(home, client)
    assert [name for name, _ in events] == ["camera", "event", "event", "alarm", "alert"]
    assert events[0][1]["name"] == "Front door"
    assert events[1][1]["id"] == UUID
    assert events[1][1]["title"].startswith("Motion\n\nevent"), "a title cannot forge an event"
    assert events[1][1]["camera_name"] == "Front door"
    assert events[2][1]["ended_ms"] == 1_750_000_009_000
    assert events[2][1]["picture_url"] == events[1][1]["picture_url"]
    assert events[3][1]["state"] == "pending"
    assert events[4][1]["outcome"] == "delivered"


def test_a_slow_page_is_told_to_fetch_everything_and_others_miss_nothing(home: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(stream_module, "MAX_WAITING_EVENTS", 3)
    slow, quick = listen(home), listen(home)
    for number in range(5):
        home.parts.stream.broadcast("camera", {"n": number})
        assert heard(home, quick) == [("camera", {"n": number})]
    assert home.run(slow.next(0.01)) == RESYNC
    assert slow.closed, "the end of the stream makes the page connect again"
    assert not quick.closed
    assert home.parts.stream.resyncs == 1


def test_an_end_without_a_beginning_and_a_broker_that_was_away_mean_resync(home: Any) -> None:
    client = listen(home)
    home.bus.deliver(topics.EVENT_ENDED, EventEnded(event_id=UUID, ended_ms=1))
    home.settle()
    assert home.run(client.next(0.01)) == RESYNC
    other = listen(home)
    home.bus.reconnect()
    home.settle()
    assert home.run(other.next(0.01)) == RESYNC


def test_a_quiet_stream_says_that_it_lives(home: Any) -> None:
    assert home.run(listen(home).next(0.01)) == KEEP_ALIVE


def test_the_number_of_open_pages_is_bounded(home: Any, error: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(stream_module, "MAX_CLIENTS", 1)
    listen(home)
    response = home.get("/api/v1/stream")
    assert response.status_code == 503
    assert error(response) == "too_many_streams"


def test_the_stream_begins_with_hello_and_ends_with_the_session(home: Any) -> None:
    async def scene() -> httpx.Response:
        asked = asyncio.create_task(home.client.get("/api/v1/stream"))
        await home.until(lambda: len(home.parts.stream))
        home.clock.advance(4_000)
        home.parts.stream.broadcast("camera", {"n": 1})
        return await asyncio.wait_for(asked, 5)

    response = home.run(scene())
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.startswith("retry: ")
    assert "event: hello\n" in response.text
    assert len(home.parts.stream) == 0


def test_a_flood_from_the_broker_is_bounded_and_pages_are_told(home: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilar_web.bridge.MAX_WAITING_CALLS", 4)
    client = listen(home)
    for _ in range(10):
        home.bus.deliver(topics.EVENT_OPENED, opened())
    assert home.bridge.dropped == 6
    home.settle()
    home.bus.deliver(topics.EVENT_OPENED, opened())
    home.settle()
    assert home.run(client.next(0.01)) == RESYNC


def test_a_damaged_recording_is_said_to_be_damaged_and_storage_is_still_well(home: Any, error: Any) -> None:
    fault = {
        "error": {
            "code": "recording_damaged",
            "message": "chunk 7 of x.vge fails authentication",
            "field": None,
        }
    }
    home.storage.answers[f"/v1/recordings/{UUID}/content"] = lambda _: httpx.Response(500, json=fault)
    response = home.get(f"/api/v1/recordings/{UUID}/content")
    assert response.status_code == 500
    assert error(response) == "recording_damaged"
    assert "chunk 7" in response.json()["error"]["message"]
    home.storage.answers["/v1/events"] = {"items": [], "next": None}
    home.run(home.parts.storage.probe())
    home.get(f"/api/v1/recordings/{UUID}/content")
    assert home.parts.storage.problem == ""
