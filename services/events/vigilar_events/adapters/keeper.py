"""What the alarm must remember over a power cut: its state, the sensors, wrong PINs, and a PIN that was set anew."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from vigilar_common.clock import Clock
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmStateChanged, Severity
from vigilar_common.messages.system import Finding
from vigilar_common.state_file import StateFile
from vigilar_common.topics import FACT_MODELS

from vigilar_events.domain import alarm as machine
from vigilar_events.domain.alarm import Alarm
from vigilar_events.domain.limiter import Limiter
from vigilar_events.domain.truth import Truth

log = logging.getLogger("vigilar.events.keeper")

CURE = "Free space on, or repair, the disk of the events service's state folder."
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MAX_UNTOLD = 64
"""Facts that wait in the state file for an outbox that takes them; of more, the oldest are lost, loudly."""


@dataclass(frozen=True)
class Restored:
    """The alarm as it was."""

    alarm: Alarm
    untold: tuple[Fact, ...] = ()
    """Facts that may not have reached the log."""
    problem: str = ""
    """Why the newest copy could not be used."""
    rebooted: bool = False
    """Whether the host was started since."""


class Keeper:
    """Never raises for what a disk does: a full disk must not keep the owner from disarming."""

    def __init__(self, state_dir: Path, clock: Clock, boot_id: Path = BOOT_ID) -> None:
        self._clock = clock
        self._alarm_file = StateFile(state_dir / "alarm.json")
        self._limiter_file = StateFile(state_dir / "pin-limiter.json")
        self._sensors_file = StateFile(state_dir / "alarm-sensors.json")
        self._pin_file = StateFile(state_dir / "pin.json")
        self._boot_id = _read_boot_id(boot_id)
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        return list(self._findings.values())

    def find(self, code: str, title: str, cure: str = CURE) -> None:
        self._findings[code] = Finding(
            code=code, severity=Severity.CRITICAL, title=title[:500], cure=cure, since_ms=self._clock.now_ms()
        )

    # -- the alarm ----------------------------------------------------------------------------------

    def load_alarm(self) -> Restored:
        loaded = self._alarm_file.load()
        if loaded.value is None:
            if loaded.problem:
                return Restored(machine.after_damage(self._clock.now_ms()), problem=loaded.problem)
            return Restored(machine.FIRST)
        try:
            boot_id = loaded.value.get("boot_id", self._boot_id)
            return Restored(
                machine.restored(loaded.value),
                _facts(loaded.value.get("untold")),
                loaded.problem,
                rebooted=boot_id != self._boot_id,
            )
        except ValueError as error:
            problem = f"{self._alarm_file.path} makes no sense ({type(error).__name__})"
            return Restored(machine.after_damage(self._clock.now_ms()), problem=problem)

    def save_alarm(self, alarm: Alarm, untold: Sequence[Fact]) -> None:
        if len(untold) > MAX_UNTOLD:
            log.critical("%d facts of the alarm are lost: no outbox takes them", len(untold) - MAX_UNTOLD)
        told_later = [
            {"fact": fact.TYPE, "body": fact.model_dump(mode="json")} for fact in untold[-MAX_UNTOLD:]
        ]
        value = machine.kept(alarm) | {"untold": told_later, "boot_id": self._boot_id}
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

    # -- sensors ------------------------------------------------------------------------------------

    def load_truth(self, truth: Truth) -> None:
        loaded = self._sensors_file.load()
        problem = loaded.problem
        try:
            if loaded.value is not None:
                truth.restore(loaded.value, self._clock.now_ms())
        except ValueError as error:
            problem = f"{self._sensors_file.path}: {error}"
        if problem:
            log.error("what is known of the sensors may be old: %s", problem)

    def save_truth(self, truth: Truth) -> None:
        try:
            self._sensors_file.save(truth.kept())
        except OSError as error:
            log.error("the sensors cannot be kept in %s: %s", self._sensors_file.path, error)  # noqa: TRY400

    # -- PINs ---------------------------------------------------------------------------------------

    def load_pin(self) -> dict[str, Any]:
        """The PIN that was set anew, as `PinBook.reset_kept` has it; empty without one."""
        loaded = self._pin_file.load()
        if loaded.problem:
            log.critical("a PIN that was set anew may be lost; the configured one holds: %s", loaded.problem)
            self.find(
                "pin_file_damaged",
                f"The file with the PIN that was set anew is damaged. {loaded.problem}",
                "Try both PINs; set one with `vigilar config set-pin`.",
            )
        return loaded.value or {}

    def save_pin(self, kept: dict[str, Any]) -> None:
        """Raises OSError: a PIN that is not on disk is not set."""
        self._pin_file.save(kept)

    # -- wrong PINs ---------------------------------------------------------------------------------

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


def _facts(raw: object) -> tuple[Fact, ...]:
    """Facts of the file; an older version kept one change without its type. Raises ValueError."""
    rows = [raw] if isinstance(raw, dict) else raw or []
    found: list[Fact] = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("untold is no list of facts")
    for row in rows:
        kind, body = (row.get("fact"), row.get("body")) if "fact" in row else (ArmStateChanged.TYPE, row)
        try:
            found.append(FACT_MODELS[str(kind)].model_validate(body))
        except (ValidationError, KeyError) as error:
            raise ValueError("untold holds what is no fact") from error
    return tuple(found)


def _read_boot_id(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()[:64]
    except (OSError, ValueError) as error:
        log.warning("no boot id (%s): a power cut looks like a restart of this service", error)
        return ""
