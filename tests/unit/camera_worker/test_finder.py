"""A search for the web page: one at a time, with time between, told in one message."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from vigilar_camera_worker import find as module
from vigilar_camera_worker.adapters.onvif import Stream
from vigilar_camera_worker.domain.onvif import OnvifError, Profile
from vigilar_camera_worker.find import Camera
from vigilar_camera_worker.finder import INTERVAL_S
from vigilar_camera_worker.finder import finder as new_finder
from vigilar_camera_worker.turns import MAX_REPLY_BYTES, Turns
from vigilar_common.messages.camera import FindCameras
from vigilar_common.testing import FakeClock


class Asker:
    """A Received: keeps the answer."""

    def __init__(self, command: FindCameras) -> None:
        self.message = command
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}

    def reply(self, **answer: Any) -> None:
        self.answer = answer
        self.answered.set()


def ask(finder: Turns, **command: Any) -> Asker:
    asker = Asker(FindCameras(**command))
    finder.asked(asker)  # type: ignore[arg-type]
    assert asker.answered.wait(5)
    return asker


def cameras(count: int) -> list[Camera]:
    stream = Stream(Profile("p", "h264", 1920, 1080, 15), "rtsp://10.0.0.5/" + "x" * 900)
    return [Camera("10.0.0.5", f"Dome {n}", stream, stream, (stream,)) for n in range(count)]


def test_what_is_found_is_told_and_asked_with_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def find(_clock: Any, **how: Any) -> list[Camera]:
        asked.append(how)
        return cameras(1)

    monkeypatch.setattr(module, "find", find)
    asker = ask(new_finder(FakeClock()), user="u", password="secret", host="10.0.0.5", taken_ids=["dome-0"])
    assert asker.answer["ok"]
    assert asker.answer["data"]["cameras"][0]["name"] == "Dome 0"
    assert 'id = "dome-0-2"' in asker.answer["data"]["toml"]
    assert "secret" not in json.dumps(asker.answer)
    assert asked[0]["login"].password == "secret"
    assert asked[0]["hosts"] == ("10.0.0.5",)


def test_one_search_at_a_time_and_ten_seconds_between(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, go_on = FakeClock(), threading.Event()

    def find(_clock: Any, **how: Any) -> list[Camera]:
        go_on.wait(5)
        return []

    monkeypatch.setattr(module, "find", find)
    finder = new_finder(clock)
    first = Asker(FindCameras())
    finder.asked(first)  # type: ignore[arg-type]
    assert ask(finder).answer["code"] == "busy"
    go_on.set()
    assert first.answered.wait(5)
    for thread in threading.enumerate():
        if thread.name == "searches":
            thread.join(5)
    assert ask(finder).answer["code"] == "busy"
    clock.advance(INTERVAL_S)
    assert ask(finder).answer["ok"]
    assert finder.counters == {"searches": 2, "searches_refused": 2}


def test_an_answer_fits_into_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find", lambda *_, **__: cameras(64))
    answer = ask(new_finder(FakeClock())).answer
    assert len(json.dumps(answer["data"])) <= MAX_REPLY_BYTES
    assert answer["data"]["left_out"] + len(answer["data"]["cameras"]) == 64


@pytest.mark.parametrize(
    ("error", "code"), [(OnvifError("there is no network"), "not_possible"), (ValueError("x"), "failed")]
)
def test_a_search_that_fails_says_so_and_the_next_may_begin(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def find(*_: Any, **__: Any) -> list[Camera]:
        raise error

    monkeypatch.setattr(module, "find", find)
    finder = new_finder(FakeClock())
    assert ask(finder).answer["code"] == code
