"""Visitors through the page: consent is written with who and when, people are changed by admins alone, pictures are not kept."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.visitors import (
    CONSENT_VERSION,
    CurrentVisitor,
    VisitorAction,
    VisitorsCommand,
    VisitorsState,
)

PROFILE = "0198f2c5-7d4e-7a31-9d52-3c1f0e6b8a90"
OTHER = "0198f2c5-7d4e-7a31-9d52-3c1f0e6b8a91"
ROW = {
    "id": PROFILE, "name": "Ann", "household": True, "ignored": False, "visit_count": 3, "first_seen_ms": 1, "last_seen_ms": 2,
    "picture_id": None, "removed_ms": None,
}  # fmt: skip


@pytest.fixture(name="house")
def _house(home: Any) -> Any:
    home.commands = []

    def answers(topic: Any, command: Any, _ids: Any) -> Reply:
        assert topic is topics.CMD_VISITORS
        home.commands.append(command)
        return Reply(
            ok=True, data={"profile_id": PROFILE, "jpeg": base64.b64encode(b"\xff\xd8 face").decode()}
        )

    home.bus.answers = answers
    home.storage.answers |= {
        "/v1/face-profiles": {"items": [ROW, ROW | {"id": OTHER, "name": ""}], "next": None},
        "/v1/settings": {"revision": "r1", "values": {}},
    }
    return home


def test_while_nobody_spoke_it_is_off_and_nobody_is_there(house: Any) -> None:
    found = house.get("/api/v1/visitors").json()
    assert (found["enabled"], found["consented"], found["current"]) == (False, False, [])
    assert [row["name"] for row in found["people"]] == ["Ann"]
    assert [row["id"] for row in found["strangers"]] == [OTHER]


def test_who_is_there_is_shown_with_the_name_of_the_camera(house: Any) -> None:
    there = CurrentVisitor(
        profile_id=PROFILE, name="Ann", household=True, camera_id="front", arrived_ms=5, seen_ms=6
    )
    house.bus.deliver(topics.VISITORS_STATE, VisitorsState(enabled=True, consented=True, visitors=[there]))
    (shown,) = house.get("/api/v1/visitors").json()["current"]
    assert (shown["name"], shown["arrived_ms"]) == ("Ann", 5)
    assert shown["camera_name"]
    house.bus.deliver(topics.AVAILABLE, payload=b"offline", service="visitors")
    found = house.get("/api/v1/visitors").json()
    assert found["current"] == []
    assert "not running" in found["problem"]


def test_accepting_the_statement_switches_it_on_and_keeps_who_and_when(house: Any) -> None:
    assert house.send("POST", "/api/v1/visitors/consent", {"version": CONSENT_VERSION}).status_code == 200
    request = house.storage.requests[-1]
    assert (request.method, request.url.path) == ("PUT", "/v1/settings")
    body = __import__("json").loads(request.content)
    wanted = body["changes"]["visitors"]
    assert (wanted["enabled"], wanted["consent_version"]) == (True, CONSENT_VERSION)
    assert wanted["consent_by"] == body["actor"] != ""
    assert wanted["consent_at"].endswith("Z")


def test_another_statement_than_the_newest_is_not_accepted(house: Any) -> None:
    answer = house.send("POST", "/api/v1/visitors/consent", {"version": CONSENT_VERSION + 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "other_statement")


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("POST", "/api/v1/visitors", {"name": "Ann", "photo": "aaaa"}, VisitorAction.ENROL),
        ("PUT", f"/api/v1/visitors/{PROFILE}", {"name": "Ann", "household": True}, VisitorAction.SAVE),
        ("POST", f"/api/v1/visitors/{PROFILE}/merge", {"into_id": OTHER}, VisitorAction.MERGE),
        ("POST", f"/api/v1/visitors/{PROFILE}/split", {"embedding_ids": [OTHER]}, VisitorAction.SPLIT),
        ("DELETE", f"/api/v1/visitors/{PROFILE}", {}, VisitorAction.FORGET),
    ],
)
def test_what_is_asked_for_goes_to_the_service_with_the_name_of_who_asks(
    house: Any, method: str, path: str, body: Any, action: VisitorAction
) -> None:
    assert house.send(method, path, body).status_code == 200
    (command,) = house.commands
    assert isinstance(command, VisitorsCommand)
    assert command.action is action
    assert command.user


def test_a_picture_of_a_face_is_not_kept_by_the_browser(house: Any) -> None:
    answer = house.get(f"/api/v1/visitors/{PROFILE}/picture?face={OTHER}")
    assert answer.content.startswith(b"\xff\xd8")
    assert answer.headers["cache-control"] == "no-store"
    assert house.commands[0].embedding_ids == [OTHER]


def test_a_refusal_and_a_silent_service_say_what_is_wrong(house: Any) -> None:
    house.bus.answers = lambda *_: Reply(ok=False, code="no_face", message="There is no face in this photo.")
    answer = house.send("POST", "/api/v1/visitors", {"name": "Ann", "photo": "aaaa"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_face")
    house.bus.answers = None
    assert house.get(f"/api/v1/visitors/{PROFILE}/faces").status_code == 503


def test_a_photo_that_is_too_large_is_refused_before_it_is_sent_on(house: Any) -> None:
    assert house.send("POST", "/api/v1/visitors", {"name": "Ann", "photo": "a" * 61_000}).status_code == 422
    assert house.commands == []
