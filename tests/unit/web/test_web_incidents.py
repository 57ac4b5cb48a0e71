"""Alerts over the API: listed, acknowledged, snoozed, explained; and by the buttons of a notification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import AlertAction, AlertCommand, AlertQuestion
from vigilar_common.signed_urls import ACTION_VALID_MS, sign_action
from vigilar_common.topics import CMD_ALERT, CMD_ALERT_ASK, EVENT_OPENED, Topic

ALERT, PHONE = str(uuid4()), str(uuid4())
PICTURE = str(uuid4())


def item(**more: Any) -> dict[str, Any]:
    return {"alert_id": ALERT, "duress": False, "picture_id": PICTURE, "title": "Motion", **more}


class Alerts:
    """Answers as the alerts service does."""

    def __init__(self, home: Any) -> None:
        self.done: list[AlertCommand] = []
        self.asked: list[AlertQuestion] = []
        self.reply = Reply(
            ok=True, message="Done.", data={"items": [item(), item(duress=True)], "next": None, "snoozes": []}
        )
        home.bus.answers = self

    def __call__(self, topic: Topic, message: Message, ids: Mapping[str, str]) -> Reply:
        if isinstance(message, AlertCommand):
            assert topic is CMD_ALERT
            self.done.append(message)
        else:
            assert topic is CMD_ALERT_ASK
            assert isinstance(message, AlertQuestion)
            self.asked.append(message)
        return self.reply


@pytest.fixture(name="alerts")
def _alerts(home: Any) -> Iterator[Alerts]:
    home.stranger = home.browser()
    yield Alerts(home)
    home.run(home.stranger.aclose())


def test_the_list_has_pictures_and_shows_nothing_of_duress(home: Any, alerts: Alerts) -> None:
    page = home.get("/api/v1/incidents?limit=5").json()
    assert [one["picture_url"] for one in page["items"]] == [f"/api/v1/pictures/{PICTURE}"]
    assert (page["quiet"], page["held_back"]) == (False, 0)
    assert alerts.asked[0].limit == 5
    alerts.reply = Reply(ok=True, data=item(duress=True))
    assert home.get(f"/api/v1/incidents/{ALERT}").status_code == 404
    alerts.reply = Reply(ok=True, data=item(events=[]))
    assert home.get(f"/api/v1/incidents/{ALERT}?after=50").json()["title"] == "Motion"
    assert alerts.asked[-1].after == 50


def test_the_attempts_of_an_alert_come_from_storage(home: Any) -> None:
    home.storage.answers["/v1/alert-log"] = {
        "items": [{"alert_id": ALERT, "channel": "web_push"}],
        "next": "c",
    }
    found = home.get(f"/api/v1/incidents/{ALERT}/deliveries?limit=7").json()
    assert (found["items"][0]["channel"], found["next"]) == ("web_push", "c")
    assert dict(home.storage.requests[-1].url.params) == {"alert_id": ALERT, "limit": "7"}


def test_the_ledger_lists_no_attempt_of_duress(home: Any) -> None:
    live, stored, motion = (str(uuid4()) for _ in range(3))
    home.bus.deliver(
        EVENT_OPENED,
        EventOpened(
            event_id=live,
            type=EventType.DURESS,
            severity=Severity.CRITICAL,
            title="x",
            arm_state=ArmState.DISARMED,
        ),
    )
    home.storage.answers["/v1/events"] = {"items": [{"id": stored}], "next": None}
    rows = [{"event_id": event_id, "channel": "ui"} for event_id in (live, stored, motion, None)]
    home.storage.answers["/v1/alert-log"] = {"items": rows, "next": None}
    assert [row["event_id"] for row in home.get("/api/v1/alerts").json()["items"]] == [motion, None]
    asked = [r for r in home.storage.requests if r.url.path == "/v1/events"]
    assert asked[-1].url.params["type"] == "duress"


def test_acknowledging_and_snoozing_name_who_is_logged_in(home: Any, alerts: Alerts) -> None:
    assert home.send("POST", f"/api/v1/incidents/{ALERT}/acknowledge", {}).json()["message"] == "Done."
    assert home.send("POST", f"/api/v1/incidents/{ALERT}/opened", {}).status_code == 200
    assert home.send("POST", "/api/v1/snoozes", {"camera_id": "front", "duration_s": 900}).status_code == 200
    assert home.send("DELETE", "/api/v1/snoozes", {"camera_id": None}).status_code == 200
    assert [(c.action, c.alert_id, c.camera_id) for c in alerts.done] == [
        (AlertAction.ACKNOWLEDGE, ALERT, None), (AlertAction.OPENED, ALERT, None), (AlertAction.SNOOZE, None, "front"),
        (AlertAction.UNSNOOZE, None, None),
    ]  # fmt: skip
    assert all(c.user == "admin" and c.subscription_id is None for c in alerts.done)
    assert alerts.done[2].duration_s == 900


@pytest.mark.parametrize(
    "body", [{"duration_s": 59}, {"duration_s": 86_401}, {"camera_id": "a/b"}, {"user": "bob"}, []]
)
def test_a_snooze_out_of_bounds_is_refused_before_anybody_is_asked(
    home: Any, alerts: Alerts, body: Any
) -> None:
    assert home.send("POST", "/api/v1/snoozes", body).status_code == 422
    assert alerts.done == []


def test_an_explanation_is_asked_for_by_event(home: Any, alerts: Alerts) -> None:
    event_id = str(uuid4())
    alerts.reply = Reply(ok=True, data={"decisions": []})
    assert home.get(f"/api/v1/events/{event_id}/why").json() == {"decisions": []}
    assert alerts.asked[0].event_id == event_id
    alerts.reply = Reply(ok=False, code="not_found", message="no")
    assert home.get(f"/api/v1/events/{event_id}/why").status_code == 404


def press(home: Any, body: Any) -> Any:
    """From a phone that is not logged in."""
    return home.ask("POST", "/api/v1/notification-actions", home.stranger, json=body)


def token(home: Any, at_ms: int | None = None) -> str:
    return sign_action(home.parts.media_key, ALERT, PHONE, home.clock.now_ms() if at_ms is None else at_ms)


def test_a_button_of_a_notification_works_without_a_session_and_says_nothing_of_the_house(
    home: Any, alerts: Alerts
) -> None:
    for action in ("acknowledge", "snooze", "opened"):
        answer = press(home, {"token": token(home), "action": action})
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "message": "Done."})
    assert [(c.action.value, c.alert_id, c.subscription_id, c.user) for c in alerts.done] == [
        (action, ALERT, PHONE, "") for action in ("acknowledge", "snooze", "opened")
    ]


def test_a_token_that_is_old_forged_or_for_something_else_does_nothing(home: Any, alerts: Alerts) -> None:
    good = token(home)
    old = token(home, home.clock.now_ms() - ACTION_VALID_MS)
    future = token(home, home.clock.now_ms() + 3_600_000)
    other = good.replace(ALERT, str(uuid4()))
    for bad in (
        old,
        future,
        other,
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good + ".x",
        "x",
        "....",
        "é" * 200,
    ):
        answer = press(home, {"token": bad, "action": "acknowledge"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), bad
    for body in (
        {"token": good, "action": "unsnooze"},
        {"token": good, "action": "disarm"},
        {"action": "snooze"},
    ):
        assert press(home, body).status_code == 422
    assert alerts.done == []


def test_a_device_that_was_removed_may_do_nothing_more(home: Any, alerts: Alerts) -> None:
    alerts.reply = Reply(ok=False, code="unknown_device", message="gone")
    answer = press(home, {"token": token(home), "action": "acknowledge"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unknown_device")


def test_guessing_tokens_is_slowed_down(home: Any, alerts: Alerts) -> None:
    codes = [press(home, {"token": "x", "action": "acknowledge"}).status_code for _ in range(200)]
    assert codes[-1] == 429
    assert alerts.done == []


def test_without_an_answer_the_page_is_told_so(home: Any) -> None:
    def away(*_: object) -> Reply:
        raise BusUnavailableError("nobody")

    home.bus.answers = away
    answer = home.get("/api/v1/incidents")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "alerts_unavailable")
