"""The rules over the API: listed page by page, tried out with bounds, refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.rules import RulesAction, RulesCommand
from vigilar_common.topics import CMD_RULES, Topic


class Events:
    """Answers as the events service does."""

    def __init__(self, home: Any) -> None:
        self.asked: list[RulesCommand] = []
        self.reply = Reply(ok=True, data={"count": 3})
        home.bus.answers = self

    def __call__(self, topic: Topic, message: Message, ids: Mapping[str, str]) -> Reply:
        assert topic is CMD_RULES
        assert isinstance(message, RulesCommand)
        self.asked.append(message)
        if message.action is RulesAction.LIST and self.reply.ok:
            following = message.after + 2 if message.after < 4 else None
            return Reply(ok=True, data={"rules": [{"id": f"r{message.after}"}], "next": following})
        return self.reply


@pytest.fixture(name="events")
def _events(home: Any) -> Events:
    return Events(home)


def test_the_list_is_put_together_from_its_pages(home: Any, events: Events) -> None:
    assert home.get("/api/v1/rules").json() == {"items": [{"id": "r0"}, {"id": "r2"}, {"id": "r4"}]}
    assert [command.after for command in events.asked] == [0, 2, 4]


def test_a_dry_run_names_the_rule_and_the_days(home: Any, events: Events) -> None:
    assert home.send("POST", "/api/v1/rules/back_door/test", {"days": 14}).json() == {"count": 3}
    assert home.send("POST", "/api/v1/rules/back_door/test", {}).status_code == 200
    assert [(c.action, c.rule_id, c.days) for c in events.asked] == [
        (RulesAction.TEST, "back_door", 14), (RulesAction.TEST, "back_door", 7),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 32}, {"days": "7"}, {"rule": "x"}, []])
def test_a_dry_run_out_of_bounds_is_refused_before_anybody_is_asked(
    home: Any, events: Events, body: Any
) -> None:
    assert home.send("POST", "/api/v1/rules/back_door/test", body).status_code == 422
    assert events.asked == []


@pytest.mark.parametrize(
    ("code", "status"), [("not_found", 404), ("busy", 429), ("storage_unavailable", 503), ("failed", 503)]
)
def test_refusals_keep_their_code(home: Any, events: Events, code: str, status: int) -> None:
    events.reply = Reply(ok=False, code=code, message="no")
    answer = home.send("POST", "/api/v1/rules/back_door/test", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_without_an_answer_the_page_is_told_so(home: Any) -> None:
    def away(*_: object) -> Reply:
        raise BusUnavailableError("nobody")

    home.bus.answers = away
    answer = home.get("/api/v1/rules")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "rules_unavailable")


def test_the_page_learns_what_a_rule_can_be_made_of(home: Any) -> None:
    form = home.get("/api/v1/rules/form").json()
    assert {part["type"] for part in form["conditions"]} >= {"and", "or", "sensor_event", "time_window"}
    assert {part["type"] for part in form["actions"]} >= {"alert_all", "record", "mqtt"}


def test_a_draft_is_tried_as_it_was_sent(home: Any, events: Events) -> None:
    draft = {"id": "new", "conditions": [{"type": "sun", "value": "down"}], "actions": ["alert_all"]}
    assert home.send("POST", "/api/v1/rules/try", {"days": 3, "rule": draft}).json() == {"count": 3}
    assert (events.asked[0].rule, events.asked[0].days) == (draft, 3)
    events.reply = Reply(ok=False, code="invalid", message="conditions.0: value is missing")
    answer = home.send("POST", "/api/v1/rules/try", {"rule": {"id": "new"}})
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, "conditions.0: value is missing")
