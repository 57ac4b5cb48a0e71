"""The page that sets a new alarm PIN for whoever knows the recovery passphrase."""

from __future__ import annotations

import re
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alarm import ResetPin
from vigilar_common.topics import Topic

PATH = "/system/reset-pin"
BASE = "http://house.lan:49735"
FORM = {"passphrase": "correct horse", "new_pin": "987654", "repeat": "987654"}


def answer(web: Any, **reply: Any) -> list[tuple[Topic, Message]]:
    asked: list[tuple[Topic, Message]] = []

    def request(topic: Topic, message: Message, timeout_s: float = 5.0, **_: str) -> Reply:
        asked.append((topic, message))
        return Reply(**reply)

    web.bus.request = request
    return asked


def csrf_of(web: Any) -> str:
    page = web.get(PATH)
    assert page.status_code == 200
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def post(web: Any, csrf: str, **changes: str) -> Any:
    return web.ask("POST", PATH, data={**FORM, "csrf": csrf, **changes}, headers={"Origin": BASE})


def test_who_is_not_logged_in_is_sent_to_the_login_and_back(web: Any) -> None:
    asked = answer(web, ok=True)
    for method in ("GET", "POST"):
        response = web.ask(method, PATH, headers={"Origin": BASE})
        assert (response.status_code, response.headers["location"]) == (
            303,
            "/login?next=%2Fsystem%2Freset-pin",
        )
    assert asked == []


def test_the_form_asks_the_events_service_and_writes_nothing_back(home: Any) -> None:
    asked = answer(home, ok=True, message="The new PIN holds <from now on>.")
    response = post(home, csrf_of(home))
    assert response.status_code == 200
    assert "The new PIN holds &lt;from now on&gt;." in response.text
    assert "<script" not in response.text
    topic, command = asked[0]
    assert isinstance(command, ResetPin)
    assert topic is topics.CMD_RESET_PIN
    assert (command.passphrase, command.new_pin, command.user) == ("correct horse", "987654", "admin")
    assert "987654" not in response.text
    assert "correct horse" not in response.text


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        ({"code": "wrong_passphrase", "message": "It is wrong."}, 403, "It is wrong."),
        ({"code": "too_many_tries", "message": "Wait.", "data": {"retry_after_s": 42}}, 429, "42 seconds"),
        ({"code": "recovery_not_configured", "message": "There is none."}, 409, "There is none."),
        ({"code": "bad_pin", "message": "Use 4 to 16 digits."}, 422, "Use 4 to 16 digits."),
    ],
    ids=lambda value: value.get("code") if isinstance(value, dict) else None,
)
def test_a_refusal_is_said_in_the_page(home: Any, reply: dict[str, Any], status: int, text: str) -> None:
    answer(home, ok=False, **reply)
    response = post(home, csrf_of(home))
    assert response.status_code == status
    assert text in response.text
    assert 'role="alert"' in response.text
    if status == 429:
        assert response.headers["retry-after"] == "42"


def test_what_cannot_be_right_is_not_even_asked(home: Any) -> None:
    asked, csrf = answer(home, ok=True), csrf_of(home)
    assert "The two PINs differ." in post(home, csrf, repeat="987655").text
    assert post(home, csrf, passphrase="").status_code == 422
    assert post(home, csrf, new_pin="9" * 65, repeat="9" * 65).status_code == 422
    assert asked == []


def test_a_form_that_is_not_of_this_page_is_refused(home: Any, error: Any) -> None:
    asked, csrf = answer(home, ok=True), csrf_of(home)
    for token in ("", "0" * 64, "ü"):
        assert error(post(home, token)) == "csrf"
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
    ):
        response = home.ask("POST", PATH, data={**FORM, "csrf": csrf}, headers=headers)
        assert (response.status_code, error(response)) == (403, "csrf")
    as_json = home.ask("POST", PATH, json={**FORM, "csrf": csrf}, headers={"Origin": BASE})
    assert as_json.status_code == 422
    assert asked == []
