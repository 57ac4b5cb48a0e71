"""When the host has to go down, and the way there: planned, begun, or cancelled because the mains are back."""

from __future__ import annotations

from dataclasses import dataclass

from vigilar_common.messages.power import ShutdownStage

from vigilar_ups.domain.reading import Reading, is_low

READINGS = 2
"""A reason must stand in this many readings one after another: a single wrong number stops no house."""
SILENCE_S = 60.0
"""Without a known runtime, silence of a UPS that ran on battery counts as its end after this time."""


def why_now(reading: Reading, low_charge_pct: float, critical_runtime_s: float) -> str:
    """Why the host must go down; empty when it need not. Only ever on battery."""
    if not reading.on_battery:
        return ""
    if "FSD" in reading.flags:
        return "the UPS is about to cut the power (FSD)"
    if "CAL" in reading.flags:
        return ""  # it empties its battery on purpose and goes back to the mains by itself
    runtime_s, charge = reading.values.runtime_s, reading.values.charge_pct
    if "LB" in reading.flags:
        return "the UPS says that its battery is low (LB)"
    if runtime_s is not None:
        if runtime_s < critical_runtime_s:
            return f"the battery lasts {runtime_s} s more, less than {critical_runtime_s:g} s"
        return ""
    if is_low(reading, low_charge_pct):
        return f"the battery is at {charge:g} %, and the UPS tells no runtime"
    return ""


def why_silent(last: Reading, silent_s: float, critical_runtime_s: float) -> str:
    """The same for a UPS that ran on battery when it was last heard."""
    if not last.on_battery or "CAL" in last.flags:
        return ""
    runtime_s = last.values.runtime_s
    if runtime_s is None:
        return f"the UPS ran on battery and is silent for {silent_s:.0f} s" if silent_s >= SILENCE_S else ""
    left_s = runtime_s - silent_s
    if left_s >= critical_runtime_s:
        return ""
    return f"the UPS ran on battery and is silent; by its last word {max(0, left_s):.0f} s are left"


@dataclass
class Plan:
    """Pure bookkeeping; times are monotonic seconds given by the caller."""

    stage: ShutdownStage | None = None
    """None, PLANNED or BEGUN."""
    reason: str = ""
    due_s: float = 0.0
    begun_s: float = 0.0
    _seen: int = 0

    def look(self, reason: str, mains_back: bool, now_s: float, delay_s: float) -> ShutdownStage | None:
        """Once per reading. What happened: PLANNED, CANCELLED or nothing."""
        if mains_back:
            self._seen = 0
            if self.stage is None:
                return None
            self.stage = None
            return ShutdownStage.CANCELLED
        self._seen = self._seen + 1 if reason else 0
        if self.stage is None and self._seen >= READINGS:
            self.stage, self.reason, self.due_s = ShutdownStage.PLANNED, reason, now_s + delay_s
            return ShutdownStage.PLANNED
        return None

    @property
    def confirmed(self) -> bool:
        """Whether the reason was seen by this process: what a file of before a restart says is not enough."""
        return self._seen > 0

    def is_due(self, now_s: float) -> bool:
        return self.stage is ShutdownStage.PLANNED and self.confirmed and now_s >= self.due_s

    def begin(self, now_s: float) -> None:
        self.stage, self.begun_s = ShutdownStage.BEGUN, now_s

    def resume(self, reason: str, due_s: float) -> None:
        """A plan of before a restart of this service; it is carried out only once a reading confirms it."""
        self.stage, self.reason, self.due_s = ShutdownStage.PLANNED, reason, due_s
