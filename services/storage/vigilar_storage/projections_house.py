"""From facts to rows: sensors, power, presence, and parcels at the door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.messages import Fact
from vigilar_common.messages.packages import PackageCollected, PackageDetected, PackageReminded, PackageState
from vigilar_common.messages.power import PowerChanged, PowerReading, PowerShutdown, PowerValues
from vigilar_common.messages.presence import HouseholdChanged, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading

from vigilar_storage.bulk import insert_rows, json_of
from vigilar_storage.projecting import ProjectionError, own_rows
from vigilar_storage.schema import package_events, sensor_states, system_events

UNITS = {"charge_pct": "%", "runtime_s": "s", "load_pct": "%", "input_v": "V", "temperature_c": "°C"}
HOUSEHOLD = "household"

_STATE_COLUMNS = ("sensor_id", "key", "value", "unit", "known", "ts_ms", "received_ms")
_NEWEST = (
    "ON CONFLICT (sensor_id, key) DO UPDATE SET value = excluded.value, unit = excluded.unit, known = 1, "
    "ts_ms = excluded.ts_ms, received_ms = excluded.received_ms WHERE excluded.ts_ms >= sensor_states.ts_ms"
)
State = tuple[str, str, Any, str, int]
"""(sensor id, key, value, unit, ts_ms)"""


def ups_name(ups_id: str) -> str:
    """Of a UPS among the sensor states; no configured sensor can be called so."""
    return f"ups:{ups_id}"


def person_name(member: str) -> str:
    return f"person:{member}"


def sensors(connection: sa.Connection, facts: Sequence[Fact], received_ms: int) -> None:
    """Newest values; a thousand a second must do, so they are written together, up to the next loss."""
    waiting: list[State] = []
    for fact in facts:
        if isinstance(fact, SensorLost):
            _write_states(connection, waiting, received_ms)
            waiting = []
            _lost(connection, fact)
        else:
            waiting += _states(fact)
        if isinstance(fact, PowerChanged | PowerShutdown):
            _tell(connection, fact)
    _write_states(connection, waiting, received_ms)


def _states(fact: Fact) -> list[State]:
    if isinstance(fact, SensorChanged | SensorReading):
        return [(fact.sensor_id, fact.key, fact.value, fact.unit, fact.ts_ms)]
    if isinstance(fact, PowerChanged):
        return [
            (ups_name(fact.ups_id), "state", fact.state.value, "", fact.ts_ms),
            *_power(fact, fact.values),
        ]
    if isinstance(fact, PowerReading):
        return _power(fact, fact.values)
    if isinstance(fact, PresenceChanged):
        return [(person_name(fact.member), "home", fact.home, "", fact.ts_ms)]
    if isinstance(fact, HouseholdChanged):
        return [(HOUSEHOLD, "state", fact.state.value, "", fact.ts_ms)]
    return []


def _power(fact: PowerChanged | PowerReading, values: PowerValues) -> list[State]:
    told = values.model_dump(exclude_none=True)
    return [(ups_name(fact.ups_id), key, value, UNITS[key], fact.ts_ms) for key, value in told.items()]


def _write_states(connection: sa.Connection, states: Sequence[State], received_ms: int) -> None:
    rows = [
        (name, key, json_of(value), unit, 1, ts_ms, received_ms) for name, key, value, unit, ts_ms in states
    ]
    insert_rows(connection, "sensor_states", _STATE_COLUMNS, rows, _NEWEST)


def _lost(connection: sa.Connection, fact: SensorLost) -> None:
    older = (sensor_states.c.sensor_id == fact.sensor_id, sensor_states.c.ts_ms <= fact.ts_ms)
    connection.execute(sa.update(sensor_states).where(*older).values(known=False))


def _tell(connection: sa.Connection, fact: PowerChanged | PowerShutdown) -> None:
    if isinstance(fact, PowerChanged):
        level, code = fact.severity.value, f"power_{fact.state.value}"
        message = f"UPS {fact.ups_id}: {fact.state.value.replace('_', ' ')}"
    else:
        level, code = "critical", f"shutdown_{fact.stage.value}"
        message = f"Shutdown because of UPS {fact.ups_id} {fact.stage.value}"
    message = f"{message}: {fact.reason}" if fact.reason else message
    columns = tuple(column.name for column in system_events.columns)
    row = (fact.id, fact.ts_ms, fact.source, "ups", level, code, message[:500])
    own_rows(connection, "system_events", columns, [row])


_STEPS = tuple(PackageState)


def package(
    connection: sa.Connection, fact: PackageDetected | PackageReminded | PackageCollected, _received_ms: int
) -> None:
    """The steps may come in any order: each adds what it knows, the furthest one is the state."""
    known = _package_known(fact)
    row = connection.execute(sa.select(package_events).where(package_events.c.id == fact.package_id)).first()
    if row is None:
        found = insert(package_events).values(id=fact.package_id, camera_id=fact.camera_id, **known)
        connection.execute(found)
        return
    if row.camera_id != fact.camera_id:
        raise ProjectionError(f"package {fact.package_id} belongs to another camera than {fact.camera_id}")
    if _STEPS.index(row.state) > _STEPS.index(known["state"]):
        known["state"] = row.state
    if row.reminded_ms is not None and "reminded_ms" in known:
        known["reminded_ms"] = max(row.reminded_ms, known["reminded_ms"])
    changed = sa.update(package_events).where(package_events.c.id == fact.package_id)
    connection.execute(changed.values(**known))


def _package_known(fact: PackageDetected | PackageReminded | PackageCollected) -> dict[str, Any]:
    if isinstance(fact, PackageDetected):
        return {
            "state": PackageState.DETECTED,
            "detected_ms": fact.ts_ms,
            "box": fact.box.model_dump(),
            "zone": fact.zone,
            "event_id": fact.event_id,
            "picture_id": fact.picture_id,
        }
    if isinstance(fact, PackageReminded):
        return {
            "state": PackageState.REMINDED,
            "detected_ms": fact.detected_ms,
            "reminded_ms": fact.ts_ms,
        }
    return {
        "state": PackageState.COLLECTED,
        "detected_ms": fact.detected_ms,
        "collected_ms": fact.ts_ms,
        "collected_by": fact.collected_by,
    }


SENSORS = tuple(
    model.TYPE
    for model in (
        SensorChanged, SensorReading, SensorLost, PowerChanged, PowerReading, PowerShutdown, PresenceChanged,
        HouseholdChanged,
    )
)  # fmt: skip
PACKAGES = tuple(model.TYPE for model in (PackageDetected, PackageReminded, PackageCollected))
