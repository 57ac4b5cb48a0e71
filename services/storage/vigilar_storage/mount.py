"""Is this the recordings folder that belongs to this database? A small marker file knows."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from vigilar_common.config.files import write_atomic
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_storage.db import Database
from vigilar_storage.schema import meta, recordings

MARKER = ".vigilar-recordings"
MAX_MARKER_BYTES = 200


def check(root: Path, database: Database) -> Finding | None:
    """Write the marker into a new folder; a finding when folder and database do not belong together.

    Raises OSError when the folder cannot be used.
    """
    with database.read() as connection:
        mine = connection.execute(sa.select(meta.c.value).where(meta.c.name == "database_uuid")).scalar_one()
        stored = connection.scalar(sa.select(recordings.c.id).where(recordings.c.path.is_not(None)).limit(1))
    marker = root / MARKER
    if marker.exists():
        with marker.open("rb") as file:
            theirs = file.read(MAX_MARKER_BYTES).decode("utf-8", "replace").strip()
        if theirs == mine:
            return None
        return _finding(root, "it belongs to another database")
    write_atomic(marker, f"{mine}\n", 0o640)
    if stored is None:
        return None
    return _finding(root, "it is new, but the database knows recordings: is its disk mounted?")


def _finding(root: Path, why: str) -> Finding:
    return Finding(
        code="recordings_folder",
        severity=Severity.CRITICAL,
        title=f"{root} is not the folder of these recordings: {why}",
        cure="mount the right disk at this place, or restore database and recordings together",
        subject="recordings",
    )
