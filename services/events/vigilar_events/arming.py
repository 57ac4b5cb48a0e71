"""Arm commands: one thread owns the arm state, the limiter and the only PIN check of the house."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alarm import (
    AlarmState,
    ArmAction,
    ArmCommand,
    ArmRefused,
    ArmState,
    ArmStateChanged,
    Severity,
)
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog
from vigilar_common.passwords import verify_pin
from vigilar_common.topics import ALARM_STATE

from vigilar_events.adapters.keeper import Keeper
from vigilar_events.domain import alarm as machine
from vigilar_events.domain.limiter import Limiter

log = logging.getLogger("vigilar.events.arming")

MAX_WAITING = 16
"""Commands that may wait for the one hash at a time (0.2 s each)."""
KEEP_TIME_S = 60.0
REFUSAL_FACT_EVERY_S = 60.0
"""Refusals without a PIN check are told once per kind in this time; the rest are counted."""

MESSAGES = {
    "pin_not_configured": "No PIN is configured: only a logged-in web session may arm or disarm. "
    "Set one with `vigilar config set-pin`.",
    "pin_missing": "The PIN is missing.",
    "wrong_pin": "The PIN is wrong.",
    "too_many_tries": "Too many wrong PINs: wait before the next try.",
}


class Arming:
    """Call `load` once, then `start`; `submit` may be called from any thread, `handle` only by the owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        bus: Bus,
        facts: FactLog,
        state_dir: Path,
        pin_hash: str,
        verify: Callable[[str, str], bool] = verify_pin,
    ) -> None:
        self._clock, self._bus, self._facts, self._verify = clock, bus, facts, verify
        self._keeper = Keeper(state_dir, clock)
        self._pin_hash = pin_hash
        self._alarm = machine.FIRST
        self._limiter = Limiter(clock.monotonic_s())
        self._waiting: queue.Queue[Received | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._refusal_told_s: dict[tuple[str, str], float] = {}
        self.results: Counter[str] = Counter()

    @property
    def state(self) -> ArmState:
        return self._alarm.state

    @property
    def pin_configured(self) -> bool:
        return bool(self._pin_hash)

    def findings(self) -> list[Finding]:
        found = self._keeper.findings
        if not self.pin_configured:
            found.append(
                Finding(
                    code="pin_not_configured",
                    severity=Severity.ALERT,
                    title="No PIN is set: arm commands over MQTT are refused, web sessions arm without one",
                    cure="Run `vigilar config set-pin` and put the hash into [security] pin_hash.",
                )
            )
        return found

    # -- life ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """Restore state and limiter, and assert the state on the bus. Never raises for a damaged file."""
        restored = self._keeper.load_alarm()
        self._alarm = restored.alarm
        self._limiter = self._keeper.load_limiter()
        self._assert_state()
        log.info("the alarm is %s", self.state.value)
        if restored.problem:
            self._report_damage(restored.problem)
        told = restored.untold is None or self._tell_change(restored.untold)
        if restored.problem or restored.untold:
            self._keeper.save_alarm(self._alarm, None if told else restored.untold)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="arming", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        if self._thread:
            try:
                self._waiting.put_nowait(None)
            except queue.Full:
                log.debug("commands still wait at stop: the stop flag ends the thread")
            self._thread.join(3)
        self._keeper.save_limiter(self._limiter)

    def problem(self) -> str:
        if self._thread and not self._thread.is_alive() and not self._stopping:
            return "the arming thread died"
        return ""

    def set_pin_hash(self, pin_hash: str) -> None:
        """A new configuration."""
        if pin_hash != self._pin_hash:
            self._pin_hash = pin_hash
            self._assert_state()

    def submit(self, received: Received) -> None:
        """Queue a command; the bus's thread never waits for a hash."""
        try:
            self._waiting.put_nowait(received)
        except queue.Full:
            self.results["busy"] += 1
            received.reply(ok=False, code="alarm_unavailable", message="Too many commands wait; try again.")

    def _run(self) -> None:
        while not self._stopping:
            try:
                received = self._waiting.get(timeout=KEEP_TIME_S)
            except queue.Empty:
                self._keeper.save_limiter(self._limiter)
                continue
            if isinstance(received, Received):
                try:
                    self.handle(received)
                except Exception:
                    self.results["error"] += 1
                    log.exception("an arm command failed")
                    received.reply(
                        ok=False, code="alarm_unavailable", message="The command failed; see the log."
                    )

    # -- deciding -----------------------------------------------------------------------------------

    def handle(self, received: Received) -> None:
        """Decide one command and answer it."""
        command = received.message
        assert isinstance(command, ArmCommand)
        sender = received.ids["sender"]
        requester = machine.requester(sender, command.user)
        pin_hash = self._pin_hash
        refusal = machine.refusal_without_pin(sender, bool(pin_hash), command.pin)
        retry_after_s = 0.0
        if not refusal and pin_hash:
            refusal, retry_after_s = self._check_pin(sender, requester, command.pin, pin_hash)
        if refusal:
            self._refuse(received, command.action, refusal, requester, sender, retry_after_s)
            return
        self._change(command.action, requester, machine.method_of(sender))
        self.results["ok"] += 1
        received.reply(ok=True, message=f"The alarm is {self.state.value}.", data={"state": self.state.value})

    def _check_pin(self, sender: str, requester: str, pin: str, pin_hash: str) -> tuple[str, float]:
        """A refusal and the seconds until the next try; "" when the PIN is right."""
        session = sender == machine.SESSION_SENDER
        # Outside a session the name in the message proves nothing: the broker user is the source.
        pool, source = ("session", requester) if session else ("outside", sender)
        wait_s = self._limiter.wait_s(pool, source, self._clock.monotonic_s())
        if wait_s > 0:
            return "too_many_tries", wait_s
        self._limiter.begin(pool, source, self._clock.monotonic_s())
        self._keeper.save_limiter(
            self._limiter
        )  # before hashing: a kill -9 in between must not give the guess back
        if self._verify(pin, pin_hash):
            self._limiter.right(pool, source)
            self._keeper.save_limiter(self._limiter)
            return "", 0.0
        return "wrong_pin", self._limiter.wait_s(pool, source, self._clock.monotonic_s())

    def _refuse(
        self,
        received: Received,
        action: ArmAction,
        code: str,
        requester: str,
        sender: str,
        retry_after_s: float,
    ) -> None:
        self.results[code] += 1
        method = machine.method_of(sender)
        data: dict[str, Any] = {"state": self.state.value}
        if retry_after_s > 0:
            data["retry_after_s"] = int(retry_after_s) + 1
        answer = "wrong_pin" if code == "pin_missing" else code
        received.reply(ok=False, code=answer, message=MESSAGES[code], data=data)
        now_s = self._clock.monotonic_s()
        told_s = self._refusal_told_s.get((code, method))
        if code != "wrong_pin" and told_s is not None and now_s - told_s < REFUSAL_FACT_EVERY_S:
            return
        self._refusal_told_s[code, method] = now_s
        log.warning("%s by %s refused: %s (%d so far)", action.value, requester, code, self.results[code])
        self._facts.emit_first(
            ArmRefused(
                id=uuid7(self._clock),
                ts_ms=self._clock.now_ms(),
                action=action,
                code=code,
                requested_by=requester,
                method=method,
            )
        )

    def _change(self, action: ArmAction, requester: str, method: str) -> None:
        before = self._alarm
        after = before.after(action, self._clock.now_ms(), requester)
        if after is before:
            log.info("%s by %s: the alarm is %s already", action.value, requester, before.state.value)
            return
        fact = ArmStateChanged(
            id=uuid7(self._clock),
            ts_ms=after.since_ms,
            from_state=before.state,
            to_state=after.state,
            changed_by=requester,
            method=method,
        )
        self._alarm = after
        self._keeper.save_alarm(self._alarm, fact)
        self._assert_state()
        log.info("alarm: %s → %s by %s (%s)", before.state.value, after.state.value, requester, method)
        if self._tell_change(fact):
            self._keeper.save_alarm(self._alarm, None)

    # -- telling and keeping ------------------------------------------------------------------------

    def _assert_state(self) -> None:
        alarm = self._alarm
        self._bus.set_state(
            ALARM_STATE,
            AlarmState(
                state=alarm.state,
                since_ms=alarm.since_ms,
                changed_by=alarm.changed_by,
                pin_configured=self.pin_configured,
            ),
        )

    def _tell_change(self, fact: ArmStateChanged) -> bool:
        """False: it stays in the state file and is told again after the next start."""
        try:
            self._facts.emit_first(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("the change to %s is not in the log yet: %s", fact.to_state.value, error)
            return False
        return True

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
