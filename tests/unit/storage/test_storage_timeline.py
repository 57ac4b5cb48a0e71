"""The axis of time: events one by one or counted, who has looked, and where each second of film lies."""

from __future__ import annotations

import time
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import event, fact, make_film, new_id
from vigilar_common.fmp4 import Fmp4Error, Fragment, FragmentIndex, from_zero
from vigilar_storage import gaps, playlist, queries, reviews, timeline
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.gaps import Piece
from vigilar_storage.media import keyframe_at
from vigilar_storage.queries import Wanted
from vigilar_storage.schema import event_counts

HOUR_MS = 3_600_000
LEVEL_MS = 1_800_000
ANY = Wanted()
START_MS = 1_750_000_000_000 // HOUR_MS * HOUR_MS


def seen(name: str, at_ms: int, camera: str = "front", event_id: str = "", **more: Any) -> Any:
    body = {"detail": {"object_class": name, "track_id": new_id()}, "severity": "info", **more}
    return event(event_id or new_id(), type="object", camera_id=camera, ts_ms=at_ms, **body)


def ended(event_id: str, at_ms: int, **detail: Any) -> Any:
    return fact("event.ended", {"event_id": event_id, "ended_ms": at_ms, "detail": detail})


def take(store: FactStore, *facts: Any) -> None:
    assert store.ingest("events", list(facts)).rejections == []


def looked(database: Database, hours: float, slot_ms: int, wanted: Wanted = ANY, **more: Any) -> Any:
    axis = timeline.Axis(START_MS, START_MS + int(hours * HOUR_MS), slot_ms)
    with database.read() as connection:
        return timeline.look(connection, axis, wanted, **more)


def counted(database: Database) -> dict[tuple[Any, ...], int]:
    columns = event_counts.c
    query = sa.select(columns.slot_ms, columns.camera_id, columns.kind, columns.severity, columns.n)
    with database.read() as connection:
        rows = connection.execute(query.where(columns.level_ms == LEVEL_MS, columns.n > 0)).all()
    return {tuple(row)[:4]: row.n for row in rows}


def by_hand(database: Database) -> dict[tuple[Any, ...], int]:
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT started_ms - started_ms % 1800000, coalesce(camera_id, ''), CASE type WHEN 'object' THEN "
            "coalesce(end_detail ->> 'object_class', detail ->> 'object_class') ELSE type END, severity, count(*) "
            "FROM events WHERE started_ms IS NOT NULL GROUP BY 1, 2, 3, 4"
        ).all()
    return {tuple(row)[:4]: row[4] for row in rows}


def test_few_events_are_told_one_by_one_with_how_it_moved(database: Database, store: FactStore) -> None:
    moved = new_id()
    take(
        store,
        seen("person", START_MS + 1_000),
        event(moved, ts_ms=START_MS + 2_000),
        ended(moved, START_MS + 5_000, curve=[0.1] * 300, curve_step_s=1),
    )

    answer = looked(database, 1, 60_000, curves=True)

    assert answer["counts"] is None
    assert [mark["kind"] for mark in answer["marks"]] == ["person", "motion"]
    curve = answer["marks"][1]
    assert len(curve["curve"]) <= timeline.MAX_CURVE_POINTS
    assert curve["curve_step_s"] * len(curve["curve"]) == 300
    assert "curve" not in looked(database, 1, 60_000)["marks"][1]


def test_many_events_are_counted_and_each_level_counts_the_same(
    database: Database, store: FactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_MARKS", 3)
    take(
        store,
        *(seen("person", START_MS + at * 600_000) for at in range(8)),
        seen("car", START_MS + 60_000, camera="back", severity="alert"),
        event(new_id(), type="alarm_triggered", camera_id=None, ts_ms=START_MS, severity="critical"),
    )

    hours = looked(database, 2, HOUR_MS)

    assert hours["marks"] is None
    assert sorted(hours["counts"]) == [
        [0, "", "alarm_triggered", "critical", 1],
        [0, "back", "car", "alert", 1],
        [0, "front", "person", "info", 6],
        [1, "front", "person", "info", 2],
    ]
    minutes = looked(database, 2, 60_000)["counts"]
    assert sum(row[4] for row in minutes) == sum(row[4] for row in hours["counts"]) == 10
    assert {row[0] for row in minutes if row[1] == "front"} == {at * 10 for at in range(8)}
    only = looked(database, 2, HOUR_MS, Wanted(cameras=("front",), classes=("person",)))["counts"]
    assert [row[4] for row in only] == [6, 2]
    monkeypatch.setattr(timeline, "MAX_MARKS", 0)
    assert looked(database, 2, HOUR_MS, Wanted(severities=("alert",)))["counts"] == [
        [0, "back", "car", "alert", 1]
    ]


def test_counts_follow_every_change_of_an_event(database: Database, store: FactStore) -> None:
    late, cat = new_id(), new_id()
    take(store, ended(late, START_MS + 9_000))
    assert counted(database) == {}, "it has no beginning yet"
    take(store, seen("person", START_MS, event_id=late), seen("cat", START_MS + 1, event_id=cat))
    assert counted(database) == by_hand(database)
    take(store, ended(cat, START_MS + 5_000, object_class="dog"))
    assert counted(database) == by_hand(database)
    assert {key[2] for key in counted(database)} == {"person", "dog"}
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM events"))
    assert counted(database) == {}


def listed(database: Database, wanted: Wanted, cursor: str | None = None, limit: int = 50) -> Any:
    query = queries.wanted_events(wanted)
    with database.read() as connection:
        return queries.list_events(
            connection, query, limit, cursor, START_MS + HOUR_MS, waiting=wanted.reviewed is False
        )


def test_events_wait_until_somebody_looks_and_who_did_is_kept(database: Database, store: FactStore) -> None:
    ids = [new_id() for _ in range(4)]
    take(store, *(event(one, ts_ms=START_MS + at) for at, one in enumerate(ids)))

    assert [row["id"] for row in listed(database, Wanted(reviewed=False))[0]] == ids[::-1]
    assert reviews.mark(database, ids[:2], "anna", 50) == 2
    assert reviews.mark(database, ids[:2], "ben", 60) == 0, "who looked first is kept"
    waiting, _ = listed(database, Wanted(reviewed=False, cameras=("front",)))
    assert [row["id"] for row in waiting] == [ids[3], ids[2]]
    done, _ = listed(database, Wanted(reviewed=True))
    assert [(row["id"], row["reviewed_by"], row["reviewed_ms"], row["to_review"]) for row in done] == [
        (ids[1], "anna", 50, False),
        (ids[0], "anna", 50, False),
    ]
    with database.read() as connection:
        assert (reviews.waiting(connection, 10), reviews.waiting(connection, 1)) == (2, 1)
    assert reviews.take_back(database, [ids[0]]) == 1
    assert [row["id"] for row in listed(database, Wanted(reviewed=False))[0]] == [ids[3], ids[2], ids[0]]


def test_all_are_marked_at_once_and_only_that_is_undone(
    database: Database, store: FactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "AT_ONCE", 2)
    ids = [new_id() for _ in range(6)]
    take(store, *(event(one, ts_ms=START_MS + at) for at, one in enumerate(ids)))
    back = new_id()
    take(store, event(back, ts_ms=START_MS + 2, camera_id="back"))
    reviews.mark(database, ids[:1], "anna", 40)

    assert reviews.mark_until(database, START_MS + 4, ["front"], "anna", 50) == 4
    assert {row["id"] for row in listed(database, Wanted(reviewed=False))[0]} == {ids[5], back}
    assert reviews.undo(database, "ben", 50) == 0
    assert reviews.undo(database, "anna", 50) == 4
    assert [row["id"] for row in listed(database, Wanted(reviewed=True))[0]] == [ids[0]]


def test_nobody_is_asked_to_look_at_duress(database: Database, store: FactStore) -> None:
    take(store, event(new_id(), type="duress", camera_id=None, severity="critical", ts_ms=START_MS))
    assert listed(database, Wanted(reviewed=False))[0] == []


def test_waiting_events_are_paged_from_their_own_index(database: Database, store: FactStore) -> None:
    ids = [new_id() for _ in range(5)]
    take(store, *(event(one, ts_ms=START_MS + at) for at, one in enumerate(ids)))
    found: list[str] = []
    cursor = None
    while True:
        rows, cursor = listed(database, Wanted(reviewed=False), cursor, 2)
        found += [row["id"] for row in rows]
        if cursor is None:
            break
    assert found == ids[::-1]
    query = queries.wanted_events(Wanted(reviewed=False)).order_by(
        sa.text("event_reviews.started_ms DESC, event_reviews.event_id DESC")
    )
    with database.read() as connection:
        sql = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert "ix_event_reviews_open" in plan[0], plan
    assert not any("TEMP B-TREE" in step for step in plan)


def test_events_are_found_by_words_of_their_title_classes_and_pets(
    database: Database, store: FactStore
) -> None:
    fox, cat = new_id(), new_id()
    take(
        store,
        event(fox, ts_ms=START_MS, title="Fox at 100% speed"),
        seen("cat", START_MS + 1, event_id=cat, title="Cat"),
        seen("dog", START_MS + 2, title="Dog"),
    )
    assert [row["id"] for row in listed(database, Wanted(words=("fox", "100%")))[0]] == [fox]
    assert listed(database, Wanted(words=("1%0",)))[0] == []
    assert [row["title"] for row in listed(database, Wanted(classes=("cat", "dog")))[0]] == ["Dog", "Cat"]
    assert listed(database, Wanted(pet="nobody"))[0] == []
    assert listed(database, Wanted(person="nobody"))[0] == []


# -- film -------------------------------------------------------------------------------------------------------


def piece(at_ms: int, *, keyframe: bool = True) -> Fragment:
    return Fragment(at_ms, 500, 1_000 + at_ms, 100, keyframe)


def test_a_player_is_told_where_each_second_lies_and_overlaps_are_cut() -> None:
    def film(name: str, started_ms: int, count: int) -> playlist.Film:
        found = playlist.segments(
            [piece(at * 500, keyframe=at % 2 == 0) for at in range(count)], finished=True, least_ms=1
        )
        return playlist.Film(
            f"/{name}", started_ms, 900, found, True, name, 'video/mp4; codecs="avc1.64001f"'
        )

    films = playlist.index_of_span([film("a", 10_000, 8), film("b", 12_000, 8)], 11_000, 60_000)

    assert [one["recording_id"] for one in films] == ["a", "b"]
    assert [row[0] for row in films[0]["segments"]] == [11_000, 12_000, 13_000]
    assert films[0]["segments"][0] == [11_000, 1_000, 1_000, 2_000, 1_000]
    assert [row[:2] for row in films[1]["segments"]] == [[14_000, 2_000], [15_000, 3_000]]
    assert films[0]["mime"] == 'video/mp4; codecs="avc1.64001f"'


def test_a_preview_is_the_last_keyframe_before_the_moment() -> None:
    fragments = [piece(0, keyframe=False), piece(500), piece(1_000, keyframe=False), piece(1_500)]
    assert keyframe_at(fragments, 1_400) == fragments[1]
    assert keyframe_at(fragments, 1_500) == fragments[3]
    assert keyframe_at(fragments, 0) == fragments[1], "nothing earlier can be shown"
    assert keyframe_at([], 0) is None


def test_a_fragment_on_its_own_begins_at_zero_and_nothing_else_of_it_changes() -> None:
    film = make_film(3)
    index = FragmentIndex()
    index.feed(film)
    last = index.fragments[-1]
    assert last.time_ms > 0
    moved = from_zero(film[last.offset : last.offset + last.size])
    again = FragmentIndex()
    again.feed(film[: index.init_length] + moved)
    assert [(one.time_ms, one.duration_ms, one.size) for one in again.fragments] == [
        (0, last.duration_ms, last.size)
    ]
    for broken in (b"", b"\0\0\0\x08mdat", b"\0\0\xff\xffmoof"):
        with pytest.raises(Fmp4Error):
            from_zero(broken)


def test_coverage_of_a_long_time_joins_recordings_and_keeps_every_gap() -> None:
    pieces = [
        Piece(0, 10, gaps.RECORDED, "", "a"),
        Piece(10, 20, gaps.RECORDED, "", "b"),
        Piece(20, 25, gaps.IDLE, "recorded on motion only"),
        Piece(25, 30, gaps.RECORDED, "", "c"),
        Piece(30, 31, gaps.GAP, "camera offline"),
        Piece(31, 40, gaps.RECORDED, "", "d"),
        Piece(40, 80, gaps.IDLE, "recorded on motion only"),
    ]
    assert gaps.coarse(pieces, 10) == [
        Piece(0, 30, gaps.RECORDED),
        Piece(30, 31, gaps.GAP, "camera offline"),
        Piece(31, 40, gaps.RECORDED),
        Piece(40, 80, gaps.IDLE, "recorded on motion only"),
    ]


@pytest.mark.slow
def test_a_million_events_are_looked_at_in_under_100_ms(database: Database) -> None:
    """Every span and filter, 95th percentile; three months of eight cameras."""
    total, span_ms = 1_000_000, 92 * 24 * HOUR_MS
    rows = f"""
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {total - 1})
      INSERT INTO events (id, type, severity, title, camera_id, detail, started_ms, ended_ms, received_ms)
      SELECT printf('%08d-0000-4000-8000-000000000000', i), iif(i % 3, 'object', 'motion'),
        iif(i % 11, 'info', 'alert'), 'Something', 'cam' || (i % 8),
        iif(i % 3, json_object('object_class', iif(i % 2, 'person', 'car')), '{{}}'),
        {START_MS} + i * {span_ms // total}, {START_MS} + i * {span_ms // total} + 5000, 0 FROM n
    """  # noqa: S608 only numbers
    database.write(lambda connection: connection.exec_driver_sql(rows), timeout_s=600)
    zooms = [
        (1, 5_000),
        (6, 30_000),
        (24, 300_000),
        (24 * 3, LEVEL_MS),
        (24 * 7, LEVEL_MS),
        (24 * 31, 3 * HOUR_MS),
    ]
    filters = [
        Wanted(),
        Wanted(cameras=("cam3",)),
        Wanted(classes=("person",)),
        Wanted(severities=("alert",)),
    ]
    took: list[float] = []
    with database.read() as connection:
        for hours, slot_ms in [*zooms, (24 * 90, 24 * HOUR_MS)]:
            for wanted in filters:
                for turn in range(5):
                    from_ms = START_MS + turn * 2 * HOUR_MS
                    axis = timeline.Axis(from_ms, from_ms + hours * HOUR_MS, slot_ms)
                    began = time.perf_counter()
                    timeline.look(connection, axis, wanted)
                    took.append((time.perf_counter() - began) * 1000)
    took.sort()
    p95 = took[int(len(took) * 0.95)]
    print(
        f"timeline over {total} events: p50 {took[len(took) // 2]:.1f} ms, p95 {p95:.1f} ms, max {took[-1]:.1f} ms"
    )
    assert p95 < 100
