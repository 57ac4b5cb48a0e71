"""What facts leave in the tables, in whatever order they come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import event, fact, finished, motion, new_id, opened
from vigilar_storage import projections_house as house
from vigilar_storage import projections_living as living
from vigilar_storage import projections_visitors as visitors
from vigilar_storage import queries, verdicts
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.projections import PROJECTIONS
from vigilar_storage.schema import (
    METADATA,
    RecordingState,
    events,
    push_subscriptions,
    recordings,
)

A, B, C, D = (new_id() for _ in range(4))


def row(database: Database, table: str) -> dict[str, Any]:
    with database.read() as connection:
        return dict(connection.execute(sa.select(METADATA.tables[table])).mappings().one())


CASES: list[tuple[str, list[Any], str, dict[str, Any]]] = [
    ("web", fact("system.event", {"component": "web", "level": "alert", "code": "tls", "message": "expires"}),
     "system_events", {"component": "web", "level": "alert", "code": "tls", "message": "expires", "source": "web"}),
    ("camera-worker-front", opened(A, 5_000, cause_id=B),
     "recordings", {"id": A, "camera_id": "front", "state": "growing", "started_ms": 5_000, "ended_ms": None,
                    "trigger": "motion", "cause_id": B, "format": "vge2", "starred": False}),
    ("camera-worker-front", opened(A, 5_000, encrypted=False), "recordings", {"format": "mp4"}),
    ("camera-worker-front", finished(A, 5_000, seconds=7, size=99),
     "recordings", {"started_ms": 5_000, "ended_ms": 12_000, "duration_ms": 7_000, "size_bytes": 99,
                    "state": "growing", "reason": "motion over"}),
    ("camera-worker-front", finished(A, 5_000, ended_ms=4_000), "recordings", {"ended_ms": 5_000, "duration_ms": 0}),
    ("camera-worker-front",
     fact("recording.gap", {"camera_id": "front", "from_ms": 1, "to_ms": 9, "reason": "camera lost"}, C),
     "recording_gaps", {"id": C, "from_ms": 1, "to_ms": 9, "reason": "camera lost"}),
    ("camera-worker-front",
     fact("picture.taken", {"camera_id": "front", "picture_id": A, "kind": "thumbnail", "cause_id": B,
                            "width_px": 640, "height_px": 360, "size_bytes": 9}),
     "pictures", {"id": A, "kind": "thumbnail", "cause_id": B, "state": "incoming", "width_px": 640}),
    ("events", event(A, camera_id=None, sensor_id="door"), "events", {"sensor_id": "door", "camera_id": None}),
    ("events", event(A, ts_ms=77, zones=["porch"], score=0.5, detail={"k": 1}),
     "events", {"id": A, "started_ms": 77, "zones": ["porch"], "score": 0.5, "detail": {"k": 1}, "ended_ms": None}),
    ("events", fact("alarm.changed", {"from_state": "disarmed", "to_state": "armed_away", "changed_by": "ann",
                                      "method": "web"}),
     "arm_state_log", {"outcome": "changed", "from_state": "disarmed", "to_state": "armed_away", "action": None}),
    ("events", fact("alarm.refused", {"action": "DISARM", "code": "wrong_pin", "requested_by": "x", "method": "mqtt"}),
     "arm_state_log", {"outcome": "refused", "action": "DISARM", "code": "wrong_pin", "changed_by": "x"}),
    ("alerts", fact("alert.delivery", {"alert_id": A, "event_id": B, "channel": "web_push", "target": "t",
                                       "attempt": 1, "outcome": "delivered", "severity": "alert", "title": "Motion",
                                       "latency_ms": 900, "sent_after_ms": 300}),
     "alert_log", {"alert_id": A, "event_id": B, "outcome": "delivered", "latency_ms": 900, "sent_after_ms": 300}),
    ("alerts", fact("push.subscribed", {"subscription_id": A, "endpoint": "https://p.example/1", "p256dh": "k",
                                        "auth": "s", "user": "ann", "device": "phone"}),
     "push_subscriptions", {"id": A, "endpoint": "https://p.example/1", "user": "ann", "removed_ms": None}),
    ("web", fact("audit.done", {"account_id": "owner", "actor": "ann", "method": "session", "action": "camera.switch",
                                "subject": "front", "outcome": "refused", "address": "192.0.2.7", "device": "Firefox"}),
     "audit_log", {"account_id": "owner", "actor": "ann", "action": "camera.switch", "outcome": "refused",
                   "address": "192.0.2.7", "detail": ""}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "item", "table", "expected"), CASES, ids=[f"{c[1][2]}-{i}" for i, c in enumerate(CASES)]
)
def test_each_type_of_fact_fills_its_table(
    store: FactStore, database: Database, source: str, item: list[Any], table: str, expected: dict[str, Any]
) -> None:
    outcome = store.ingest(source, [item])

    assert outcome.rejections == []
    got = row(database, table)
    assert {name: got[name] for name in expected} == expected


def test_every_projection_has_a_case_above() -> None:
    with_order_tests = {"event.ended", "push.removed"}
    of_other_modules = {*house.SENSORS, *house.PACKAGES, *living.TYPES, *visitors.TYPES, *verdicts.TYPES}

    assert {case[1][2] for case in CASES} | with_order_tests == set(PROJECTIONS) - of_other_modules


def test_motion_lives_in_the_log_alone(store: FactStore) -> None:
    assert store.ingest("camera-worker-front", [motion()]).rejections == []
    assert "motion.started" not in PROJECTIONS


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_an_event_is_the_same_whichever_of_its_facts_comes_first(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    both = [event(A, ts_ms=100), fact("event.ended", {"event_id": A, "ended_ms": 500, "detail": {"peak": 1}})]
    store.ingest("events", [both[place] for place in order])

    got = row(database, "events")
    assert (got["started_ms"], got["ended_ms"], got["end_detail"]) == (100, 500, {"peak": 1})
    assert got["title"] == "Motion at the front door"


def test_an_event_whose_beginning_is_not_here_yet_is_not_listed(store: FactStore, database: Database) -> None:
    store.ingest("events", [fact("event.ended", {"event_id": A, "ended_ms": 500})])

    with database.read() as connection:
        assert queries.list_events(connection, queries.events_query(), 10, None, 0) == ([], None)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_recording_is_the_same_whichever_of_its_facts_comes_first(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    both = [opened(A, 1_000, cause_id=B), finished(A, 1_000, seconds=6, size=42)]
    store.ingest("camera-worker-front", [both[place] for place in order])

    got = row(database, "recordings")
    assert (got["cause_id"], got["ended_ms"], got["size_bytes"]) == (B, 7_000, 42)
    assert (got["codec"], got["state"]) == ("avc1.42C01E", "growing")


@pytest.mark.parametrize("state", [RecordingState.COMPLETE, RecordingState.RECOVERED])
def test_what_a_verified_file_says_is_not_overwritten_by_late_facts(
    store: FactStore, database: Database, state: RecordingState
) -> None:
    store.ingest("camera-worker-front", [opened(A, 1_000)])
    verified = sa.update(recordings).values(state=state, path="front/x", ended_ms=4_000, size_bytes=7)
    database.write(lambda connection: connection.execute(verified))

    store.ingest("camera-worker-front", [finished(A, 1_000, seconds=60, size=42)])

    got = row(database, "recordings")
    assert (got["ended_ms"], got["size_bytes"], got["state"], got["reason"]) == (
        4_000,
        7,
        state,
        "motion over",
    )


def test_late_facts_do_not_bring_a_deleted_recording_back(store: FactStore, database: Database) -> None:
    store.ingest("camera-worker-front", [opened(A, 1_000)])
    gone = sa.update(recordings).values(state=RecordingState.DELETED, deleted_ms=1)
    database.write(lambda connection: connection.execute(gone))

    store.ingest("camera-worker-front", [finished(A, 1_000)])

    assert row(database, "recordings")["state"] == RecordingState.DELETED


@pytest.mark.parametrize("recording_first", [True, False])
def test_a_recording_learns_which_event_it_belongs_to(
    store: FactStore, database: Database, recording_first: bool
) -> None:
    film, meaning = ("camera-worker-front", opened(A, 1_000, cause_id=C)), ("events", event(B, cause_id=C))
    for source, item in (film, meaning) if recording_first else (meaning, film):
        store.ingest(source, [item])

    assert row(database, "recordings")["event_id"] == B


def subscribed(ts_ms: int) -> list[Any]:
    body = {
        "ts_ms": ts_ms,
        "subscription_id": A,
        "endpoint": "https://p.example/1",
        "p256dh": "k",
        "auth": "s",
        "user": "u",
    }
    return fact("push.subscribed", body)


def removed(ts_ms: int) -> list[Any]:
    return fact("push.removed", {"ts_ms": ts_ms, "subscription_id": A, "reason": "gone"})


@pytest.mark.parametrize(
    ("story", "active"),
    [
        ([subscribed(1)], True),
        ([subscribed(1), removed(2)], False),
        ([removed(2), subscribed(1)], False),
        ([subscribed(1), removed(2), subscribed(3)], True),
        ([subscribed(3), removed(2)], True),
    ],
)
def test_the_newest_word_on_a_subscription_counts(
    store: FactStore, database: Database, story: list[Any], active: bool
) -> None:
    for item in story:
        assert store.ingest("alerts", [item]).rejections == []

    with database.read() as connection:
        assert bool(queries.push_subscriptions_now(connection)) is active
    if not active:
        assert row(database, "push_subscriptions")["endpoint"] is None


def fill(store: FactStore, *recordings_: tuple[str, int, int]) -> None:
    for recording_id, started_ms, seconds in recordings_:
        items = [opened(recording_id, started_ms), finished(recording_id, started_ms, seconds=seconds)]
        store.ingest("camera-worker-front", items)


@pytest.mark.parametrize(
    ("started_ms", "named", "found", "offset_ms"),
    [
        (12_500, None, B, 2_500),
        (1_000, None, A, 0),
        (9_999, None, None, None),
        (500, None, None, None),
        (12_500, A, A, 11_500),
        (12_500, D, B, 2_500),
    ],
    ids=["inside", "at the start", "between two", "before all", "named by id", "named one is not there"],
)
def test_an_event_finds_its_place_in_a_recording(
    store: FactStore,
    database: Database,
    started_ms: int,
    named: str | None,
    found: str | None,
    offset_ms: int | None,
) -> None:
    fill(store, (A, 1_000, 5), (B, 10_000, 5))
    store.ingest("events", [event(C, ts_ms=started_ms, recording_id=named)])

    with database.read() as connection:
        got = queries.get_event(connection, C, now_ms=20_000)

    assert got is not None
    assert (got["recording_id"], got["recording_offset_ms"]) == (found, offset_ms)


def test_tables_without_rows_yet_are_known_to_the_database(database: Database) -> None:
    with database.read() as connection:
        for table in (events, push_subscriptions):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
