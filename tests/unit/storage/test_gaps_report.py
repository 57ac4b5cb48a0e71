"""Which seconds exist, and why the others do not."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import fact, finished, new_id, opened
from vigilar_common.config import Config
from vigilar_storage import gaps, registry
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.gaps import Expected, Piece, absences, bridged, cut
from vigilar_storage.schema import recordings

T = 1_767_225_600_000
S = 1_000
OTHERWISE = Expected("idle", "motion only")


def shown(pieces: list[Piece]) -> list[tuple[int, int, str]]:
    return [(piece.from_ms, piece.to_ms, piece.state) for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([], [(0, 100, "idle")]),
        ([Piece(0, 100, "recorded")], [(0, 100, "recorded")]),
        ([Piece(-5, 20, "recorded"), Piece(80, 300, "recorded")], [(0, 20, "recorded"), (20, 80, "idle"), (80, 100, "recorded")]),
        ([Piece(40, 60, "recorded"), Piece(0, 100, "gap")], [(0, 40, "gap"), (40, 60, "recorded"), (60, 100, "gap")]),
        ([Piece(0, 60, "recorded"), Piece(40, 80, "recorded")], [(0, 80, "recorded"), (80, 100, "idle")]),
        ([Piece(40, 60, "recorded"), Piece(40, 60, "gap")], [(0, 40, "idle"), (40, 60, "recorded"), (60, 100, "idle")]),
        ([Piece(100, 200, "recorded"), Piece(-9, 0, "gap")], [(0, 100, "idle")]),
        ([Piece(50, 50, "gap")], [(0, 100, "idle")]),
    ],
)  # fmt: skip
def test_a_span_is_cut_without_overlap_and_the_stronger_wins(
    pieces: list[Piece], wanted: list[tuple[int, int, str]]
) -> None:
    assert shown(cut(pieces, 0, 100, OTHERWISE)) == wanted


def test_twenty_thousand_pieces_are_cut_and_add_up_to_the_whole() -> None:
    pieces = [Piece(place * 10, place * 10 + 6, "recorded", "", str(place)) for place in range(20_000)]
    found = cut(pieces, 0, 200_000, OTHERWISE)
    assert len(found) == 40_000
    assert sum(piece.to_ms - piece.from_ms for piece in found) == 200_000
    assert all(a.to_ms == b.from_ms for a, b in itertools.pairwise(found))


def test_a_blink_between_two_recordings_is_not_missing() -> None:
    one, two = Piece(0, 1000, "recorded", "", "a"), Piece(1040, 2000, "recorded", "", "b")
    assert shown(bridged([one, two])) == [(0, 1040, "recorded"), (1040, 2000, "recorded")]
    late = Piece(4000, 5000, "recorded", "", "c")
    assert bridged([one, late]) == [one, late]


def test_a_camera_that_went_before_the_span_is_away_until_it_comes_back() -> None:
    away = absences([(10, "no route"), (30, "no route"), (60, None), (70, None), (90, "power")], 50, 100)
    assert [(piece.from_ms, piece.to_ms, piece.reason) for piece in away] == [
        (10, 60, "camera offline: no route"),
        (90, 100, "camera offline: power"),
    ]


# -- with a database --------------------------------------------------------------------------------------------


class House:
    def __init__(self, database: Database, store: FactStore) -> None:
        self.database, self.store = database, store

    def configure(self, created_ms: int = T - 1, **camera: Any) -> None:
        known = {"id": "front", "display_name": "Front door", "rtsp_url": "rtsp://127.0.0.1/x", **camera}
        registry.sync(self.database, Config.model_validate({"cameras": [known]}), created_ms)

    def tell(self, *items: Any) -> None:
        assert self.store.ingest("camera-worker-front", list(items)).rejections == []

    def recording(self, begin_s: int, seconds: int, **values: Any) -> str:
        recording_id = new_id()
        started_ms = T + begin_s * S
        self.tell(opened(recording_id, started_ms), finished(recording_id, started_ms, seconds=seconds))
        known = {"state": "complete", "path": f"front/2026/01/01/{recording_id}.vge", **values}
        self.database.write(
            lambda connection: connection.execute(
                sa.update(recordings).where(recordings.c.id == recording_id).values(**known)
            )
        )
        return recording_id

    def report(self, begin_s: int = 0, end_s: int = 100, now_s: int = 1000) -> dict[str, Any]:
        with self.database.read() as connection:
            return gaps.report(connection, "front", T + begin_s * S, T + end_s * S, T + now_s * S)

    def spans(self, **more: int) -> list[tuple[int, int, str]]:
        return [
            ((span["from_ms"] - T) // S, (span["to_ms"] - T) // S, span["state"])
            for span in self.report(**more)["spans"]
        ]


@pytest.fixture
def house(database: Database, store: FactStore) -> House:
    return House(database, store)


def test_every_second_of_a_mixed_day_has_its_state_and_reason(house: House) -> None:
    house.configure(record_continuous=True)
    first = house.recording(0, 20)
    deleted = {
        "state": "deleted",
        "path": None,
        "deleted_ms": T,
        "deleted_by": "storage",
        "deleted_reason": "older than 30 days",
    }
    house.recording(20, 20, **deleted)
    house.tell(
        fact("recording.gap", {"camera_id": "front", "from_ms": T + 40 * S, "to_ms": T + 50 * S, "reason": "slow disk"}),
        fact("camera.offline", {"camera_id": "front", "reason": "connection refused", "ts_ms": T + 50 * S}),
        fact("camera.online", {"camera_id": "front", "offline_s": 20, "ts_ms": T + 70 * S}),
    )  # fmt: skip

    found = house.report()

    assert [(span["state"], span["reason"]) for span in found["spans"]] == [
        ("recorded", ""),
        ("deleted", "deleted by storage: older than 30 days"),
        ("gap", "slow disk"),
        ("gap", "camera offline: connection refused"),
        ("gap", gaps._expected(_continuous()).reason),
    ]
    assert found["spans"][0]["recording_id"] == first
    assert found["totals_ms"] == {"recorded": 20 * S, "deleted": 20 * S, "gap": 60 * S, "idle": 0}


def _continuous() -> Any:
    class Row:
        enabled, record_continuous, record_on_motion = True, True, True

    return Row()


def test_a_camera_that_records_motion_is_idle_between_its_clips(house: House) -> None:
    house.configure()
    house.recording(30, 10)
    assert house.spans() == [(0, 30, "idle"), (30, 40, "recorded"), (40, 100, "idle")]


def test_a_recording_that_grows_reaches_to_now_and_nothing_is_said_of_the_future(house: House) -> None:
    house.configure()
    house.recording(10, 10, state="growing", ended_ms=None, path=None)
    assert house.spans(now_s=60) == [(0, 10, "idle"), (10, 60, "recorded")]
    assert house.report(now_s=-10)["spans"] == []


def test_before_it_was_configured_a_camera_owes_nothing(house: House) -> None:
    house.configure(created_ms=T + 40 * S, record_continuous=True)
    assert house.spans() == [(0, 40, "idle"), (40, 100, "gap")]


def test_a_lost_file_is_a_gap_and_a_damaged_one_is_shown_with_its_damage(house: House) -> None:
    house.configure()
    house.recording(0, 10, state="damaged", path=None, damage="its file is missing")
    house.recording(10, 10, state="damaged", damage="chunk 3 is altered")
    spans = house.report(end_s=20)["spans"]
    assert [(span["state"], span["reason"]) for span in spans] == [
        ("gap", "its file is missing"), ("recorded", "chunk 3 is altered"),
    ]  # fmt: skip


def test_a_stranger_and_a_span_without_bounds_are_refused(house: House) -> None:
    house.configure()
    with house.database.read() as connection:
        with pytest.raises(gaps.UnknownCameraError):
            gaps.report(connection, "back", T, T + S, T)
        with pytest.raises(gaps.ReportTooLargeError):
            gaps.report(connection, "front", 0, T, T)
