"""One configured sensor: what was last heard of it, whether that still holds, and the facts that follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigilar_common.config.sensors import Protocol, Sensor
from vigilar_common.messages import Fact
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading, SensorState

from vigilar_sensors.domain.values import KEYS, MAIN_KEYS, Kind, Reading, Value, active_of

SILENT_AFTER_M: Mapping[str, int] = {
    "TEMPERATURE": 360,
    "HUMIDITY": 360,
    "ILLUMINANCE": 360,
    "POWER": 360,
    "BUTTON": 0,
    "SIREN": 1_500,
}
"""Minutes by type; 0: never. What runs on a battery reports at least once a day."""
SILENT_AFTER_OTHERS_M = 1_500
LOW_BATTERY_PCT, BATTERY_FINE_PCT = 15.0, 20.0
"""Where a device gives only a percentage: low from the first, no longer low from the second."""

STARTED = "not heard since the sensors service started"


class Tracked:
    """Not thread-safe. Times are monotonic seconds unless named otherwise."""

    def __init__(self, sensor: Sensor, now_s: float) -> None:
        self.config = sensor
        self.main_key = MAIN_KEYS.get(sensor.type, "")
        self.values: dict[str, Value] = {}
        self.reason = "never heard"
        """Why nothing is known of it; empty when something is."""
        self.unavailable = False
        """Its bridge says so: what else is retained of it is old."""
        self.silent = False
        self.heard_ms: int | None = None
        self.heard_s = now_s
        """When it spoke last; before its first word, since when one is awaited."""
        self.changed = True
        """The state was not told since."""
        self.urgent = True
        self._known: set[str] = set()
        self._resumes = False
        """Values are from before a restart: a different one that comes live is something that happens."""
        self._told_s: dict[str, float] = {}

    @property
    def known(self) -> bool:
        return not self.reason

    @property
    def silent_after_s(self) -> float:
        """0: never."""
        if self.config.protocol is Protocol.GPIO:
            return 0.0
        minutes = self.config.silent_after_m or SILENT_AFTER_M.get(self.config.type, SILENT_AFTER_OTHERS_M)
        return minutes * 60.0

    @property
    def battery_low(self) -> bool | None:
        said, level = self.values.get("battery_low"), self.values.get("battery")
        if isinstance(said, bool):
            return said
        return level <= LOW_BATTERY_PCT if isinstance(level, float) else None

    @property
    def tampered(self) -> bool:
        return "tamper" in self._known and self.values.get("tamper") is True

    @property
    def active(self) -> bool | None:
        """Open, moving, smoke …; None when that is not known, or never is."""
        return (
            active_of(self.main_key, self.values.get(self.main_key)) if self.main_key in self._known else None
        )

    # -- in -----------------------------------------------------------------------------------------

    def hear(
        self,
        readings: list[Reading],
        *,
        retained: bool,
        now_ms: int,
        now_s: float,
        seen_ms: int | None = None,
    ) -> list[Fact]:
        """A message of the device; `retained`: the broker had kept it, nothing happens now."""
        if retained and self.unavailable:
            return []  # kept from before it went away
        if not retained:
            self.unavailable = False
        self._heard(retained, now_ms, now_s, seen_ms)
        facts: list[Fact] = []
        for reading in readings:
            facts += self._take(self._turned(reading), retained, now_ms, now_s)
        if self.reason and (readings or not retained):
            self.reason, self.silent, self.urgent = "", False, True
        self.changed = True
        return facts

    def lose(
        self, reason: str, now_ms: int, *, unavailable: bool = False, silent: bool = False
    ) -> list[Fact]:
        """Nothing is known of it any more. Its next word is a state, not an event."""
        self.unavailable = self.unavailable or unavailable
        self.silent = self.silent or silent
        self._resumes = False
        was, self.reason = self.reason, reason
        self._known.clear()
        if was == reason:
            return []
        self.changed = self.urgent = True
        return [] if was else [SensorLost(sensor_id=self.config.id, reason=reason, ts_ms=now_ms)]

    def back(self) -> None:
        """Its bridge says that it is there; what it measures is known once it says so."""
        if self.unavailable:
            self.unavailable = False
            self.reason = "not heard since it came back"
            self.changed = True

    def is_overdue(self, now_s: float) -> bool:
        limit_s = self.silent_after_s
        return bool(limit_s) and not self.silent and not self.unavailable and now_s - self.heard_s > limit_s

    # -- over a restart -----------------------------------------------------------------------------

    def kept(self) -> dict[str, Any]:
        return {"values": self.values, "heard_ms": self.heard_ms, "address": self.config.device_address}

    def restore(self, raw: Mapping[str, Any], now_ms: int, now_s: float) -> list[Fact]:
        """Values of another run, not known until heard again. Raises ValueError, TypeError, KeyError, AttributeError."""
        if raw["address"] != self.config.device_address:
            return []  # another device has its place
        values = {key: value for key, value in raw["values"].items() if _fits(key, value)}
        if raw["heard_ms"] is not None:
            self.heard_ms = int(raw["heard_ms"])
            self.heard_s = now_s - min(max(0, now_ms - self.heard_ms), 1 << 40) / 1000
        self.values, self.reason = values, STARTED
        self._resumes = not self.is_overdue(now_s)
        return [SensorLost(sensor_id=self.config.id, reason=STARTED, ts_ms=now_ms)] if values else []

    # -- out ----------------------------------------------------------------------------------------

    def state(self) -> SensorState:
        return SensorState(
            sensor_id=self.config.id,
            type=self.config.type,
            known=self.known,
            reason=self.reason,
            active=self.active,
            heard_ms=self.heard_ms,
            values=dict(self.values),
            units={key: KEYS[key].unit for key in self.values if KEYS[key].unit},
            battery_low=self.battery_low,
        )

    # -- inside -------------------------------------------------------------------------------------

    def _heard(self, retained: bool, now_ms: int, now_s: float, seen_ms: int | None) -> None:
        """Where the radio's own time is told, a message that only repeats what was known does not count as one."""
        if seen_ms is not None and seen_ms < now_ms:
            if self.heard_ms is None or seen_ms > self.heard_ms:
                self.heard_ms, self.heard_s = seen_ms, now_s - (now_ms - seen_ms) / 1000
        elif not retained:
            self.heard_ms, self.heard_s = now_ms, now_s

    def _turned(self, reading: Reading) -> Reading:
        if self.config.inverted and reading.key == self.main_key and isinstance(reading.value, bool):
            return Reading(reading.key, not reading.value)
        return reading

    def _take(self, reading: Reading, retained: bool, now_ms: int, now_s: float) -> list[Fact]:
        key, value, name = reading.key, reading.value, self.config.id
        kind = KEYS[key].kind
        if kind is Kind.WORD:
            # A press that the broker kept was made long ago.
            return [] if retained else [SensorChanged(sensor_id=name, key=key, value=value, ts_ms=now_ms)]
        known, before = key in self._known, self.values.get(key)
        self.values[key] = value
        self._known.add(key)
        if known and before == value:
            return []
        if kind is Kind.NUMBER:
            return self._number(reading, known, now_ms, now_s)
        self.urgent = True
        happens = before is not None and before != value and not retained and (known or self._resumes)
        return [SensorChanged(sensor_id=name, key=key, value=value, initial=not happens, ts_ms=now_ms)]

    def _number(self, reading: Reading, known: bool, now_ms: int, now_s: float) -> list[Fact]:
        key = reading.key
        if known and now_s - self._told_s.get(key, now_s - 1e9) < KEYS[key].every_s:
            return []
        self._told_s[key] = now_s
        assert isinstance(reading.value, float)
        return [
            SensorReading(
                sensor_id=self.config.id, key=key, value=reading.value, unit=reading.unit, ts_ms=now_ms
            )
        ]


def _fits(key: Any, value: Any) -> bool:
    kind = KEYS[key].kind if key in KEYS else None
    return (kind is Kind.SWITCH and isinstance(value, bool)) or (
        kind is Kind.NUMBER and isinstance(value, float)
    )
