"""`[storage] max_disk_usage_gb` and `free_space_floor_gb`: in force only when written down *and* confirmed once.

Houses that come from the described system have these keys in their file, where they did nothing. Deleting by them all
at once would be a surprise, so `vigilar storage enforce-limits` shows what would go and asks; the answer is kept with
the values it was given for, and other values need another answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.config.load import LoadedConfig
from vigilar_common.config.storage import Storage
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_storage.pruning import GB, Limits
from vigilar_storage.schema import meta

KEYS = ("max_disk_usage_gb", "free_space_floor_gb")
CONFIRMED = "enforced_limits"
"""Name in `meta`: JSON of the values confirmed, by key."""


def written(loaded: LoadedConfig) -> dict[str, float]:
    """The limits that somebody wrote down, wherever; 0 switches a limit off."""
    found = {}
    for key in KEYS:
        value = float(getattr(loaded.config.storage, key))
        if value > 0 and loaded.origins[f"storage.{key}"].layer != "default":
            found[key] = value
    return found


def confirmed(connection: sa.Connection) -> dict[str, float]:
    """Empty when nothing was; what cannot be read counts as not confirmed."""
    raw = connection.scalar(sa.select(meta.c.value).where(meta.c.name == CONFIRMED))
    try:
        values = json.loads(raw) if raw else {}
        return {str(key): float(value) for key, value in values.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def confirm(connection: sa.Connection, values: Mapping[str, float]) -> None:
    """An empty mapping withdraws."""
    if not values:
        connection.execute(sa.delete(meta).where(meta.c.name == CONFIRMED))
        return
    row = {"name": CONFIRMED, "value": json.dumps(dict(values), sort_keys=True)}
    statement = insert(meta).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))


def in_force(wanted: Mapping[str, float], agreed: Mapping[str, float]) -> Limits:
    """Only values that were confirmed as they are written now."""
    force = {key: value for key, value in wanted.items() if agreed.get(key) == value}
    return Limits(
        max_bytes=round(force.get("max_disk_usage_gb", 0) * GB),
        floor_bytes=round(force.get("free_space_floor_gb", 0) * GB),
    )


def finding(wanted: Mapping[str, float], agreed: Mapping[str, float]) -> Finding | None:
    """Written but not confirmed. The values that every shipped file holds are no wish of anybody."""
    usual = Storage()
    open_ = [
        f"{key} = {value:g}"
        for key, value in sorted(wanted.items())
        if agreed.get(key) != value and value != getattr(usual, key)
    ]
    if not open_:
        return None
    return Finding(
        code="limits_not_confirmed",
        severity=Severity.INFO,
        subject="recordings",
        title=f"[storage] {', '.join(open_)} is written but not confirmed, so it limits nothing"[:500],
        cure="Run `vigilar storage enforce-limits`: it shows what would be deleted and asks. Or remove the key.",
    )
