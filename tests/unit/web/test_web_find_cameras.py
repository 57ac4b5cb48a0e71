"""Find cameras through the page: who searches, what is asked and told, and what is kept of the login (nothing)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import CameraCondition, CameraState, FindCameras

PATH = "/api/v1/find-cameras"
SECRET = "onvif-secret-word"
FOUND = {"cameras": [{"host": "10.0.0.5", "name": "Dome"}], "toml": "[[cameras]]\n", "left_out": 0}


def state(home: Any, camera_id: str, condition: CameraCondition) -> None:
    home.bus.deliver(
        topics.CAMERA_STATE, CameraState(camera_id=camera_id, condition=condition), camera_id=camera_id
    )
    home.settle()


@pytest.fixture(name="asked")
def _asked(home: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, FindCameras, dict[str, str]]]:
    """What was asked on the bus; answered with FOUND."""
    seen: list[tuple[Any, FindCameras, dict[str, str]]] = []

    def request(topic: Any, message: Any, timeout_s: float = 5.0, **ids: str) -> Reply:
        seen.append((topic, message, ids))
        assert timeout_s < 15, "the page waits fifteen seconds"
        return Reply(ok=True, data=FOUND)

    monkeypatch.setattr(home.bus, "request", request)
    return seen


def test_a_camera_that_is_online_is_asked_to_search_and_its_answer_is_given(
    home: Any, asked: list[Any]
) -> None:
    state(home, "front", CameraCondition.OFFLINE)
    state(home, "yard", CameraCondition.ONLINE)
    response = home.send("POST", PATH, {"user": "admin", "password": SECRET, "host": "10.0.0.5"})
    assert (response.status_code, response.json()) == (200, FOUND)
    ((topic, command, ids),) = asked
    assert topic is topics.CMD_FIND_CAMERAS
    assert ids == {"camera_id": "yard"}
    assert (command.user, command.password, command.host) == ("admin", SECRET, "10.0.0.5")
    assert command.taken_ids == ["front", "yard"]
    assert SECRET not in repr(command)


def test_without_a_running_worker_the_command_is_named(home: Any, asked: list[Any]) -> None:
    response = home.send("POST", PATH, {})
    assert response.status_code == 503
    assert "vigilar cameras discover" in response.json()["error"]["message"]
    state(home, "front", CameraCondition.ONLINE)
    home.parts.model.put_worker("front", False)
    assert home.send("POST", PATH, {}).status_code == 503
    assert asked == []


def test_a_search_too_soon_and_a_failed_one_are_told(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state(home, "front", CameraCondition.OFFLINE)
    reply = Reply(ok=False, code="busy", message="Somebody searched a moment ago: wait ten seconds.")
    monkeypatch.setattr(home.bus, "request", lambda *_, **__: reply)
    response = home.send("POST", PATH, {})
    assert (response.status_code, response.json()["error"]["code"]) == (429, "busy")
    reply = Reply(ok=False, code="not_possible", message="the probe cannot be sent")
    assert home.send("POST", PATH, {}).status_code == 409


def test_no_answer_is_told(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def request(*_: Any, **__: Any) -> Reply:
        raise BusUnavailableError("no answer within 13 s")

    state(home, "front", CameraCondition.ONLINE)
    monkeypatch.setattr(home.bus, "request", request)
    assert home.send("POST", PATH, {}).status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        {"host": "10.0.0.5/x"},
        {"host": "a" * 300},
        {"host": "http://10.0.0.5"},
        {"user": 5},
        {"user": "x" * 65},
        {"password": "x" * 200},
        {"else": 1},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(home: Any, asked: list[Any], body: dict[str, Any]) -> None:
    state(home, "front", CameraCondition.ONLINE)
    assert home.send("POST", PATH, body).status_code == 422
    assert asked == []


def test_the_password_is_in_no_log(home: Any, asked: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    state(home, "front", CameraCondition.ONLINE)
    home.send("POST", PATH, {"user": "admin", "password": SECRET})
    home.send("POST", PATH, {"user": "admin", "password": SECRET, "host": "///"})
    assert SECRET not in caplog.text
