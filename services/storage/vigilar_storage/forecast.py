"""When will the disk be full? From what cameras wrote lately, and what `retention_days` will take away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MEASURED_DAYS = 7
HORIZON_DAYS = 366
LEAST_DAYS = 0.25
"""Less than this of footage tells nothing about a day."""
TRIMMED_FROM_DAYS = 5
"""From so many days on, the busiest and the quietest one do not count."""


@dataclass(frozen=True)
class CameraForecast:
    camera_id: str
    bytes_per_day: int
    days_measured: float
    retention_days: int
    kept: Mapping[int, int] = field(default_factory=dict)
    """Bytes of unstarred recordings by their age in whole days."""


def daily_bytes(by_day: Mapping[int, int], first_ago_days: float) -> tuple[int, float]:
    """(bytes per day, days they were measured over) of one camera.

    `by_day`: bytes by whole days ago, 0: the last 24 h. `first_ago_days`: since when the camera records. Robust: one
    unusual day among five or more does not move it.
    """
    span_days = min(float(MEASURED_DAYS), first_ago_days)
    if span_days < LEAST_DAYS:
        return 0, span_days
    whole = int(span_days)
    if whole < 1:
        return round(by_day.get(0, 0) / span_days), span_days
    days = sorted(by_day.get(day, 0) for day in range(whole))
    if len(days) >= TRIMMED_FROM_DAYS:
        days = days[1:-1]
    return round(sum(days) / len(days)), span_days


def days_until(room_bytes: float, cameras: list[CameraForecast]) -> float | None:
    """Days until `room_bytes` more are in use; None: not within HORIZON_DAYS, for then retention keeps pace."""
    if room_bytes <= 0:
        return 0.0
    used = 0.0
    for day in range(HORIZON_DAYS):
        before = used
        for camera in cameras:
            used += camera.bytes_per_day - _expiring(camera, day)
        if used >= room_bytes:
            return round(day + (room_bytes - before) / (used - before), 2)
    return None


def days_kept(capacity_bytes: float, cameras: list[CameraForecast]) -> float | None:
    """How many days of film fit when the oldest go first, whatever camera; None: `retention_days` ends them all before.

    `capacity_bytes`: room for recordings that may be pruned, what is used by them now included.
    """
    writing = [camera for camera in cameras if camera.bytes_per_day]
    if not writing:
        return None
    left, before = max(0.0, capacity_bytes), 0.0
    for end in sorted({_retention(camera) for camera in writing}):
        rate = sum(camera.bytes_per_day for camera in writing if _retention(camera) >= end)
        if left < rate * (end - before):
            return round(before + left / rate, 2)
        left -= rate * (end - before)
        before = end
    return None


def _retention(camera: CameraForecast) -> float:
    return float(camera.retention_days) if camera.retention_days >= 1 else math.inf


def _expiring(camera: CameraForecast, day: int) -> int:
    """Bytes that reach `retention_days` in the course of that day from now."""
    if camera.retention_days < 1:
        return 0
    if day >= camera.retention_days:
        return camera.bytes_per_day
    age = camera.retention_days - 1 - day
    if day == 0:
        return sum(size for days, size in camera.kept.items() if days >= age)
    return camera.kept.get(age, 0)
