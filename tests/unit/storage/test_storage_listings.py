"""Every list costs the same wherever its page lies: one range of one index, for every filter that it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from vigilar_storage import candidates, feed, histories, queries
from vigilar_storage.db import Database
from vigilar_storage.listings import LISTINGS, Equal, Listing, Switch
from vigilar_storage.pages import encode, page
from vigilar_storage.schema import METADATA, events, recordings
from vigilar_storage.schema.log import HouseType
from vigilar_storage.tokens import SCOPES

SPAN = queries.Span(1_000, 2_000)
OPEN = queries.Span()
OWN_ROUTES = {"cameras", "sensors", "events", "recordings", "push_subscriptions"}
"""Tables of the reference that are no listing: small registries, and what has media with it."""
OF_THE_REFERENCE = {
    "cameras", "sensors", "sensor_states", "events", "recordings", "system_events", "arm_state_log", "alert_log",
    "push_subscriptions", "pets", "pet_sightings", "wildlife_sightings", "package_events", "pet_training_images",
    "pet_rules", "face_profiles", "face_embeddings", "visits", "timelapse_schedules",
}  # fmt: skip


class Recorder:
    """A connection that answers with its plans."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.plans: list[str] = []

    def execute(self, query: sa.Select[Any]) -> Any:
        from sqlalchemy.dialects import sqlite

        compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
        values = [compiled.params[name] for name in compiled.positiontup or ()]
        rows = self._raw.execute(f"EXPLAIN QUERY PLAN {compiled}", values).fetchall()
        self.plans.append(" | ".join(row[3] for row in rows))
        return self

    def mappings(self) -> list[Any]:
        return []

    def scalars(self, query: sa.Select[Any]) -> list[Any]:
        self.execute(query)
        return []

    def scalar(self, query: sa.Select[Any]) -> None:
        self.execute(query)

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@pytest.fixture
def plans(database: Database) -> Iterator[Recorder]:
    raw = sqlite3.connect(database.path)
    yield Recorder(raw)
    raw.close()


def is_range(plan: str, *, whole: bool = False) -> bool:
    """One walk along an index, nothing sorted; from one of its places unless the `whole` list is asked for."""
    one = plan.startswith(("SEARCH ", "SCAN ")) and " | " not in plan and "B-TREE" not in plan
    walks = (
        " USING INDEX " in plan or " USING COVERING INDEX " in plan or " USING INTEGER PRIMARY KEY " in plan
    )
    if whole:
        return one and (walks or plan.startswith("SCAN "))
    return one and walks and plan.startswith("SEARCH ")


def cursor_of(listing: Listing) -> str:
    return encode([1 if isinstance(c.type, sa.Integer) else "x" for c in listing.order_columns])


def values_of(wanted: Equal | Switch) -> list[Any]:
    if isinstance(wanted, Switch) or wanted.kind is bool:
        return [True, False]
    return ["x"]


FILTERS = [(listing, name) for listing in LISTINGS for name in listing.filters]


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
def test_the_newest_page_and_every_later_one_walk_an_index(plans: Recorder, listing: Listing) -> None:
    place = plans
    page(place, listing.query({}), listing.order_columns, 50, None)  # type: ignore[arg-type]
    page(place, listing.query({}), listing.order_columns, 50, cursor_of(listing))  # type: ignore[arg-type]

    assert is_range(plans.plans[0], whole=True), plans.plans[0]
    assert is_range(plans.plans[1]), plans.plans[1]


@pytest.mark.parametrize(("listing", "name"), FILTERS, ids=lambda value: getattr(value, "name", value))
def test_every_filter_of_every_list_is_one_range_of_an_index(
    plans: Recorder, listing: Listing, name: str
) -> None:
    for value in values_of(listing.filters[name]):
        for span in (OPEN, SPAN):
            for cursor in (None, cursor_of(listing)):
                page(plans, listing.query({name: value}, span), listing.order_columns, 50, cursor)  # type: ignore[arg-type]

    assert [plan for plan in plans.plans if not is_range(plan)] == []


BY_TIME = [events.c.started_ms, events.c.id]
FILM_TIME = [recordings.c.started_ms, recordings.c.id]


@pytest.mark.parametrize(
    ("query", "order", "index"),
    [
        (queries.events_query(), BY_TIME, "ix_events_time"),
        (queries.events_query(span=SPAN), BY_TIME, "ix_events_time"),
        (queries.events_query(camera="front", span=SPAN), BY_TIME, "ix_events_camera"),
        (queries.events_query(kind="motion"), BY_TIME, "ix_events_type"),
        (queries.events_query(severity="alert"), BY_TIME, "ix_events_severity"),
        (queries.events_query(sensor="door", span=SPAN), BY_TIME, "ix_events_sensor"),
        (queries.events_query(camera="front", kind="motion"), BY_TIME, "ix_events_camera_type"),
        (queries.events_query(camera="front", severity="alert"), BY_TIME, "ix_events_camera_severity"),
        (queries.events_query(object_class="person", span=SPAN), BY_TIME, "ix_events_class"),
        (queries.events_query(object_class="person"), BY_TIME, "ix_events_class"),
        (queries.events_query(camera="front", object_class="car"), BY_TIME, "ix_events_camera_class"),
        (queries.recordings_query(), FILM_TIME, "ix_recordings_there"),
        (queries.recordings_query(span=SPAN), FILM_TIME, "ix_recordings_there"),
        (queries.recordings_query(camera="front", span=SPAN), FILM_TIME, "ix_recordings_there_camera"),
        (queries.recordings_query(starred=True), FILM_TIME, "ix_recordings_starred"),
        (histories.sensor_query("door", "contact", OPEN), histories.ORDER, "ix_facts_sensor"),
        (histories.sensor_query("door", "contact", SPAN), histories.ORDER, "ix_facts_sensor"),
        *((histories.house_query(kind, SPAN), histories.ORDER, "ix_facts_house") for kind in HouseType),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
def test_events_recordings_and_histories_walk_their_index(
    plans: Recorder, query: sa.Select[Any], order: Any, index: str, later: bool
) -> None:
    cursor = (
        encode([1 if isinstance(column.type, sa.Integer) else "x" for column in order]) if later else None
    )
    page(plans, query, order, 50, cursor)  # type: ignore[arg-type]

    (plan,) = plans.plans
    whole = not later and index in ("ix_events_time", "ix_recordings_there")
    assert is_range(plan, whole=whole), plan
    assert f"INDEX {index}" in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (queries.events_query(zone="porch", span=SPAN), "ix_events_zones"),
        (queries.events_query(zone="porch", camera="front", span=SPAN), "ix_events_camera_zones"),
    ],
)
def test_a_zone_is_looked_for_among_what_was_in_zones_alone(
    plans: Recorder, query: sa.Select[Any], index: str
) -> None:
    page(plans, query, BY_TIME, 50, encode([9, "x"]))  # type: ignore[arg-type]

    walk = plans.plans[0].split(" | ")[0]
    assert walk.startswith("SEARCH ")
    assert f"INDEX {index} " in walk
    assert "B-TREE" not in plans.plans[0]


def test_the_feed_reads_a_type_from_its_index_alone(plans: Recorder) -> None:
    plans.execute(feed.numbers_of_type("motion.started", 7, 10))

    assert "COVERING INDEX ix_facts_type" in plans.plans[0]
    assert is_range(plans.plans[0])


def test_what_may_be_pruned_is_found_without_passing_what_is_gone_or_starred(plans: Recorder) -> None:
    candidates.oldest(plans, 20)  # type: ignore[arg-type]
    candidates.oldest(plans, 20, (5_000, "x"))  # type: ignore[arg-type]
    candidates.expired(plans, "front", 2_000_000_000_000, 20)  # type: ignore[arg-type]
    candidates.prunable_bytes(plans)  # type: ignore[arg-type]
    candidates.stored_bytes(plans)  # type: ignore[arg-type]

    *walks, prunable, stored = plans.plans
    assert [plan for plan in walks if not is_range(plan)] == []
    assert [plan for plan in walks[:-1] if "ix_recordings_prunable" not in plan] == []
    assert "ix_recordings_prunable_camera" in walks[-1]
    assert "COVERING INDEX ix_recordings_prunable" in prunable
    assert "COVERING INDEX ix_recordings_there" in stored


def test_a_query_without_an_index_would_be_noticed(plans: Recorder) -> None:
    columns = METADATA.tables["visits"].c
    plans.execute(sa.select(columns.id).where(columns.picture_id == "x").order_by(columns.confidence))

    assert not is_range(plans.plans[0], whole=True)


def test_every_table_of_the_reference_can_be_read() -> None:
    listed = {listing.table.name for listing in LISTINGS}

    assert listed | OWN_ROUTES >= OF_THE_REFERENCE
    assert len({listing.name for listing in LISTINGS}) == len(LISTINGS)
    assert {listing.scope for listing in LISTINGS} <= SCOPES


def test_vectors_are_shown_to_their_owners_alone() -> None:
    shown = {
        listing.name: listing.scope
        for listing in LISTINGS
        if "vector" in {column.name for column in listing.columns()}
    }

    assert shown == {"pet-vectors": "pet-vectors:read", "face-vectors": "face-vectors:read"}
