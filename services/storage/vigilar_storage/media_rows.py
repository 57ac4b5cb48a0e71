"""The rows of `recordings` and `pictures` as intake and deletion change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.clock import Clock

from vigilar_storage.db import Database
from vigilar_storage.inspect_file import Condition, Found
from vigilar_storage.ledger.chain import Ledger
from vigilar_storage.ledger.told import note_file, note_gap
from vigilar_storage.projections import GONE
from vigilar_storage.schema import (
    PictureState,
    RecordingState,
    pictures,
    recording_gaps,
    recordings,
)

UNSETTLED_ROWS = 1_000


@dataclass(frozen=True)
class Unsettled:
    what: str
    id: str
    camera_id: str
    path: str | None
    received_ms: int


class MediaRows:
    """Every method is one transaction; all raise StorageUnavailableError when the disk refuses."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._ledger = Ledger(clock)

    def is_gone(self, file_id: str) -> bool:
        """Whether this file was deleted on purpose."""
        with self._database.read() as connection:
            for table in (recordings, pictures):
                state = connection.scalar(sa.select(table.c.state).where(table.c.id == file_id))
                if state in GONE:
                    return True
        return False

    def started_ms(self, file_id: str) -> int:
        """What is known of when it began, 0 when nothing is."""
        with self._database.read() as connection:
            return (
                connection.scalar(sa.select(recordings.c.started_ms).where(recordings.c.id == file_id))
                or connection.scalar(sa.select(pictures.c.ts_ms).where(pictures.c.id == file_id))
                or 0
            )

    def plan(
        self, file_id: str, camera_id: str, found: Found, path: str, started_ms: int, now_ms: int
    ) -> None:
        """Say where the file is about to be; a file whose facts were lost gets its row here."""

        def job(connection: sa.Connection) -> None:
            known = {"path": path, "format": found.format}
            base = {"id": file_id, "camera_id": camera_id, "received_ms": now_ms}
            if _is_recording(connection, file_id, found):
                statement = insert(recordings).values(
                    **base,
                    **known,
                    state=RecordingState.GROWING,
                    started_ms=started_ms,
                    stream_id=found.stream_id or None,
                    codec=found.codec,
                    width_px=found.width_px,
                    height_px=found.height_px,
                    **found.told,
                )
            else:
                statement = insert(pictures).values(
                    **base,
                    **known,
                    state=PictureState.INCOMING,
                    kind=found.kind,
                    ts_ms=started_ms,
                    width_px=found.width_px,
                    height_px=found.height_px,
                    cause_id=found.told.get("cause_id"),
                )
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=known))

        self._database.write(job)

    def settle(self, file_id: str, found: Found, now_ms: int) -> None:
        """The file is in its place: say what it is."""

        def job(connection: sa.Connection) -> None:
            common: dict[str, Any] = {
                "state": found.condition,
                "size_bytes": found.size_bytes,
                "damage": found.damage,
            }
            if not _is_recording(connection, file_id, found):
                # A picture has no tail that could be missing: recovered is whole.
                whole = found.condition is Condition.RECOVERED
                common["state"] = PictureState.COMPLETE if whole else found.condition
                connection.execute(sa.update(pictures).where(pictures.c.id == file_id).values(**common))
                columns = (pictures.c.camera_id, pictures.c.ts_ms)
                camera_id, ts_ms = connection.execute(
                    sa.select(*columns).where(pictures.c.id == file_id)
                ).one()
                note_file(self._ledger, connection, file_id, camera_id, found, ts_ms, ts_ms, picture=True)
                return
            row = connection.execute(sa.select(recordings).where(recordings.c.id == file_id)).one()
            # The file's own time counts; of a damaged or plain one the facts know better.
            told = found.condition is not Condition.DAMAGED and found.started_ms > 0
            started_ms = found.started_ms if told else row.started_ms
            duration_ms = found.duration_ms or row.duration_ms or 0
            ended_ms = started_ms + duration_ms
            connection.execute(
                sa.update(recordings)
                .where(recordings.c.id == file_id)
                .values(
                    **common,
                    started_ms=started_ms,
                    ended_ms=ended_ms,
                    duration_ms=duration_ms,
                    plain_bytes=found.plain_bytes or None,
                    sha256=found.sha256 or None,
                    verified_ms=now_ms,
                )
            )
            note_file(
                self._ledger, connection, file_id, row.camera_id, found, started_ms, ended_ms, picture=False
            )
            if found.condition is Condition.RECOVERED:
                lost = (file_id, row.camera_id, ended_ms, found.lost_until_ms, now_ms)
                _note_gap(self._ledger, connection, *lost)

        self._database.write(job)

    def unsettled(self) -> list[Unsettled]:
        """Recordings and pictures whose file is not in its place yet, as far as the rows know."""
        with self._database.read() as connection:
            found = []
            for what, table, state in (
                ("recording", recordings, RecordingState.GROWING),
                ("picture", pictures, PictureState.INCOMING),
            ):
                columns = (table.c.id, table.c.camera_id, table.c.path, table.c.received_ms)
                # Written as the partial index says it, or SQLite does not see that the index fits.
                unsettled = sa.text(f"state IN ('{state}', 'deleting')")
                query = sa.select(*columns).where(unsettled, table.c.state == state)
                found += [Unsettled(what, *row) for row in connection.execute(query.limit(UNSETTLED_ROWS))]
        return found

    def missing(self, file_id: str) -> None:
        def job(connection: sa.Connection) -> None:
            lost = {"state": RecordingState.DAMAGED, "damage": "its file is missing"}
            ended = {
                "ended_ms": sa.func.coalesce(recordings.c.ended_ms, recordings.c.started_ms),
                "duration_ms": sa.func.coalesce(recordings.c.duration_ms, 0),
            }
            connection.execute(
                sa.update(recordings).where(recordings.c.id == file_id).values(**lost, **ended)
            )
            connection.execute(sa.update(pictures).where(pictures.c.id == file_id).values(**lost))

        self._database.write(job)


def _is_recording(connection: sa.Connection, file_id: str, found: Found) -> bool:
    """A file whose header is damaged does not say what it is; its fact does."""
    if found.condition is Condition.DAMAGED:
        return connection.scalar(sa.select(pictures.c.id).where(pictures.c.id == file_id)) is None
    return found.is_recording


def _note_gap(
    ledger: Ledger,
    connection: sa.Connection,
    file_id: str,
    camera_id: str,
    ended_ms: int,
    lost_until_ms: int,
    now_ms: int,
) -> None:
    """What the dead writer held in memory: from the last whole fragment to its last sign of life."""
    gap: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_OID, f"vigilar/recovered/{file_id}")),
        "camera_id": camera_id,
        "from_ms": ended_ms,
        "to_ms": max(ended_ms, min(lost_until_ms, now_ms)),
        "reason": "the recording was cut off: its writer ended without finishing it",
        "recording_id": file_id,
        "received_ms": now_ms,
    }
    if connection.execute(insert(recording_gaps).values(**gap).on_conflict_do_nothing()).rowcount:
        del gap["received_ms"]
        note_gap(ledger, connection, gap_id=gap.pop("id"), **gap)
