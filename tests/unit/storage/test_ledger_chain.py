"""Entries and checkpoints: what is hashed, what is written once, and what an undone batch takes along."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import fact, new_id, opened
from vigilar_common.crypto import keys
from vigilar_common.merkle import tree_root
from vigilar_common.messages.alarm import ArmRefused, ArmStateChanged
from vigilar_common.messages.camera import MotionStarted, RecordingGap
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.topics import STORAGE_CHECKPOINT
from vigilar_storage import cli, keyring_file, migrate
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.ledger import GENESIS, EntryType, Keeper, KeyStatus, Ledger, canonical, entry_hash
from vigilar_storage.ledger.signing import load_signer, load_verifier, open_checkpoint
from vigilar_supervisor.bootstrap import ledger_keys, make_secrets

CAMERA = "camera-worker-front"
T = 1_767_225_600_000


def rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT * FROM ledger ORDER BY seq").mappings()
        return [{**row, "body": json.loads(row["body"])} for row in found]


def kinds(database: Database) -> list[str]:
    return [row["type"] for row in rows(database)]


def test_an_entry_is_the_json_that_the_design_describes() -> None:
    text = (
        '{"body":{"a":"ü","b":[1,null,true]},"boot":"b","mono_ms":7,"prev":"' + GENESIS + '","seq":1,'
        '"subject":"s","ts_ms":5,"type":"arm"}'
    )
    found = entry_hash(1, 5, 7, "b", "arm", "s", {"b": [1, None, True], "a": "ü"}, GENESIS)

    assert found == hashlib.sha256(b"\0" + text.encode()).digest()
    assert found.hex() == "dc2cd1f9371af3bb0fc21b43fd2e177e7907c720419a43c8e45b5c8066c5d45b"


@pytest.mark.parametrize("value", [1.0, {"a": [0.5]}, {1: "a"}, {"a": b"x"}])
def test_what_writers_of_json_spell_differently_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="ledger entry"):
        canonical(value)


def test_each_entry_links_to_the_one_before(database: Database, clock: FakeClock) -> None:
    ledger = Ledger(clock)
    for number in range(5):
        database.write(lambda c, n=number: ledger.append(c, EntryType.BACKUP, "b", {"n": n}))  # type: ignore[misc]

    found = rows(database)
    assert [row["seq"] for row in found] == [1, 2, 3, 4, 5]
    assert [row["prev_hash"] for row in found] == [GENESIS, *(row["hash"] for row in found[:-1])]


def facts_of_all_kinds() -> list[list[Any]]:
    recording_id = new_id()
    gap = {"camera_id": "front", "from_ms": T, "to_ms": T + 5, "reason": "lost", "recording_id": recording_id}
    return [opened(recording_id, T), fact(RecordingGap.TYPE, gap)]


def alarms() -> list[list[Any]]:
    states = [
        ("disarmed", "arming"),
        ("arming", "armed_away"),
        ("armed_away", "triggered"),
        ("triggered", "disarmed"),
    ]
    changes = [
        fact(ArmStateChanged.TYPE, {"from_state": a, "to_state": b, "changed_by": "anna", "method": "web"})
        for a, b in states
    ]
    refused = {"action": "DISARM", "code": "wrong_pin", "requested_by": "x", "method": "web"}
    return [*changes, fact(ArmRefused.TYPE, refused)]


def test_facts_about_evidence_and_alarm_are_written_once_however_often_they_come(
    database: Database, store: FactStore
) -> None:
    film, alarm = facts_of_all_kinds(), alarms()
    motion = fact(
        MotionStarted.TYPE,
        {"camera_id": "front", "motion_id": new_id(), "score": 0.5, "zones": [], "area_px": 9},
    )
    for _ in range(3):
        assert store.ingest(CAMERA, [*film, motion]).rejections == []
        store.ingest("events", alarm)
    again = list(film[0])
    again[1] = new_id()  # the same recording told by another fact
    store.ingest(CAMERA, [again])

    assert kinds(database) == ["opened", "gap", "arm", "arm", "arm", "disarm", "arm-refused"]


def test_a_batch_with_a_misfit_leaves_a_whole_chain(database: Database, store: FactStore) -> None:
    bad = {"camera_id": "front", "from_ms": T + 5, "to_ms": T, "reason": "backwards"}
    film = facts_of_all_kinds()
    outcome = store.ingest(CAMERA, [film[0], fact(RecordingGap.TYPE, bad), film[1]])

    assert len(outcome.rejections) == 1
    found = rows(database)
    assert [(row["seq"], row["type"]) for row in found] == [(1, "opened"), (2, "gap")]
    assert found[1]["prev_hash"] == found[0]["hash"]


def test_an_undone_transaction_takes_its_entries_along(database: Database, clock: FakeClock) -> None:
    ledger = Ledger(clock)

    def fails(connection: sa.Connection) -> None:
        ledger.append(connection, EntryType.BACKUP, "b", {})
        raise RuntimeError("no")

    database.write(lambda c: ledger.append(c, EntryType.BACKUP, "a", {}))
    with pytest.raises(RuntimeError):
        database.write(fails)
    database.write(lambda c: ledger.append(c, EntryType.BACKUP, "c", {}))

    assert [(row["seq"], row["subject"]) for row in rows(database)] == [(1, "a"), (2, "c")]


def keeper_of(database: Database, clock: FakeClock, bus: FakeBus, folder: Path) -> Keeper:
    ledger_keys(folder, [])
    return Keeper(database, clock, bus, "vigilar/some-database", load_signer(folder))


def test_a_checkpoint_is_signed_kept_and_published_and_only_when_the_ledger_grew(
    database: Database, clock: FakeClock, store: FactStore, tmp_path: Path
) -> None:
    bus = FakeBus(clock, "storage")
    keeper = keeper_of(database, clock, bus, tmp_path / "storage")
    keeper.begin("epoch-1", [sealing("aa" * 8)])
    sizes = []
    for _ in range(3):
        store.ingest("events", alarms())
        made = keeper.checkpoint("alarm")
        assert made is not None
        sizes.append(made.size)
        assert keeper.checkpoint("hourly") is None

    told: Any = bus.states[STORAGE_CHECKPOINT.path()]
    verifier = load_verifier(tmp_path / "storage" / "ledger_public.txt")
    checkpoint = open_checkpoint(told.note, verifier)
    leaves = [bytes.fromhex(row["hash"]) for row in rows(database)]
    assert (checkpoint.origin, checkpoint.size) == ("vigilar/some-database", len(leaves))
    assert checkpoint.root == tree_root(leaves)
    with sqlite3.connect(database.path) as raw:
        assert [size for (size,) in raw.execute("SELECT size FROM ledger_checkpoints ORDER BY size")] == sizes


def sealing(key_id: str, state: str = "active") -> KeyStatus:
    return KeyStatus("sealing", key_id, state)


def test_every_change_of_a_key_is_one_entry(database: Database, clock: FakeClock) -> None:
    keeper = Keeper(database, clock, FakeBus(clock), "vigilar/x", None)
    steps = [
        [sealing("aa")],
        [sealing("aa")],
        [sealing("aa", "decrypt-only"), sealing("bb")],
        [sealing("aa", "revoked"), sealing("bb")],
        [sealing("aa", "revoked"), sealing("bb")],
        [sealing("aa", "decrypt-only"), sealing("bb")],
    ]
    for keys_now in steps:
        keeper.note_keys(keys_now)

    found = [(row["subject"], row["body"]["was"], row["body"]["state"]) for row in rows(database)]
    assert found == [
        ("aa", "", "active"),
        ("aa", "active", "decrypt-only"),
        ("bb", "", "active"),
        ("aa", "decrypt-only", "revoked"),
        ("aa", "revoked", "decrypt-only"),
    ]
    assert [row["body"]["before"] for row in rows(database)][2] == "aa"


def test_a_start_notes_epoch_and_keys_only_when_they_are_new(
    database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    for epoch, key_id in (("e1", "aa"), ("e1", "aa"), ("e1", "bb"), ("e2", "bb")):
        keeper_of(database, clock, FakeBus(clock), tmp_path / "storage").begin(epoch, [sealing(key_id)])

    found = [(row["type"], row["subject"]) for row in rows(database)]
    assert [kind for kind, _ in found] == ["epoch", "key-rotate", "key-rotate", "key-rotate", "epoch"]
    assert (found[3], found[4]) == (("key-rotate", "bb"), ("epoch", "e2"))


def test_recordings_from_before_the_ledger_are_taken_into_it(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "vigilar.db"
    migrate.upgrade(path, "0001")
    with sqlite3.connect(path) as raw:
        raw.execute(
            "INSERT INTO recordings (id, camera_id, format, state, started_ms, ended_ms, received_ms, path, sha256, "
            "plain_bytes, size_bytes) VALUES ('r', 'front', 'vge2', 'complete', 5, 9, 9, 'p', ?, 20000, 21000)",
            ("ab" * 32,),
        )
    raw.close()
    migrate.prepare(path, clock)
    database = Database(path)
    database.open()
    Keeper(database, clock, FakeBus(clock), "vigilar/x", None).begin("e", [])
    (_, entry) = rows(database)
    database.close()

    assert (entry["type"], entry["subject"], entry["body"]["sha256"]) == ("finalised", "r", "ab" * 32)
    assert entry["body"]["covers_bytes"] == 512 + 20_000 + 2 * 16


def test_a_lost_ledger_key_is_not_made_anew(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    (tmp_path / "storage" / "ledger_private.pem").unlink()

    assert make_secrets(tmp_path, ["front"]) == []
    assert not (tmp_path / "storage" / "ledger_private.pem").exists()


def run_keys(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("VIGILAR_SECRETS_DIR", str(root / "storage"))
    return cli.main(["keys", *words])


def test_the_recovery_key_is_exported_once_and_never_over_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, target = tmp_path / "secrets", tmp_path / "mine.pem"
    make_secrets(root, ["front"])
    before = (root / "recovery" / "recovery_private.pem").read_bytes()

    assert run_keys(root, monkeypatch, "export-recovery", str(target)) == 0
    assert run_keys(root, monkeypatch, "export-recovery", str(target), "--remove") == 1
    assert (root / "recovery" / "recovery_private.pem").exists()
    assert run_keys(root, monkeypatch, "export-recovery", str(tmp_path / "2.pem"), "--remove") == 0
    assert target.read_bytes() == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert not (root / "recovery" / "recovery_private.pem").exists()
    assert make_secrets(root, ["front"]) == []
    assert run_keys(root, monkeypatch, "export-recovery", str(tmp_path / "3.pem")) == 1
    told = capsys.readouterr()
    assert "it was exported and removed" in told.err
    assert "PRIVATE" not in told.out + told.err


def test_a_rotation_that_was_cut_off_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "secrets"
    make_secrets(root, ["front", "back"])
    storage = root / "storage"
    old = keys.load_public_key(storage / "storage_public.pem")
    with monkeypatch.context() as patch:
        patch.setattr(
            "vigilar_common.config.files.write_atomic", lambda *_: (_ for _ in ()).throw(OSError("cut"))
        )
        assert run_keys(root, patch, "rotate") == 1
    cut_off = keys.load_private_key(storage / "storage_private.pem").public_key()
    assert keys.public_key_id(cut_off) != keys.public_key_id(old)

    assert run_keys(root, monkeypatch, "rotate") == 0

    for path in (storage, root / "cameras" / "camera-worker-front", root / "cameras" / "camera-worker-back"):
        assert keys.public_key_hex(keys.load_public_key(path / "storage_public.pem")) == keys.public_key_hex(
            cut_off
        )
    (entry,) = keyring_file.load(storage / "storage.ring", keys.load_master_key(storage / "storage.key"))
    assert (entry.key_id, entry.state) == (keys.public_key_id(old).hex(), keys.KeyState.DECRYPT_ONLY)
    assert (storage / "storage.ring").stat().st_mode & 0o777 == 0o600
    assert not list(storage.glob("storage_private_*.pem"))
    assert not (storage / "storage_next.pem").exists()
    assert make_secrets(root, ["front", "back"]) == []


def test_a_jump_of_the_clock_is_an_entry_and_a_drift_is_none(
    database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    keeper = keeper_of(database, clock, FakeBus(clock), tmp_path / "storage")
    before_ms = keeper._offset_ms()
    clock.jump_wall(2)
    clock.advance(3_600)
    before_ms = keeper._look_at_clocks(before_ms)
    assert kinds(database) == []
    clock.jump_wall(-86_400)
    keeper._look_at_clocks(before_ms)

    (entry,) = rows(database)
    assert (entry["type"], entry["body"]) == ("clock-jump", {"jump_ms": 2_000 - 86_400_000})
