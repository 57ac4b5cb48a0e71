"""Owns the alarm's machine: one lock around it, its clock, and the order in which its effects happen and are kept."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Config
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import (
    MAX_LISTED,
    ArmMode,
    ArmState,
    ArmStateChanged,
    EventOpened,
    EventType,
    OpenSensor,
    Severity,
)
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorState
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog

from vigilar_events.adapters.keeper import Keeper
from vigilar_events.domain import telling
from vigilar_events.domain.alarm import Trip
from vigilar_events.domain.effects import Answer, Changed, Effect, Now, Record, Said
from vigilar_events.domain.machine import Machine
from vigilar_events.domain.meaning import FRESH_S
from vigilar_events.domain.points import Reading, reading_of
from vigilar_events.domain.policy import policy_of
from vigilar_events.outputs import Outputs, named

log = logging.getLogger("vigilar.events.guard")

LOOK_EVERY_S = 0.5
"""Between two looks at the clock; less when a delay ends sooner."""
STATE_EVERY_S = 1.0
"""The open sensors in the state topic follow within this time."""
TRUTH_EVERY_S = 5.0
"""What is known of the sensors goes to disk that often, when there is news."""
TELL_AGAIN_EVERY_S = 60.0
RETAINED_WAIT_S = 10.0
"""The retained state of a sensor counts after this time: facts of the log that are fresh enough to act on go first."""
MAX_RETAINED = 2048


class Guard:
    """Call `load` once, then `start`. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        facts: FactLog,
        keeper: Keeper,
        config: Config,
        pin_configured: Callable[[], bool],
    ) -> None:
        self._clock, self._bus, self._facts, self._keeper = clock, bus, facts, keeper
        self._machine = Machine(policy_of(config))
        self._outputs = Outputs(bus, self._machine, config, pin_configured)
        self._lock = threading.RLock()
        self._untold: list[Fact] = []
        self._retained: dict[str, tuple[float, SensorState]] = {}
        self._truth_news = self._state_news = False
        self._next_state_s = self._next_truth_s = self._next_tell_s = 0.0
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.counters: Counter[str] = Counter()
        self.on_changed: Callable[[ArmStateChanged], None] = lambda _: None
        """Hears of every transition, with the guard's lock held: it must return at once."""

    @property
    def state(self) -> ArmState:
        return self._machine.alarm.state

    @property
    def mode(self) -> ArmMode | None:
        return self._machine.alarm.mode

    @property
    def since(self) -> tuple[ArmState, int]:
        """The state and since when, UTC ms."""
        alarm = self._machine.alarm
        return alarm.state, alarm.since_ms

    @property
    def unsent(self) -> int:
        return self._outputs.unsent

    def findings(self) -> list[Finding]:
        """Of what is on disk."""
        return self._keeper.findings

    # -- life ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """Restore the alarm and what is known of the sensors, and assert both. Never raises for a damaged file."""
        with self._lock:
            restored = self._keeper.load_alarm()
            self._machine.alarm = restored.alarm
            self._keeper.load_truth(self._machine.truth)
            self._machine.truth.heard_at_least(restored.alarm.trips)
            self._machine.configure(self._machine.policy)
            now = self._now()
            self._machine.resume(now, restored.rebooted)
            self._outputs.sound(now)
            self._outputs.assert_state(now)
            log.info(
                "the alarm is %s%s",
                self.state.value,
                ", after a start of the host" if restored.rebooted else "",
            )
            if restored.problem:
                self._report_damage(restored.problem)
            if restored.problem or restored.untold:
                self._untold = [fact for fact in restored.untold if not self._told(fact)]
                self._keep()
            self._carry_out(self._machine.tick(now), now)
        self._bus.on_connect(self._on_connect)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="alarm-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join(3)
        with self._lock:
            self._keeper.save_truth(self._machine.truth)

    def problem(self) -> str:
        if self._thread and not self._thread.is_alive() and not self._stopping:
            return "the alarm's clock died"
        return ""

    def configure(self, config: Config) -> None:
        with self._lock:
            self._machine.configure(policy_of(config))
            self._outputs.configure(config)
            self._outputs.assert_state(self._now())

    def assert_state(self) -> None:
        with self._lock:
            self._outputs.assert_state(self._now())

    def _on_connect(self) -> None:
        self._outputs.siren_again()  # on the network's thread: the lock is left to the clock's
        self._wake.set()

    # -- in -----------------------------------------------------------------------------------------

    def disarm(self, by: str, method: str, duress_id: str = "") -> Answer:
        """`duress_id`: the command's id when it came with a duress PIN."""
        with self._lock:
            now = self._now()
            before = self.state
            answer = self._machine.disarm(by, method, now)
            duress = (telling.duress(duress_id, now.ms, before, by),) if duress_id else ()
            self._carry_out((*duress, *answer.effects), now)
            return answer

    def arm(
        self,
        mode: ArmMode,
        by: str,
        method: str,
        *,
        bypass_open: bool = False,
        bypass: Sequence[str] = (),
        duress_id: str = "",
    ) -> Answer:
        with self._lock:
            now, before = self._now(), self.state
            answer = self._machine.arm(mode, by, method, now, bypass_open=bypass_open, bypass=bypass)
            duress = (telling.duress(duress_id, now.ms, before, by),) if duress_id else ()
            self._carry_out((*duress, *answer.effects), now)
            if not answer.refusal and not answer.effects:
                self._keep()  # more may be left out than before
                self._outputs.assert_state(now)
            return answer

    def sound(self, rule_id: str, cause_id: str) -> None:
        """The siren, for a rule: the alarm is triggered, whatever its state."""
        with self._lock:
            now = self._now()
            self._carry_out(self._machine.sound(rule_id, cause_id, now), now)

    def on_sensor(self, fact: Fact, age_s: float, live: bool) -> None:
        """A fact of the sensors service. What it sets off happens before this returns."""
        with self._lock:
            now = self._now()
            if isinstance(fact, SensorLost):
                effects = self._machine.lost(
                    Said(fact.sensor_id, fact.ts_ms, fact.id, age_s <= FRESH_S, live), now
                )
            elif isinstance(fact, SensorChanged):
                found = reading_of(fact.key, fact.value)
                if found is None:
                    return
                if fact.sensor_id not in self._machine.policy.sensors:
                    self.counters["unknown_sensor"] += 1
                    return
                said = Said(fact.sensor_id, fact.ts_ms, fact.id, age_s <= FRESH_S, live, fact.initial)
                effects = self._machine.heard(said, *found, now)
            else:
                return
            self._truth_news = self._state_news = True
            self._carry_out(effects, now)

    def forget_sensors(self) -> None:
        """Nobody listens to the sensors: what they last said holds no longer. Triggers nothing."""
        with self._lock:
            now = self._now()
            for point in list(self._machine.truth.known):
                said = Said(point.sensor_id, now.ms, "", fresh=False, live=True)
                self._machine.truth.note(said, point.what, Reading.UNKNOWN)
            self._truth_news = True
            self._outputs.assert_state(now)

    def on_sensor_state(self, received: Received) -> None:
        """The retained truth of a sensor, read at the start and after the broker was away; facts tell the rest."""
        state = received.message
        if not received.retained or not isinstance(state, SensorState):
            return
        with self._lock:
            if len(self._retained) < MAX_RETAINED and state.sensor_id == received.ids["sensor_id"]:
                self._retained[state.sensor_id] = (self._clock.monotonic_s(), state)

    def tick(self) -> None:
        """Everything that is due: delays, the siren, the state topic, files."""
        with self._lock:
            now = self._now()
            self._take_retained(now)
            self._carry_out(self._machine.tick(now), now)
            self._outputs.sound(now)
            if self._state_news and now.s >= self._next_state_s:
                self._next_state_s, self._state_news = now.s + STATE_EVERY_S, False
                self._outputs.assert_state(now, only_news=True)
            if self._truth_news and now.s >= self._next_truth_s:
                self._next_truth_s, self._truth_news = now.s + TRUTH_EVERY_S, False
                self._keeper.save_truth(self._machine.truth)
            if self._untold and now.s >= self._next_tell_s:
                self._next_tell_s = now.s + TELL_AGAIN_EVERY_S
                self._untold = [fact for fact in self._untold if not self._told(fact)]
                self._keep()

    def _run(self) -> None:
        while not self._stopping:
            with self._lock:
                left_s = self._machine.remaining_s(self._now())
            self._clock.wait(
                self._wake, LOOK_EVERY_S if left_s is None else min(LOOK_EVERY_S, left_s + 0.001)
            )
            self._wake.clear()
            try:
                self.tick()
            except Exception:
                self.counters["errors"] += 1
                log.exception("the alarm's clock failed; it goes on")
                self._clock.wait(self._wake, LOOK_EVERY_S)

    def _take_retained(self, now: Now) -> None:
        due = [
            (sensor_id, state)
            for sensor_id, (at_s, state) in self._retained.items()
            if now.s - at_s >= RETAINED_WAIT_S
        ]
        for sensor_id, state in due:
            del self._retained[sensor_id]
            said = Said(
                sensor_id, state.heard_ms or state.ts_ms, state.id, fresh=False, live=False, initial=True
            )
            effects: list[Effect] = []
            if not state.known:
                effects = self._machine.lost(said, now)
            else:
                for key, value in state.values.items():
                    if found := reading_of(key, value):
                        effects += self._machine.heard(said, *found, now)
            self._truth_news = self._state_news = True
            self._carry_out(effects, now)

    def named(self, trips: Sequence[Trip]) -> list[OpenSensor]:
        return named(self._machine, trips[:MAX_LISTED])

    # -- out ----------------------------------------------------------------------------------------

    def _carry_out(self, effects: Sequence[Effect], now: Now) -> None:
        """An alarm's effects go first and are written after; everything else is on disk before it is told."""
        if not effects:
            return
        urgent = [e for e in effects if isinstance(e, EventOpened) and e.severity is Severity.CRITICAL]
        rest = [fact for effect in effects if effect not in urgent and (fact := self._fact(effect, now))]
        late: list[Fact] = []
        if urgent:
            self._show(now)
            late = [fact for fact in urgent if not self._told(fact)]
            for effect in effects:
                if isinstance(effect, Record):
                    self._outputs.record(effect)
        self._untold += [*late, *rest]
        self._keep()
        if not urgent:
            self._show(now)
        if rest:
            self._untold = [fact for fact in self._untold if fact in late or not self._told(fact)]
            self._keep()
        self._wake.set()

    def _show(self, now: Now) -> None:
        self._outputs.sound(now)
        self._outputs.assert_state(now)

    def _fact(self, effect: Effect, now: Now) -> Fact | None:
        if isinstance(effect, Record):
            return None
        if not isinstance(effect, Changed):
            return effect
        log.info(
            "alarm: %s → %s by %s (%s) %s",
            effect.before,
            effect.after,
            effect.by,
            effect.method,
            effect.reason,
        )
        return ArmStateChanged(
            id=uuid7(self._clock),
            ts_ms=now.ms,
            from_state=effect.before,
            to_state=effect.after,
            changed_by=effect.by,
            method=effect.method,
            reason=effect.reason,
        )

    def _told(self, fact: Fact) -> bool:
        """False: it stays in the state file and is told again."""
        if isinstance(fact, ArmStateChanged):
            self.on_changed(fact)
        try:
            self._facts.emit_first(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log yet: %s", fact.TYPE, error)
            return False
        if isinstance(fact, EventOpened):
            loud = fact.type in (EventType.ALARM_TRIGGERED, EventType.ALARM_CONFIRMED)
            log.log(logging.WARNING if loud else logging.INFO, "%s: %s", fact.type.value, fact.title)
        return True

    def _keep(self) -> None:
        """What the sensors said goes with it: an opening that was answered and comes again after a kill must be no opening."""
        self._keeper.save_alarm(self._machine.alarm, self._untold)
        if self._truth_news:
            self._truth_news = False
            self._keeper.save_truth(self._machine.truth)

    def _now(self) -> Now:
        return Now(self._clock.now_ms(), self._clock.monotonic_s())

    def _report_damage(self, problem: str) -> None:
        title = f"The arm state's file was damaged; {self.state.value} holds now. {problem}"[:500]
        log.critical(title)
        self._keeper.find(
            "arm_state_damaged", title, "Check the arm state, set it as it should be, check the disk."
        )
        event = SystemEvent(
            component="events", level=Severity.CRITICAL, code="arm_state_damaged", message=title
        )
        try:
            self._facts.emit(event)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", event.code, error)
