"""Older files are hashed once, whatever interrupts it; what is gone or deleted meanwhile makes no entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from vigilar_common.crypto.keys import KeyRing, master_key_id
from vigilar_common.testing import FakeClock
from vigilar_storage import film_probe, seals
from vigilar_storage.db import Database
from vigilar_storage.files import PlainReader
from vigilar_storage.ledger import Ledger
from vigilar_storage.ledger.told import Older
from vigilar_storage.schema import recordings
from vigilar_storage.sealer import PIECE_BYTES, Sealer, digest_slowly, seal

MASTER = bytes(32)


@pytest.fixture
def older_ring() -> KeyRing:
    ring = KeyRing()
    ring.add_master(MASTER)
    return ring


def put(database: Database, root: Path, name: str, data: bytes | None, **over: Any) -> None:
    values = {
        "id": name, "camera_id": "front", "format": "vge1", "state": "complete", "started_ms": 1_000, "ended_ms": 5_000,
        "path": f"{name}.vge", "received_ms": 1_000, **over,
    }  # fmt: skip
    database.write(lambda connection: connection.execute(sa.insert(recordings).values(**values)).rowcount)
    if data is not None:
        (root / f"{name}.vge").write_bytes(data)


def ledger(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT subject, body FROM ledger WHERE type = 'registered-v1' ORDER BY seq"
        )
        return [(row[0], json.loads(row[1])) for row in rows]


def row_of(database: Database, name: str) -> dict[str, Any]:
    with database.read() as connection:
        row = connection.execute(sa.select(recordings).where(recordings.c.id == name)).mappings().one()
        return seals.add(connection, [dict(row)])[0]


def test_each_older_file_is_entered_once(
    database: Database, clock: FakeClock, tmp_path: Path, older_ring: KeyRing
) -> None:
    put(database, tmp_path, "a", b"x" * 100)
    put(database, tmp_path, "b", b"y" * 50, format="mp4", ended_ms=None)
    put(database, tmp_path, "native", b"z", format="vge2")
    put(database, tmp_path, "known", b"z", format="mp4", sha256="ab" * 32)
    assert [row_of(database, name)["version_1"] for name in ("a", "b", "native", "known")] == [
        True,
        True,
        False,
        False,
    ]

    sealer = Sealer(tmp_path, database, older_ring, clock)

    assert sealer.run() == 2
    assert sealer.run() == 0
    (first, one), (second, two) = ledger(database)
    assert (first, second) == ("a", "b")
    assert (one["sha256"], one["plain_bytes"], one["key_id"]) == (
        hashlib.sha256(b"x" * 100).hexdigest(), 84, master_key_id(MASTER).hex(),
    )  # fmt: skip
    assert (two["plain_bytes"], two["ended_ms"], two["key_id"]) == (50, 1_000, "")
    assert row_of(database, "a")["sealed_ms"] == clock.now_ms()


def test_a_file_that_is_gone_is_marked_and_the_others_go_on(
    database: Database, clock: FakeClock, tmp_path: Path, older_ring: KeyRing
) -> None:
    put(database, tmp_path, "a", None)
    put(database, tmp_path, "b", b"y" * 50)
    sealer = Sealer(tmp_path, database, older_ring, clock)

    assert sealer.run() == 1

    assert (row_of(database, "a")["state"], row_of(database, "a")["damage"]) == (
        "damaged",
        "its file is missing",
    )
    assert sealer.counters == {"sealed": 1, "missing": 1, "failed": 0}


def test_what_was_deleted_meanwhile_gets_no_entry(
    database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    put(database, tmp_path, "a", b"x", state="deleting", deleted_ms=5)
    older = Older("a", "front", "vge1", "ab" * 32, 1, 0, 1_000, 5_000, "")

    assert database.write(lambda connection: seal(connection, Ledger(clock), older, 9)) is False
    assert ledger(database) == []


def test_a_stop_ends_the_reading_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(3 * PIECE_BYTES))
    asked: Iterator[bool] = iter([False, True])

    assert digest_slowly(path, lambda _: next(asked))[1] == 2 * PIECE_BYTES


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "unknown"),
        (b"\xff\xd8\xff\xe0 picture", "picture"),
        (b"no film at all, for certain", "unknown"),
        (b"\0\0\0\x10ftypisom\0\0\0\0" + b"\xff\xff\xff\xffmoov", "film"),
        (b"\0\0\0\x01ftyp" + bytes(8) + b"\xff" * 8, "film"),
        (b"\0\0\0\x08ftyp\0\0\0\x10moov\0\0\0\x08mvhd", "film"),
        (b"\0\0\0\x08ftyp" * 9, "film"),
        (b"\0\0\0\x08ftyp\0\0\0\x34moov\0\0\0\x2cmvhd\1\0\0\0" + b"\xff" * 32, "film"),
    ],
)
def test_a_look_into_a_strange_file_ends_with_an_answer(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "strange"
    path.write_bytes(data)
    reader = PlainReader(path)
    try:
        found = film_probe.probe(reader)
        assert (found.kind, found.created_ms, found.duration_ms) == (kind, 0, 0)
        assert film_probe.is_fragmented(reader) is False
    finally:
        reader.close()
