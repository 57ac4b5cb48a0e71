"""Deleting a recording and the pictures of its cause, in an order that no crash can turn into a lie.

Rows say "deleting" → files are unlinked → folders are fsynced → rows become tombstones. A row never names a
file that it claims to have while the file is gone; what a crash leaves half done is finished at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError

from vigilar_storage import paths
from vigilar_storage.db import Database
from vigilar_storage.files import OpenFiles
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.ledger.told import note_deleted
from vigilar_storage.schema import PictureState, RecordingState, events, pictures, recordings

log = logging.getLogger(__name__)

REQUEST = "request"
"""The policy of a deletion that somebody asked for; every other one spares starred recordings."""
MARKED_IDS = 500


class NotDeletableError(VigilarError):
    """The recording is still being written."""


class Deleter:
    """Thread-safe."""

    def __init__(self, root: Path, database: Database, files: OpenFiles, clock: Clock) -> None:
        self._root = root
        self._database = database
        self._files = files
        self._clock = clock
        self._ledger = Ledger(clock)

    def delete(self, recording_id: str, actor: str, reason: str, *, policy: str = REQUEST) -> bool:
        """False when there is no such recording, or a policy other than a request meets a starred one.

        Raises NotDeletableError, StorageUnavailableError, OSError.
        """
        now_ms = self._clock.now_ms()

        def mark(connection: sa.Connection) -> bool:
            row = connection.execute(
                sa.select(
                    recordings.c.state,
                    recordings.c.cause_id,
                    recordings.c.starred,
                    recordings.c.camera_id,
                    recordings.c.started_ms,
                    recordings.c.ended_ms,
                ).where(recordings.c.id == recording_id)
            ).first()
            if row is None or row.state == RecordingState.DELETED:
                return False
            if row.starred and policy != REQUEST:
                return False  # starred since it was chosen
            if row.state == RecordingState.GROWING:
                raise NotDeletableError(f"recording {recording_id} is still being written")
            connection.execute(
                sa.update(recordings)
                .where(recordings.c.id == recording_id)
                .values(
                    state=RecordingState.DELETING, deleted_ms=now_ms, deleted_by=actor, deleted_reason=reason
                )
            )
            note_deleted(self._ledger, connection, recording_id, row.camera_id, actor, policy, reason)
            shown = _pictures_of(connection, recording_id, row)
            mark_pictures(self._ledger, connection, shown, actor, policy, reason, now_ms)
            return True

        if not self._database.write(mark):
            return False
        log.info("recording %s is deleted by %s (%s): %s", recording_id, actor, policy, reason)
        self.finish()
        return True

    def delete_pictures(self, picture_ids: Sequence[str]) -> None:
        """Pictures that no recording shows any more. Raises StorageUnavailableError, OSError."""
        now_ms = self._clock.now_ms()

        def mark(connection: sa.Connection) -> None:
            reason = "no recording shows it any more"
            mark_pictures(self._ledger, connection, picture_ids, "storage", "pictures", reason, now_ms)

        self._database.write(mark)
        self.finish()

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
                        try:
                            path.unlink()
                        except (FileNotFoundError, NotADirectoryError):
                            continue  # gone already: before a crash, or by a deletion at the same time
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
        if path is not None and paths.parse_stored(path) is None and not paths.is_older(path):
            raise ValueError(f"{path!r} is no path of a recording: nothing is deleted")
        places = [self._root / path] if path else []
        incoming = self._root / paths.INCOMING / camera_id
        return places + [incoming / f"{file_id}{suffix}" for suffix in paths.SUFFIXES]


def _pictures_of(connection: sa.Connection, recording_id: str, row: Any) -> list[str]:
    """What goes with it: pictures of its cause, or taken within it; not those that another recording shows."""
    if row.cause_id is not None:
        if _living(connection, row.cause_id, recording_id):
            return []
        mine = pictures.c.cause_id == row.cause_id
    elif row.ended_ms is not None:
        other = sa.exists().where(
            recordings.c.cause_id == pictures.c.cause_id, recordings.c.state.not_in(_GOING)
        )
        taken_within = pictures.c.ts_ms.between(row.started_ms, row.ended_ms)
        mine = sa.and_(pictures.c.camera_id == row.camera_id, taken_within, ~other)
    else:
        return []
    query = sa.select(pictures.c.id).where(mine, pictures.c.state != PictureState.DELETED)
    return list(connection.scalars(query))


def mark_pictures(
    ledger: Ledger, connection: sa.Connection, picture_ids: Sequence[str], actor: str, policy: str,
    reason: str, now_ms: int,
) -> None:  # fmt: skip
    """As to be deleted, in ledger and rows; `Deleter.finish` does it. The events that showed them stay, without them."""
    for place in range(0, len(picture_ids), MARKED_IDS):
        some = picture_ids[place : place + MARKED_IDS]
        query = sa.select(pictures.c.id, pictures.c.camera_id).where(pictures.c.id.in_(some))
        for row in connection.execute(query).all():
            note_deleted(ledger, connection, row.id, row.camera_id, actor, policy, reason)
        causes = sa.select(pictures.c.cause_id).where(pictures.c.id.in_(some))
        connection.execute(
            sa.update(events)
            .where(events.c.cause_id.in_(causes), events.c.picture_id.in_(some))
            .values(picture_id=None)
        )
        connection.execute(
            sa.update(pictures)
            .where(pictures.c.id.in_(some))
            .values(state=PictureState.DELETING, deleted_ms=now_ms)
        )


def _living(connection: sa.Connection, cause_id: str, recording_id: str) -> bool:
    """Whether a second recording shows the same motion: its pictures stay then."""
    others = sa.select(recordings.c.id).where(
        recordings.c.cause_id == cause_id,
        recordings.c.id != recording_id,
        recordings.c.state.not_in(_GOING),
    )
    return connection.scalar(others.limit(1)) is not None


_GOING = (RecordingState.DELETING, RecordingState.DELETED)
