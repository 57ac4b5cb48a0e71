"""The door of the log: each fact once, in order, from whom may say it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import event, fact, motion, new_id, opened
from vigilar_storage import feed
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore, LocalSink
from vigilar_storage.schema import (
    arm_state_log,
    events,
    facts,
    meta,
    recording_gaps,
    recordings,
    rejected_facts,
    system_events,
)

CAMERA = "camera-worker-front"
STRANGE = "é🚗\u2028"


def rows(database: Database, table: sa.Table) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table)).mappings())


def test_a_fact_sent_twice_is_kept_once(store: FactStore, database: Database) -> None:
    item = motion()

    first, again = store.ingest(CAMERA, [item]), store.ingest(CAMERA, [item])

    assert (len(first.taken), first.repeated, first.n) == (1, 0, 1)
    assert (len(again.taken), again.repeated, again.n) == (0, 1, 1)
    assert len(rows(database, facts)) == 1


def test_a_fact_twice_in_one_batch_is_kept_once(store: FactStore, database: Database) -> None:
    item = fact("system.event", {"component": "x", "level": "info", "code": "c", "message": "m"})

    outcome = store.ingest("web", [item, item])

    assert outcome.answer()["accepted"] == 1
    assert outcome.answer()["repeated"] == 1
    assert len(rows(database, system_events)) == 1


def test_the_body_is_kept_as_it_was_sent(store: FactStore, database: Database) -> None:
    item = motion(zones=[STRANGE], something_newer={"a": [1, None]})
    store.ingest(CAMERA, [item])

    assert json.loads(rows(database, facts)[0]["body"]) == item[3]


BAD: list[tuple[str, Any, str]] = [
    ("unknown type", fact("motion.exploded", {}), "its type is not known here"),
    ("type is no text", [1, new_id(), ["a"], {}], "its type is not known here"),
    ("newer version", motion(v=2), "version 2 of motion.started is not known here, only 1"),
    ("missing field", fact("motion.started", {"camera_id": "front"}), "motion_id: Field required"),
    ("out of bounds", motion(score=7), "score: Input should be less than or equal to 1"),
    ("no object", [1, new_id(), "motion.started", [1]], "its body is not an object"),
    ("no list", "hello", "is not [seq, id, type, body]"),
    ("too short", [1, new_id()], "is not [seq, id, type, body]"),
    ("bad id", [1, "../../etc/passwd", "motion.started", motion()[3]], "its id is not a UUID"),
    ("negative seq", [-1, *motion()[1:]], "its sequence number is not a number from 0"),
    ("seq is true", [True, *motion()[1:]], "its sequence number is not a number from 0"),
    ("huge seq", [1 << 63, *motion()[1:]], "its sequence number is not a number from 0"),
    ("half a surrogate pair", motion(zones=["\ud83d"]), "its body is no JSON text"),
    ("half a pair in a free field", motion(newer="\ud83d"), "its body is no JSON text"),
    ("not a number", motion(newer=float("nan")), "its body is no JSON text"),
    ("too large", motion(newer="x" * 20_000), "at most 16384 are allowed"),
    ("another camera", motion("back"), "may speak of its own camera only"),
    ("another service's fact", event(new_id()), "may not say event.opened; events may"),
    ("contradiction", fact("recording.gap", {"camera_id": "front", "from_ms": 9, "to_ms": 3, "reason": "r"}),
     "does not fit its table: recording.gap: it ends (3) before it begins (9)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "item", "reason"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_fact_is_set_aside_with_its_reason_and_never_stops_its_batch(
    store: FactStore, database: Database, name: str, item: Any, reason: str
) -> None:
    before, after = motion(), motion()

    outcome = store.ingest(CAMERA, [before, item, after])

    assert [taken.id for taken in outcome.taken] == [before[1], after[1]]
    assert reason in outcome.answer()["rejected"][0]["reason"]
    (kept,) = rows(database, rejected_facts)
    assert reason in kept["reason"]
    assert kept["source"] == CAMERA


def test_a_refused_fact_sent_again_is_counted_not_repeated(store: FactStore, database: Database) -> None:
    item = motion(score=7)
    for _ in range(3):
        store.ingest(CAMERA, [item])

    (kept,) = rows(database, rejected_facts)
    assert kept["tries"] == 3


def test_nothing_of_a_fact_stays_when_its_row_does_not_fit(store: FactStore, database: Database) -> None:
    recording_id = new_id()
    store.ingest(CAMERA, [opened(recording_id, 1_000)])

    outcome = store.ingest("camera-worker-back", [opened(recording_id, 2_000, camera_id="back")])

    assert "belongs to another camera" in outcome.rejections[0].reason
    assert len(rows(database, facts)) == 1
    assert rows(database, recordings)[0]["camera_id"] == "front"


def story(parts: int) -> list[Any]:
    """What the events service says in a busy hour: beginnings and ends of events in any order, repeats, alarms."""
    told: list[Any] = []
    for number in range(parts):
        event_id = new_id()
        opened_ms = 10_000 + number
        pair = [
            event(event_id, ts_ms=opened_ms, zones=[STRANGE], detail={"n": number}, cause_id=new_id()),
            fact("event.ended", {"event_id": event_id, "ended_ms": opened_ms - 5 + number % 10}),
        ]
        told += pair if number % 2 else reversed(pair)
        told.append(event(event_id, ts_ms=opened_ms, title=f"told again, {number}"))
        told.append(
            fact("alarm.refused", {"action": "DISARM", "code": "c", "requested_by": "x", "method": "web"})
        )
    return [*told, *told[:7]]


@pytest.mark.parametrize("parts", [1, 2, 8, 41, 48])
def test_a_batch_leaves_the_rows_that_its_facts_leave_one_by_one(
    store: FactStore, database: Database, parts: int
) -> None:
    told = story(parts)
    for item in told:
        store.ingest("events", [item])
    one_by_one = [[dict(row) for row in rows(database, table)] for table in (facts, events, arm_state_log)]
    database.write(
        lambda connection: [connection.execute(table.delete()) for table in (facts, events, arm_state_log)]
    )
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM sqlite_sequence"))

    outcome = store.ingest("events", told)

    assert (len(outcome.taken), outcome.repeated, outcome.rejections) == (
        4 * parts,
        len(told) - 4 * parts,
        [],
    )
    assert [item.id for item in outcome.taken] == [item[1] for item in told[: 4 * parts]]
    at_once = [[dict(row) for row in rows(database, table)] for table in (facts, events, arm_state_log)]
    assert by_id(at_once) == by_id(one_by_one)


def by_id(tables: list[list[dict[str, Any]]]) -> list[dict[str, dict[str, Any]]]:
    """Without the moment of their arrival; the log keeps its numbers."""
    return [{row["id"]: {**row, "received_ms": 0} for row in table} for table in tables]


def test_a_misfit_among_many_costs_only_itself(store: FactStore, database: Database) -> None:
    gap = {"camera_id": "front", "reason": "r"}
    good = [fact("recording.gap", {**gap, "from_ms": number, "to_ms": 99}) for number in range(40)]
    bad = fact("recording.gap", {**gap, "from_ms": 9, "to_ms": 3})

    outcome = store.ingest(CAMERA, [*good[:20], bad, *good[20:], good[3]])

    assert [item.id for item in outcome.taken] == [item[1] for item in good]
    assert (outcome.repeated, [item.id for item in outcome.rejections]) == (1, [bad[1]])
    assert len(rows(database, recording_gaps)) == len(rows(database, facts)) == len(good)


def test_storages_own_facts_take_the_same_door(store: FactStore, database: Database) -> None:
    item = fact("system.event", {"component": "storage", "level": "info", "code": "c", "message": "m"})

    answer = LocalSink(store).post_facts("storage", [tuple(item)])

    assert answer["accepted"] == 1
    assert rows(database, system_events)[0]["source"] == "storage"


def read(
    database: Database, epoch: str, after: int = 0, types: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    limit, scopes = more.pop("limit", 500), more.pop("scopes", frozenset({"facts:read"}))
    page: dict[str, Any] = json.loads(feed.read_page(database, epoch, after, types, limit, scopes))
    return page


def test_the_feed_gives_every_fact_in_the_order_of_commit(
    store: FactStore, database: Database, epoch: str
) -> None:
    sent = [motion() for _ in range(7)]
    for item in sent:
        store.ingest(CAMERA, [item])

    got: list[Any] = []
    after = 0
    while True:
        page = read(database, epoch, after, limit=3)
        got += page["facts"]
        after = page["last_n"]
        if len(page["facts"]) < 3:
            break

    assert [row[3] for row in got] == [item[1] for item in sent]
    assert [row[0] for row in got] == sorted(row[0] for row in got)
    assert got[0] == [1, CAMERA, sent[0][0], sent[0][1], "motion.started", sent[0][3]]
    assert page["reset"] is False


def test_the_feed_of_some_types_is_merged_in_order_and_skips_the_rest(
    store: FactStore, database: Database, epoch: str
) -> None:
    store.ingest(CAMERA, [motion(), opened(new_id(), 1), motion()])
    store.ingest("events", [event(new_id())])
    store.ingest(CAMERA, [opened(new_id(), 2)])

    page = read(database, epoch, types=("recording.opened", "event.opened"))
    half = read(database, epoch, types=("recording.opened", "event.opened"), limit=2)

    assert [row[0] for row in page["facts"]] == [2, 4, 5]
    assert page["last_n"] == 5
    assert [row[0] for row in half["facts"]] == [2, 4]
    assert half["last_n"] == 4


def test_a_reader_of_another_epoch_starts_from_the_beginning(
    store: FactStore, database: Database, epoch: str
) -> None:
    store.ingest(CAMERA, [motion(), motion()])

    page = read(database, "of-another-database", after=999)

    assert page["reset"] is True
    assert page["epoch"] == epoch
    assert len(page["facts"]) == 2


def test_a_restored_database_begins_a_new_epoch_for_its_readers(
    store: FactStore, database: Database, epoch: str
) -> None:
    store.ingest(CAMERA, [motion()])
    renewed = sa.update(meta).where(meta.c.name == "epoch").values(value="the-next")
    database.write(lambda connection: connection.execute(renewed))

    page = read(database, epoch, after=1)

    assert (page["epoch"], page["reset"], len(page["facts"])) == ("the-next", True, 1)


def test_keys_of_browsers_stay_out_of_the_feed_of_those_who_may_not_read_them(
    store: FactStore, database: Database, epoch: str
) -> None:
    body = {
        "subscription_id": new_id(),
        "endpoint": "https://push.example/x",
        "p256dh": "k",
        "auth": "a",
        "user": "u",
    }
    store.ingest("alerts", [fact("push.subscribed", body)])

    assert read(database, epoch)["facts"] == []
    assert read(database, epoch, types=("push.subscribed",))["facts"] == []
    assert len(read(database, epoch, scopes={"push:read"})["facts"]) == 1
