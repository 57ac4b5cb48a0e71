"""What a rule would have done: the log past an engine of its own, bounded, and nothing is done."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from rule_house import Facts, config_of, rule
from vigilar_common.bus import Received
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.messages import Fact, Reply
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.presence import Household
from vigilar_common.messages.rules import RulesAction, RulesCommand
from vigilar_common.testing import FakeClock
from vigilar_common.topics import CMD_RULES
from vigilar_events import rule_dry_run
from vigilar_events.domain.rule_world import ARM
from vigilar_events.rule_dry_run import dry_run
from vigilar_events.rule_questions import Questions
from vigilar_events.rules import Rules

DOOR = {"type": "sensor_event", "sensor_id": "back_door", "event": "open"}
AWAY = {"type": "arm_state", "value": "armed_away"}
HOUR_S = 3600.0


class Log:
    """Storage's feed over a list of facts; commit numbers have gaps, as after a rejected batch."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Fact]] = []
        self.asked = 0
        self.down = False

    def add(self, fact: Fact) -> None:
        self.rows.append((3 * len(self.rows) + 1, fact))

    def get(self, path: str, **query: Any) -> Any:
        assert path == "/v1/facts"
        self.asked += 1
        if self.down:
            raise StorageUnavailableError("away")
        after = query["after"] if query["epoch"] == "e" else 0
        types = query["types"].split(",")
        found = [
            [n, "test", n, fact.id, fact.TYPE, fact.body()]
            for n, fact in self.rows
            if n > after and fact.TYPE in types
        ]
        return {"epoch": "e", "last_n": 0, "reset": False, "facts": found[: query["limit"]]}


class Past:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.facts, self.log = Facts(self.clock), Log()

    def happens(self, fact: Fact, then_s: float = HOUR_S) -> None:
        self.log.add(fact)
        self.clock.advance(then_s)

    def tries(
        self, *conditions: dict[str, Any], days: int = 7, known: Any = None, **keys: Any
    ) -> dict[str, Any]:
        sections = {name: keys.pop(name) for name in ("system", "location") if name in keys}
        config = config_of(rule(*conditions, **keys), **sections)
        return dry_run(config.rules[0], config, known or {}, days, self.log, self.clock, threading.Event())


def test_it_says_how_often_when_and_why_the_rule_would_have_fired() -> None:
    past = Past()
    opened = []
    for state in (ArmState.ARMED_AWAY, ArmState.DISARMED, ArmState.ARMED_AWAY):
        before = ArmState.DISARMED if state is ArmState.ARMED_AWAY else ArmState.ARMED_AWAY
        past.happens(past.facts.arm(state, before))
        opened.append(past.clock.now_ms())
        past.happens(past.facts.sensor("back_door", False))
    found = past.tries(AWAY, DOOR)
    assert [firing["at_ms"] for firing in found["firings"]] == [opened[0], opened[2]]
    assert (found["count"], found["facts"], found["complete"], found["reason"]) == (2, 6, True, "")
    assert found["firings"][0]["because"] == "back_door contact false (back_door: open)"


def test_only_the_days_that_were_asked_for_count() -> None:
    past = Past()
    for _ in range(10):
        past.happens(past.facts.sensor("back_door", False), 86_400)
    assert past.tries(DOOR, days=3)["count"] == 3
    assert past.tries(DOOR, days=31)["count"] == 10


def test_how_things_stood_before_the_range_follows_from_what_changed_in_it() -> None:
    past = Past()
    past.happens(past.facts.sensor("back_door", False))
    past.happens(past.facts.arm(ArmState.DISARMED, ArmState.ARMED_AWAY))
    past.happens(past.facts.sensor("back_door", False))
    assert past.tries(AWAY, DOOR)["count"] == 0, "nobody knows the state before its first change here"
    long_ago = {ARM: (ArmState.ARMED_AWAY.value, 0)}
    del past.log.rows[1]
    assert past.tries(AWAY, DOOR, known=long_ago)["count"] == 2


def test_windows_open_between_the_facts_and_cooldowns_count() -> None:
    past = Past()
    for number in range(12):
        past.happens(past.facts.sensor("back_door", False), 5 if number % 2 else HOUR_S)
    assert past.tries(DOOR, cooldown_s=60)["count"] == 7
    window = {"type": "time_window", "value": "03:00-04:00"}
    assert past.tries(window, days=2)["count"] == 2
    assert past.log.asked > 0


def test_a_state_of_the_household_begins_only_after_it_was_another() -> None:
    past = Past()
    for state in (Household.EMPTY, Household.ALL_HOME, Household.EMPTY):
        past.happens(past.facts.household(state))
    assert past.tries({"type": "presence", "value": "EMPTY"})["count"] == 1


def test_it_stops_at_its_bounds_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_dry_run, "MAX_FACTS", 600)
    past = Past()
    for _ in range(1200):
        past.happens(past.facts.sensor("back_door", False), 1)
    found = past.tries(DOOR)
    assert (found["complete"], found["facts"], len(found["firings"])) == (
        False,
        1000,
        rule_dry_run.MAX_LISTED,
    )
    assert found["to_ms"] < past.clock.now_ms() - 190_000
    monkeypatch.setattr(rule_dry_run, "MAX_FACTS", 100_000)
    monkeypatch.setattr(rule_dry_run, "LIMIT_S", 0.001)
    assert "took longer" in past.tries(DOOR)["reason"]


def test_a_fact_that_cannot_be_read_is_counted() -> None:
    past = Past()
    past.happens(past.facts.sensor("back_door", False))
    past.log.rows.append((50, past.facts.sensor("hall", False).model_copy(update={"key": "NO KEY"})))
    found = past.tries(DOOR)
    assert (found["count"], found["unreadable"]) == (1, 1)


class Asked:
    """Questions as the web service asks them."""

    def __init__(self, folder: Any, *rules: dict[str, Any]) -> None:
        self.past = Past()
        self.config = config_of(*rules)
        engine = Rules(
            clock=self.past.clock, state_dir=folder, config=self.config, act=lambda _: None,
            arm_state=lambda: (ArmState.DISARMED, 0),
        )  # fmt: skip
        engine.load()
        engine.settle()
        self.questions = Questions(
            clock=self.past.clock, rules=engine, storage=self.past.log, config=lambda: self.config,
            stopping=threading.Event(),
        )  # fmt: skip

    def ask(self, action: RulesAction, **keys: Any) -> Reply:
        answered = threading.Event()
        replies: list[Reply] = []

        def answer(reply: Reply) -> None:
            replies.append(reply)
            answered.set()

        command = RulesCommand(action=action, **keys)
        self.questions.on_command(Received(CMD_RULES, {"sender": "web"}, command, b"", {}, False, answer))
        assert answered.wait(30)
        return replies[0]


def test_the_list_comes_in_pages_that_fit_a_reply(tmp_path: Any) -> None:
    rules = [rule(*[DOOR] * 12, id=f"r{number}", description="x" * 400) for number in range(200)]
    asked = Asked(tmp_path, *rules)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        reply = asked.ask(RulesAction.LIST, after=after)
        assert len(reply.model_dump_json()) < CMD_RULES.max_bytes * 32
        seen += [one["id"] for one in reply.data["rules"]]
        after = reply.data["next"]
    assert seen == [one["id"] for one in rules]
    assert asked.ask(RulesAction.LIST, after=5000).data == {"rules": [], "next": None}


def test_a_dry_run_answers_and_refuses_in_words(tmp_path: Any) -> None:
    asked = Asked(tmp_path, rule(DOOR))
    asked.past.happens(asked.past.facts.sensor("back_door", False))
    assert asked.ask(RulesAction.TEST, rule_id="r").data["count"] == 1
    assert asked.ask(RulesAction.TEST, rule_id="nope").code == "not_found"
    asked.past.log.down = True
    assert asked.ask(RulesAction.TEST, rule_id="r").code == "storage_unavailable"
    assert asked.questions._testing.acquire()
    assert asked.ask(RulesAction.TEST, rule_id="r").code == "busy"


def test_what_met_a_condition_in_vain_is_told_with_the_reason() -> None:
    past = Past()
    past.happens(past.facts.arm(ArmState.DISARMED, ArmState.ARMED_AWAY))
    past.happens(past.facts.sensor("back_door", False))
    past.happens(past.facts.arm(ArmState.ARMED_AWAY, ArmState.DISARMED))
    past.happens(past.facts.sensor("back_door", False), 5)
    past.happens(past.facts.sensor("back_door", False), 5)
    found = past.tries(AWAY, DOOR, cooldown_s=60)
    assert (found["count"], found["missed"]) == (1, 3), (
        "the door twice in vain, and the arming without the door"
    )
    by_reason = [(miss["why"], [c["holds"] for c in miss["conditions"]]) for miss in found["misses"]]
    assert by_reason == [
        ("conditions", [False, True]),
        ("conditions", [True, False]),
        ("cooldown", [True, True]),
    ]
    assert found["misses"][0]["what"] == "back_door contact false"


def test_a_rule_that_is_not_saved_can_be_tried_and_a_wrong_one_is_refused_with_its_place(
    tmp_path: Any,
) -> None:
    asked = Asked(tmp_path)
    asked.past.happens(asked.past.facts.sensor("back_door", False))
    assert asked.ask(RulesAction.TEST, rule=rule(DOOR)).data["count"] == 1
    refused = asked.ask(RulesAction.TEST, rule=rule(DOOR | {"event": "opne"}))
    assert refused.code == "invalid"
    assert refused.message.startswith("conditions.0: event")
    assert "did you mean" in refused.message


def test_rules_act_and_are_listed_in_the_order_of_their_position(tmp_path: Any) -> None:
    asked = Asked(
        tmp_path,
        rule(DOOR, id="last", position=20),
        rule(DOOR, id="first"),
        rule(DOOR, id="second", position=10),
    )
    assert [one["id"] for one in asked.ask(RulesAction.LIST).data["rules"]] == ["first", "second", "last"]
