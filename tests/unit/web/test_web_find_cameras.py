"""Find cameras through the page: who searches, what is asked and told, and what is kept of the login (nothing)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import FindCameras, TryCamera

PATH = "/api/v1/find-cameras"
TRY_PATH = "/api/v1/try-camera"
SECRET = "onvif-secret-word"
FOUND = {"cameras": [{"host": "10.0.0.5", "name": "Dome"}], "toml": "[[cameras]]\n", "left_out": 0}


@pytest.fixture(name="asked")
def _asked(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Any, FindCameras | TryCamera, dict[str, str]]]:
    """What was asked on the bus; answered with FOUND."""
    seen: list[tuple[Any, FindCameras | TryCamera, dict[str, str]]] = []

    def request(topic: Any, message: Any, timeout_s: float = 5.0, **ids: str) -> Reply:
        seen.append((topic, message, ids))
        assert timeout_s < (15 if topic is topics.CMD_FIND_CAMERAS else 30), "the page waits no longer"
        return Reply(ok=True, data=FOUND)

    monkeypatch.setattr(home.bus, "request", request)
    return seen


def test_the_scout_is_asked_to_search_and_its_answer_is_given(home: Any, asked: list[Any]) -> None:
    response = home.send("POST", PATH, {"user": "admin", "password": SECRET, "host": "10.0.0.5"})
    assert (response.status_code, response.json()) == (200, FOUND)
    ((topic, command, ids),) = asked
    assert (topic, ids) == (topics.CMD_FIND_CAMERAS, {})
    assert (command.user, command.password, command.host) == ("admin", SECRET, "10.0.0.5")
    assert command.taken_ids == ["front", "yard"]
    assert SECRET not in repr(command)


def test_an_address_is_tried_out_by_the_scout_and_kept_nowhere(
    home: Any, asked: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"rtsp://admin:{SECRET}@10.0.0.5:554/main?x=1"
    assert home.send("POST", TRY_PATH, {"url": url}).json() == FOUND
    ((topic, command, _),) = asked
    assert (topic, command.url) == (topics.CMD_TRY_CAMERA, url)
    assert SECRET not in repr(command) + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "10.0.0.5",
        "file:///etc/passwd",
        "rtsp://",
        "rtsp://a b",
        "rtsp://a\nb",
        "rtsp://" + "a" * 2100,
        "concat:rtsp://a",
        5,
    ],
)
def test_an_address_that_is_none_is_tried_by_nobody(home: Any, asked: list[Any], url: Any) -> None:
    assert home.send("POST", TRY_PATH, {"url": url}).status_code == 422
    assert asked == []


def test_a_search_too_soon_and_a_failed_one_are_told(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Reply(ok=False, code="busy", message="Somebody searched a moment ago: wait ten seconds.")
    monkeypatch.setattr(home.bus, "request", lambda *_, **__: reply)
    response = home.send("POST", PATH, {})
    assert (response.status_code, response.json()["error"]["code"]) == (429, "busy")
    reply = Reply(ok=False, code="not_possible", message="the probe cannot be sent")
    assert home.send("POST", PATH, {}).status_code == 409


def test_no_answer_is_told(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def request(*_: Any, **__: Any) -> Reply:
        raise BusUnavailableError("no answer within 13 s")

    monkeypatch.setattr(home.bus, "request", request)
    response = home.send("POST", PATH, {})
    assert response.status_code == 503
    assert "vigilar cameras discover" in response.json()["error"]["message"]


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
    assert home.send("POST", PATH, body).status_code == 422
    assert asked == []


def test_the_password_is_in_no_log(home: Any, asked: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    home.send("POST", PATH, {"user": "admin", "password": SECRET})
    home.send("POST", PATH, {"user": "admin", "password": SECRET, "host": "///"})
    assert SECRET not in caplog.text
