"""What the alarm must remember over a power cut: its state, and how many wrong PINs there were."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from vigilar_common.clock import Clock
from vigilar_common.messages.alarm import ArmStateChanged, Severity
from vigilar_common.messages.system import Finding
from vigilar_common.state_file import StateFile

from vigilar_events.domain import alarm as machine
from vigilar_events.domain.alarm import Alarm
from vigilar_events.domain.limiter import Limiter

log = logging.getLogger("vigilar.events.keeper")

CURE = "Free space on, or repair, the disk of the events service's state folder."


@dataclass(frozen=True)
class Restored:
    """The alarm as it was."""

    alarm: Alarm
    untold: ArmStateChanged | None = None
    """A change that may not have reached the log."""
    problem: str = ""
    """Why the newest copy could not be used."""


class Keeper:
    """Never raises for what a disk does: a full disk must not keep the owner from disarming."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._clock = clock
        self._alarm_file = StateFile(state_dir / "alarm.json")
        self._limiter_file = StateFile(state_dir / "pin-limiter.json")
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        return list(self._findings.values())

    def find(self, code: str, title: str, cure: str = CURE) -> None:
        self._findings[code] = Finding(
            code=code, severity=Severity.CRITICAL, title=title[:500], cure=cure, since_ms=self._clock.now_ms()
        )

    def load_alarm(self) -> Restored:
        loaded = self._alarm_file.load()
        if loaded.value is None:
            if loaded.problem:
                return Restored(machine.after_damage(self._clock.now_ms()), problem=loaded.problem)
            return Restored(machine.FIRST)
        try:
            untold = loaded.value.get("untold")
            return Restored(
                machine.restored(loaded.value),
                ArmStateChanged.model_validate(untold) if untold else None,
                loaded.problem,
            )
        except ValueError as error:
            problem = f"{self._alarm_file.path} makes no sense ({type(error).__name__})"
            return Restored(machine.after_damage(self._clock.now_ms()), problem=problem)

    def save_alarm(self, alarm: Alarm, untold: ArmStateChanged | None) -> None:
        value = machine.kept(alarm) | {"untold": untold.model_dump(mode="json") if untold else None}
        try:
            self._alarm_file.save(value)
        except OSError as error:
            log.critical("the arm state cannot be kept in %s: %s", self._alarm_file.path, error)
            self.find(
                "arm_state_not_kept",
                f"The arm state cannot be written to disk ({error.strerror}): a restart would forget it",
            )
            return
        self._findings.pop("arm_state_not_kept", None)

    def load_limiter(self) -> Limiter:
        loaded = self._limiter_file.load()
        now_s = self._clock.monotonic_s()
        problem = loaded.problem
        if not problem:
            try:
                return Limiter(now_s, loaded.value)
            except ValueError as error:
                problem = str(error)
        log.error("wrong PINs: %s; this hour's tries count as spent", problem)
        limiter = Limiter.exhausted(now_s)
        self.save_limiter(limiter)
        return limiter

    def save_limiter(self, limiter: Limiter) -> None:
        limiter.advance(self._clock.monotonic_s())
        if not limiter.counting and not self._limiter_file.path.exists():
            return
        try:
            self._limiter_file.save(limiter.kept())
        except OSError as error:
            # Refusing the right PIN because a disk is full would lock the owner out; memory still counts.
            log.error("wrong PINs are counted in memory only: %s", error)  # noqa: TRY400
            self.find("pin_limiter_not_kept", f"Wrong PINs cannot be counted on disk ({error.strerror})")
            return
        self._findings.pop("pin_limiter_not_kept", None)
