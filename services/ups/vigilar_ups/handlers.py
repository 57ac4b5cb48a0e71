"""Readings in; facts, the retained state and, when it must be, the shutdown out. This service hears no topic."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from typing import Any

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.config.ups import Ups as Settings
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.power import (
    PowerChanged,
    PowerReading,
    PowerShutdown,
    PowerState,
    PowerStatus,
    PowerValues,
    ShutdownNotice,
    ShutdownStage,
)
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.topics import CMD_SHUTDOWN, POWER_STATE

from vigilar_ups.adapters.host import Host
from vigilar_ups.adapters.nut import NutError, Ups
from vigilar_ups.domain import findings, shutdown
from vigilar_ups.domain.reading import Reading, read, state_of

log = logging.getLogger("vigilar.ups")

FAST_S = 5.0
"""Between two readings while it matters: on battery, or while a shutdown is planned."""
URGENT_S = 2.0
"""When a reason to go down waits for its second reading."""
BACK_OFF_FIRST_S, BACK_OFF_MAX_S = 2.0, 60.0
READING_EVERY_S = 60.0
"""Telemetry on mains; on battery every reading counts."""
FLAGS_EVERY_S = 30.0
"""A UPS that toggles a flag is told at most so often; changes of its state always."""
UNHEARD = 2
"""Questions without an answer, one after another, until the UPS counts as silent: upsd may be restarted."""
FOLLOW_S = 120.0
"""In this time the host must be going down once it was asked."""
SEVERITIES = {
    PowerState.ON_LINE: Severity.INFO,
    PowerState.ON_BATTERY: Severity.ALERT,
    PowerState.LOW_BATTERY: Severity.CRITICAL,
    PowerState.UNKNOWN: Severity.ALERT,
}
ON_BATTERY = (PowerState.ON_BATTERY, PowerState.LOW_BATTERY)


class Watch:
    """Owned by one thread: `step` again and again. `findings` and `summary` may be called from others."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        facts: FactLog,
        file: StateFile,
        ups: Ups,
        host: Host,
        settings: Settings,
    ) -> None:
        self._clock, self._bus, self._facts, self._file = clock, bus, facts, file
        self._ups, self._host, self._settings = ups, host, settings
        self.ups_id = settings.ups_name.replace(".", "_")
        self._plan = shutdown.Plan()
        self._state = PowerState.UNKNOWN
        self._since_ms = 0
        self._reason = "not heard yet"
        self._flags: frozenset[str] = frozenset()
        self._ever_heard = False
        self._last: Reading | None = None
        self._last_s = clock.monotonic_s()
        self._failures = 0
        self._error: NutError | None = None
        self._reading_due_s = self._flags_due_s = 0.0
        self._planned_ms = 0
        self._asked = self._not_followed = ""
        self._told: PowerStatus | None = None
        self._kept: dict[str, Any] = {}
        self._findings: tuple[Finding, ...] = ()
        self.counters: Counter[str] = Counter(readings=0, failed=0, oddities=0, shutdowns=0)

    def load(self) -> None:
        """What was told before a restart is not told again; a planned shutdown goes on if the UPS confirms it."""
        loaded = self._file.load()
        if loaded.problem:
            log.error("the state of the UPS may be told once more: %s", loaded.problem)
        kept = loaded.value or {}
        try:
            if kept.get("ups") != self._settings.ups_name:
                return
            self._state, self._since_ms = PowerState(kept["state"]), int(kept["since_ms"])
            self._flags = frozenset(str(flag) for flag in kept["flags"])
            self._ever_heard, plan = bool(kept["heard"]), kept.get("planned")
            if plan:
                self._planned_ms = int(plan["at_ms"])
                left_s = (self._planned_ms - self._clock.now_ms()) / 1000
                left_s = min(max(0.0, left_s), float(self._settings.shutdown_delay_s))
                self._plan.resume(str(plan["reason"]), self._clock.monotonic_s() + left_s)
            self._kept = kept
        except (KeyError, TypeError, ValueError) as error:
            log.error("%s makes no sense: %s", self._file.path, error)  # noqa: TRY400

    def step(self) -> float:
        """Ask once, act, and say how many seconds to wait. Raises what the outbox and the disk raise."""
        now_s = self._clock.monotonic_s()
        try:
            variables = self._ups.variables()
        except NutError as error:
            self._not_heard(error)
        else:
            self._heard(read(variables))
        if self._plan.is_due(self._clock.monotonic_s()):
            self._go_down()
        self._look_after_request()
        self._assert_state()
        self._keep()
        self._findings = tuple(self._found())
        return self._pause_s(now_s)

    def findings(self) -> tuple[Finding, ...]:
        return self._findings

    def values(self) -> PowerValues:
        return self._last.values if self._last and self._is_heard else PowerValues()

    @property
    def _is_heard(self) -> bool:
        return self._failures < UNHEARD

    def summary(self) -> dict[str, Any]:
        """For the heartbeat."""
        stage = self._plan.stage
        return {"state": self._state.value, "shutdown": stage.value if stage else "", **self.counters}

    # -- readings -------------------------------------------------------------------------------------

    def _heard(self, reading: Reading) -> None:
        now_s = self._clock.monotonic_s()
        self.counters["readings"] += 1
        self.counters["oddities"] += len(reading.oddities)
        if self._error is not None:
            log.info("UPS %s is heard again", self._settings.ups_name)
        self._failures, self._error, self._ever_heard = 0, None, True
        self._last, self._last_s = reading, now_s
        state = state_of(reading, self._settings.low_battery_threshold_pct)
        reason = "; ".join(reading.oddities) if state is PowerState.UNKNOWN else ""
        self._change(state, reading.told, reading.values, reason)
        if now_s >= self._reading_due_s and reading.values != PowerValues():
            self._reading_due_s = now_s + (0 if state in ON_BATTERY else READING_EVERY_S)
            self._emit(PowerReading(ups_id=self.ups_id, values=reading.values))
        settings = self._settings
        why = shutdown.why_now(
            reading, settings.low_battery_threshold_pct, settings.critical_runtime_threshold_s
        )
        self._consider(why, reading.on_mains)

    def _not_heard(self, error: NutError) -> None:
        self._failures += 1
        self.counters["failed"] += 1
        if self._error is None or str(self._error) != str(error):
            log.warning("no reading of UPS %s: %s", self._settings.ups_name, error)
        self._error = error
        silent_s = self._clock.monotonic_s() - self._last_s
        if not self._is_heard and self._state is not PowerState.UNKNOWN:
            self._change(PowerState.UNKNOWN, frozenset(), PowerValues(), str(error))
        if self._last is not None:
            why = shutdown.why_silent(self._last, silent_s, self._settings.critical_runtime_threshold_s)
            self._consider(why, mains_back=False)

    def _change(self, state: PowerState, flags: frozenset[str], values: PowerValues, reason: str) -> None:
        now_s = self._clock.monotonic_s()
        self._reason = reason
        same = flags == self._flags or now_s < self._flags_due_s or state is PowerState.UNKNOWN
        if state is self._state and same:
            return
        before, severity = self._state, SEVERITIES[state]
        if state is PowerState.UNKNOWN and before in ON_BATTERY:
            severity = Severity.CRITICAL
        if state is not before:
            self._since_ms = self._clock.now_ms()
            log.log(
                logging.INFO if severity is Severity.INFO else logging.WARNING,
                "UPS %s: %s → %s %s", self._settings.ups_name, before.value, state.value, reason,
            )  # fmt: skip
        self._state, self._flags, self._flags_due_s = state, flags, now_s + FLAGS_EVERY_S
        told = sorted(flags)[:16]
        self._emit(
            PowerChanged(
                ups_id=self.ups_id,
                state=state,
                before=before,
                flags=told,
                severity=severity,
                values=values,
                reason=reason[:500],
            )
        )

    # -- going down -----------------------------------------------------------------------------------

    def _consider(self, why: str, mains_back: bool) -> None:
        now_s = self._clock.monotonic_s()
        match self._plan.look(why, mains_back, now_s, self._settings.shutdown_delay_s):
            case ShutdownStage.PLANNED:
                self._planned_ms = self._clock.now_ms() + self._settings.shutdown_delay_s * 1000
                log.critical("the host goes down in %d s: %s", self._settings.shutdown_delay_s, why)
                self._tell_shutdown(ShutdownStage.PLANNED, why)
            case ShutdownStage.CANCELLED:
                log.warning("the power is back: the host stays up")
                self._asked = self._not_followed = ""
                self._tell_shutdown(ShutdownStage.CANCELLED, "the power is back")
                self._host.withdraw()

    def _go_down(self) -> None:
        """Facts and the notice first: after the request there may be no time."""
        reason, now_s = self._plan.reason, self._clock.monotonic_s()
        self._plan.begin(now_s)
        if problem := self._host.problem():
            self._fail(problem)
            return
        self.counters["shutdowns"] += 1
        log.critical("the host goes down now: %s", reason)
        self._tell_shutdown(ShutdownStage.BEGUN, reason)
        try:
            self._host.ask(reason)
        except OSError as error:
            self._fail(f"the request could not be written: {error.strerror or error}")
            return
        self._asked = reason

    def _look_after_request(self) -> None:
        if not self._asked or self._not_followed:
            return
        if self._clock.monotonic_s() - self._plan.begun_s > FOLLOW_S:
            state = "it took the request" if self._host.taken() else "it did not take the request"
            self._fail(f"{state}, and {FOLLOW_S:g} s later it still runs")

    def _fail(self, why: str) -> None:
        """Once per attempt; the finding stays until the power is back."""
        self._not_followed = why
        log.critical("the host does not go down: %s", why)
        text = f"The host was to go down ({self._plan.reason}) and does not: {why}"
        self._emit(
            SystemEvent(
                component="ups", level=Severity.CRITICAL, code="shutdown_not_followed", message=text[:500]
            )
        )

    def _tell_shutdown(self, stage: ShutdownStage, reason: str) -> None:
        at_ms = self._planned_ms if stage is ShutdownStage.PLANNED else self._clock.now_ms()
        self._emit(PowerShutdown(ups_id=self.ups_id, stage=stage, at_ms=at_ms, reason=reason))
        notice = ShutdownNotice(stage=stage, at_ms=at_ms, reason=reason)
        if not self._bus.send_command(CMD_SHUTDOWN, notice):
            log.error("the services could not be told of the shutdown: the broker is away")

    # -- telling and keeping --------------------------------------------------------------------------

    def _emit(self, fact: Fact) -> None:
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)

    def _assert_state(self) -> None:
        stage = None if self._not_followed else self._plan.stage
        status = PowerStatus(
            ups_id=self.ups_id,
            state=self._state,
            since_ms=self._since_ms,
            flags=sorted(self._last.flags) if self._last and self._is_heard else [],
            values=self.values(),
            reason=(self._reason if self._is_heard else str(self._error))[:500],
            shutdown=stage,
            shutdown_at_ms=self._planned_ms if stage else 0,
        )
        if status != self._told:
            self._told = status
            self._bus.set_state(POWER_STATE, status, ups_id=self.ups_id)

    def _keep(self) -> None:
        kept: dict[str, Any] = {
            "ups": self._settings.ups_name,
            "state": self._state.value,
            "since_ms": self._since_ms,
            "flags": sorted(self._flags),
            "heard": self._ever_heard,
            "planned": None,
        }
        if self._plan.stage is ShutdownStage.PLANNED:
            kept["planned"] = {"at_ms": self._planned_ms, "reason": self._plan.reason}
        if kept != self._kept:
            self._file.save(kept)
            self._kept = kept

    def _found(self) -> list[Finding]:
        name, found = self._settings.ups_name, []
        if self._error is not None and not self._is_heard:
            found.append(findings.silent(name, str(self._error), self._error.cure, self._ever_heard))
        elif self._last is not None:
            found += findings.of_reading(name, self._last, self._settings.low_battery_threshold_pct)
        if self._plan.stage is ShutdownStage.PLANNED:
            seconds = self._plan.due_s - self._clock.monotonic_s()
            found.append(findings.planned(name, self._plan.reason, seconds))
        if self._not_followed:
            found.append(findings.not_followed(name, self._not_followed))
        elif self._ever_heard and (problem := self._host.problem()):
            found.append(findings.not_set_up(name, problem))
        return found

    def _pause_s(self, began_s: float) -> float:
        """Until the next question, or until the shutdown is due."""
        now_s = self._clock.monotonic_s()
        poll_s = float(self._settings.poll_interval_s)
        matters = (self._last is not None and self._last.on_battery) or self._plan.stage is not None
        if self._failures:
            poll_s = min(BACK_OFF_FIRST_S * 2 ** min(self._failures - 1, 10), max(BACK_OFF_MAX_S, poll_s))
        if matters:
            poll_s = min(poll_s, FAST_S)
            if self._plan.stage is not None or self._plan.confirmed:
                poll_s = min(poll_s, URGENT_S)
        due_s = began_s + poll_s
        if self._plan.stage is ShutdownStage.PLANNED:
            due_s = min(due_s, self._plan.due_s)
        return max(0.1, due_s - now_s)
