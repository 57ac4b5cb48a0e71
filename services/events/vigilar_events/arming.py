"""Arm commands: one thread owns the limiter and the only PIN check of the house."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from vigilar_common.bus import Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.config import Config
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import (
    ArmAction,
    ArmCommand,
    ArmRefused,
    PinsAction,
    PinsCommand,
    ResetPin,
    Severity,
)
from vigilar_common.messages.system import Finding, SystemEvent
from vigilar_common.outbox import FactLog
from vigilar_common.passwords import hash_pin, verify_pin, why_not_pin

from vigilar_events import pin_changes
from vigilar_events.adapters.keeper import Keeper
from vigilar_events.domain import alarm as rules
from vigilar_events.domain.effects import Answer
from vigilar_events.domain.pins import Found, PinBook
from vigilar_events.guard import Guard

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
    "pin_not_allowed": "This PIN may not do that now.",
    "too_many_tries": "Too many wrong PINs: wait before the next try.",
    "presence_may_not_disarm": "A phone alone does not lower the guard; [presence] allow_disarm would let it.",
    "alarm_active": "The alarm is running: disarm it first.",
    "unknown_sensor": "A sensor that is to be left out does not exist.",
    "forbidden": "Only a logged-in web session may do that.",
    "recovery_not_configured": "There is no recovery passphrase: set one with `vigilar config set-recovery-passphrase`.",
    "wrong_passphrase": "The recovery passphrase is wrong.",
    "pin_taken": "This PIN belongs to somebody else already.",
}


class Arming:
    """Call `start` once; `submit` may be called from any thread, `handle` only by the owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        facts: FactLog,
        keeper: Keeper,
        guard: Guard,
        config: Config,
        verify: Callable[[str, str], bool] = verify_pin,
    ) -> None:
        self._clock, self._facts, self._keeper, self._verify = clock, facts, keeper, verify
        self._guard = guard
        self._pins = PinBook(config.security, config.system.timezone, keeper.load_pin())
        self._presence_may_disarm = config.presence.allow_disarm
        self._limiter = keeper.load_limiter()
        self._time_kept_s = clock.monotonic_s()
        self._waiting: queue.Queue[Received | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._refusal_told_s: dict[tuple[str, str], float] = {}
        self.results: Counter[str] = Counter()

    @property
    def pin_configured(self) -> bool:
        return self._pins.configured

    def findings(self) -> list[Finding]:
        found = self._keeper.findings
        if not self.pin_configured:
            found.append(
                Finding(
                    code="pin_not_configured",
                    severity=Severity.ALERT,
                    title="No PIN is set: arm commands over MQTT are refused, web sessions arm without one",
                    cure="Set one in the page under System, PINs (or run `vigilar config set-pin` and put the hash into "
                    "[security] pin_hash).",
                )
            )
        return found

    # -- life ---------------------------------------------------------------------------------------

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

    def configure(self, config: Config) -> None:
        """A new configuration; a PIN that was set anew stays unless `pin_hash` is another one now."""
        self._pins = PinBook(config.security, config.system.timezone, self._keeper.load_pin())
        self._presence_may_disarm = config.presence.allow_disarm
        self._guard.assert_state()

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
        if isinstance(command, ResetPin):
            self._reset_pin(received, command)
            return
        if isinstance(command, PinsCommand):
            self._change_pins(received, command)
            return
        assert isinstance(command, ArmCommand)
        sender, pins, owner = received.ids["sender"], self._pins, Found()
        presence = sender == rules.PRESENCE_SENDER
        if presence:
            may = self._presence_may_disarm
            refusal = rules.refusal_of_presence(command.action, self._guard.state, pins.configured, may)
        else:
            refusal = rules.refusal_without_pin(sender, pins.configured, command.pin)
        requester = rules.requester(sender, command.user)
        retry_after_s = 0.0
        if not refusal and pins.configured and not presence:
            found, refusal, retry_after_s = self._check_pin(sender, requester, command.pin, pins)
            owner = found or owner
        mode = rules.MODES.get(command.action, self._guard.mode)
        if not refusal and not owner.allowed(mode, self._clock.now_ms(), pins.timezone):
            refusal = "pin_not_allowed"
        if refusal:
            self._refuse(received, command.action, refusal, requester, retry_after_s)
            return
        by, method = rules.requester(sender, command.user, owner.name), rules.method_of(sender)
        duress_id = command.id if owner.duress else ""
        if command.action is ArmAction.DISARM:
            answer = self._guard.disarm(by, method, duress_id)
        else:
            answer = self._guard.arm(
                rules.MODES[command.action],
                by,
                method,
                bypass_open=command.bypass_open,
                bypass=command.bypass,
                duress_id=duress_id,
            )
        if answer.refusal:
            self._refuse(received, command.action, answer.refusal, by, answer=answer)
            return
        self.results["ok"] += 1
        state, names = self._guard.state.value, ", ".join(sensor.name for sensor in self._named(answer))
        text = f"The alarm is {state}." + (f" To be closed in time: {names}." if names else "")
        received.reply(ok=True, message=text[:500], data={"state": state, **self._open(answer)})

    def _check_pin(
        self, sender: str, requester: str, pin: str, pins: PinBook
    ) -> tuple[Found | None, str, float]:
        """Whose PIN it is; else a refusal and the seconds until the next try."""
        session = sender == rules.SESSION_SENDER
        # Outside a session the name in the message proves nothing: the broker user is the source.
        pool, source = ("session", requester) if session else ("outside", sender)
        return self._limited(pool, source, "wrong_pin", lambda: pins.find(pin, self._verify))

    def _limited(
        self, pool: str, source: str, wrong: str, check: Callable[[], Found | None]
    ) -> tuple[Found | None, str, float]:
        wait_s = self._limiter.wait_s(pool, source, self._clock.monotonic_s())
        if wait_s > 0:
            self._keep_time()
            return None, "too_many_tries", wait_s
        self._limiter.begin(pool, source, self._clock.monotonic_s())
        # Before hashing: a kill -9 in between must not give the guess back.
        self._keeper.save_limiter(self._limiter)
        found = check()
        if found is None:
            return None, wrong, self._limiter.wait_s(pool, source, self._clock.monotonic_s())
        self._limiter.right(pool, source)
        self._keeper.save_limiter(self._limiter)
        return found, "", 0.0

    def _keep_time(self) -> None:
        """A flood that leaves no idle minute must not cost the owner the waiting that is done, should the process be killed."""
        now_s = self._clock.monotonic_s()
        if now_s - self._time_kept_s >= KEEP_TIME_S:
            self._time_kept_s = now_s
            self._keeper.save_limiter(self._limiter)

    # -- a PIN set anew -----------------------------------------------------------------------------

    def _reset_pin(self, received: Received, command: ResetPin) -> None:
        sender, pins = received.ids["sender"], self._pins
        by = rules.requester(sender, command.user)
        refusal, wait_s = "", 0.0
        if sender != rules.SESSION_SENDER:
            refusal = "forbidden"
        elif not pins.recovery_hash:
            refusal = "recovery_not_configured"
        elif why := why_not_pin(command.new_pin):
            received.reply(ok=False, code="bad_pin", message=f"The new PIN is not possible: {why}.")
            return
        else:
            right = Found()
            _, refusal, wait_s = self._limited(
                "recovery",
                "",
                "wrong_passphrase",
                lambda: right if self._verify(command.passphrase, pins.recovery_hash) else None,
            )
        if not refusal and (owner := pins.find(command.new_pin, self._verify)) and owner.name:
            refusal = "pin_taken"
        if refusal:
            self.results[refusal] += 1
            log.warning("a new PIN for %s was refused: %s", by, refusal)
            data = {"retry_after_s": int(wait_s) + 1} if wait_s > 0 else {}
            received.reply(ok=False, code=refusal, message=MESSAGES[refusal], data=data)
            self._tell(_reset_told(f"Somebody ({by}) tried to set a new PIN: {refusal}", "pin_reset_refused"))
            return
        if not self._keep_pins(received, pins.reset_kept(hash_pin(command.new_pin))):
            return
        self.results["pin_reset"] += 1
        log.warning("%s set a new PIN by the recovery passphrase", by)
        received.reply(ok=True, message="The new PIN holds from now on.")
        self._guard.assert_state()
        self._tell(_reset_told(f"{by} set a new PIN by the recovery passphrase", "pin_reset"))

    def _change_pins(self, received: Received, command: PinsCommand) -> None:
        """What an admin does in the page; that it is one, and lately gave the password, is web's affair."""
        if received.ids["sender"] != rules.SESSION_SENDER:
            received.reply(ok=False, code="forbidden", message=MESSAGES["forbidden"])
            return
        if command.action is PinsAction.LIST:
            received.reply(ok=True, data=pin_changes.listed(self._pins))
            return
        changed = pin_changes.change(self._pins, command, self._verify)
        if isinstance(changed, pin_changes.Refused):
            self.results[changed.code] += 1
            received.reply(ok=False, code=changed.code, message=changed.message)
            return
        if not self._keep_pins(received, changed.kept):
            return
        self.results["pins_changed"] += 1
        told = f"{rules.requester(received.ids['sender'], command.user)} {changed.told}"
        log.warning("%s", told)
        received.reply(ok=True, message=changed.message, data=pin_changes.listed(self._pins))
        self._guard.assert_state()
        self._tell(_reset_told(told, "pins_changed"))

    def _keep_pins(self, received: Received, kept: dict[str, Any]) -> bool:
        """On disk first; False (and answered) when the disk refuses: then the old ones hold."""
        try:
            self._keeper.save_pin(kept)
        except OSError as error:
            log.critical("the new PIN cannot be written to disk, the old one holds: %s", error)
            text = f"The new PIN cannot be written to disk ({error.strerror}); the old one holds."
            received.reply(ok=False, code="alarm_unavailable", message=text)
            return False
        self._pins = PinBook(self._pins.security, self._pins.timezone, kept)
        return True

    # -- refusing -----------------------------------------------------------------------------------

    def _refuse(
        self,
        received: Received,
        action: ArmAction,
        code: str,
        requester: str,
        retry_after_s: float = 0.0,
        answer: Answer | None = None,
    ) -> None:
        self.results[code] += 1
        method = rules.method_of(received.ids["sender"])
        data: dict[str, Any] = {"state": self._guard.state.value}
        message = MESSAGES.get(code, "")
        if answer and answer.blockers:
            data |= self._open(answer)
            message = f"Open: {', '.join(sensor.name for sensor in self._named(answer))}."[:500]
        if retry_after_s > 0:
            data["retry_after_s"] = int(retry_after_s) + 1
        shown = "wrong_pin" if code == "pin_missing" else code
        received.reply(ok=False, code=shown, message=message, data=data)
        now_s = self._clock.monotonic_s()
        told_s = self._refusal_told_s.get((code, method))
        if code != "wrong_pin" and told_s is not None and now_s - told_s < REFUSAL_FACT_EVERY_S:
            return
        self._refusal_told_s[code, method] = now_s
        log.warning("%s by %s refused: %s (%d so far)", action.value, requester, code, self.results[code])
        self._tell(
            ArmRefused(
                id=uuid7(self._clock),
                ts_ms=self._clock.now_ms(),
                action=action,
                code=code,
                requested_by=requester,
                method=method,
            )
        )

    def _named(self, answer: Answer) -> list[Any]:
        return self._guard.named(answer.blockers)

    def _open(self, answer: Answer) -> dict[str, Any]:
        if not answer.blockers:
            return {}
        return {"open_sensors": [sensor.model_dump(mode="json") for sensor in self._named(answer)]}

    def _tell(self, fact: Fact) -> None:
        fact = fact.model_copy(
            update={"id": fact.id or uuid7(self._clock), "ts_ms": fact.ts_ms or self._clock.now_ms()}
        )
        try:
            self._facts.emit_first(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)


def _reset_told(message: str, code: str) -> SystemEvent:
    return SystemEvent(component="events", level=Severity.ALERT, code=code, message=message[:500])
