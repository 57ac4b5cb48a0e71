"""Since when a recording is tamper-evident: those of version 1 only since the ledger has their hash."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from vigilar_storage.schema import FileFormat

MAY_BE_OLDER = (FileFormat.VGE1, FileFormat.MP4)
_SEALED = sa.text(
    "SELECT subject, min(ts_ms) FROM ledger WHERE type = 'registered-v1' AND subject IN :ids GROUP BY subject"
).bindparams(sa.bindparam("ids", expanding=True))


def add(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row with `version_1`, and `sealed_ms`: not tamper-evident before that time (None: not yet at all)."""
    ids = [row["id"] for row in rows if row["format"] in MAY_BE_OLDER]
    sealed = {row[0]: row[1] for row in connection.execute(_SEALED, {"ids": ids})} if ids else {}
    for row in rows:
        unsealed = row["sha256"] is None and row["format"] == FileFormat.MP4 and row["state"] == "complete"
        row["version_1"] = row["format"] == FileFormat.VGE1 or row["id"] in sealed or unsealed
        row["sealed_ms"] = sealed.get(row["id"])
    return rows
