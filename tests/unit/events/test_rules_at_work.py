"""Rules with alarm, bus and disk: what they do, in which order, once, and what a restart keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alarm_house import House, hash_of
from rule_house import Facts, config_of, rule
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmRefused, ArmState, EventOpened, EventType, Severity, SirenState
from vigilar_common.messages.presence import Household, HouseholdStatus
from vigilar_common.topics import ALARM_SIREN, CMD_RECORD, CMD_SNAPSHOT, HOUSEHOLD_STATE
from vigilar_events.rule_actions import Actor
from vigilar_events.rules import READING_TYPES, Rules, reads

DOOR = {"type": "sensor_event", "sensor_id": "back_door", "event": "open"}
EMPTY = {"type": "presence", "value": "EMPTY"}
NO_DELAY = {mode: {"exit_delay_s": 0} for mode in ("home", "away", "night", "vacation")}


class Ruled(House):
    """The alarm's house with rules at work in it."""

    def __init__(self, folder: Path, *rules: dict[str, Any], pin: str = "1234", **sections: Any) -> None:
        raw = {"alarm": {"modes": NO_DELAY}, "security": {"pin_hash": hash_of(pin)} if pin else {}} | sections
        self.whole: Config = config_of(*rules, **raw)
        self.order: list[str] = []
        super().__init__(folder, pin)
        self.says_fact = Facts(self.clock)

    @property
    def config(self) -> Config:
        return self.whole

    def restart(self) -> None:
        super().restart()
        self.actor = Actor(
            clock=self.clock, bus=self.bus, facts=self.facts, guard=self.guard,  # type: ignore[arg-type]
            pin_configured=lambda: self.arming.pin_configured, config=self.config,
        )  # fmt: skip
        self.rules = Rules(
            clock=self.clock, state_dir=self.folder, config=self.config, act=self.actor.act,
            arm_state=lambda: self.guard.since,
        )  # fmt: skip
        self.guard.on_changed = self.rules.on_arm_changed
        self.rules.load()
        self.rules.settle()  # no thread: the test looks at the clock itself

    def hears(self, fact: Fact, age_s: float = 0.0) -> None:
        self.rules.on_fact(fact, age_s)
        self.rules.tick()

    def opens(self, age_s: float = 0.0) -> None:
        self.hears(self.says_fact.sensor("back_door", False, age_s=age_s), age_s)

    @property
    def fired(self) -> list[EventOpened]:
        return [event for event in self.facts.of(EventOpened) if event.type is EventType.RULE]


def _in_order(house: Ruled) -> list[str]:
    """What goes out, as it goes."""
    seen: list[str] = []
    emit, send = house.facts.emit, house.bus.send_command
    outside, state = house.bus.publish_outside, house.bus.set_state

    def emit_first(fact: Fact, **ids: str) -> Fact:
        seen.append(f"{fact.TYPE}:{getattr(fact, 'type', '')}")
        return emit(fact, **ids)

    def send_command(topic: Any, message: Any, **ids: str) -> bool:
        seen.append(type(message).__name__)
        return send(topic, message, **ids)

    def publish_outside(path: str, payload: bytes) -> bool:
        seen.append(path)
        return outside(path, payload)

    def set_state(topic: Any, message: Any, **ids: str) -> None:
        if isinstance(message, SirenState) and message.on:
            seen.append("siren")
        state(topic, message, **ids)

    house.facts.emit_first = emit_first  # type: ignore[method-assign]
    house.bus.send_command = send_command  # type: ignore[method-assign]
    house.bus.publish_outside = publish_outside  # type: ignore[method-assign]
    house.bus.set_state = set_state  # type: ignore[method-assign]
    return seen


def test_siren_first_then_the_event_then_cameras_and_devices_and_why_stands_in_the_event(
    tmp_path: Path,
) -> None:
    lamp = {"type": "mqtt", "topic": "zigbee2mqtt/lamp/set", "payload": '{"state":"ON"}'}
    snapshot = {"type": "snapshot", "cameras": ["yard"]}
    house = Ruled(
        tmp_path,
        rule(
            DOOR,
            actions=[lamp, snapshot, "record_all_cameras", "alert_all", "siren"],
            description="Back door",
        ),
        mqtt={"publish_topics": ["zigbee2mqtt/+/set"]},
    )
    seen = _in_order(house)
    house.opens()
    assert house.state() is ArmState.TRIGGERED
    assert seen[:2] == ["siren", "event.opened:alarm_triggered"]
    own = seen.index("event.opened:rule")
    assert seen[own + 1 :] == ["RecordCommand", "RecordCommand", "TakeSnapshot", "zigbee2mqtt/lamp/set"]
    (event,) = house.fired
    assert (event.title, event.severity, event.sensor_id) == ("Back door", Severity.ALERT, "back_door")
    assert event.detail["reason"] == "back_door contact false (back_door: open)"
    assert event.detail["conditions"] == [{"text": "back_door: open", "holds": True, "caused": True}]
    assert event.detail["channels"] == ["all"]
    assert house.bus.outside[-1] == ("zigbee2mqtt/lamp/set", b'{"state":"ON"}')
    record = house.bus.messages(CMD_RECORD)[-1]
    assert (record.cause_id, record.duration_s) == (event.event_id, 60)
    assert len(house.bus.messages(CMD_SNAPSHOT)) == 1


def test_the_siren_of_a_rule_is_the_alarm_and_ends_with_it(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["siren"]))
    house.opens()
    (event,) = [e for e in house.facts.of(EventOpened) if e.type is EventType.ALARM_TRIGGERED]
    assert (event.title, event.sensor_id) == ("Alarm: rule r", None)
    assert house.told.changed_by == "rule:r"
    assert house.sounding()
    assert house.ask("DISARM", "1234").ok
    assert not house.sounding()
    house.opens()
    house.restart()
    assert house.sounding(), "kept as every alarm is"
    house.passes(121)
    assert not house.sounding()
    assert house.state() is ArmState.DISARMED


def test_the_same_fact_acts_once_also_after_a_restart(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["record_all_cameras"]))
    fact = house.says_fact.sensor("back_door", False)
    house.hears(fact)
    house.hears(fact)
    house.restart()
    house.hears(fact)
    assert house.bus.messages(CMD_RECORD) == []
    assert len(house.fired) == 1


def test_a_cooldown_goes_on_over_a_restart_and_is_never_longer_than_its_length(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, cooldown_s=600))
    house.opens()
    house.clock.advance(300)
    house.restart()
    house.opens()
    assert len(house.fired) == 1
    (listed,) = house.rules.listed()
    assert (listed["count"], listed["resting_s"]) == (1, 300)
    house.clock.jump_wall(-100_000)  # a host without a battery for its clock
    house.restart()
    house.clock.advance(601)
    house.opens()
    assert len(house.fired) == 2


def test_what_is_late_is_told_quietly_and_does_nothing(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["siren", "alert_all", "record_all_cameras", "arm_away"]))
    house.opens(age_s=45)
    (event,) = house.fired
    assert (event.severity, event.detail["late_s"], event.detail["channels"]) == (Severity.INFO, 45, [])
    assert house.state() is ArmState.DISARMED
    assert house.bus.messages(CMD_RECORD) == []


def test_a_rule_arms_through_the_alarm_and_a_door_that_is_open_refuses(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(EMPTY, actions=["arm_away"]))
    house.says("back_door", True)
    house.hears(house.says_fact.household(Household.ALL_HOME))
    house.hears(house.says_fact.household(Household.EMPTY))
    assert house.state() is ArmState.ARMED_AWAY
    assert house.told.changed_by == "rule:r"
    house.ask("DISARM", "1234")
    house.says("back_door", False)
    house.hears(house.says_fact.household(Household.ALL_HOME))
    house.hears(house.says_fact.household(Household.EMPTY))
    assert house.state() is ArmState.DISARMED
    assert [(fact.code, fact.requested_by, fact.method) for fact in house.facts.of(ArmRefused)] == [
        ("open_sensors", "rule:r", "rule")
    ]


@pytest.mark.parametrize(("action", "allowed"), [("disarm", True), ("arm_home", True), ("arm_home", False)])
def test_a_rule_lowers_the_guard_only_where_its_owner_says_so(
    tmp_path: Path, action: str, allowed: bool
) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=[action], allow_disarm=allowed))
    house.ask("ARM_AWAY", "1234")
    house.opens()
    wanted = {"disarm": ArmState.DISARMED, "arm_home": ArmState.ARMED_HOME}[action]
    assert house.state() is (wanted if allowed else ArmState.ARMED_AWAY)
    assert [fact.code for fact in house.facts.of(ArmRefused)] == ([] if allowed else ["rule_may_not_disarm"])


def test_without_a_pin_and_during_an_alarm_no_rule_arms_or_disarms(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["arm_away"]), pin="")
    house.opens()
    assert [fact.code for fact in house.facts.of(ArmRefused)] == ["pin_not_configured"]
    (tmp_path / "two").mkdir()
    noisy = Ruled(tmp_path / "two", rule(DOOR, actions=["siren", "disarm"], allow_disarm=True))
    noisy.opens()
    assert noisy.state() is ArmState.TRIGGERED
    assert [fact.code for fact in noisy.facts.of(ArmRefused)] == ["alarm_active"]


def test_a_transition_of_the_alarm_is_a_cause_and_rules_cannot_run_in_circles(tmp_path: Path) -> None:
    there = rule({"type": "arm_state", "value": "armed_home"}, id="up", actions=["arm_away"])
    back = rule(
        {"type": "arm_state", "value": "armed_away"}, id="down", actions=["arm_home"], allow_disarm=True
    )
    house = Ruled(tmp_path, there, back)
    house.ask("ARM_HOME", "1234")
    for _ in range(200):
        house.rules.tick()
    assert house.rules.results()["capped"] >= 1
    assert len(house.fired) <= 60


def test_how_things_stood_is_known_after_a_restart_and_from_old_retained_states(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(EMPTY, actions=["arm_away"]))
    state = HouseholdStatus(state=Household.ALL_HOME, since_ms=house.clock.now_ms() - 60_000)
    house.bus.subscribe(HOUSEHOLD_STATE, house.rules.on_state)
    house.bus.deliver(HOUSEHOLD_STATE, state, retained=True)
    house.clock.advance(10)
    house.rules.stop()
    house.restart()
    house.hears(house.says_fact.household(Household.EMPTY))
    assert house.state() is ArmState.ARMED_AWAY


def test_a_retained_state_never_fires_and_a_young_one_is_left_to_its_fact(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(EMPTY))
    house.bus.subscribe(HOUSEHOLD_STATE, house.rules.on_state)
    for age_ms in (60_000, 1_000):
        house.bus.deliver(
            HOUSEHOLD_STATE,
            HouseholdStatus(state=Household.EMPTY, since_ms=house.clock.now_ms() - age_ms),
            retained=True,
        )
    assert house.fired == []


def test_a_topic_that_is_no_longer_allowed_is_not_published_to(tmp_path: Path) -> None:
    """The configuration's check is not the only one."""
    house = Ruled(tmp_path, rule(DOOR, actions=[{"type": "mqtt", "topic": "lamp/set", "payload": "1"}]))
    house.opens()
    assert house.bus.outside == []
    assert house.actor.counters["not_allowed"] == 1


def test_with_the_broker_away_the_event_is_kept_and_what_was_not_sent_is_counted(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["record_all_cameras", "alert_all"]))
    house.bus.connected = False
    house.opens()
    assert len(house.fired) == 1
    assert house.actor.counters["unsent"] == 2


def test_one_action_that_fails_does_not_keep_the_others_from_being_done(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["siren", "record_all_cameras"]))

    def broken(rule_id: str, cause_id: str) -> None:
        raise RuntimeError("no siren")

    house.guard.sound = broken  # type: ignore[method-assign]
    house.opens()
    assert house.actor.counters["failed"] == 1
    assert len(house.bus.messages(CMD_RECORD)) == 2


def test_a_damaged_memory_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR))
    house.opens()
    for name in ("rules.json", "rules.json.previous", "rules-known.json", "rules-known.json.previous"):
        (tmp_path / name).write_text("{")
    house.restart()
    house.opens()
    assert len(house.fired) == 2


def test_numbers_are_read_only_where_a_rule_asks_for_them_and_asking_anew_starts_the_service_again() -> None:
    plain = config_of(rule(DOOR))
    number = config_of(rule({"type": "sensor_event", "event": "below", "key": "temperature", "value": 3}))
    assert READING_TYPES[0] not in reads(plain)
    assert READING_TYPES[0] in reads(number)


def test_other_rules_are_taken_over_and_cooldowns_stay(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, cooldown_s=600))
    house.opens()
    assert house.rules.configure(
        config_of(rule(DOOR, cooldown_s=600), rule({"type": "camera_motion"}, id="new"))
    )
    house.opens()
    house.hears(house.says_fact.motion())
    assert [event.detail["rule_id"] for event in house.fired] == ["r", "new"]
    number = rule({"type": "sensor_event", "event": "below", "key": "temperature", "value": 3})
    assert not house.rules.configure(config_of(number))


def test_the_siren_state_names_the_rule(tmp_path: Path) -> None:
    house = Ruled(tmp_path, rule(DOOR, actions=["siren"]))
    house.opens()
    assert house.bus.states[ALARM_SIREN.path()].reason == "r rule"  # type: ignore[attr-defined]
