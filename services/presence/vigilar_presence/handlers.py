"""Signs of life in; people, the household and arm commands out. The table of topics is at the foot."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from vigilar_common.bus import Bus, BusUnavailableError, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config.presence import Member, Presence
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import AlarmState, ArmCommand, ArmState, Severity
from vigilar_common.messages.presence import (
    Household,
    HouseholdChanged,
    HouseholdStatus,
    PersonStatus,
    PresenceChanged,
    person_id,
)
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.topics import ALARM_STATE, CMD_ALARM, HOUSEHOLD_STATE, PERSON_STATE, Kind, Topic

from vigilar_presence.adapters.probe import Prober
from vigilar_presence.domain.acting import ACTIONS, refusal
from vigilar_presence.domain.people import Person, Seen, Sign, household

log = logging.getLogger("vigilar.presence")

ANSWER_S = 5.0
RETRY_FOR_S = 600.0
"""How long an arm command is tried again while nobody answers it; then it is too late to mean anything."""
SLACK = 3
"""Rounds: when more time than this passed since the last one, nobody listened in between."""
HOME = "home"
UNKNOWN = frozenset({"", "unknown", "unavailable", "none"})


class Handlers:
    """`round` belongs to one thread; the bus's thread only leaves word."""

    def __init__(
        self, *, clock: Clock, bus: Bus, facts: FactLog, file: StateFile, prober: Prober, settings: Presence
    ) -> None:
        self._clock, self._bus, self._facts, self._file = clock, bus, facts, file
        self._prober, self._settings = prober, settings
        self._people = {member.name: Person(member.name, member.role) for member in settings.members}
        self._members = {member.name: member for member in settings.members}
        self._household: Household | None = None
        self._household_since_ms = 0
        self._lock = threading.Lock()
        self._tracked: dict[str, bool | None] = {}
        self._alarm: ArmState | None = None
        self._last_s: float | None = None
        self._wanted: tuple[ArmState, float] | None = None
        """An arm state to ask for, and until when."""
        self._kept: dict[str, Any] = {}
        self._told: dict[str, PersonStatus | HouseholdStatus] = {}
        self._problems: list[str] = []
        self._blind: dict[str, str] = {}
        self._refused = ""
        self._findings: tuple[Finding, ...] = ()
        self.wake = threading.Event()
        """Set when a round should not wait for its time."""
        self.counters: Counter[str] = Counter(rounds=0, blind=0, arm_commands=0, arm_refused=0)

    def load(self) -> None:
        """Who was home before a restart still is, until a phone was silent for long enough anew."""
        loaded = self._file.load()
        if loaded.problem:
            log.error("who was home is not known: %s", loaded.problem)
        kept = loaded.value or {}
        try:
            for name, entry in dict(kept.get("people", {})).items():
                home = entry["home"]
                if name in self._people and (home is None or isinstance(home, bool)):
                    person = self._people[name]
                    person.home, person.since_ms = home, int(entry["since_ms"])
                    person.method = str(entry["method"])[:32]
            if kept.get("household"):
                self._household = Household(kept["household"])
                self._household_since_ms = int(kept["household_since_ms"])
            for name in set(dict(kept.get("people", {}))) - set(self._people):
                self._bus.clear_state(PERSON_STATE, person_id=person_id(str(name)))
        except (KeyError, TypeError, ValueError) as error:
            log.error("%s makes no sense: %s", self._file.path, error)  # noqa: TRY400
        self._assert_states()

    # -- in -------------------------------------------------------------------------------------------

    def on_alarm(self, received: Received) -> None:
        assert isinstance(received.message, AlarmState)
        self._alarm = received.message.state

    def on_tracker(self, received: Received, name: str) -> None:
        """What Home Assistant says of a person; every place but home is not home."""
        said = received.payload.decode("utf-8", "replace").strip().strip('"').lower()
        home = None if said in UNKNOWN else said == HOME
        with self._lock:
            news = self._tracked.get(name) is not home
            self._tracked[name] = home
        if news:
            self.wake.set()

    def round(self) -> None:
        """Ask every phone, and act on what changed. Raises what the outbox and the disk raise."""
        result = self._prober.round(member.ip for member in self._members.values() if member.ip)
        self.counters["rounds"] += 1
        self.counters["blind"] += len(result.blind)
        if result.problems != self._problems:
            for problem in result.problems:
                log.warning("%s", problem)
        self._problems, self._blind = result.problems, result.blind
        passed_s = self._passed_s()
        with self._lock:
            tracked = dict(self._tracked)
        for name, member in self._members.items():
            person = self._people[name]
            person.tracked = tracked.get(name)
            if person.look(
                result.seen.get(member.ip, Seen(Sign.BLIND)), passed_s, self._settings.departure_delay_m * 60
            ):
                self._moved(person)
        self._take_household()
        self._act()
        self._assert_states()
        self._keep()
        self._findings = tuple(self._found())

    def findings(self) -> tuple[Finding, ...]:
        return self._findings

    def summary(self) -> dict[str, Any]:
        return {"household": self._household.value if self._household else "", **self.counters}

    # -- who is home ----------------------------------------------------------------------------------

    def _passed_s(self) -> float:
        now_s, interval_s = self._clock.monotonic_s(), float(self._settings.ping_interval_s)
        before_s, self._last_s = self._last_s, now_s
        if before_s is None:
            return 0.0
        return min(now_s - before_s, SLACK * interval_s)

    def _moved(self, person: Person) -> None:
        person.since_ms = self._clock.now_ms()
        log.info("%s is %s (%s)", person.name, "home" if person.home else "away", person.method)
        self._emit(
            PresenceChanged(
                member=person.name, role=person.role, home=bool(person.home), method=person.method
            )
        )

    def _take_household(self) -> None:
        state = household(self._people.values())
        if state is None or state is self._household:
            return
        before, self._household = self._household, state
        self._household_since_ms = self._clock.now_ms()
        log.info("the household is %s", state.value)
        self._emit(HouseholdChanged(state=state, home=self._home()))
        self._refused, self._wanted = "", None
        target = self._settings.actions.get(state)
        # What is found at the very first look is no coming or going.
        if target is not None and before is not None:
            self._wanted = (target, self._clock.monotonic_s() + RETRY_FOR_S)

    def _home(self) -> list[str]:
        return [person.name for person in self._people.values() if person.home]

    # -- the alarm ------------------------------------------------------------------------------------

    def _act(self) -> None:
        """Ask events for what `actions` says; again in the next round while nobody answers."""
        if self._wanted is None or self._household is None:
            return
        target, until_s = self._wanted
        if target is self._alarm:
            self._wanted = None
            return
        if why := refusal(target, self._alarm, self._settings.allow_disarm):
            self._give_up(target, why, Severity.INFO)
            return
        self.counters["arm_commands"] += 1
        try:
            command = ArmCommand(action=ACTIONS[target], user=self._household.value)
            reply = self._bus.request(CMD_ALARM, command, ANSWER_S)
        except BusUnavailableError as error:
            if self._clock.monotonic_s() >= until_s:
                self._give_up(target, str(error), Severity.ALERT)
            else:
                log.warning("%s is asked for again in the next round: %s", target.value, error)
            return
        if reply.ok:
            self._wanted = None
            log.info("%s: %s", self._household.value, reply.message)
        else:
            self._give_up(target, reply.message or reply.code, Severity.ALERT)

    def _give_up(self, target: ArmState, why: str, level: Severity) -> None:
        self._wanted = None
        self.counters["arm_refused"] += 1
        self._refused = f"The household is {self._household}, and the alarm did not go to {target}: {why}"[
            :500
        ]
        log.warning("%s", self._refused)
        self._emit(
            SystemEvent(component="presence", level=level, code="presence_not_armed", message=self._refused)
        )

    # -- telling and keeping --------------------------------------------------------------------------

    def _emit(self, fact: Fact) -> None:
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)

    def _assert_states(self) -> None:
        for person in self._people.values():
            key = person_id(person.name)
            status = PersonStatus(
                person_id=key,
                member=person.name,
                role=person.role,
                home=person.home,
                since_ms=person.since_ms,
                method=person.method,
            )
            if self._told.get(key) != status:
                self._told[key] = status
                self._bus.set_state(PERSON_STATE, status, person_id=key)
        whole = HouseholdStatus(state=self._household, since_ms=self._household_since_ms, home=self._home())
        if self._told.get("") != whole:
            self._told[""] = whole
            self._bus.set_state(HOUSEHOLD_STATE, whole)

    def _keep(self) -> None:
        people = {
            person.name: {"home": person.home, "since_ms": person.since_ms, "method": person.method}
            for person in self._people.values()
        }
        kept = {
            "people": people,
            "household": self._household.value if self._household else "",
            "household_since_ms": self._household_since_ms,
        }
        if kept != self._kept:
            self._file.save(kept)
            self._kept = kept

    def _found(self) -> list[Finding]:
        found = [
            Finding(
                code="presence_method",
                severity=Severity.ALERT,
                title=f"Who is home cannot be found out as configured: {problem}"[:500],
                cure="docs/guide/presence.md says which rights ping and ARP need; [presence] method chooses.",
            )
            for problem in self._problems[:2]
        ]
        hosts = {member.ip: member.name for member in self._members.values() if member.ip}
        found += [
            Finding(
                code="presence_unreachable",
                severity=Severity.ALERT,
                title=f"The phone of {hosts.get(host, host)} ({host}) cannot be asked: {why}"[:500],
                cure="Look at the network of this machine, and at ip in [[presence.members]].",
                subject=hosts.get(host, host),
            )
            for host, why in list(self._blind.items())[:8]
        ]
        if self._refused:
            found.append(
                Finding(
                    code="presence_not_armed",
                    severity=Severity.INFO,
                    title=self._refused,
                    cure="Arm or disarm by hand; it is tried again when the household changes.",
                )
            )
        return found


def tracker_topic(prefix: str, entity: str) -> Topic:
    """Where `mqtt_statestream` says the state of an entity such as `person.ann`."""
    path = f"{prefix}/{entity.replace('.', '/')}/state"
    return Topic(path, Kind.STATE, None, ("home_automation",), ("presence",), "Another program's own.", 256)


def table(handlers: Handlers, settings: Presence) -> Mapping[Topic, Handler]:
    """Who hears what."""

    def tracker(member: Member) -> Handler:
        return lambda received: handlers.on_tracker(received, member.name)

    trackers = {
        tracker_topic(settings.device_tracker_prefix, member.device_tracker): tracker(member)
        for member in settings.members
        if member.device_tracker
    }
    return {ALARM_STATE: handlers.on_alarm, **trackers}
