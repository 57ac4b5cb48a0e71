"""Faces and visits: counted, merged, split, and forgotten without a trace."""

from __future__ import annotations

import base64
import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import fact, new_id
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_storage import feed, forget
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter
from vigilar_storage.facts import FactStore
from vigilar_storage.report import Reporter
from vigilar_storage.schema import METADATA, PictureState, pictures

ANN, STRANGER, OTHER = (new_id() for _ in range(3))
VISIT, VISIT2, EMBEDDING, PICTURE = (new_id() for _ in range(4))
SECRET = b"the face of Ann, sealed by visitors"
VECTOR = base64.b64encode(SECRET).decode()
Item = tuple[str, dict[str, Any]]


def profile(profile_id: str = ANN, ts_ms: int = 100, **over: Any) -> Item:
    return "face.profile.saved", {"profile_id": profile_id, "first_seen_ms": 100, "ts_ms": ts_ms, **over}


def embedding(profile_id: str = ANN, ts_ms: int = 100, embedding_id: str = EMBEDDING, **over: Any) -> Item:
    body = {
        "embedding_id": embedding_id,
        "profile_id": profile_id,
        "model": "f/1",
        "quality": 0.9,
        "vector": VECTOR,
    }
    return "face.embedding.saved", {**body, "ts_ms": ts_ms, **over}


def began(ts_ms: int, profile_id: str = ANN, visit_id: str = VISIT, **over: Any) -> Item:
    body = {
        "visit_id": visit_id,
        "profile_id": profile_id,
        "camera_id": "front",
        "confidence": 0.8,
        "ts_ms": ts_ms,
    }
    return "visit.began", {**body, **over}


def ended(left_ms: int, profile_id: str = ANN, visit_id: str = VISIT, **over: Any) -> Item:
    body = {"visit_id": visit_id, "profile_id": profile_id, "camera_id": "front", "arrived_ms": 1_000, "left_ms": left_ms,
            "confidence": 0.9, "ts_ms": left_ms, **over}  # fmt: skip
    return "visit.ended", body


def say(store: FactStore, *items: Item) -> list[str]:
    outcome = store.ingest("visitors", [fact(kind, body) for kind, body in items])
    return [rejection.reason for rejection in outcome.rejections]


def table(database: Database, name: str) -> dict[str, dict[str, Any]]:
    with database.read() as connection:
        found = connection.execute(sa.select(METADATA.tables[name])).mappings()
        return {row["id"]: dict(row) for row in found}


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_visit_counts_once_whichever_of_its_facts_comes_first(
    store: FactStore, database: Database, order: tuple[int, ...]
) -> None:
    both = [began(1_000), ended(5_000)]
    assert say(store, profile(), *(both[place] for place in order)) == []

    visit = table(database, "visits")[VISIT]
    assert (visit["arrived_ms"], visit["left_ms"]) == (1_000, 5_000)
    ann = table(database, "face_profiles")[ANN]
    assert (ann["visit_count"], ann["first_seen_ms"], ann["last_seen_ms"]) == (1, 100, 5_000)


def test_an_older_fact_about_a_profile_changes_nothing(store: FactStore, database: Database) -> None:
    say(store, profile(ts_ms=300, name="Ann", household=True), profile(ts_ms=200, name="unknown 7"))

    ann = table(database, "face_profiles")[ANN]
    assert (ann["name"], ann["household"]) == ("Ann", True)


def test_merged_profiles_are_one_person_from_then_on(store: FactStore, database: Database) -> None:
    say(
        store,
        profile(name="Ann"),
        profile(STRANGER),
        embedding(STRANGER),
        began(1_000, STRANGER),
        ended(2_000, STRANGER),
    )
    merged = ("face.profiles.merged", {"profile_id": STRANGER, "into_id": ANN, "ts_ms": 3_000})
    assert say(store, merged, began(9_000, STRANGER, VISIT2)) == []

    profiles = table(database, "face_profiles")
    assert (profiles[ANN]["visit_count"], profiles[ANN]["last_seen_ms"]) == (2, 9_000)
    assert (profiles[STRANGER]["merged_into"], profiles[STRANGER]["removed_ms"]) == (ANN, 3_000)
    assert {row["profile_id"] for row in table(database, "visits").values()} == {ANN}
    assert table(database, "face_embeddings")[EMBEDDING]["profile_id"] == ANN


def test_a_split_takes_its_visits_and_vectors_along(store: FactStore, database: Database) -> None:
    say(store, profile(), embedding(), began(1_000), began(2_000, visit_id=VISIT2), profile(OTHER))
    split = {"profile_id": ANN, "into_id": OTHER, "visit_ids": [VISIT2], "embedding_ids": [EMBEDDING]}
    assert say(store, ("face.profile.split", split)) == []

    profiles = table(database, "face_profiles")
    assert (profiles[ANN]["visit_count"], profiles[OTHER]["visit_count"]) == (1, 1)
    assert (profiles[ANN]["last_seen_ms"], profiles[OTHER]["last_seen_ms"]) == (1_000, 2_000)
    assert table(database, "face_embeddings")[EMBEDDING]["profile_id"] == OTHER


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (began(1), "face_profiles has no "),
        (embedding(), "face_profiles has no "),
        (("face.profiles.merged", {"profile_id": ANN, "into_id": OTHER}), "face_profiles has no "),
        (("face.profiles.merged", {"profile_id": ANN, "into_id": ANN}), "merged into itself"),
        (
            ("face.embedding.removed", {"embedding_id": EMBEDDING, "profile_id": ANN}),
            "face_embeddings has no",
        ),
        (ended(500), "ends before it begins"),
        (
            ("face.profile.split", {"profile_id": ANN, "into_id": OTHER, "visit_ids": [VISIT] * 151}),
            "visit_ids",
        ),
    ],
)
def test_what_contradicts_what_is_known_is_refused(
    store: FactStore, database: Database, item: Item, why: str
) -> None:
    (reason,) = say(store, item)

    assert why in reason
    assert table(database, "visits") == {}


def test_two_profiles_are_not_merged_in_a_circle(store: FactStore) -> None:
    say(store, profile(), profile(OTHER))
    say(store, ("face.profiles.merged", {"profile_id": ANN, "into_id": OTHER}))

    (reason,) = say(store, ("face.profiles.merged", {"profile_id": OTHER, "into_id": ANN}))

    assert f"{OTHER} already stands for {ANN}" in reason


def test_a_removed_vector_does_not_come_back_with_a_late_fact(store: FactStore, database: Database) -> None:
    removed = ("face.embedding.removed", {"embedding_id": EMBEDDING, "profile_id": ANN, "ts_ms": 300})
    say(store, profile(), embedding(), removed, embedding(ts_ms=200))

    assert table(database, "face_embeddings")[EMBEDDING]["vector"] is None


def test_vectors_are_read_from_the_log_by_their_owner_alone(
    store: FactStore, database: Database, epoch: str
) -> None:
    say(store, profile(), embedding())

    def types(*scopes: str) -> list[str]:
        page = json.loads(feed.read_page(database, epoch, 0, (), 10, frozenset(scopes)))
        return [row[4] for row in page["facts"]]

    assert types("facts:read", "pet-vectors:read") == ["face.profile.saved"]
    assert types("facts:read", "face-vectors:read") == ["face.profile.saved", "face.embedding.saved"]


# -- forgetting -------------------------------------------------------------------------------------------------


def take_picture(database: Database, root: Path) -> Path:
    """A picture of Ann, in its place."""
    name = f"front/2026/01/01/{PICTURE}.vge"
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"Ann at the door")
    values = {"id": PICTURE, "camera_id": "front", "kind": "snapshot", "format": "vge2", "state": "complete", "path": name,
              "ts_ms": 1, "received_ms": 1}  # fmt: skip
    database.write(lambda connection: connection.execute(pictures.insert().values(**values)))
    return path


def bytes_of(database: Database) -> bytes:
    return b"".join(
        path.read_bytes()
        for path in sorted(database.path.parent.iterdir())
        if path.name.startswith(database.path.name)
    )


class NoFiles:
    def forget(self, _file_id: str) -> None:
        pass


def test_a_forgotten_person_leaves_no_trace(
    store: FactStore, database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    root = tmp_path / "recordings"
    path = take_picture(database, root)
    deleter = Deleter(root, database, NoFiles(), clock)  # type: ignore[arg-type]
    reporter = Reporter(FakeFacts(clock), clock)  # type: ignore[arg-type]
    store.on_taken = lambda facts: forget.facts_taken(facts, database, deleter, reporter)
    say(store, profile(name="Annabel Muster", picture_id=PICTURE), profile(STRANGER), embedding(STRANGER))
    say(store, ("face.profiles.merged", {"profile_id": STRANGER, "into_id": ANN}), began(1_000), ended(2_000))
    say(store, embedding(embedding_id=new_id(), quality=7), profile(OTHER, name="Bob"))
    assert VECTOR.encode() in bytes_of(database)

    assert say(store, ("face.forgotten", {"profile_id": ANN, "ts_ms": 9_000})) == []

    left = bytes_of(database)
    assert not [trace for trace in (b"Annabel", SECRET, VECTOR.encode(), VISIT.encode()) if trace in left]
    assert not path.exists()
    assert table(database, "pictures")[PICTURE]["state"] == PictureState.DELETED
    profiles = table(database, "face_profiles")
    assert (profiles[ANN]["name"], profiles[ANN]["removed_ms"], profiles[OTHER]["name"]) == ("", 9_000, "Bob")
    with database.read() as connection:
        types = list(connection.scalars(sa.text("SELECT type FROM facts ORDER BY n")))
        noted = connection.execute(sa.text("SELECT type, subject FROM ledger")).all()
    assert types == ["face.profile.saved", "face.forgotten"]
    assert [tuple(entry) for entry in noted] == [("deleted", PICTURE)]


def test_late_facts_about_a_forgotten_person_are_refused_and_not_kept(
    store: FactStore, database: Database
) -> None:
    say(store, profile(name="Annabel Muster"), ("face.forgotten", {"profile_id": ANN, "ts_ms": 9_000}))

    reasons = say(store, profile(ts_ms=10_000, name="Annabel Muster"), embedding(ts_ms=10_000))

    assert reasons == [f"does not fit its table: face profile {ANN} was forgotten"] * 2
    assert {row["body"] for row in table_of_rejected(database)} == {""}
    assert table(database, "face_embeddings") == {}


def table_of_rejected(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [
            dict(row) for row in connection.execute(sa.select(METADATA.tables["rejected_facts"])).mappings()
        ]


def test_forgetting_twice_or_somebody_unknown_is_no_mistake(store: FactStore, database: Database) -> None:
    for _ in range(2):
        assert say(store, ("face.forgotten", {"profile_id": ANN})) == []

    assert table(database, "face_profiles") == {}


def test_forgetting_in_the_middle_of_a_batch_takes_all_of_it(store: FactStore, database: Database) -> None:
    say(
        store,
        profile(name="Annabel Muster"),
        embedding(),
        ("face.forgotten", {"profile_id": ANN}),
        began(1_000),
    )

    assert table(database, "visits") == {}
    assert b"Annabel" not in b"".join(str(row["body"]).encode() for row in table_of_facts(database))


def table_of_facts(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(METADATA.tables["facts"])).mappings()]


def test_a_reader_in_the_way_of_the_write_ahead_log_is_told(
    store: FactStore, database: Database, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = FakeFacts(clock)
    reporter = Reporter(told, clock)  # type: ignore[arg-type]
    deleter = Deleter(tmp_path, database, NoFiles(), clock)  # type: ignore[arg-type]
    monkeypatch.setattr(database, "empty_wal", lambda: False)
    store.on_taken = lambda facts: forget.facts_taken(facts, database, deleter, reporter)

    say(store, ("face.forgotten", {"profile_id": ANN}))

    assert [getattr(event, "code", "") for event in told.emitted] == ["forget_incomplete"]
