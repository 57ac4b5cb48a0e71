"""Marks: asked of the camera's worker; false alarms: asked of storage."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.objects import MarkObject, Verdict
from vigilar_common.topics import Topic

MARKS, FALSE = "/api/v1/cameras/front/marks", "/api/v1/cameras/front/false-alarms"
TRACK = "01970000-0000-7000-8000-000000000001"
WISH = {"track_id": TRACK, "object_class": "person", "verdict": "wrong"}


def worker(home: Any, **answer: Any) -> list[tuple[Topic, Any]]:
    heard: list[tuple[Topic, Any]] = []

    def received(topic: Topic, message: Any, _: Any) -> Reply:
        heard.append((topic, message))
        return Reply.model_validate({"ok": True, "message": "Marked.", "data": {"learnt": True}, **answer})

    home.bus.answers = received
    return heard


def test_a_mark_goes_to_the_cameras_worker_with_who_made_it(home: Any) -> None:
    home.login()
    heard = worker(home)
    assert home.send("POST", MARKS, WISH).json() == {"message": "Marked.", "learnt": True}
    ((topic, mark),) = heard
    assert topic is topics.CMD_MARK
    assert isinstance(mark, MarkObject)
    assert (mark.track_id, mark.verdict, mark.user) == (TRACK, Verdict.WRONG, "admin")


def test_a_mark_that_is_not_kept_says_why(home: Any) -> None:
    home.login()
    worker(home, ok=False, code="not_kept", message="The disk is full.")
    answer = home.send("POST", MARKS, WISH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_kept")


def test_a_worker_that_is_silent_is_said(home: Any) -> None:
    home.login()
    answer = home.send("POST", MARKS, WISH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "camera_silent")


@pytest.mark.parametrize(
    "bad",
    [
        {**WISH, "track_id": "x"},
        {**WISH, "verdict": "perhaps"},
        {**WISH, "object_class": "<b>"},
        {**WISH, "camera_id": "back"},
    ],
)
def test_bad_marks_are_refused(home: Any, bad: dict[str, str]) -> None:
    home.login()
    worker(home)
    assert home.send("POST", MARKS, bad).status_code == 422


def test_false_alarms_are_those_of_a_camera_that_there_is(home: Any) -> None:
    home.login()
    home.storage.answers["/v1/cameras/front/false-alarms"] = {"camera_id": "front", "spans": [], "newest": []}
    assert home.get(FALSE).json()["camera_id"] == "front"
    assert home.get("/api/v1/cameras/nowhere/false-alarms").status_code == 404
