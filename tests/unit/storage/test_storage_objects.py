"""Objects in the table of events: found by class, zone, camera and time, with what their end says."""

from __future__ import annotations

from typing import Any

import pytest
from storage_rig import event, fact, new_id
from vigilar_storage import queries
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore

PERSON, CAR, MOTION, BEST, FIRST = (new_id() for _ in range(5))


def seen(event_id: str, name: str, at_ms: int, camera: str = "front", **more: Any) -> Any:
    return event(
        event_id, type="object", camera_id=camera, ts_ms=at_ms, score=0.7,
        detail={"object_class": name, "track_id": new_id(), "box": {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.4}}, **more,
    )  # fmt: skip


def left(event_id: str, name: str, at_ms: int, **more: Any) -> Any:
    detail = {"object_class": name, "zones": ["porch", "path"], "dwell_s": {"porch": 4.0}, **more}
    return fact("event.ended", {"event_id": event_id, "ended_ms": at_ms, "detail": detail})


@pytest.fixture
def filled(database: Database, store: FactStore) -> Database:
    told = [
        seen(PERSON, "person", 1_000, zones=["path"], picture_id=FIRST),
        seen(CAR, "car", 2_000, camera="back"),
        event(MOTION, camera_id="front", ts_ms=3_000, zones=["path"]),
    ]
    assert store.ingest("events", told).rejections == []
    return database


def found(database: Database, wanted: queries.Wanted | None = None, **simply: Any) -> list[str]:
    query = queries.wanted_events(wanted) if wanted else queries.events_query(**simply)
    with database.read() as connection:
        rows, _ = queries.list_events(connection, query, 50, None, 9_000)
    return [row["id"] for row in rows]


def test_objects_are_found_by_class_camera_and_time(filled: Database) -> None:
    assert found(filled, object_class="person") == [PERSON]
    assert found(filled, object_class="car", camera="back") == [CAR]
    assert found(filled, object_class="car", camera="front") == []
    assert found(filled, object_class="person", span=queries.Span(1_001)) == []
    assert found(filled, object_class="' OR 1=1 --") == []


def test_what_was_seen_is_found_by_zone_motion_with_it(filled: Database) -> None:
    assert found(filled, zone="path") == [MOTION, PERSON]
    assert found(filled, zone="path", object_class="person") == [PERSON]
    assert found(filled, zone="porch") == []


def test_objects_are_found_by_how_they_went(filled: Database, store: FactStore) -> None:
    store.ingest("events", [left(PERSON, "person", 5_000, speed="slow", loitered=True)])
    store.ingest("events", [left(CAR, "car", 5_000, speed="fast", loitered=False, dwell_s={"path": 1.0})])
    assert found(filled, queries.Wanted(speed="fast")) == [CAR]
    assert found(filled, queries.Wanted(loitered=True)) == [PERSON]
    assert found(filled, queries.Wanted(loitered=False)) == [CAR]
    assert found(filled, queries.Wanted(min_dwell_s=3)) == [PERSON]
    assert found(filled, queries.Wanted(min_dwell_s=0.5, zone="path")) == [CAR], "in that zone"
    assert found(filled, queries.Wanted(min_dwell_s=99)) == []


def test_the_end_says_the_class_and_all_zones(filled: Database, store: FactStore) -> None:
    store.ingest("events", [left(PERSON, "dog", 5_000)])

    assert found(filled, object_class="person") == []
    assert found(filled, object_class="dog") == [PERSON]
    assert found(filled, zone="porch") == [PERSON]


def test_an_object_shows_its_best_picture_once_that_is_there(filled: Database, store: FactStore) -> None:
    def shown() -> str:
        with filled.read() as connection:
            row = queries.get_event(connection, PERSON, 9_000)
        assert row is not None
        return str(row["picture_id"])

    store.ingest("events", [left(PERSON, "person", 5_000, picture_id=BEST)])
    assert shown() == FIRST, "the better one has not come yet"
    taken = {
        "camera_id": "front",
        "picture_id": BEST,
        "kind": "object",
        "width_px": 640,
        "height_px": 360,
        "size_bytes": 9,
    }
    assert store.ingest("camera-worker-front", [fact("picture.taken", taken)]).rejections == []
    assert shown() == BEST
