"""The arm state machine of `docs/design/alarm.md`: inputs with their time in, transitions and events out. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from vigilar_common.config.alarm import AlarmSensor
from vigilar_common.messages.alarm import ArmMode, ArmState, EventOpened, Severity

from vigilar_events.domain import telling
from vigilar_events.domain.alarm import ARMED, FIRST, MAX_TRIPS, TIMED, Alarm, Trip
from vigilar_events.domain.effects import Answer, Changed, Effect, Now, Record, Said
from vigilar_events.domain.points import LIFE, RULE, Kind, Reading
from vigilar_events.domain.policy import Policy, SensorPolicy
from vigilar_events.domain.truth import Truth

MAX_STEPS = 8
"""Timed transitions that one look at the clock can bring: all delays over at once are four."""


@dataclass
class Machine:
    """Not thread-safe: one caller at a time."""

    policy: Policy
    alarm: Alarm = FIRST
    truth: Truth = field(default_factory=Truth)
    _due_s: float = 0.0
    _confirm_s: float = 0.0
    _ignore_until_s: float = -1.0
    _group_hits: dict[str, dict[str, float]] = field(default_factory=dict)

    # -- looking ------------------------------------------------------------------------------------

    @property
    def siren(self) -> bool:
        return self.alarm.state is ArmState.TRIGGERED

    def remaining_s(self, now: Now) -> float | None:
        """Seconds until something happens by itself; None: nothing will."""
        if self.alarm.state not in TIMED:
            return None
        due_s = min(self._due_s, self._confirm_s) if self.alarm.confirm_ms else self._due_s
        return max(0.0, due_s - now.s)

    def delay_left_s(self, now: Now) -> float:
        return max(0.0, self._due_s - now.s) if self.alarm.state in TIMED else 0.0

    # -- life ---------------------------------------------------------------------------------------

    def resume(self, now: Now, rebooted: bool) -> None:
        """After a restart: what runs goes on by the wall clock, never longer than its whole length."""
        alarm = self.alarm
        self._due_s = now.s + min(max((alarm.until_ms - now.ms) / 1000, 0.0), float(alarm.delay_s))
        window_s = self.policy.abort_s(alarm.mode)
        self._confirm_s = now.s + min(max((alarm.confirm_ms - now.ms) / 1000, 0.0), float(window_s))
        self._ignore_until_s = now.s + self.policy.ignore_s if rebooted else -1.0

    def configure(self, policy: Policy) -> list[Effect]:
        """Sensors that were removed are forgotten; what runs keeps its length."""
        self.policy = policy
        self.truth.forget_all_but(policy.sensors)
        kept = {name: always for name, always in self.alarm.bypassed.items() if name in policy.sensors}
        if kept != dict(self.alarm.bypassed):
            self.alarm = replace(self.alarm, bypassed=kept)
        return []

    # -- commands -----------------------------------------------------------------------------------

    def disarm(self, by: str, method: str, now: Now) -> Answer:
        before = self.alarm
        if before.state is ArmState.DISARMED:
            return Answer()
        outcome = "disarmed"
        if before.state is ArmState.TRIGGERED and before.confirm_ms and now.s < self._confirm_s:
            outcome = "aborted"
        ended = telling.ended(before, outcome, by, now.ms)
        self.alarm = Alarm(ArmState.DISARMED, now.ms, by, sensor_events=before.sensor_events)
        self._group_hits.clear()
        return Answer(effects=(Changed(before.state, ArmState.DISARMED, by, method), *ended))

    def arm(
        self,
        mode: ArmMode,
        by: str,
        method: str,
        now: Now,
        *,
        bypass_open: bool = False,
        bypass: Iterable[str] = (),
    ) -> Answer:
        before, times = self.alarm, self.policy.modes[mode]
        left_out = set(bypass)
        if left_out - self.policy.sensors.keys():
            return Answer("unknown_sensor")
        if before.state in (ArmState.PENDING, ArmState.TRIGGERED):
            return Answer("alarm_active")
        same = before.mode is mode and before.state in (ArmState.ARMING, mode.armed)
        if same and not (bypass_open or left_out):
            return Answer(blockers=tuple(self._blockers(mode)))
        bypassed = (dict(before.bypassed) if same else {}) | dict.fromkeys(left_out, True)
        trial = replace(before, bypassed=bypassed)
        blockers = self._blockers(mode, trial)
        now_or_never = [
            trip for trip in blockers if not (times.exit_delay_s and self._options(trip).exit_delay)
        ]
        if bypass_open:
            bypassed |= dict.fromkeys((trip.sensor_id for trip in now_or_never), True)
        elif now_or_never and not same:
            return Answer("open_sensors", tuple(blockers), (self._failed(now, by, blockers, method),))
        later = tuple(trip for trip in blockers if trip not in now_or_never)
        if same:
            anyway = before.bypass_open or (bypass_open and before.state is ArmState.ARMING)
            self.alarm = replace(before, bypassed=bypassed, bypass_open=anyway)
            return Answer(blockers=later)
        arming = Alarm(
            ArmState.ARMING, now.ms, by, mode,
            fallback=ARMED.get(before.state) if before.state in ARMED else before.fallback,
            delay_s=times.exit_delay_s, until_ms=now.ms + times.exit_delay_s * 1000,
            bypassed=bypassed, bypass_open=bypass_open, sensor_events=before.sensor_events,
        )  # fmt: skip
        self._group_hits.clear()
        if not times.exit_delay_s:
            self.alarm = replace(arming, state=before.state)
            return Answer(effects=tuple(self._armed(now, method, mode)))
        self.alarm = arming
        self._due_s = now.s + times.exit_delay_s
        change = (Changed(before.state, ArmState.ARMING, by, method, f"to {mode.armed.value}"),)
        return Answer(blockers=later, effects=change)

    def sound(self, rule_id: str, cause_id: str, now: Now) -> list[Effect]:
        """A rule wants the siren: as when a sensor opens that triggers in every state."""
        return self._trigger(Trip(rule_id, RULE, now.ms), cause_id, now)

    # -- sensors ------------------------------------------------------------------------------------

    def heard(self, said: Said, what: str, reading: Reading, now: Now) -> list[Effect]:
        """A sensor spoke. What is not fresh is known from then on, and triggers nothing."""
        sensor = self.policy.sensors.get(said.sensor_id)
        if sensor is None:
            return []
        was = self.truth.note(said, what, reading)
        kind = sensor.kind(what)
        if was is None or kind is Kind.NOTHING:
            return []
        if reading is Reading.CLOSED:
            return self._closed(sensor, was, now)
        trip = Trip(sensor.id, what, said.at_ms)
        if reading is Reading.UNKNOWN:
            if (
                kind is not Kind.WATCHED
                or not sensor.options.trigger_unavailable
                or was is not Reading.CLOSED
            ):
                return []
            trip = replace(trip, what="unavailable")
        return self._opened(sensor, kind, trip, was, said, now)

    def lost(self, said: Said, now: Now) -> list[Effect]:
        """Nothing is known of the sensor any more."""
        effects: list[Effect] = []
        for what in self.truth.whats(said.sensor_id):
            effects += self.heard(said, what, Reading.UNKNOWN, now)
        return effects

    def _opened(
        self, sensor: SensorPolicy, kind: Kind, trip: Trip, was: Reading, said: Said, now: Now
    ) -> list[Effect]:
        alarm = self.alarm
        opening = (was is Reading.CLOSED and not said.initial) or trip.what in LIFE
        if kind is Kind.ALWAYS:
            if opening and said.fresh:
                return self._trigger(trip, said.cause_id, now)
            return [
                self._seen(sensor, trip, said.cause_id, Severity.ALERT, "found so, nothing was known before")
            ]
        if not sensor.watched(alarm.mode) or sensor.id in alarm.bypassed:
            return []
        if alarm.state is ArmState.ARMING:
            self._exit_door_opened(sensor, opening, now)
            return []
        if not (opening and said.fresh) or now.s < self._ignore_until_s:
            self.alarm = replace(alarm, bypassed={**alarm.bypassed, sensor.id: False})
            why = "found open: it guards nothing until it closes"
            return [self._seen(sensor, trip, said.cause_id, Severity.ALERT, why)]
        if alarm.state is ArmState.TRIGGERED:
            self.alarm = replace(alarm, trips=_with(alarm.trips, trip))
            return []
        if sensor.options.group and not self._second_of_group(sensor, now):
            return [self._seen(sensor, trip, said.cause_id, Severity.INFO, "one of its group alone")]
        if not sensor.options.entry_delay:
            return self._trigger(trip, said.cause_id, now)
        if alarm.state is ArmState.PENDING:
            self.alarm = replace(alarm, trips=_with(alarm.trips, trip))
            return []
        return self._enter(sensor, trip, said.cause_id, now)

    def _enter(self, sensor: SensorPolicy, trip: Trip, cause_id: str, now: Now) -> list[Effect]:
        alarm, by = self.alarm, f"sensor:{sensor.id}"
        assert alarm.mode
        delay_s = self.policy.modes[alarm.mode].entry_delay_s
        if not delay_s:
            return self._trigger(trip, cause_id, now)
        self._due_s = now.s + delay_s
        self.alarm = replace(
            alarm, state=ArmState.PENDING, since_ms=now.ms, changed_by=by, delay_s=delay_s,
            until_ms=now.ms + delay_s * 1000, cause_id=cause_id, trips=(trip,),
        )  # fmt: skip
        seen = self._seen(sensor, trip, cause_id, Severity.ALERT, f"{delay_s} seconds to disarm")
        return [Changed(alarm.state, ArmState.PENDING, by, "sensor", seen.title), seen]

    def _closed(self, sensor: SensorPolicy, was: Reading, now: Now) -> list[Effect]:
        alarm = self.alarm
        effects: list[Effect] = []
        if alarm.sensor_events.get(sensor.id) and not self.truth.open_now([sensor]):
            effects.append(telling.sensor_ended(alarm.sensor_events[sensor.id], now.ms))
            left = {name: event for name, event in alarm.sensor_events.items() if name != sensor.id}
            alarm = replace(alarm, sensor_events=left)
        if alarm.bypassed.get(sensor.id) is False and not self.truth.open_now([sensor]):
            left_out = {name: always for name, always in alarm.bypassed.items() if name != sensor.id}
            alarm = replace(alarm, bypassed=left_out)
        self.alarm = alarm
        if alarm.state is ArmState.ARMING and was is Reading.OPEN and sensor.watched(alarm.mode):
            if sensor.is_exit_door:
                self.alarm = replace(alarm, left=True, shut=True)
            if sensor.options.arm_on_close:
                self._due_s = now.s
                effects += self.tick(now)
        return effects

    def _exit_door_opened(self, sensor: SensorPolicy, opening: bool, now: Now) -> None:
        alarm = self.alarm
        if not (sensor.is_exit_door and opening):
            return
        if alarm.shut and not alarm.restarted:
            self._due_s = now.s + alarm.delay_s
            alarm = replace(alarm, restarted=True, until_ms=now.ms + alarm.delay_s * 1000)
        self.alarm = replace(alarm, left=True)

    def _second_of_group(self, sensor: SensorPolicy, now: Now) -> bool:
        hits = self._group_hits.setdefault(sensor.options.group, {})
        hits[sensor.id] = now.s
        return sum(now.s - at_s <= self.policy.group_window_s for at_s in hits.values()) >= 2

    # -- time ---------------------------------------------------------------------------------------

    def tick(self, now: Now) -> list[Effect]:
        """Everything that is due by now."""
        effects: list[Effect] = []
        for _ in range(MAX_STEPS):
            step = self._step(now)
            if step is None:
                break
            effects += step
        return effects

    def _step(self, now: Now) -> list[Effect] | None:
        alarm = self.alarm
        if alarm.state is ArmState.TRIGGERED and alarm.confirm_ms and now.s >= self._confirm_s:
            self.alarm = replace(alarm, confirm_ms=0)
            return [telling.confirmed(alarm, self._name, now.ms)]
        if alarm.state not in TIMED or now.s < self._due_s:
            return None
        steps: dict[ArmState, Callable[[Now], list[Effect]]] = {
            ArmState.ARMING: self._exit_over,
            ArmState.PENDING: lambda now: self._trigger(alarm.trips[0], alarm.cause_id, now),
            ArmState.TRIGGERED: self._trigger_over,
        }
        return steps[alarm.state](now)

    def _exit_over(self, now: Now) -> list[Effect]:
        alarm = self.alarm
        assert alarm.mode
        blockers = self._blockers(alarm.mode)
        if blockers and not alarm.bypass_open:
            failed = self._failed(now, alarm.changed_by, blockers, "timer")
            if alarm.fallback is None:
                self.alarm = Alarm(
                    ArmState.DISARMED, now.ms, alarm.changed_by, sensor_events=alarm.sensor_events
                )
                return [
                    Changed(ArmState.ARMING, ArmState.DISARMED, alarm.changed_by, "timer", failed.title),
                    failed,
                ]
            return [*self._armed(now, "timer", alarm.fallback), failed]
        mode = ArmMode.HOME if self._stayed() else alarm.mode
        return self._armed(now, "timer", mode)

    def _stayed(self) -> bool:
        """Whether auto-stay applies: exit doors are known and none was opened."""
        alarm = self.alarm
        if alarm.mode not in (ArmMode.AWAY, ArmMode.VACATION) or not self.policy.modes[alarm.mode].auto_stay:
            return False
        doors = [sensor for sensor in self.policy.watched(alarm.mode) if sensor.is_exit_door]
        return not alarm.left and any(not self.truth.is_unknown(door) for door in doors)

    def _armed(self, now: Now, method: str, mode: ArmMode) -> list[Effect]:
        before = self.alarm
        bypassed: dict[str, bool] = dict.fromkeys(
            (name for name, lasts in before.bypassed.items() if lasts), True
        )
        for trip in self.truth.open_now(self.policy.watched(mode)):
            if not self.policy.sensors[trip.sensor_id].may_be_open:
                # Auto-bypass and "arm anyway" last; after a failure what is open only has to close.
                lasting = before.bypass_open or mode in self._options(trip).auto_bypass
                bypassed.setdefault(trip.sensor_id, lasting)
        self.alarm = Alarm(
            mode.armed, now.ms, before.changed_by, mode, bypassed=bypassed, sensor_events=before.sensor_events
        )
        reason = f"without {', '.join(self._name(name) for name in bypassed)}"[:500] if bypassed else ""
        return [Changed(before.state, mode.armed, before.changed_by, method, reason)]

    def _trigger(self, trip: Trip, cause_id: str, now: Now) -> list[Effect]:
        before = self.alarm
        trigger_s, abort_s = self.policy.trigger_s(before.mode), self.policy.abort_s(before.mode)
        again = before.state is ArmState.TRIGGERED
        opened = telling.triggered(trip, self._name, cause_id, now.ms, before.mode)
        self._due_s = now.s + trigger_s
        if not again:
            self._confirm_s = now.s + abort_s
        trips = before.trips if again or before.state is ArmState.PENDING else ()
        kind = RULE if trip.what == RULE else "sensor"
        self.alarm = replace(
            before, state=ArmState.TRIGGERED, delay_s=trigger_s, until_ms=now.ms + trigger_s * 1000,
            since_ms=before.since_ms if again else now.ms,
            changed_by=before.changed_by if again else f"{kind}:{trip.sensor_id}",
            # Never 0 here: that would read as confirmed already.
            confirm_ms=before.confirm_ms if again else now.ms + abort_s * 1000,
            cause_id=before.cause_id if again else cause_id,
            trips=_with(trips, trip), events=(*before.events, opened.event_id)[-MAX_TRIPS:],
            fallback=None, bypass_open=False, left=False, shut=False, restarted=False,
        )  # fmt: skip
        effects: list[Effect] = [opened]
        if self.policy.record:
            effects.append(Record(trigger_s, opened.event_id))
        if not again:
            changed = Changed(before.state, ArmState.TRIGGERED, self.alarm.changed_by, kind, opened.title)
            effects.append(changed)
        return effects

    def _trigger_over(self, now: Now) -> list[Effect]:
        before = self.alarm
        ended = telling.ended(before, "expired", "timer", now.ms)
        if before.mode is None:
            self.alarm = Alarm(
                ArmState.DISARMED, now.ms, before.changed_by, sensor_events=before.sensor_events
            )
            return [Changed(ArmState.TRIGGERED, ArmState.DISARMED, before.changed_by, "timer"), *ended]
        return [*self._armed(now, "timer", before.mode), *ended]

    # -- helpers ------------------------------------------------------------------------------------

    def _blockers(self, mode: ArmMode, alarm: Alarm | None = None) -> list[Trip]:
        """Open sensors that speak against arming in `mode`."""
        bypassed = (alarm or self.alarm).bypassed
        return [
            trip
            for trip in self.truth.open_now(s for s in self.policy.watched(mode) if s.id not in bypassed)
            if not self.policy.sensors[trip.sensor_id].may_be_open
            and mode not in self._options(trip).auto_bypass
        ]

    def _options(self, trip: Trip) -> AlarmSensor:
        return self.policy.sensors[trip.sensor_id].options

    def _name(self, sensor_id: str) -> str:
        sensor = self.policy.sensors.get(sensor_id)
        return sensor.name if sensor else sensor_id

    def _failed(self, now: Now, by: str, blockers: list[Trip], method: str) -> EventOpened:
        return telling.failed_to_arm(blockers, self._name, by, method, self.alarm, now.ms)

    def _seen(
        self, sensor: SensorPolicy, trip: Trip, cause_id: str, severity: Severity, why: str
    ) -> EventOpened:
        seen = telling.sensor_opened(trip, sensor.name, cause_id, self.alarm.state, severity, why)
        self.alarm = replace(self.alarm, sensor_events={**self.alarm.sensor_events, sensor.id: seen.event_id})
        return seen


def _with(trips: tuple[Trip, ...], trip: Trip) -> tuple[Trip, ...]:
    """At most MAX_TRIPS, each sensor once: the first is what began it."""
    known = {(old.sensor_id, old.what) for old in trips}
    return trips if (trip.sensor_id, trip.what) in known or len(trips) >= MAX_TRIPS else (*trips, trip)
