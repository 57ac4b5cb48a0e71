"""Deleting a recording and the pictures of its cause, in an order that no crash can turn into a lie.

Rows say "deleting" → files are unlinked → folders are fsynced → rows become tombstones. A row never names a
file that it claims to have while the file is gone; what a crash leaves half done is finished at the next start.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError

from vigilar_storage import paths
from vigilar_storage.db import Database
from vigilar_storage.files import OpenFiles
from vigilar_storage.schema import PictureState, RecordingState, pictures, recordings

log = logging.getLogger(__name__)


class NotDeletableError(VigilarError):
    """The recording is still being written."""


class Deleter:
    """Thread-safe."""

    def __init__(self, root: Path, database: Database, files: OpenFiles, clock: Clock) -> None:
        self._root = root
        self._database = database
        self._files = files
        self._clock = clock

    def delete(self, recording_id: str, actor: str, reason: str) -> bool:
        """False when there is no such recording. Raises NotDeletableError, StorageUnavailableError, OSError."""
        now_ms = self._clock.now_ms()

        def mark(connection: sa.Connection) -> bool:
            row = connection.execute(
                sa.select(recordings.c.state, recordings.c.cause_id).where(recordings.c.id == recording_id)
            ).first()
            if row is None or row.state == RecordingState.DELETED:
                return False
            if row.state == RecordingState.GROWING:
                raise NotDeletableError(f"recording {recording_id} is still being written")
            connection.execute(
                sa.update(recordings)
                .where(recordings.c.id == recording_id)
                .values(
                    state=RecordingState.DELETING, deleted_ms=now_ms, deleted_by=actor, deleted_reason=reason
                )
            )
            if row.cause_id is not None and not _another_of_cause(connection, row.cause_id, recording_id):
                connection.execute(
                    sa.update(pictures)
                    .where(pictures.c.cause_id == row.cause_id, pictures.c.state != PictureState.DELETED)
                    .values(state=PictureState.DELETING, deleted_ms=now_ms)
                )
            return True

        if not self._database.write(mark):
            return False
        log.info("recording %s is deleted by %s: %s", recording_id, actor, reason)
        self.finish()
        return True

    def finish(self) -> int:
        """Complete every deletion that was begun; returns how many files went. Raises OSError."""
        gone: list[tuple[sa.Table, str]] = []
        folders: set[Path] = set()
        with self._database.read() as connection:
            for table in (recordings, pictures):
                state = PictureState.DELETING if table is pictures else RecordingState.DELETING
                first = "incoming" if table is pictures else "growing"
                query = sa.select(table.c.id, table.c.camera_id, table.c.path).where(
                    sa.text(f"state IN ('{first}', 'deleting')"), table.c.state == state
                )
                for row in connection.execute(query):
                    gone.append((table, row.id))
                    for path in self._places(row.id, row.camera_id, row.path):
                        if path.exists():
                            path.unlink()
                            folders.add(path.parent)
        for folder in folders:
            paths.sync_folder(folder)

        def bury(connection: sa.Connection) -> None:
            for table, row_id in gone:
                tombstone = {"state": RecordingState.DELETED, "path": None}
                connection.execute(sa.update(table).where(table.c.id == row_id).values(**tombstone))

        if gone:
            self._database.write(bury)
        for _, row_id in gone:
            self._files.forget(row_id)
        return len(folders)

    def _places(self, file_id: str, camera_id: str, path: str | None) -> list[Path]:
        if path is not None and paths.parse_stored(path) is None:
            raise ValueError(f"{path!r} is no path of a recording: nothing is deleted")
        places = [self._root / path] if path else []
        incoming = self._root / paths.INCOMING / camera_id
        return places + [incoming / f"{file_id}{suffix}" for suffix in paths.SUFFIXES]


def _another_of_cause(connection: sa.Connection, cause_id: str, recording_id: str) -> bool:
    """Whether a second recording shows the same motion: its pictures stay then."""
    others = sa.select(recordings.c.id).where(
        recordings.c.cause_id == cause_id,
        recordings.c.id != recording_id,
        recordings.c.state.not_in((RecordingState.DELETING, RecordingState.DELETED)),
    )
    return connection.scalar(others.limit(1)) is not None
