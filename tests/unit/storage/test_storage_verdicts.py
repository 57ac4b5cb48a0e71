"""What the owner says of objects: the newest word counts, and false alarms are counted by camera."""

from __future__ import annotations

from typing import Any

import pytest
from storage_rig import event, fact, new_id
from vigilar_common.messages.objects import object_event_id
from vigilar_storage import queries, verdicts
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore

DAY_MS = verdicts.DAY_MS
NOW_MS = 100 * DAY_MS
CAMERA = "camera-worker-front"


def seen(track_id: str, at_ms: int, camera: str = "front") -> Any:
    detail = {"object_class": "person", "track_id": track_id}
    return event(object_event_id(track_id), type="object", camera_id=camera, ts_ms=at_ms, detail=detail)


def marked(track_id: str, verdict: str = "wrong", at_ms: int = NOW_MS, camera: str = "front") -> Any:
    body = {
        "camera_id": camera,
        "track_id": track_id,
        "verdict": verdict,
        "object_class": "person",
        "by": "ann",
    }
    return fact("object.marked", body | {"learnt": True, "ts_ms": at_ms})


def suppressed(track_id: str, at_ms: int) -> Any:
    body = {
        "camera_id": "front", "track_id": track_id, "object_class": "person", "confidence": 0.7, "ts_ms": at_ms,
        "box": {"x": 0.1, "y": 0.1, "w": 0.1, "h": 0.2}, "started_ms": at_ms, "mask": "Statue",
    }  # fmt: skip
    return fact("object.suppressed", body)


def shown(database: Database, track_id: str) -> str:
    with database.read() as connection:
        row = queries.get_event(connection, object_event_id(track_id), NOW_MS)
    assert row is not None
    return str(row["verdict"])


def counts(database: Database, camera: str = "front") -> list[tuple[int, ...]]:
    with database.read() as connection:
        found = verdicts.false_alarms(connection, camera, NOW_MS)
    return [(s["days"], s["told"], s["wrong"], s["suppressed"]) for s in found["spans"]]


def test_an_event_says_what_the_owner_said_of_it_and_it_can_be_taken_back(
    store: FactStore, database: Database
) -> None:
    track = new_id()
    store.ingest("events", [seen(track, NOW_MS - 5_000)])
    assert shown(database, track) == ""
    store.ingest(CAMERA, [marked(track)])
    assert shown(database, track) == "wrong"
    store.ingest(CAMERA, [marked(track, "none", NOW_MS + 1)])
    assert shown(database, track) == ""


def test_the_newest_word_counts_whichever_comes_first(store: FactStore, database: Database) -> None:
    track = new_id()
    store.ingest("events", [seen(track, NOW_MS)])
    store.ingest(CAMERA, [marked(track, "right", NOW_MS + 9), marked(track, "wrong", NOW_MS)])
    assert shown(database, track) == "right"


def test_false_alarms_are_counted_by_camera_for_7_and_30_days(store: FactStore, database: Database) -> None:
    tracks = [new_id() for _ in range(5)]
    ages = (1, 2, 10, 20, 40)
    store.ingest("events", [seen(t, NOW_MS - age * DAY_MS) for t, age in zip(tracks, ages, strict=True)])
    other = new_id()
    store.ingest("events", [seen(other, NOW_MS - DAY_MS, "back")])
    store.ingest("camera-worker-back", [marked(other, camera="back")])
    store.ingest(
        CAMERA,
        [
            marked(tracks[0]),
            marked(tracks[2]),
            marked(tracks[1], "right"),
            suppressed(new_id(), NOW_MS - 3 * DAY_MS),
        ],
    )
    assert counts(database) == [(7, 2, 1, 1), (30, 4, 2, 1)]
    assert counts(database, "back") == [(7, 1, 1, 0), (30, 1, 1, 0)]
    assert counts(database, "nowhere") == [(7, 0, 0, 0), (30, 0, 0, 0)]


def test_what_was_suppressed_is_listed_with_why_and_may_be_marked_as_right(
    store: FactStore, database: Database
) -> None:
    track = new_id()
    store.ingest(CAMERA, [suppressed(track, NOW_MS - 10), marked(track, "right")])
    with database.read() as connection:
        (row,) = verdicts.false_alarms(connection, "front", NOW_MS)["newest"]
    assert (row["suppressed"], row["mask"], row["verdict"], row["marked_by"]) == (
        True,
        "Statue",
        "right",
        "ann",
    )
    assert counts(database) == [(7, 0, 0, 1), (30, 0, 0, 1)], "it was not told, so it was no false alarm"


def test_a_camera_cannot_mark_what_another_one_saw(store: FactStore, database: Database) -> None:
    track = new_id()
    store.ingest("events", [seen(track, NOW_MS)])
    store.ingest(CAMERA, [marked(track)])
    store.ingest("camera-worker-back", [marked(track, "none", NOW_MS + 5, camera="back")])
    assert shown(database, track) == "wrong"


@pytest.mark.parametrize("column", ["camera_id", "event_id"])
def test_lists_go_by_an_index(database: Database, column: str) -> None:
    with database.read() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN SELECT verdict FROM object_verdicts WHERE {column} = 'x'"  # noqa: S608
        ).fetchall()
    assert "USING INDEX ix_object_verdicts_" in plan[0][3]
