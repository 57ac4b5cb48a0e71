"""Which seconds of a camera exist, and why the others do not.

The span is cut wherever a recording, a gap, an absence or a deletion begins or ends; each piece is told by the strongest
thing that is known of it: recorded, then deleted, then a gap with its own reason, then the camera's absence, and last
what the configuration expects (`idle`: it records only what moves).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from vigilar_common.errors import VigilarError
from vigilar_common.messages.camera import CameraOffline, CameraOnline

from vigilar_storage.candidates import COVER_MS
from vigilar_storage.projections import GONE
from vigilar_storage.schema import RecordingState, cameras, facts, recording_gaps, recordings

MAX_SPAN_MS = 92 * 86_400_000
MAX_PIECES = 20_000
"""Recordings and gaps of one report; a longer one has to be asked for in parts."""
BRIDGED_MS = 1_000
"""Between two recordings of a camera that records always, less than this is not missing: frames have a rhythm."""
LOOK_BACK_MS = 7 * 86_400_000
"""How far before the span the camera's last news is looked for."""

RECORDED, DELETED, GAP, IDLE = "recorded", "deleted", "gap", "idle"


class UnknownCameraError(VigilarError):
    """No camera of that id was ever configured."""


class ReportTooLargeError(VigilarError):
    """The span holds more than one report shows."""


@dataclass(frozen=True)
class Piece:
    """Half-open span in UTC ms."""

    from_ms: int
    to_ms: int
    state: str
    reason: str = ""
    recording_id: str | None = None


@dataclass(frozen=True)
class Expected:
    """What is said of seconds of which nothing is known."""

    state: str
    reason: str


def cut(pieces: Sequence[Piece], from_ms: int, to_ms: int, otherwise: Expected) -> list[Piece]:
    """The whole span, without overlaps; earlier pieces win over later ones. Pure.

    Neighbours that say the same are one; pieces of another recording are not.
    """
    found: list[Piece] = []
    free = [(from_ms, to_ms)] if from_ms < to_ms else []
    """In order; what overlaps a piece is found by bisection, for there may be many thousands."""
    for piece in pieces:
        first = last = max(0, bisect_right(free, (piece.from_ms, to_ms)) - 1)
        left: list[tuple[int, int]] = []
        while last < len(free) and free[last][0] < piece.to_ms:
            begin, end = free[last]
            last += 1
            a, b = max(begin, piece.from_ms), min(end, piece.to_ms)
            if a >= b:
                left.append((begin, end))
                continue
            found.append(Piece(a, b, piece.state, piece.reason, piece.recording_id))
            left += [(x, y) for x, y in ((begin, a), (b, end)) if x < y]
        free[first:last] = left
    found += [Piece(a, b, otherwise.state, otherwise.reason) for a, b in free]
    return _joined(sorted(found, key=lambda piece: piece.from_ms))


def bridged(recorded: Sequence[Piece]) -> list[Piece]:
    """Recordings in order of time, each drawn out to the next one when that follows at once. Pure."""
    found: list[Piece] = []
    for piece in recorded:
        if found and 0 < piece.from_ms - found[-1].to_ms <= BRIDGED_MS:
            last = found[-1]
            found[-1] = Piece(last.from_ms, piece.from_ms, last.state, last.reason, last.recording_id)
        found.append(piece)
    return found


def absences(news: Iterable[tuple[int, str | None]], from_ms: int, to_ms: int) -> list[Piece]:
    """Spans without a picture. `news`: (when, reason of going or None for coming back), in order of time. Pure."""
    found: list[Piece] = []
    since: tuple[int, str] | None = None
    for at_ms, reason in news:
        if reason is None:
            if since is not None:
                found.append(Piece(since[0], at_ms, GAP, since[1]))
            since = None
        elif since is None:
            since = (at_ms, f"camera offline: {reason}"[:500])
    if since is not None:
        found.append(Piece(since[0], to_ms, GAP, since[1]))
    return [piece for piece in found if piece.to_ms > from_ms]


def coarse(pieces: Iterable[Piece], least_ms: int) -> list[Piece]:
    """For a picture of a long time: recordings that follow one another are one, and what was not expected to be recorded
    is part of them where it is shorter than `least_ms`. What is missing stays, however short. Pure.
    """
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        short = piece.state == IDLE and piece.to_ms - piece.from_ms < least_ms
        if last is not None and last.state == RECORDED and (piece.state == RECORDED or short):
            found[-1] = Piece(last.from_ms, piece.to_ms, RECORDED)
        else:
            found.append(Piece(piece.from_ms, piece.to_ms, piece.state, piece.reason))
    return found


def report(
    connection: sa.Connection, camera_id: str, from_ms: int, to_ms: int, now_ms: int, least_ms: int = 0
) -> dict[str, Any]:
    """The answer of `GET /v1/cameras/{camera_id}/coverage`; nothing is said of the future. With `least_ms` spans are
    `coarse`; totals are exact all the same.

    Raises UnknownCameraError, ReportTooLargeError.
    """
    if to_ms - from_ms > MAX_SPAN_MS:
        raise ReportTooLargeError(f"a report spans at most {MAX_SPAN_MS // 86_400_000} days")
    camera = connection.execute(sa.select(cameras).where(cameras.c.id == camera_id)).first()
    if camera is None:
        raise UnknownCameraError(f"there is no camera {camera_id}")
    end_ms = max(from_ms, min(to_ms, now_ms))
    there, gone = _recordings(connection, camera_id, from_ms, end_ms, now_ms)
    missing = _gaps(connection, camera_id, from_ms, end_ms)
    away = absences(_news(connection, camera_id, from_ms, end_ms), from_ms, end_ms)
    known = [*bridged(there), *gone, *missing, *away]
    if camera.created_ms > from_ms:
        known.append(Piece(from_ms, camera.created_ms, IDLE, "the camera was not configured yet"))
    if camera.removed_ms is not None:
        known.append(Piece(camera.removed_ms, end_ms, IDLE, "the camera is not configured any more"))
    spans = cut(known, from_ms, end_ms, _expected(camera))
    totals = dict.fromkeys((RECORDED, GAP, IDLE, DELETED), 0)
    for span in spans:
        totals[span.state] += span.to_ms - span.from_ms
    return {
        "camera_id": camera_id,
        "from_ms": from_ms,
        "to_ms": end_ms,
        "spans": [asdict(span) for span in (coarse(spans, least_ms) if least_ms else spans)],
        "totals_ms": totals,
    }


def _recordings(
    connection: sa.Connection, camera_id: str, from_ms: int, to_ms: int, now_ms: int
) -> tuple[list[Piece], list[Piece]]:
    columns = (
        recordings.c.id,
        recordings.c.state,
        recordings.c.started_ms,
        recordings.c.ended_ms,
        recordings.c.damage,
        recordings.c.path,
        recordings.c.deleted_by,
        recordings.c.deleted_reason,
    )
    query = sa.select(*columns).where(
        recordings.c.camera_id == camera_id,
        recordings.c.started_ms >= from_ms - COVER_MS,
        recordings.c.started_ms < to_ms,
        sa.or_(recordings.c.ended_ms.is_(None), recordings.c.ended_ms > from_ms),
    )
    there: list[Piece] = []
    gone: list[Piece] = []
    for row in _bounded(connection, query.order_by(recordings.c.started_ms, recordings.c.id)):
        end_ms = row.ended_ms if row.ended_ms is not None else now_ms
        if row.state in GONE:
            why = f"deleted by {row.deleted_by}: {row.deleted_reason}"
            gone.append(Piece(row.started_ms, end_ms, DELETED, why, row.id))
        elif row.state == RecordingState.DAMAGED and row.path is None:
            gone.append(Piece(row.started_ms, end_ms, GAP, row.damage, row.id))
        else:
            there.append(Piece(row.started_ms, end_ms, RECORDED, row.damage, row.id))
    return there, gone


def _gaps(connection: sa.Connection, camera_id: str, from_ms: int, to_ms: int) -> list[Piece]:
    query = sa.select(recording_gaps).where(
        recording_gaps.c.camera_id == camera_id,
        recording_gaps.c.from_ms < to_ms,
        recording_gaps.c.from_ms >= from_ms - LOOK_BACK_MS,
        recording_gaps.c.to_ms > from_ms,
    )
    rows = _bounded(connection, query.order_by(recording_gaps.c.from_ms))
    return [Piece(row.from_ms, row.to_ms, GAP, row.reason, row.recording_id) for row in rows]


def _news(
    connection: sa.Connection, camera_id: str, from_ms: int, to_ms: int
) -> list[tuple[int, str | None]]:
    """When the camera came and went. The log is in the order of commit, so what is late is found too."""
    said = sa.func.json_extract(facts.c.body, "$.camera_id")
    why = sa.func.json_extract(facts.c.body, "$.reason").label("why")
    found: list[tuple[int, str | None]] = []
    for kind in (CameraOffline.TYPE, CameraOnline.TYPE):
        query = sa.select(facts.c.ts_ms, why).where(
            facts.c.type == kind, facts.c.ts_ms.between(from_ms - LOOK_BACK_MS, to_ms), said == camera_id
        )
        rows = _bounded(connection, query.order_by(facts.c.ts_ms))
        found += [(row.ts_ms, (row.why or "") if kind == CameraOffline.TYPE else None) for row in rows]
    return sorted(found, key=lambda entry: entry[0])


def _bounded(connection: sa.Connection, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    rows = connection.execute(query.limit(MAX_PIECES + 1)).all()
    if len(rows) > MAX_PIECES:
        raise ReportTooLargeError(
            f"the span holds more than {MAX_PIECES} recordings or gaps: ask for less time"
        )
    return rows


def _expected(camera: Any) -> Expected:
    if not camera.enabled:
        return Expected(IDLE, "the camera is disabled")
    if camera.record_continuous:
        return Expected(
            GAP,
            "nothing was recorded and no worker said why: it did not run, or its facts did not arrive yet",
        )
    if camera.record_on_motion:
        return Expected(IDLE, "recorded on motion only")
    return Expected(IDLE, "recording is switched off")


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if (
            last is not None
            and last.to_ms == piece.from_ms
            and (last.state, last.reason, last.recording_id)
            == (piece.state, piece.reason, piece.recording_id)
        ):
            found[-1] = Piece(last.from_ms, piece.to_ms, piece.state, piece.reason, piece.recording_id)
        else:
            found.append(piece)
    return found
