"""`cameras` and `sensors` follow the configuration; what left it stays, marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.config import Camera, Config, Sensor

from vigilar_storage.db import Database
from vigilar_storage.schema import cameras, sensors


def sync(database: Database, config: Config, now_ms: int) -> None:
    """Raises StorageUnavailableError."""

    def job(connection: sa.Connection) -> None:
        _sync(
            connection, cameras, [_camera(place, item) for place, item in enumerate(config.cameras)], now_ms
        )
        _sync(
            connection, sensors, [_sensor(place, item) for place, item in enumerate(config.sensors)], now_ms
        )

    database.write(job)


def _sync(
    connection: sa.Connection, table: sa.Table, wanted: Iterable[Mapping[str, Any]], now_ms: int
) -> None:
    there = {row["id"]: dict(row) for row in connection.execute(sa.select(table)).mappings()}
    for entry in wanted:
        known = there.pop(entry["id"], None)
        if known is None:
            connection.execute(insert(table).values(**entry, created_ms=now_ms, updated_ms=now_ms))
        elif known["removed_ms"] is not None or any(known[name] != value for name, value in entry.items()):
            changed = {**entry, "updated_ms": now_ms, "removed_ms": None}
            connection.execute(sa.update(table).where(table.c.id == entry["id"]).values(**changed))
    for row_id, row in there.items():
        if row["removed_ms"] is None:
            connection.execute(sa.update(table).where(table.c.id == row_id).values(removed_ms=now_ms))


def _camera(place: int, camera: Camera) -> dict[str, Any]:
    """No address: it may hold a password, and no other service needs it."""
    width_px, height_px = camera.resolution_capture
    return {
        "id": camera.id,
        "display_name": camera.display_name,
        "location": str(camera.location),
        "enabled": camera.enabled,
        "record_continuous": camera.record_continuous,
        "record_on_motion": camera.record_on_motion,
        "retention_days": camera.retention_days,
        "width_px": width_px,
        "height_px": height_px,
        "position": place,
    }


def _sensor(place: int, sensor: Sensor) -> dict[str, Any]:
    return {
        "id": sensor.id,
        "display_name": sensor.display_name,
        "type": str(sensor.type),
        "protocol": str(sensor.protocol),
        "device_address": sensor.device_address,
        "location": sensor.location[:120],
        "enabled": sensor.enabled,
        "position": place,
    }
