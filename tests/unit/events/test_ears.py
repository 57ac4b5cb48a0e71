"""The sensors service is gone: the alarm says that it hears nothing, and takes nothing for an opening."""

from __future__ import annotations

from pathlib import Path

import pytest
from alarm_house import House, sensor
from vigilar_common.bus import Received
from vigilar_common.messages.alarm import ArmState, Severity
from vigilar_common.messages.system import SystemEvent
from vigilar_common.topics import AVAILABLE
from vigilar_events.ears import GRACE_S, Ears

SENSORS = {"sensors": [sensor("door"), sensor("wired", "CONTACT"), sensor("smoke", "SMOKE")]}


class Listening:
    def __init__(self, folder: Path) -> None:
        modes = {mode: {"exit_delay_s": 0} for mode in ("home", "away", "night", "vacation")}
        options = {"modes": modes, "sensors": [{"id": "wired", "trigger_unavailable": True}]}
        self.forgotten: list[None] = []
        self.house = House(folder, config={"alarm": options, **SENSORS})
        self.ears = Ears(
            clock=self.house.clock,
            facts=self.house.facts,  # type: ignore[arg-type]
            guard=self.house.guard,
            wanted=lambda: True,
            forget=lambda: self.forgotten.append(None),
        )
        for sensor_id in ("door", "wired"):
            self.house.says(sensor_id, True)

    def hears(self, word: bytes) -> None:
        self.ears.on_available(Received(AVAILABLE, {"service": "sensors"}, None, word))

    def passes(self, seconds: float) -> None:
        self.house.passes(seconds)
        self.ears.tick()

    @property
    def told(self) -> list[tuple[str, Severity]]:
        return [(event.code, event.level) for event in self.house.facts.of(SystemEvent)]

    @property
    def unknown(self) -> set[str]:
        return {one.sensor_id for one in self.house.told.unknown_sensors}


@pytest.fixture
def alarm(tmp_path: Path) -> Listening:
    return Listening(tmp_path)


def test_a_restart_of_the_sensors_service_is_not_worth_a_word(alarm: Listening) -> None:
    assert alarm.house.ask("ARM_AWAY", "1234").ok
    alarm.hears(b"offline")
    alarm.passes(GRACE_S - 1)
    alarm.hears(b"online")
    alarm.passes(GRACE_S)
    assert (alarm.told, alarm.ears.findings(), alarm.unknown) == ([], [], set())


def test_its_last_will_makes_every_sensor_unknown_and_triggers_nothing(alarm: Listening) -> None:
    assert alarm.house.ask("ARM_AWAY", "1234").ok
    alarm.hears(b"offline")
    alarm.passes(GRACE_S)
    assert alarm.told == [("alarm_deaf", Severity.CRITICAL)]
    assert [finding.code for finding in alarm.ears.findings()] == ["alarm_deaf"]
    assert alarm.unknown == {"door", "wired"}
    assert alarm.house.state() is ArmState.ARMED_AWAY
    assert alarm.house.events == []
    alarm.passes(3600)
    assert len(alarm.told) == 1, "told once"
    assert len(alarm.forgotten) == 1


def test_what_is_found_open_when_it_returns_is_no_opening_but_what_opens_then_is(alarm: Listening) -> None:
    assert alarm.house.ask("ARM_AWAY", "1234").ok
    alarm.hears(b"offline")
    alarm.passes(GRACE_S)
    alarm.hears(b"online")
    alarm.passes(1)
    assert alarm.told[-1] == ("alarm_deaf.over", Severity.INFO)
    assert alarm.ears.findings() == []
    alarm.house.says("door", False, initial=True)
    alarm.house.says("wired", True, initial=True)
    assert alarm.house.state() is ArmState.ARMED_AWAY
    alarm.house.says("door", True)
    alarm.house.says("door", False)
    assert alarm.house.state() is ArmState.PENDING


def test_smoke_that_is_found_when_it_returns_triggers(alarm: Listening) -> None:
    alarm.hears(b"offline")
    alarm.passes(GRACE_S)
    assert alarm.told == [("alarm_deaf", Severity.ALERT)], "disarmed, it is no emergency"
    alarm.hears(b"online")
    alarm.house.says("smoke", True, key="smoke", initial=True)
    assert alarm.house.state() is ArmState.TRIGGERED


def test_a_wall_clock_that_jumps_does_not_make_it_deaf(alarm: Listening) -> None:
    alarm.hears(b"offline")
    alarm.house.clock.jump_wall(10 * 365 * 86_400)
    alarm.passes(1)
    assert alarm.ears.findings() == []
