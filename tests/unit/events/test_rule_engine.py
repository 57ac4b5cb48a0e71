"""When rules fire: every kind of condition, what counts as a cause, and any rule against a naive reading of the definition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_house import Bench, Facts, rule
from vigilar_common.config.rules import MAX_CONDITIONS
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.messages.camera import MotionStarted
from vigilar_common.messages.power import PowerState
from vigilar_common.messages.presence import Household, HouseholdChanged
from vigilar_common.messages.sensor import SensorChanged
from vigilar_common.testing import FakeClock
from vigilar_events.domain.rule_engine import MAX_PER_MINUTE, TOO_OLD_S

DOOR = {"type": "sensor_event", "sensor_id": "back_door", "event": "open"}
MOTION = {"type": "camera_motion"}
AWAY = {"type": "arm_state", "value": "armed_away"}


def test_a_moment_fires_each_time_it_happens_and_only_where_it_is_meant() -> None:
    bench = Bench(rule(DOOR))
    assert bench.fires(bench.facts.sensor("back_door", False))
    assert not bench.fires(bench.facts.sensor("back_door", True))
    assert not bench.fires(bench.facts.sensor("hall", False))
    assert not bench.fires(bench.facts.sensor("back_door", False, key="tamper"))
    assert bench.fires(bench.facts.sensor("back_door", False))


def test_the_first_word_after_a_silence_is_no_event_unless_it_is_smoke() -> None:
    bench = Bench(rule(DOOR), rule({"type": "sensor_event", "event": "smoke"}, id="smoke"))
    assert not bench.fires(bench.facts.sensor("back_door", False, initial=True))
    assert bench.fires(bench.facts.sensor("hall", True, key="smoke", initial=True))


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        ({"event": "CONTACT_OPEN"}, "contact", False),
        ({"event": "closed"}, "contact", True),
        ({"event": "motion"}, "occupancy", True),
        ({"event": "no_motion"}, "occupancy", False),
        ({"event": "water_leak"}, "water_leak", True),
        ({"event": "pressed"}, "action", "single"),
        ({"event": "pressed", "value": "double"}, "action", "double"),
        ({"event": "lock_state", "value": "Unlocked"}, "lock_state", "unlocked"),
    ],
)
def test_words_of_sensors(written: dict[str, Any], key: str, value: Any) -> None:
    bench = Bench(rule({"type": "sensor_event", "sensor_id": "hall", **written}))
    assert bench.fires(bench.facts.sensor("hall", value, key=key))
    assert not bench.fires(
        bench.facts.sensor(
            "hall", "other" if isinstance(value, str) and written.get("value") else "", key=key
        )
    )


def test_a_number_fires_when_it_crosses_its_limit_and_not_while_it_stays_there() -> None:
    bench = Bench(
        rule(
            {
                "type": "sensor_event",
                "sensor_id": "freezer",
                "event": "above",
                "key": "temperature",
                "value": -10,
            }
        )
    )
    said = [bench.fires(bench.facts.reading("freezer", value)) for value in (-5, -18, -9, -8, -18, -9.5)]
    assert said == [False, False, True, False, False, True]


def test_a_state_fires_when_it_begins_and_not_when_it_is_first_heard_of() -> None:
    bench = Bench(rule({"type": "presence", "value": "EMPTY"}))
    assert not bench.fires(bench.facts.household(Household.EMPTY))
    assert not bench.fires(bench.facts.household(Household.ALL_HOME))
    assert bench.fires(bench.facts.household(Household.EMPTY))
    assert not bench.fires(bench.facts.household(Household.EMPTY))


def test_a_member_an_arm_state_and_the_ups_are_states() -> None:
    bench = Bench(
        rule({"type": "presence", "member": "Ann", "value": "away"}, id="ann"),
        rule({"type": "arm_state", "value": "armed"}, id="armed"),
        rule({"type": "ups_state", "value": "on_battery, low_battery"}, id="power"),
    )
    for fact in (
        bench.facts.person("Ann", True),
        bench.facts.arm(ArmState.DISARMED),
        bench.facts.power(PowerState.ON_LINE),
    ):
        assert not bench.fires(fact)
    assert [f.rule.id for f in bench.hears(bench.facts.person("Ann", False))] == ["ann"]
    assert not bench.fires(bench.facts.person("Kim", False))
    assert [f.rule.id for f in bench.hears(bench.facts.arm(ArmState.ARMED_NIGHT))] == ["armed"]
    assert not bench.fires(bench.facts.arm(ArmState.ARMED_AWAY)), "it was armed before"
    assert [f.rule.id for f in bench.hears(bench.facts.power(PowerState.ON_BATTERY))] == ["power"]
    assert not bench.fires(bench.facts.power(PowerState.LOW_BATTERY))


def test_a_detection_by_class_camera_and_zone() -> None:
    bench = Bench(
        rule({"type": "detection", "object_class": "person, dog", "camera_id": "front", "zone": "gate"})
    )
    assert bench.fires(bench.facts.seen("person", zones=("gate",)))
    assert bench.fires(bench.facts.seen("dog", zones=("street", "gate")))
    assert not bench.fires(bench.facts.seen("cat", zones=("gate",)))
    assert not bench.fires(bench.facts.seen("person"))
    assert not bench.fires(bench.facts.seen("person", camera="yard", zones=("gate",)))


def test_all_of_and_must_hold_and_the_explanation_says_how_each_stood() -> None:
    bench = Bench(rule(AWAY, DOOR))
    bench.hears(bench.facts.arm(ArmState.DISARMED))
    assert not bench.fires(bench.facts.sensor("back_door", False))
    bench.hears(bench.facts.arm(ArmState.ARMED_AWAY))
    (firing,) = bench.hears(bench.facts.sensor("back_door", False))
    assert [(told.text, told.holds, told.caused) for told in firing.told] == [
        ("the alarm is armed_away", True, False),
        ("back_door: open", True, True),
    ]
    assert firing.because == "back_door contact false (back_door: open)"


def test_an_or_that_holds_already_does_not_fire_for_what_did_not_bring_it_about() -> None:
    """AND(OR(away, door), motion): the door alone changes nothing; motion fires as long as the OR holds."""
    bench = Bench(rule({"type": "or", "conditions": [AWAY, DOOR]}, MOTION))
    bench.hears(bench.facts.arm(ArmState.DISARMED))
    assert not bench.fires(bench.facts.motion())
    bench.hears(bench.facts.arm(ArmState.ARMED_AWAY))
    assert not bench.fires(bench.facts.sensor("back_door", False))
    assert bench.fires(bench.facts.motion())


def test_two_events_meet_within_their_time_in_either_order() -> None:
    bench = Bench(rule(DOOR | {"within_s": 20}, MOTION | {"within_s": 20}))
    bench.hears(bench.facts.sensor("back_door", False))
    bench.clock.advance(20)
    assert bench.fires(bench.facts.motion())
    bench.clock.advance(21)
    assert not bench.fires(bench.facts.sensor("back_door", False))
    assert bench.fires(bench.facts.motion())


def test_a_cooldown_keeps_a_rule_quiet_and_does_not_follow_the_wall_clock() -> None:
    bench = Bench(rule(DOOR, cooldown_s=60))
    assert bench.fires(bench.facts.sensor("back_door", False))
    bench.clock.jump_wall(3600)
    assert not bench.fires(bench.facts.sensor("back_door", False))
    bench.clock.advance(60)
    assert bench.fires(bench.facts.sensor("back_door", False))
    assert bench.engine.counters == {"fired": 2, "cooldown": 1}


def test_the_same_fact_never_fires_twice() -> None:
    bench = Bench(rule(DOOR))
    fact = bench.facts.sensor("back_door", False)
    assert bench.fires(fact)
    assert not bench.fires(fact)
    assert bench.engine.counters["repeated"] == 1


def test_what_is_late_is_told_and_what_is_very_late_is_counted() -> None:
    bench = Bench(rule(DOOR, cooldown_s=60))
    (late,) = bench.hears(bench.facts.sensor("back_door", False, age_s=31), 31)
    assert late.is_late
    assert not bench.hears(bench.facts.sensor("back_door", False, age_s=31), 31), "once per cooldown"
    assert not bench.hears(bench.facts.sensor("back_door", False, age_s=TOO_OLD_S + 61), TOO_OLD_S + 61)
    (now,) = bench.hears(bench.facts.sensor("back_door", False))
    assert not now.is_late, "telling what was late takes nothing from what happens now"


def test_a_rule_that_feeds_itself_is_stopped() -> None:
    bench = Bench(rule(DOOR))
    fired = sum(bench.fires(bench.facts.sensor("back_door", False)) for _ in range(MAX_PER_MINUTE + 20))
    assert (fired, bench.engine.counters["capped"]) == (MAX_PER_MINUTE, 20)
    bench.clock.advance(61)
    assert bench.fires(bench.facts.sensor("back_door", False))


def test_an_older_word_changes_no_state() -> None:
    bench = Bench(rule({"type": "sensor_state", "sensor_id": "back_door", "event": "open"}, MOTION))
    bench.hears(bench.facts.sensor("back_door", True))
    bench.hears(bench.facts.sensor("back_door", False, age_s=20), 20)
    assert not bench.fires(bench.facts.motion())


def test_while_nobody_listens_to_the_sensors_how_they_stood_is_no_condition_and_their_first_word_no_event() -> (
    None
):
    held = {"type": "sensor_state", "sensor_id": "back_door", "event": "open"}
    bench = Bench(rule(held, MOTION), rule(held, id="alone"))
    bench.hears(bench.facts.sensor("back_door", False))
    assert bench.fires(bench.facts.motion())
    bench.clock.advance(3600)
    bench.engine.forget_sensors(bench.now.ms)
    assert not bench.fires(bench.facts.motion())
    assert not bench.fires(bench.facts.sensor("back_door", False, initial=True))
    assert bench.fires(bench.facts.motion())


def test_what_no_rule_asks_for_is_not_kept_and_a_disabled_rule_does_nothing() -> None:
    bench = Bench(rule(DOOR), rule(MOTION, id="off", enabled=False))
    bench.hears(bench.facts.sensor("hall", False))
    bench.hears(bench.facts.household(Household.EMPTY))
    assert not bench.fires(bench.facts.motion())
    bench.hears(bench.facts.sensor("back_door", False))
    assert list(bench.world.values) == [("sensor", "back_door", "contact")]


# -- any rule, any story ---------------------------------------------------------------------------------

SIMPLE: list[dict[str, Any]] = [
    AWAY,
    {"type": "arm_state", "value": "disarmed"},
    DOOR,
    {"type": "sensor_event", "event": "open"},
    {"type": "sensor_event", "sensor_id": "hall", "event": "closed", "within_s": 25},
    {"type": "sensor_state", "sensor_id": "hall", "event": "open"},
    MOTION,
    {"type": "camera_motion", "value": "front", "zone": "gate", "within_s": 40},
    {"type": "presence", "value": "EMPTY"},
    {"type": "presence", "value": "ALL_HOME,KIDS_HOME"},
]


def _groups(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda kind, conditions: {"type": kind, "conditions": conditions},
        st.sampled_from(["and", "or"]),
        st.lists(below, min_size=1, max_size=3),
    )


CONDITIONS = st.recursive(st.sampled_from(SIMPLE), _groups, max_leaves=6)


def _allowed(written: dict[str, Any]) -> bool:
    """Not more conditions than a rule may have, groups and what is in them together."""

    def count(conditions: list[dict[str, Any]]) -> int:
        return sum(1 + count(one.get("conditions", [])) for one in conditions)

    return count(written["conditions"]) <= MAX_CONDITIONS


RULES = st.builds(
    lambda conditions, logic, cooldown_s: rule(*conditions, logic=logic, cooldown_s=cooldown_s),
    st.lists(CONDITIONS, min_size=1, max_size=4),
    st.sampled_from(["AND", "OR"]),
    st.sampled_from([0, 30]),
).filter(_allowed)
STEPS = st.tuples(
    st.sampled_from(
        ["away", "disarm", "door0", "door1", "hall0", "hall1", "motion", "gate", "yard", "EMPTY", "ALL_HOME"]
    ),
    st.integers(3, 40),
)


def _fact(what: str, facts: Facts) -> Fact:
    match what:
        case "away" | "disarm":
            return facts.arm(ArmState.ARMED_AWAY if what == "away" else ArmState.DISARMED)
        case "EMPTY" | "ALL_HOME":
            return facts.household(Household(what))
        case "motion" | "gate":
            return facts.motion("front", ("gate",) if what == "gate" else ())
        case "yard":
            return facts.motion("yard", ("gate",))
        case _:
            return facts.sensor("back_door" if what.startswith("door") else "hall", what.endswith("1"))


class Naive:
    """The definition, word by word: no index, nothing compiled, the whole story looked through each time."""

    def __init__(self, written: dict[str, Any]) -> None:
        self.written, self.story = written, list[tuple[float, Fact]]()
        self.fired_s = float("-inf")

    def fires(self, fact: Fact, now_s: float) -> bool:
        self.story.append((now_s, fact))
        kind = "and" if self.written["logic"] == "AND" else "or"
        _, caused = self._look({"type": kind, "conditions": self.written["conditions"]})
        if not caused or now_s - self.fired_s < self.written["cooldown_s"]:
            return False
        self.fired_s = now_s
        return True

    def _look(self, condition: dict[str, Any]) -> tuple[bool, bool]:
        kind = condition["type"]
        if kind in ("and", "or"):
            parts = [self._look(below) for below in condition["conditions"]]
            if kind == "and":
                holds = all(holds for holds, _ in parts)
                return holds, holds and any(caused for _, caused in parts)
            return any(holds for holds, _ in parts), any(holds and caused for holds, caused in parts)
        now_s, newest = self.story[-1]
        if kind in ("sensor_event", "camera_motion"):
            if self._fits(condition, newest):
                return True, True
            within_s = condition.get("within_s", 0)
            recent = [fact for at_s, fact in self.story[:-1] if now_s - at_s <= within_s]
            return bool(within_s) and any(self._fits(condition, fact) for fact in recent), False
        before, after = self._stands(condition, self.story[:-1]), self._stands(condition, self.story)
        return after is True, after is True and before is False

    @staticmethod
    def _fits(condition: dict[str, Any], fact: Fact) -> bool:
        if condition["type"] == "camera_motion":
            return (
                isinstance(fact, MotionStarted)
                and condition.get("value", fact.camera_id) == fact.camera_id
                and (not condition.get("zone") or condition["zone"] in fact.zones)
            )
        return (
            isinstance(fact, SensorChanged)
            and condition.get("sensor_id", fact.sensor_id) == fact.sensor_id
            and fact.value is (condition["event"] == "closed")
        )

    @staticmethod
    def _stands(condition: dict[str, Any], story: list[tuple[float, Fact]]) -> bool | None:
        for _, fact in reversed(story):
            match condition["type"], fact:
                case "arm_state", ArmStateChanged():
                    return bool(fact.to_state.value == condition["value"])
                case "presence", HouseholdChanged():
                    return bool(fact.state.value in condition["value"].split(","))
                case "sensor_state", SensorChanged() if fact.sensor_id == condition["sensor_id"]:
                    return fact.value is False
        return None


@settings(max_examples=120, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=3), st.lists(STEPS, min_size=1, max_size=25))
def test_the_engine_fires_exactly_when_the_definition_says_so(
    written: list[dict[str, Any]], story: list[tuple[str, int]]
) -> None:
    rules = [one | {"id": f"r{number}"} for number, one in enumerate(written)]
    bench, naive = Bench(*rules), [Naive(one) for one in rules]
    for what, step_s in story:
        bench.clock.advance(step_s)
        fact = _fact(what, bench.facts)
        wanted = [f"r{n}" for n, one in enumerate(naive) if one.fires(fact, bench.clock.monotonic_s())]
        assert sorted(firing.rule.id for firing in bench.hears(fact)) == wanted


@settings(max_examples=50, deadline=None)
@given(RULES, st.lists(STEPS, min_size=1, max_size=12))
def test_no_firing_of_a_story_happens_again_when_the_story_is_told_again(
    written: dict[str, Any], story: list[tuple[str, int]]
) -> None:
    clock = FakeClock()
    facts = Facts(clock)
    told = []
    for what, step_s in story:
        clock.advance(step_s)
        told.append(_fact(what, facts))
    bench = Bench(written)
    once = [firing.id for fact in told for firing in bench.hears(fact)]
    again = [firing.id for fact in told for firing in bench.hears(fact)]
    assert len(set(once)) == len(once)
    assert not set(again) & set(once)
