"""How full the partitions are and what fills them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.messages.system import DiskUsage

from vigilar_storage.db import Database
from vigilar_storage.projections import GONE
from vigilar_storage.schema import facts, recordings


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


def usage(database: Database, data_dir: Path, recordings_dir: Path) -> dict[str, Any]:
    """The answer of `GET /v1/usage`. Raises OSError, StorageUnavailableError."""
    there = recordings.c.state.not_in(GONE)
    with database.read() as connection:
        count, size_bytes, oldest_ms = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(recordings.c.size_bytes), 0),
                sa.func.min(recordings.c.started_ms),
            ).where(there)
        ).one()
        facts_n = connection.scalar(sa.select(sa.func.max(facts.c.n))) or 0
    names = (database.path, database.path.with_name(database.path.name + "-wal"))
    return {
        "disks": {
            "data": disk(data_dir).model_dump(mode="json"),
            "recordings": disk(recordings_dir).model_dump(mode="json"),
        },
        "recordings": {"count": count, "bytes": size_bytes, "oldest_ms": oldest_ms},
        "database_bytes": sum(path.stat().st_size for path in names if path.exists()),
        "facts_n": facts_n,
    }
