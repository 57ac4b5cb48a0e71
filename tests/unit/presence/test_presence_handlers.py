"""What is told of people, what survives a restart, and what is asked of the alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from vigilar_common.bus import BusUnavailableError
from vigilar_common.config import Config
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alarm import AlarmState, ArmAction, ArmCommand, ArmState, Severity
from vigilar_common.messages.presence import (
    Household,
    HouseholdChanged,
    HouseholdStatus,
    PersonStatus,
    PresenceChanged,
    person_id,
)
from vigilar_common.messages.system import SystemEvent
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import ALARM_STATE, HOUSEHOLD_STATE, PERSON_STATE, Topic
from vigilar_presence.adapters.probe import Prober, Round
from vigilar_presence.domain.people import Seen, Sign
from vigilar_presence.handlers import Handlers, table

ANN, BOB, KIM = "192.0.2.1", "192.0.2.2", "192.0.2.3"
MEMBERS = [
    {"name": "Ann", "ip": ANN, "role": "ADULT"},
    {"name": "Bob B.", "ip": BOB, "device_tracker": "person.bob"},
    {"name": "Kim", "ip": KIM, "role": "child"},
]


class Phones(Prober):
    def __init__(self) -> None:
        super().__init__([])
        self.home: set[str] = set()
        self.blind: dict[str, str] = {}
        self.problems: list[str] = []

    def round(self, hosts: Iterable[str]) -> Round:
        def seen(host: str) -> Seen:
            if host in self.blind:
                return Seen(Sign.BLIND)
            return Seen(Sign.HEARD if host in self.home else Sign.SILENT, "icmp")

        return Round({host: seen(host) for host in hosts}, self.problems, self.blind)


class House:
    def __init__(self, folder: Path, **presence: Any) -> None:
        self.folder, self.clock, self.phones = folder, FakeClock(), Phones()
        values = {"enabled": True, "members": MEMBERS, "departure_delay_m": 1, **presence}
        self.settings = Config.model_validate({"presence": values}).presence
        self.commands: list[ArmCommand] = []
        self.reply = Reply(ok=True, message="The alarm is armed.")
        self.nobody = False
        self.restart()

    def restart(self) -> None:
        self.bus, self.facts = FakeBus(self.clock, "presence"), FakeFacts(self.clock, "presence")
        self.bus.answers = self._answer
        self.handlers = Handlers(
            clock=self.clock,
            bus=self.bus,
            facts=self.facts,  # type: ignore[arg-type]
            file=StateFile(self.folder / "presence.json"),
            prober=self.phones,
            settings=self.settings,
        )
        self.handlers.load()
        self.topics = table(self.handlers, self.settings)
        for topic, handler in self.topics.items():
            self.bus.subscribe(topic, handler)

    def _answer(self, _topic: Topic, command: Message, _ids: Mapping[str, str]) -> Reply:
        assert isinstance(command, ArmCommand)
        self.commands.append(command)
        if self.nobody:
            raise BusUnavailableError("no answer within 5 s")
        return self.reply

    def rounds(self, *home: str, number: int = 1) -> None:
        self.phones.home = set(home)
        for _ in range(number):
            self.handlers.round()
            self.clock.advance(30)

    def tracker(self, payload: bytes) -> None:
        (topic,) = [topic for topic in self.topics if topic is not ALARM_STATE]
        self.bus.deliver(topic, payload=payload)

    def alarm(self, state: ArmState) -> None:
        self.bus.deliver(ALARM_STATE, AlarmState(state=state, since_ms=1))

    def household(self) -> Household | None:
        status = self.bus.states[HOUSEHOLD_STATE.path()]
        assert isinstance(status, HouseholdStatus)
        return status.state

    def person(self, name: str) -> PersonStatus:
        status = self.bus.states[PERSON_STATE.path(person_id=person_id(name))]
        assert isinstance(status, PersonStatus)
        return status

    def codes(self) -> set[str]:
        return {finding.code for finding in self.handlers.findings()}

    def asked(self) -> list[ArmAction]:
        return [command.action for command in self.commands]


ACTIONS = {"EMPTY": "ARMED_AWAY", "adults_home": "disarmed", "ALL_HOME": "Armed_Home"}


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return House(tmp_path, actions=ACTIONS)


def test_people_come_and_go_and_each_is_told_once(house: House) -> None:
    house.rounds(ANN, BOB, KIM, number=5)
    assert house.household() is Household.ALL_HOME
    house.rounds(ANN, number=5)
    moves = [(fact.member, fact.home, fact.method) for fact in house.facts.of(PresenceChanged)]
    assert moves == [
        ("Ann", True, "icmp"), ("Bob B.", True, "icmp"), ("Kim", True, "icmp"),
        ("Bob B.", False, "icmp"), ("Kim", False, "icmp"),
    ]  # fmt: skip
    assert [fact.state for fact in house.facts.of(HouseholdChanged)] == [
        Household.ALL_HOME, Household.ADULTS_HOME,
    ]  # fmt: skip
    assert house.facts.of(HouseholdChanged)[-1].home == ["Ann"]
    assert (house.person("Bob B.").home, house.person("Ann").home) == (False, True)


def test_nobody_is_away_before_the_delay_is_over(house: House) -> None:
    house.rounds(ANN, BOB, KIM)
    house.rounds()
    assert house.household() is Household.ALL_HOME
    house.rounds()
    assert house.household() is Household.EMPTY, "a minute, two rounds"


@pytest.mark.parametrize("jump_s", [-86_400.0, 3600.0, 10 * 365 * 86_400.0, -1_749_999_990.0])
def test_a_wall_clock_that_jumps_sends_nobody_away_and_keeps_nobody_home(house: House, jump_s: float) -> None:
    house.rounds(ANN, BOB, KIM)
    house.clock.jump_wall(jump_s)
    house.rounds()
    assert house.household() is Household.ALL_HOME, "half of the delay has passed, whatever the clock says"
    house.rounds()
    assert house.household() is Household.EMPTY
    ids = [fact.id for fact in house.facts.of(PresenceChanged)]
    assert ids == sorted(ids)


def test_unknown_people_make_no_household(house: House) -> None:
    house.rounds(ANN)
    assert house.household() is None
    assert (house.person("Ann").home, house.person("Kim").home) == (True, None)


def test_a_restart_forgets_nobody_and_tells_nothing_twice(house: House) -> None:
    house.rounds(ANN, number=5)
    house.restart()
    assert house.household() is Household.ADULTS_HOME, "asserted before the first round"
    house.rounds(ANN)
    assert house.facts.emitted == []
    assert house.commands == []


def test_after_a_restart_silence_is_counted_anew(house: House) -> None:
    house.rounds(ANN, BOB, KIM)
    house.clock.advance(86_400)
    house.restart()
    house.rounds(number=2)
    assert house.household() is Household.ALL_HOME
    house.rounds(number=2)
    assert house.household() is Household.EMPTY


def test_hours_in_which_the_machine_slept_are_no_silence(tmp_path: Path) -> None:
    house = House(tmp_path, departure_delay_m=10)
    house.rounds(ANN, BOB, KIM)
    house.clock.advance(7 * 3_600)
    house.rounds()
    assert house.household() is Household.ALL_HOME


def test_a_person_who_left_the_configuration_leaves_the_broker(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.rounds(ANN, BOB, KIM)
    path = PERSON_STATE.path(person_id=person_id("Kim"))
    assert path in house.bus.states
    old = house.bus.states
    house.settings = house.settings.model_copy(update={"members": house.settings.members[:2]})
    house.restart()
    assert path in old
    assert path not in house.bus.states
    house.rounds(ANN, BOB)
    assert house.household() is Household.ALL_HOME


def test_a_damaged_file_is_no_reason_not_to_start(house: House) -> None:
    (house.folder / "presence.json").write_text("nonsense")
    house.restart()
    house.rounds(ANN, BOB, KIM)
    assert house.household() is Household.ALL_HOME


@pytest.mark.parametrize("payload", [b"home", b' "Home"\n'])
def test_home_assistant_says_who_is_home(house: House, payload: bytes) -> None:
    house.tracker(payload)
    assert house.handlers.wake.is_set(), "an arrival does not wait for the next round"
    house.rounds(ANN, KIM, number=5)
    assert (house.person("Bob B.").home, house.person("Bob B.").method) == (True, "device_tracker")
    house.tracker(b"not_home")
    house.rounds(ANN, KIM, number=5)
    assert house.person("Bob B.").home is False


@pytest.mark.parametrize("payload", [b"unknown", b"unavailable", b"", b"None"])
def test_a_tracker_that_knows_nothing_changes_nothing(house: House, payload: bytes) -> None:
    house.rounds(BOB, ANN, KIM)
    house.tracker(payload)
    house.rounds(BOB, ANN, KIM, number=5)
    assert house.person("Bob B.").home is True


@pytest.mark.parametrize("payload", [b"Work", b"\xff\xfe", b"x" * 250, b"<script>"])
def test_every_other_place_is_not_home(house: House, payload: bytes) -> None:
    house.tracker(payload)
    house.rounds(ANN, KIM, number=5)
    assert house.person("Bob B.").home is False


# -- the alarm ----------------------------------------------------------------------------------------


def leave(house: House) -> None:
    house.rounds(ANN, BOB, KIM)
    house.rounds(number=4)


def test_when_everybody_left_the_house_is_armed_once(house: House) -> None:
    house.alarm(ArmState.DISARMED)
    leave(house)
    house.rounds(number=5)
    assert house.asked() == [ArmAction.ARM_AWAY]
    assert house.commands[0].user == "EMPTY"
    assert house.commands[0].pin == ""
    assert house.codes() == set()


def test_what_is_found_at_the_first_start_arms_nothing(house: House) -> None:
    house.rounds(number=10)
    assert house.household() is Household.EMPTY
    assert house.commands == []


def test_a_phone_alone_does_not_disarm(house: House) -> None:
    leave(house)
    house.alarm(ArmState.ARMED_AWAY)
    house.rounds(ANN)
    assert house.asked() == [ArmAction.ARM_AWAY]
    assert "presence_not_armed" in house.codes()
    (event,) = house.facts.of(SystemEvent)
    assert (event.level, event.code) == (Severity.INFO, "presence_not_armed")
    assert "allow_disarm" in event.message
    house.rounds(ANN, BOB, KIM)
    assert house.asked() == [ArmAction.ARM_AWAY], "armed home is less than armed away"


def test_with_leave_of_the_owner_it_does(tmp_path: Path) -> None:
    house = House(tmp_path, actions=ACTIONS, allow_disarm=True)
    leave(house)
    house.alarm(ArmState.ARMED_AWAY)
    house.rounds(ANN)
    assert house.asked() == [ArmAction.ARM_AWAY, ArmAction.DISARM]


@pytest.mark.parametrize("state", [ArmState.PENDING, ArmState.TRIGGERED])
def test_nothing_is_asked_while_the_alarm_rings(tmp_path: Path, state: ArmState) -> None:
    house = House(tmp_path, actions=ACTIONS, allow_disarm=True)
    leave(house)
    house.alarm(state)
    house.rounds(ANN)
    assert house.asked() == [ArmAction.ARM_AWAY]


def test_an_alarm_that_is_there_already_is_not_asked(house: House) -> None:
    house.alarm(ArmState.ARMED_AWAY)
    leave(house)
    assert house.commands == []
    assert house.codes() == set()


def test_a_refusal_is_told_with_its_reason_and_not_repeated(house: House) -> None:
    house.reply = Reply(ok=False, code="open_sensors", message="The back door is open.")
    leave(house)
    house.rounds(number=5)
    assert house.asked() == [ArmAction.ARM_AWAY]
    (event,) = house.facts.of(SystemEvent)
    assert event.level is Severity.ALERT
    assert "The back door is open." in event.message
    assert "presence_not_armed" in house.codes()
    house.reply = Reply(ok=True)
    house.rounds(ANN, BOB, KIM)
    house.rounds(number=4)
    assert "presence_not_armed" not in house.codes()


def test_without_an_answer_it_asks_again_for_ten_minutes(house: House) -> None:
    house.nobody = True
    leave(house)
    house.rounds(number=5)
    assert len(house.commands) > 3
    assert house.facts.of(SystemEvent) == []
    house.rounds(number=40)
    assert 18 <= len(house.commands) <= 23
    assert len(house.facts.of(SystemEvent)) == 1


def test_somebody_who_comes_back_meanwhile_takes_the_order_back(house: House) -> None:
    house.nobody = True
    leave(house)
    before = len(house.commands)
    house.nobody = False
    house.rounds(KIM)  # KIDS_HOME has no action
    assert len(house.commands) == before


def test_without_actions_nothing_is_asked(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave(house)
    assert house.commands == []


# -- findings -----------------------------------------------------------------------------------------


def test_a_method_that_cannot_work_is_told(house: House) -> None:
    house.phones.problems = ["this process may not ping"]
    house.rounds()
    assert "presence_method" in house.codes()
    house.phones.problems = []
    house.rounds()
    assert "presence_method" not in house.codes()


def test_phones_that_cannot_be_asked_are_told_and_nobody_leaves(house: House) -> None:
    house.rounds(ANN, BOB, KIM)
    house.phones.blind = dict.fromkeys((ANN, BOB, KIM), "Network is unreachable")
    house.rounds(number=100)
    assert house.household() is Household.ALL_HOME
    (first, *_) = house.handlers.findings()
    assert (first.code, first.subject) == ("presence_unreachable", "Ann")
