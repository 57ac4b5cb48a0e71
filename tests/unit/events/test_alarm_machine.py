"""The arm state machine against the table of docs/design/alarm.md: every row, and any sequence of steps."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from vigilar_common.config import Config
from vigilar_common.messages.alarm import ArmMode, ArmState
from vigilar_events.domain import alarm as kept_alarm
from vigilar_events.domain.alarm import Alarm
from vigilar_events.domain.effects import Changed, Effect, Now, Said
from vigilar_events.domain.machine import Machine
from vigilar_events.domain.points import Reading
from vigilar_events.domain.policy import policy_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "design" / "alarm.md"
EXIT_S, ENTRY_S, TRIGGER_S = 60.0, 30.0, 120.0
ROLES = {"door": "delayed", "window": "instant", "smoke": "always"}
MODES = {"away": EXIT_S, "home": EXIT_S, "night": 0.0}
"""Modes that are used here, with their exit delay."""


def _sensor(name: str, kind: str) -> dict[str, str]:
    return {"id": name, "display_name": name, "type": kind, "protocol": "ZIGBEE", "device_address": name}


CONFIG = Config.model_validate(
    {
        "sensors": [_sensor("door", "CONTACT"), _sensor("window", "CONTACT"), _sensor("smoke", "SMOKE")],
        "alarm": {
            "sensors": [{"id": "window", "entry_delay": False, "exit_delay": False}],
            "modes": {"night": {"exit_delay_s": 0}},
        },
    }
)


def table() -> dict[tuple[str, str, str], str]:
    text = PAGE.read_text("utf-8").split("## Transitions")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    return {(row[0], row[1], row[2]): row[3] for row in rows[2:]}


TABLE = table()


class House:
    """The machine with its clock, and a model that knows only the table and what is open."""

    def __init__(self) -> None:
        self.machine = Machine(policy_of(CONFIG))
        self.now = Now(1_000_000, 50.0)
        self.open: set[str] = set()
        self.left_out: dict[str, bool] = {}
        self.state, self.mode, self.before_mode = "disarmed", "", ""
        self.due_s: float | None = None
        self.restarts = 0
        self.shut = False
        self.used: set[tuple[str, str, str]] = set()
        self.said: list[Effect] = []
        self.count = 0
        for name in ROLES:
            self._hear(name, Reading.CLOSED)

    # -- the world ----------------------------------------------------------------------------------

    def _hear(self, name: str, reading: Reading) -> list[Effect]:
        self.count += 1
        what = "smoke" if name == "smoke" else "open"
        said = Said(name, self.now.ms, f"00000000-0000-7000-8000-{self.count:012d}")
        return self.machine.heard(said, what, reading, self.now)

    def opens(self, name: str) -> None:
        if name in self.open:
            return
        effects = self._hear(name, Reading.OPEN)
        self.open.add(name)
        if ROLES[name] != "always" and name in self.left_out:
            self.expect(self.state, effects)
            return
        input_ = f"{ROLES[name]} opens"
        if self.state == "arming" and name == "door" and self.shut and not self.restarts:
            self.restarts, self.due_s = 1, self.now.s + EXIT_S
        self.follow(input_, "", effects)

    def closes(self, name: str) -> None:
        if name not in self.open:
            return
        effects = self._hear(name, Reading.CLOSED)
        self.open.discard(name)
        if self.left_out.get(name) is False:
            del self.left_out[name]
        if self.state == "arming" and name == "door":
            self.shut = True
        self.expect(self.state, effects)

    def blocked(self, left_out: dict[str, bool], at_the_end: bool) -> bool:
        doors = ("door", "window") if at_the_end else ("window",)
        return any(name in self.open and name not in left_out for name in doors)

    def arm(self, mode: str, anyway: bool) -> None:
        answer = self.machine.arm(ArmMode(mode), "ann", "web", self.now, bypass_open=anyway)
        if self.state in ("pending", "triggered"):
            assert answer.refusal == "alarm_active"
            self.follow("arm", "", answer.effects)
            return
        delay_s = MODES[mode]
        if self.mode == mode and self.state in ("arming", "armed"):
            assert not answer.refusal
            if anyway:
                self._leave_out(
                    ("window",) if delay_s and self.state == "arming" else ("door", "window"), delay_s
                )
                self.anyway = True
            self.follow("arm", "same mode", answer.effects)
            return
        if not anyway and self.blocked({}, at_the_end=not delay_s):
            assert answer.refusal == "open_sensors"
            assert {trip.sensor_id for trip in answer.blockers} == self.open - {"smoke"}
            self.follow("arm", "blocked", answer.effects)
            return
        assert not answer.refusal
        if self.state == "armed":
            self.before_mode = self.mode
        self.mode, self.anyway, self.left_out = mode, anyway, {}
        if anyway:
            self._leave_out(("window",) if delay_s else ("door", "window"), delay_s)
        self.follow("arm", "free, exit delay" if delay_s else "free, no exit delay", answer.effects)

    def _leave_out(self, names: tuple[str, ...], delay_s: float) -> None:
        exempt = ("door",) if delay_s else ()
        added = [name for name in names if name in self.open and name not in (*exempt, *self.left_out)]
        self.left_out |= dict.fromkeys(added, True)

    def disarm(self) -> None:
        answer = self.machine.disarm("ann", "web", self.now)
        self.left_out = {}
        self.follow("disarm", "", answer.effects)

    def passes(self, seconds: float) -> None:
        """At most up to the end of what runs."""
        step_s = seconds if self.due_s is None else min(seconds, self.due_s - self.now.s)
        self.now = Now(self.now.ms + round(step_s * 1000), self.now.s + step_s)
        over = self.due_s is not None and self.now.s >= self.due_s
        effects = self.machine.tick(self.now)
        if not over:
            self.expect(self.state, effects)
            return
        when = ""
        if self.state == "arming":
            blocked = self.blocked(self.left_out, at_the_end=True) and not self.anyway
            when = "free"
            if blocked:
                when = "blocked, armed before" if self.before_mode else "blocked, nothing was armed before"
                self.mode = self.before_mode
        elif self.state == "triggered":
            when = "a mode holds" if self.mode else "no mode"
        self.follow("time over", when, effects)

    def restart(self, wall_jump_s: float, off_s: float) -> None:
        """Killed, off for a while, its wall clock set meanwhile; the same boot of the host."""
        known = self.machine.truth.kept()
        alarm = kept_alarm.restored(kept_alarm.kept(self.machine.alarm))
        assert alarm == self.machine.alarm
        left_before_s = self.machine.delay_left_s(self.now)
        self.now = Now(max(1, self.now.ms + round((off_s + wall_jump_s) * 1000)), self.now.s + 1000)
        self.machine = Machine(policy_of(CONFIG), alarm)
        self.machine.truth.restore(known, self.now.ms)
        self.machine.resume(self.now, rebooted=False)
        if self.due_s is not None:
            left_s = self.machine.delay_left_s(self.now)
            assert 0 <= left_s <= alarm.delay_s
            if not wall_jump_s:
                assert left_s == pytest.approx(max(0.0, left_before_s - off_s), abs=0.01)
            self.due_s = self.now.s + left_s

    # -- the table ----------------------------------------------------------------------------------

    def follow(self, input_: str, when: str, effects: Any) -> None:
        row = (self.state, input_, when)
        assert row in TABLE, f"the table has no row for {row}"
        self.used.add(row)
        to, before = TABLE[row], self.state
        refused = input_ == "arm" and (when == "blocked" or before in ("pending", "triggered"))
        again = input_ == "always opens" or (input_ == "arm" and when != "same mode" and not refused)
        self.state = to
        if to == before and not again:
            pass
        elif to == "arming":
            self.due_s, self.restarts, self.shut = self.now.s + MODES[self.mode], 0, False
        elif to == "pending":
            self.due_s = self.now.s + ENTRY_S
        elif to == "triggered":
            self.due_s = self.now.s + TRIGGER_S
        elif to in ("armed", "disarmed"):
            self.due_s = None
            if to == "disarmed":
                self.mode, self.left_out = "", {}
            else:
                anyway = before in ("arming", "armed", "disarmed") and self.anyway
                lasting = {name: True for name, always in self.left_out.items() if always}
                still = {name: anyway for name in ("door", "window") if name in self.open}
                self.left_out = still | lasting
            self.before_mode, self.anyway = "", False
        self.expect(to, effects)

    anyway = False

    def expect(self, state: str, effects: Any) -> None:
        real = self.machine.alarm.state
        assert real.value == (f"armed_{self.mode}" if state == "armed" else state), self.machine.alarm
        assert (self.machine.alarm.mode or "") == self.mode
        changes = [effect for effect in effects if isinstance(effect, Changed)]
        if changes:
            assert changes[-1].after is real
        self.said += effects
        assert dict(self.machine.alarm.bypassed) == self.left_out
        left_s = 0.0 if self.due_s is None else max(0.0, self.due_s - self.now.s)
        assert self.machine.delay_left_s(self.now) == pytest.approx(left_s, abs=0.01)


class AlarmSteps(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()

    @rule(mode=st.sampled_from(sorted(MODES)), anyway=st.booleans())
    def arm(self, mode: str, anyway: bool) -> None:
        self.house.arm(mode, anyway)

    @rule()
    def disarm(self) -> None:
        self.house.disarm()

    @rule(name=st.sampled_from(sorted(ROLES)))
    def opens(self, name: str) -> None:
        self.house.opens(name)

    @rule(name=st.sampled_from(sorted(ROLES)))
    def closes(self, name: str) -> None:
        self.house.closes(name)

    @rule(seconds=st.sampled_from([0.5, 29.0, 31.0, 70.0, 130.0]))
    def passes(self, seconds: float) -> None:
        self.house.passes(seconds)

    @rule(seconds=st.sampled_from([-1e9, -40.0, 40.0, 1e9]))
    def wall_clock_jumps(self, seconds: float) -> None:
        now = self.house.now
        self.house.now = Now(max(1, now.ms + round(seconds * 1000)), now.s)

    @rule(jump_s=st.sampled_from([0.0, 0.0, -3600.0, 3600.0]), off_s=st.sampled_from([0.0, 10.0]))
    def restart(self, jump_s: float, off_s: float) -> None:
        machine = self.house.machine
        # What ran by the monotonic clock is kept by the wall's: after a jump of that they differ.
        same = (
            abs(machine.alarm.until_ms - self.house.now.ms - machine.delay_left_s(self.house.now) * 1000) < 5
        )
        self.house.restart(jump_s if same else jump_s or 0.001, off_s)

    @invariant()
    def siren_sounds_exactly_while_triggered(self) -> None:
        machine = self.house.machine
        assert machine.siren is (machine.alarm.state is ArmState.TRIGGERED)
        assert machine.alarm.state is not ArmState.DISARMING

    @invariant()
    def every_open_door_of_an_armed_house_is_left_out(self) -> None:
        if self.house.state == "armed":
            assert self.house.open - {"smoke"} <= self.house.left_out.keys()


AlarmSteps.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
test_any_sequence_of_steps_follows_the_table = AlarmSteps.TestCase


@pytest.mark.slow
def test_many_long_sequences_follow_the_table() -> None:
    run_state_machine_as_test(
        AlarmSteps, settings=settings(max_examples=1000, stateful_step_count=60, deadline=None)
    )


SCENES = """
arm:away pass:60 arm:away open:door pass:30 open:window arm:away pass:120 disarm
arm:night open:window disarm close:window
open:window arm:away disarm close:window
arm:away arm:away arm:home arm:night arm:away disarm
arm:away open:window arm:home pass:60 close:window
arm:away open:window pass:60 close:window
arm:home pass:60 arm:away open:window pass:60 close:window disarm
arm:night open:door open:door open:window disarm close:door close:window
arm:night open:door close:door arm:home open:smoke close:smoke open:smoke disarm close:smoke close:window
open:smoke open:door open:window pass:120 close:smoke close:door close:window
arm:away open:smoke pass:120 disarm close:smoke
arm:away open:door pass:1 close:door pass:30 open:door pass:59 close:door disarm
arm:night open:smoke open:door disarm close:smoke close:door
arm:night arm:home open:window arm:night arm:home! disarm close:window
arm:night open:smoke close:smoke pass:120 arm:away pass:60 open:door pass:1 open:smoke disarm close:smoke close:door
arm:night open:window pass:120 arm:away arm:home disarm close:window
open:window disarm arm:away arm:night! disarm close:window
arm:night open:door arm:night pass:5 close:door open:door disarm close:door
open:door disarm close:door arm:night open:window open:door disarm close:window close:door
arm:night open:window open:door close:window open:window disarm close:door close:window
arm:home pass:60 arm:night disarm
arm:home pass:60 open:door arm:night disarm close:door
arm:away pass:10 open:window arm:night disarm close:window
arm:away open:door close:door pass:10 open:door close:door pass:10 open:door close:door pass:50 disarm
arm:night open:door close:door pass:5 open:door open:door disarm close:door
arm:night arm:away arm:home pass:60 open:window pass:120 arm:night disarm close:window
"""


def play(house: House, scene: str) -> None:
    for word in scene.split():
        verb, _, what = word.partition(":")
        match verb:
            case "arm":
                house.arm(what.rstrip("!"), what.endswith("!"))
            case "disarm":
                house.disarm()
            case "open":
                house.opens(what)
            case "close":
                house.closes(what)
            case "pass":
                house.passes(float(what))
            case _:
                raise AssertionError(word)


def test_every_row_of_the_table_happens() -> None:
    used: set[tuple[str, str, str]] = set()
    for scene in SCENES.strip().splitlines():
        house = House()
        play(house, scene)
        used |= house.used
    assert set(TABLE) - used == set()


def test_the_page_names_every_state_and_every_default() -> None:
    text = PAGE.read_text("utf-8")
    for state in ArmState:
        assert f"`{state.value}`" in text
    away = CONFIG.alarm.modes.away
    for name, seconds in (
        ("exit delay", away.exit_delay_s),
        ("entry delay", away.entry_delay_s),
        ("abort window", away.abort_window_s),
        ("trigger time", away.trigger_time_s),
    ):
        assert re.search(rf"^\| {name} \| {seconds} s \|", text, re.MULTILINE), name


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"state": "open", "since_ms": 1, "changed_by": ""},
        {"state": "disarmed", "since_ms": -1, "changed_by": ""},
        {"state": "disarmed", "since_ms": True, "changed_by": ""},
        {"state": "disarmed", "since_ms": 1, "changed_by": None},
        {"state": "disarming", "since_ms": 1, "changed_by": ""},
        {"state": "pending", "since_ms": 1, "changed_by": "", "mode": "away", "until_ms": 5},
        {"state": "arming", "since_ms": 1, "changed_by": "", "until_ms": 5},
        {"state": "triggered", "since_ms": 1, "changed_by": ""},
        {"state": "armed_home", "since_ms": 1, "changed_by": "", "mode": "away"},
        {"state": "disarmed", "since_ms": 1, "changed_by": "", "bypassed": 7},
        {"state": "disarmed", "since_ms": 1, "changed_by": "", "trips": [[1]]},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        kept_alarm.restored(raw)


def test_a_file_of_the_version_before_is_read() -> None:
    alarm = kept_alarm.restored({"state": "armed_night", "since_ms": 7, "changed_by": "ann"})
    assert alarm == Alarm(ArmState.ARMED_NIGHT, 7, "ann", ArmMode.NIGHT)
    assert replace(alarm, since_ms=8) != alarm


@pytest.mark.parametrize(
    ("sender", "configured", "pin", "refusal"),
    [
        ("web", False, "", ""),
        ("web", False, "1234", ""),
        ("home_automation", False, "1234", "pin_not_configured"),
        ("presence", False, "", "pin_not_configured"),
        ("web", True, "", "pin_missing"),
        ("home_automation", True, "", "pin_missing"),
        ("web", True, "1234", ""),
        ("home_automation", True, "1234", ""),
    ],
)
def test_without_a_pin_only_a_web_session_may_arm(
    sender: str, configured: bool, pin: str, refusal: str
) -> None:
    assert kept_alarm.refusal_without_pin(sender, configured, pin) == refusal


def test_a_name_from_outside_is_never_taken_for_a_session_user() -> None:
    requester = kept_alarm.requester
    assert requester("web", "admin") == "admin"
    assert requester("web", "admin", "Ann") == "admin (PIN of Ann)"
    assert requester("home_automation", "admin") == "home_automation:admin"
    assert "\n" not in requester("web", "a\nb")
    assert len(requester("home_automation", "x" * 80)) == 80
    assert len(requester("home_automation", "x" * 80, "y" * 120)) == 80
