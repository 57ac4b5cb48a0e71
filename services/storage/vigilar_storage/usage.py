"""How full the partitions are, what fills them, and when they will be full."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.messages.system import DiskUsage

from vigilar_storage import candidates, forecast
from vigilar_storage.db import Database
from vigilar_storage.schema import cameras, facts, recordings
from vigilar_storage.schema.media import THERE

CACHE_S = 60.0
"""Adding up a million rows takes a while: the sums of `GET /v1/usage` may be this old."""


@dataclass(frozen=True)
class Sums:
    count: int
    stored_bytes: int
    prunable_bytes: int
    oldest_ms: int | None
    cameras: tuple[forecast.CameraForecast, ...]


class Totals:
    """Sums over all recordings, at most CACHE_S old. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._sums: Sums | None = None
        self._at_s = 0.0

    def now(self) -> Sums:
        """Raises StorageUnavailableError."""
        with self._lock:
            fresh = self._clock.monotonic_s() - self._at_s < CACHE_S
            if self._sums is None or not fresh:
                with self._database.read() as connection:
                    self._sums = _sums(connection, self._clock.now_ms())
                self._at_s = self._clock.monotonic_s()
            return self._sums

    def forget(self) -> None:
        """Much changed: add up again when asked next."""
        with self._lock:
            self._sums = None


def _sums(connection: sa.Connection, now_ms: int) -> Sums:
    count, stored_bytes, oldest_ms = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0),
            sa.func.min(recordings.c.started_ms),
        ).where(sa.text(THERE))
    ).one()
    prunable = candidates.prunable_bytes(connection)
    return Sums(count, stored_bytes, prunable, oldest_ms, tuple(_cameras(connection, now_ms)))


def _cameras(connection: sa.Connection, now_ms: int) -> list[forecast.CameraForecast]:
    from_ms = now_ms - forecast.MEASURED_DAYS * candidates.DAY_MS
    written: dict[str, dict[int, int]] = defaultdict(dict)
    for camera_id, day, size in candidates.written(connection, from_ms, now_ms):
        written[camera_id][day] = size
    kept: dict[str, dict[int, int]] = defaultdict(dict)
    for camera_id, age, size in candidates.kept_by_day(connection, now_ms):
        kept[camera_id][age] = size
    found = []
    for camera_id, days in connection.execute(sa.select(cameras.c.id, cameras.c.retention_days)):
        first_ms = connection.scalar(
            sa.select(sa.func.min(recordings.c.started_ms)).where(
                recordings.c.camera_id == camera_id, recordings.c.started_ms > from_ms
            )
        )
        since_days = (now_ms - first_ms) / candidates.DAY_MS if first_ms is not None else 0.0
        rate, measured = forecast.daily_bytes(written.get(camera_id, {}), since_days)
        known = forecast.CameraForecast(camera_id, rate, round(measured, 2), days, kept.get(camera_id, {}))
        found.append(known)
    return found


def disk(path: Path) -> DiskUsage:
    """Of the partition that holds `path`, as its unprivileged users see it. Raises OSError."""
    total, _, free = shutil.disk_usage(path)
    used = total - free
    return DiskUsage(
        path=str(path),
        total_bytes=total,
        used_bytes=used,
        free_bytes=free,
        used_pct=round(100 * used / total, 2) if total else 0,
    )


def usage(
    database: Database, data_dir: Path, recordings_dir: Path, totals: Totals, critical_pct: float
) -> dict[str, Any]:
    """The answer of `GET /v1/usage`. Raises OSError, StorageUnavailableError."""
    sums = totals.now()
    with database.read() as connection:
        facts_n = connection.scalar(sa.select(sa.func.max(facts.c.n))) or 0
    names = (database.path, database.path.with_name(database.path.name + "-wal"))
    recorded_on = disk(recordings_dir)
    return {
        "disks": {
            "data": disk(data_dir).model_dump(mode="json"),
            "recordings": recorded_on.model_dump(mode="json"),
        },
        "recordings": {"count": sums.count, "bytes": sums.stored_bytes, "oldest_ms": sums.oldest_ms},
        "forecast": _forecast(sums, recorded_on, critical_pct),
        "database_bytes": sum(path.stat().st_size for path in names if path.exists()),
        "facts_n": facts_n,
    }


def _forecast(sums: Sums, partition: DiskUsage, critical_pct: float) -> dict[str, Any]:
    known = list(sums.cameras)
    critical_bytes = round(partition.total_bytes * critical_pct / 100)
    to_critical = critical_bytes - partition.used_bytes
    return {
        "critical_pct": critical_pct,
        "critical_bytes": critical_bytes,
        "days_kept": forecast.days_kept(sums.prunable_bytes + to_critical, known),
        "measured_days": forecast.MEASURED_DAYS,
        "bytes_per_day": sum(camera.bytes_per_day for camera in known),
        "days_until_critical": forecast.days_until(to_critical, known),
        "days_until_full": forecast.days_until(partition.free_bytes, known),
        "prunable_bytes": sums.prunable_bytes,
        "cameras": [
            {
                "camera_id": camera.camera_id,
                "bytes_per_day": camera.bytes_per_day,
                "days_measured": camera.days_measured,
                "retention_days": camera.retention_days,
                "kept_bytes": sum(camera.kept.values()),
                "oldest_days": max(camera.kept, default=None),
                "days_until_full": forecast.days_until(partition.free_bytes, [camera]),
            }
            for camera in known
        ],
    }
