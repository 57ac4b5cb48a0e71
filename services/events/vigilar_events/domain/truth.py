"""What is known of the sensors now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vigilar_events.domain.alarm import Trip
from vigilar_events.domain.effects import Said
from vigilar_events.domain.points import Kind, Point, Reading
from vigilar_events.domain.policy import SensorPolicy

MAX_WHAT_LENGTH = 40


@dataclass
class Known:
    """What is known of a point, since when, and when it was last heard live (0: only read afterwards)."""

    reading: Reading
    at_ms: int
    live_ms: int = 0


@dataclass
class Truth:
    """Points of sensors, as they were last heard."""

    known: dict[Point, Known] = field(default_factory=dict)

    def note(self, said: Said, what: str, reading: Reading) -> Reading | None:
        """What the point said before; None when nothing is new."""
        point = Point(said.sensor_id, what)
        before = self.known.get(point)
        live_ms = before.live_ms if before else 0
        if not said.live and live_ms >= said.at_ms:
            return None  # read again from the log; what comes live is never too old: the wall clock may have jumped
        was = before.reading if before else Reading.UNKNOWN
        since_ms = before.at_ms if before and was is reading else said.at_ms
        self.known[point] = Known(reading, since_ms, said.at_ms if said.live else live_ms)
        return None if was is reading else was

    def heard_at_least(self, trips: Iterable[Trip]) -> None:
        """After a kill between the file of the alarm and that of the sensors: what set the alarm off was heard."""
        for trip in trips:
            point = Point(trip.sensor_id, trip.what)
            before = self.known.get(point)
            if before is None or before.at_ms < trip.at_ms:
                self.known[point] = Known(Reading.OPEN, trip.at_ms, trip.at_ms)

    def whats(self, sensor_id: str) -> list[str]:
        return [point.what for point in self.known if point.sensor_id == sensor_id]

    def forget_all_but(self, sensor_ids: Iterable[str]) -> None:
        left = set(sensor_ids)
        self.known = {point: known for point, known in self.known.items() if point.sensor_id in left}

    def open_now(self, sensors: Iterable[SensorPolicy]) -> list[Trip]:
        """Those that are open; one that is unknown counts where it triggers when unavailable."""
        found = []
        for sensor in sensors:
            points = self._points(sensor)
            opened = [Trip(sensor.id, p.what, k.at_ms) for p, k in points if k.reading is Reading.OPEN]
            if opened:
                found.append(opened[0])
            elif sensor.options.trigger_unavailable and self.is_unknown(sensor):
                found.append(Trip(sensor.id, "unavailable", max((k.at_ms for _, k in points), default=0)))
        return found

    def is_unknown(self, sensor: SensorPolicy) -> bool:
        return all(known.reading is Reading.UNKNOWN for _, known in self._points(sensor))

    def _points(self, sensor: SensorPolicy) -> list[tuple[Point, Known]]:
        return [
            (point, known)
            for point, known in self.known.items()
            if point.sensor_id == sensor.id and sensor.kind(point.what) is Kind.WATCHED
        ]

    def kept(self) -> dict[str, Any]:
        """What goes into the file."""
        return {
            "points": [
                [p.sensor_id, p.what, k.reading.value, k.at_ms, k.live_ms] for p, k in self.known.items()
            ]
        }

    def restore(self, raw: dict[str, Any], now_ms: int) -> None:
        """Raises ValueError when the content makes no sense.

        When a point was heard live is kept too: the log says the last words again after a kill, an opening before the closing
        that followed it. A time yet to come is of a clock that was set back, and keeps no word out.
        """
        try:
            for sensor_id, what, reading, at_ms, *live_ms in raw["points"]:
                point = Point(str(sensor_id)[:64], str(what)[:MAX_WHAT_LENGTH])
                heard_ms = int(live_ms[0]) if live_ms else 0
                self.known[point] = Known(Reading(reading), int(at_ms), heard_ms if heard_ms <= now_ms else 0)
        except (KeyError, TypeError) as error:
            raise ValueError("the file of sensors lacks its fields") from error
