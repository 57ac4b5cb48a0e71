"""Recording, detection and privacy of a camera, from the page."""

from __future__ import annotations

from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Reply


def test_a_switch_is_asked_of_the_cameras_worker_in_the_name_of_the_user(home: Any) -> None:
    asked: list[Any] = []

    def answer(topic: Any, message: Any, _: Any) -> Reply:
        asked.append((topic, message))
        return Reply(ok=True, message="privacy is on.", data={"privacy": True})

    home.bus.answers = answer
    response = home.send("POST", "/api/v1/cameras/front/switch", {"switch": "privacy", "on": True})
    assert response.json() == {"message": "privacy is on.", "privacy": True}
    ((topic, command),) = asked
    assert topic is topics.CMD_SWITCH
    assert (command.switch, command.on, command.user) == ("privacy", True, "admin")


@pytest.mark.parametrize(
    "body", [{"switch": "light", "on": True}, {"switch": "privacy"}, {"on": True, "x": 1}]
)
def test_what_is_no_switch_is_refused(home: Any, body: dict[str, Any]) -> None:
    assert home.send("POST", "/api/v1/cameras/front/switch", body).status_code == 422


def test_a_camera_that_is_not_there_or_does_not_answer_is_told_apart(home: Any) -> None:
    wish = {"switch": "privacy", "on": False}
    assert home.send("POST", "/api/v1/cameras/attic/switch", wish).status_code == 404
    assert home.send("POST", "/api/v1/cameras/front/switch", wish).status_code == 503
