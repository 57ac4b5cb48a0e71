"""Sensors, power, presence, parcels, pets, timelapses: what their facts leave in the tables."""

from __future__ import annotations

import base64
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import fact, new_id
from vigilar_storage import histories, pages
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.queries import Span
from vigilar_storage.schema import METADATA
from vigilar_storage.schema.log import HouseType

A, B, C, D = (new_id() for _ in range(4))
VECTOR = base64.b64encode(b"sealed for its owner").decode()
BOX = {"x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}
Item = tuple[str, dict[str, Any]]


def rows(database: Database, table: str) -> list[dict[str, Any]]:
    found = METADATA.tables[table]
    with database.read() as connection:
        query = sa.select(found).order_by(*found.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def row(database: Database, table: str) -> dict[str, Any]:
    (only,) = rows(database, table)
    return only


def say(store: FactStore, source: str, *items: Item) -> list[str]:
    """One batch; returns why facts were refused."""
    outcome = store.ingest(source, [fact(kind, body) for kind, body in items])
    return [rejection.reason for rejection in outcome.rejections]


def pet(name: str, ts_ms: int, pet_id: str = A, **over: Any) -> Item:
    return "pet.saved", {"ts_ms": ts_ms, "pet_id": pet_id, "name": name, "species": "cat", **over}


def rule(ts_ms: int, pet_id: str | None = A, **over: Any) -> Item:
    body = {"rule_id": B, "pet_id": pet_id, "name": "out at night", "conditions": [{"kind": "out_after_dark"}],
            "actions": [{"kind": "alert"}], "ts_ms": ts_ms, **over}  # fmt: skip
    return "pet.rule.saved", body


def training(ts_ms: int, **over: Any) -> Item:
    body = {"image_id": C, "pet_id": A, "picture_id": D, "origin": "upload", "model": "m/1", "vector": VECTOR}
    return "pet.training.saved", {"ts_ms": ts_ms, **body, **over}


def timelapse(ts_ms: int, **over: Any) -> Item:
    body = {"schedule_id": A, "camera_id": "front", "name": "Garden", "start_time": "sunrise-15",
            "end_time": "21:30", "interval_s": 60, "ts_ms": ts_ms, **over}  # fmt: skip
    return "timelapse.saved", body


def sensor(value: Any, ts_ms: int, key: str = "contact", **over: Any) -> Item:
    kind = "sensor.reading" if isinstance(value, float) else "sensor.changed"
    return kind, {"sensor_id": "door", "key": key, "value": value, "unit": "", "ts_ms": ts_ms, **over}


def package(step: str, ts_ms: int, **over: Any) -> Item:
    more = {"box": BOX, "zone": "porch"} if step == "detected" else {"detected_ms": 100}
    return f"package.{step}", {"package_id": A, "camera_id": "front", "ts_ms": ts_ms, **more, **over}


# -- sensors, power, presence ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False, "tilted", 21.5], ids=str)
def test_a_sensors_value_is_kept_as_what_it_is(store: FactStore, database: Database, value: Any) -> None:
    assert say(store, "sensors", sensor(value, 5, unit="°C")) == []

    got = row(database, "sensor_states")
    assert (got["value"], got["unit"], got["known"], got["ts_ms"]) == (value, "°C", True, 5)
    assert type(got["value"]) is type(value)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_the_newest_value_holds_whichever_comes_first(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    both = [sensor(False, 100), sensor(True, 200)]
    say(store, "sensors", *(both[place] for place in order))

    assert row(database, "sensor_states")["value"] is True


def test_a_lost_sensor_is_unknown_until_it_is_heard_again(store: FactStore, database: Database) -> None:
    lost = ("sensor.lost", {"sensor_id": "door", "reason": "silent", "ts_ms": 200})
    say(store, "sensors", sensor(True, 100), lost)
    silent = row(database, "sensor_states")
    say(store, "sensors", sensor(True, 300))

    assert (silent["known"], silent["value"]) == (False, True)
    assert row(database, "sensor_states")["known"] is True


def test_losing_and_hearing_in_one_batch_keep_their_order(store: FactStore, database: Database) -> None:
    lost = ("sensor.lost", {"sensor_id": "door", "reason": "the service started"})
    say(
        store,
        "sensors",
        (lost[0], {**lost[1], "ts_ms": 1}),
        sensor(True, 2),
        (lost[0], {**lost[1], "ts_ms": 3}),
    )

    assert row(database, "sensor_states")["known"] is False


def test_power_leaves_values_and_a_line_for_the_operator(store: FactStore, database: Database) -> None:
    values = {"charge_pct": 93.0, "runtime_s": 2_400}
    changed = {"ups_id": "main", "state": "on_battery", "flags": ["OB"], "severity": "alert", "values": values,
               "reason": "the mains failed", "ts_ms": 10}  # fmt: skip
    assert say(store, "ups", ("power.changed", changed)) == []
    assert (
        say(store, "ups", ("power.reading", {"ups_id": "main", "values": {"charge_pct": 80.0}, "ts_ms": 20}))
        == []
    )

    states = {(found["sensor_id"], found["key"]): found["value"] for found in rows(database, "sensor_states")}
    assert states == {("ups:main", "state"): "on_battery", ("ups:main", "charge_pct"): 80.0,
                      ("ups:main", "runtime_s"): 2_400}  # fmt: skip
    told = row(database, "system_events")
    assert (told["component"], told["level"], told["code"]) == ("ups", "alert", "power_on_battery")
    assert told["message"] == "UPS main: on battery: the mains failed"


def test_a_planned_shutdown_is_told(store: FactStore, database: Database) -> None:
    body = {"ups_id": "main", "stage": "planned", "at_ms": 99, "reason": "4 minutes left"}
    assert say(store, "ups", ("power.shutdown", body)) == []

    assert row(database, "system_events")["code"] == "shutdown_planned"


def test_presence_is_kept_for_each_person_and_the_household(store: FactStore, database: Database) -> None:
    came = {"member": "Ann O'Neil", "role": "adult", "home": True, "method": "icmp"}
    assert say(store, "presence", ("presence.changed", came)) == []
    assert (
        say(store, "presence", ("household.changed", {"state": "ADULTS_HOME", "home": ["Ann O'Neil"]})) == []
    )

    states = {(found["sensor_id"], found["key"]): found["value"] for found in rows(database, "sensor_states")}
    assert states == {("person:Ann O'Neil", "home"): True, ("household", "state"): "ADULTS_HOME"}


def test_the_log_is_the_history_of_a_sensor(store: FactStore, database: Database) -> None:
    say(store, "sensors", *(sensor(20.0 + n, 100 * n, key="temperature") for n in range(1, 6)))
    say(store, "sensors", sensor(True, 150), sensor(1.0, 150, key="temperature", sensor_id="window"))

    with database.read() as connection:
        query = histories.sensor_query("door", "temperature", Span(200, 500))
        first, cursor = histories.sensor_page(connection, query, 2, None)
        rest, end = histories.sensor_page(connection, query, 2, cursor)

    assert [(found["ts_ms"], found["value"]) for found in first + rest] == [
        (400, 24.0),
        (300, 23.0),
        (200, 22.0),
    ]
    assert end is None


def test_the_log_is_the_history_of_the_house(store: FactStore, database: Database) -> None:
    for n in range(3):
        body = {"member": "Ann", "role": "adult", "home": n % 2 == 0, "method": "icmp", "ts_ms": n}
        say(store, "presence", ("presence.changed", body))

    with database.read() as connection:
        query = histories.house_query(HouseType.PRESENCE_CHANGED, Span(1, None))
        found, _ = histories.house_page(connection, query, pages.MAX_LIMIT, None)

    assert [(line["ts_ms"], line["home"], line["source"]) for line in found] == [
        (2, True, "presence"),
        (1, False, "presence"),
    ]


# -- parcels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_parcel_is_the_same_whatever_came_first(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    steps = [
        package("detected", 100),
        package("reminded", 200),
        package("collected", 300, collected_by="household"),
    ]
    assert say(store, "events", *(steps[place] for place in order)) == []

    got = row(database, "package_events")
    assert [got[name] for name in ("state", "detected_ms", "reminded_ms", "collected_ms")] == [
        "collected", 100, 200, 300,
    ]  # fmt: skip
    assert (got["zone"], got["collected_by"], got["box"]) == ("porch", "household", BOX)


def test_a_parcel_of_another_camera_is_refused(store: FactStore, database: Database) -> None:
    say(store, "events", package("detected", 100))

    (why,) = say(store, "events", package("collected", 200, camera_id="back"))

    assert f"package {A} belongs to another camera than back" in why
    assert row(database, "package_events")["state"] == "detected"


# -- pets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_fact_about_a_pet_says_all(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    facts = [pet("Tom", 100), pet("Thomas", 200, training_count=7), pet("Tomas", 150)]
    for place in order:
        say(store, "pets", facts[place])

    got = row(database, "pets")
    assert (got["name"], got["training_count"], got["created_ms"], got["updated_ms"]) == (
        "Thomas",
        7,
        100,
        200,
    )


def test_a_removed_pet_takes_rules_and_vectors_along_and_stays_removed(
    store: FactStore, database: Database
) -> None:
    assert (
        say(
            store,
            "pets",
            pet("Tom", 100),
            rule(110),
            training(120),
            ("pet.removed", {"pet_id": A, "ts_ms": 200}),
        )
        == []
    )
    say(store, "pets", pet("Tom again", 150))

    assert row(database, "pets")["removed_ms"] == 200
    assert row(database, "pet_rules")["removed_ms"] == 200
    image = row(database, "pet_training_images")
    assert (image["removed_ms"], image["vector"]) == (200, None)


def test_a_pet_that_is_saved_again_later_is_back(store: FactStore, database: Database) -> None:
    say(store, "pets", pet("Tom", 100), ("pet.removed", {"pet_id": A, "ts_ms": 200}), pet("Tom", 300))

    assert row(database, "pets")["removed_ms"] is None


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (rule(1, pet_id=D), "pets has no "),
        (training(1), "pets has no "),
        (training(1, vector="not base64!"), "vector"),
        (training(1, vector="A" * 12_001), "vector"),
        (("pet.removed", {"pet_id": D}), "pets has no "),
        (("pet.rule.removed", {"rule_id": D}), "pet_rules has no "),
        (("pet.training.removed", {"image_id": D}), "pet_training_images has no "),
        (rule(1, conditions=[]), "conditions"),
        (rule(1, conditions=[{"kind": "barks"}]), "conditions"),
        (pet("", 1), "name"),
        (("pet.sighted", {"camera_id": "front", "species": "cat", "confidence": 1.5}), "confidence"),
    ],
)  # fmt: skip
def test_a_fact_about_nothing_or_nonsense_is_set_aside_with_its_reason(
    store: FactStore, database: Database, item: Item, why: str
) -> None:
    (reason,) = say(store, "pets", item)

    assert why in reason
    kept = row(database, "rejected_facts")
    assert kept["type"] == item[0]
    assert VECTOR not in kept["body"]


def test_a_rule_and_its_pet_may_come_in_one_batch(store: FactStore, database: Database) -> None:
    assert say(store, "pets", pet("Tom", 1, pet_id=D), rule(2, pet_id=D), pet("Tim", 3), rule(4)) == []

    got = row(database, "pet_rules")
    assert (got["pet_id"], got["conditions"][0]["kind"], got["actions"][0]["kind"]) == (
        A,
        "out_after_dark",
        "alert",
    )


def test_sightings_are_kept_once_each(store: FactStore, database: Database) -> None:
    cat = fact("pet.sighted", {"camera_id": "front", "species": "cat", "confidence": 0.9, "pet_id": A, "track_id": B,
                               "zone": "lawn", "ts_ms": 5})  # fmt: skip
    fox = fact("wildlife.sighted", {"camera_id": "front", "species": "fox", "threat_level": "low", "confidence": 0.8,
                                    "light": "dusk", "temperature_c": -3.5, "conditions": "snow"})  # fmt: skip
    for _ in range(2):
        outcome = store.ingest("pets", [cat, fox])

    assert outcome.repeated == 2
    seen = row(database, "pet_sightings")
    assert (seen["pet_id"], seen["track_id"], seen["zone"], seen["ts_ms"]) == (A, B, "lawn", 5)
    wild = row(database, "wildlife_sightings")
    assert (wild["threat_level"], wild["light"], wild["temperature_c"]) == ("low", "dusk", -3.5)


def test_a_vector_is_kept_as_the_bytes_that_were_sent(store: FactStore, database: Database) -> None:
    say(store, "pets", pet("Tom", 1), training(2))

    got = row(database, "pet_training_images")
    assert (got["vector"], got["model"], got["used"]) == (b"sealed for its owner", "m/1", False)


# -- timelapses -----------------------------------------------------------------------------------------------


def test_a_timelapse_is_set_up_made_and_removed(store: FactStore, database: Database) -> None:
    made = {"schedule_id": A, "from_ms": 1, "to_ms": 2, "pictures": 900}
    say(store, "highlights", timelapse(100, days=[5, 6]))
    say(
        store,
        "highlights",
        ("timelapse.made", {**made, "ts_ms": 500}),
        ("timelapse.made", {**made, "ts_ms": 400}),
    )
    say(store, "highlights", timelapse(600, interval_s=30))

    got = row(database, "timelapse_schedules")
    assert (got["last_run_ms"], got["interval_s"], got["start_time"]) == (500, 30, "sunrise-15")
    assert (got["days"], got["retention_days"]) == ([0, 1, 2, 3, 4, 5, 6], 30)
    say(store, "highlights", ("timelapse.removed", {"schedule_id": A, "ts_ms": 700}))
    assert row(database, "timelapse_schedules")["removed_ms"] == 700


@pytest.mark.parametrize(
    "over",
    [
        {"start_time": "25:00"},
        {"end_time": "noon"},
        {"days": []},
        {"days": [7]},
        {"interval_s": 0},
        {"fps": 61},
    ],
)
def test_a_timelapse_that_cannot_be_made_is_refused(
    store: FactStore, database: Database, over: dict[str, Any]
) -> None:
    assert len(say(store, "highlights", timelapse(1, **over))) == 1
    assert rows(database, "timelapse_schedules") == []


# -- rights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "item"),
    [
        ("web", pet("Tom", 1)), ("camera-worker-front", sensor(True, 1)), ("pets", package("detected", 1)),
        ("sensors", ("power.reading", {"ups_id": "main", "values": {}})), ("pets", timelapse(1)),
        ("pets", ("face.forgotten", {"profile_id": A})),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)  # fmt: skip
def test_a_service_may_speak_for_itself_only(
    store: FactStore, database: Database, source: str, item: Item
) -> None:
    (reason,) = say(store, source, item)

    assert f"{source} may not say {item[0]}" in reason
