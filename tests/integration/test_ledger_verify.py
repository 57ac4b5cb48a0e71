# ruff: noqa: S608 the attacks are put together from the test's own words
"""`vigilar verify`, `vigilar keys` and the ledger, over a storage that really took recordings over."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import storage_rig
from storage_rig import Rig, fact, new_id, now_ms, wait_for
from vigilar_common.crypto import keys
from vigilar_common.messages.alarm import ArmStateChanged
from vigilar_common.topics import STORAGE_CHECKPOINT
from vigilar_storage import cli

RECORDINGS = 3
DELETION = {"actor": "anna", "reason": "no longer needed"}


@pytest.fixture(scope="module")
def film() -> bytes:
    return storage_rig.make_film(4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, film: bytes) -> tuple[Rig, list[str]]:
    """A house that stopped: three recordings, one of them deleted, an alarm armed. Tests work on copies."""
    rig = Rig(tmp_path_factory.mktemp("house"))
    rig.configure()
    rig.start()
    ids = [rig.record(film, now_ms() - 60_000 * place) for place in range(RECORDINGS)]
    for recording_id in ids:
        wait_for(lambda which=recording_id: state_of(rig, which) == "complete")
    armed = alarm("disarmed", "armed_away")
    assert rig.post([armed], "events").json()["rejected"] == []
    assert rig.send("DELETE", f"/v1/recordings/{ids[-1]}", DELETION).status_code in (200, 204)
    rig.stop()
    return rig, ids[:-1]


@pytest.fixture
def house(made: tuple[Rig, list[str]], tmp_path: Path) -> tuple[Rig, list[str]]:
    rig, ids = made
    shutil.copytree(rig.folder, tmp_path / "copy", symlinks=True)
    copy = Rig(tmp_path / "copy", rig.private)
    copy.configure()
    return copy, ids


def alarm(before: str, after: str) -> list[Any]:
    body = {"from_state": before, "to_state": after, "changed_by": "anna", "method": "web"}
    return fact(ArmStateChanged.TYPE, body)


def state_of(rig: Rig, recording_id: str) -> str:
    return str(rig.get(f"/v1/recordings/{recording_id}").json().get("state"))


def verify(rig: Rig, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    before = dict(os.environ)
    os.environ.update(rig.env)
    try:
        capsys.readouterr()
        code = cli.main(["verify", "--json", *more])
    finally:
        os.environ.clear()
        os.environ.update(before)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == code
    return answer


def bad(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [file for file in answer["files"] if file["state"] not in ("intact", "intact-with-gaps")]


def path_of(rig: Rig, recording_id: str) -> Path:
    (found,) = rig.recordings.glob(f"front/*/*/*/{recording_id}.vge")
    return found


def edit(rig: Rig, *statements: str) -> None:
    with sqlite3.connect(rig.database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        old = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([old ^ 1]))


def test_an_untouched_house_is_intact_and_a_deletion_is_no_alarm(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = verify(house[0], capsys)

    assert answer["exit_code"] == 0, answer
    assert answer["counts"] == {"intact": 2}
    assert answer["deleted"] == 1
    assert answer["ledger"]["problems"] == answer["ledger"]["unchecked"] == []
    assert answer["ledger"]["checkpoint_size"] == answer["ledger"]["entries"] > 8


@pytest.mark.parametrize("more", [(), ("--quick",), ("--public-key",)], ids=["full", "quick", "public"])
def test_a_flipped_bit_anywhere_in_a_file_is_found(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    rig, ids = house
    path = path_of(rig, ids[0])
    if more == ("--public-key",):
        more = ("--public-key", str(rig.folder / "secrets" / "ledger_public.txt"))
    size = path.stat().st_size
    for offset in (9, 70, 200, 512 + 5, 512 + 16_400 + 7, size // 2, size - 200, size - 6, size - 1):
        flip(path, offset)
        answer = verify(rig, capsys, *more)
        assert (answer["exit_code"], [file["id"] for file in bad(answer)]) == (3, [ids[0]]), offset
        assert bad(answer)[0]["from_ms"] is not None
        flip(path, offset)
    assert verify(rig, capsys, *more)["exit_code"] == 0


def test_the_damaged_chunk_and_its_time_are_named(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, ids = house
    for more in ((), ("--quick",)):
        flip(path_of(rig, ids[0]), 512 + 16_400 + 7)
        (found,) = bad(verify(rig, capsys, *more))
        assert (found["chunk"], found["byte_offset"], found["state"]) == (1, 512 + 16_400, "altered")
        assert found["to_ms"] - found["from_ms"] <= 2_000
        flip(path_of(rig, ids[0]), 512 + 16_400 + 7)


def swap(one: Path, other: Path) -> None:
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


@pytest.mark.parametrize(
    ("attack", "states"),
    [
        (lambda one, _: one.unlink(), ["missing"]),
        (lambda one, _: os.truncate(one, one.stat().st_size - 300), ["altered"]),
        (lambda one, _: os.truncate(one, 512 + 16_400), ["altered"]),
        (lambda one, _: os.truncate(one, 0), ["altered"]),
        (swap, ["altered", "altered"]),
        (lambda one, other: shutil.copy(other, one), ["altered"]),
        (lambda one, _: one.write_bytes(one.read_bytes() + b"more"), ["altered"]),
        (lambda one, _: one.write_text("something else"), ["altered"]),
        (lambda one, _: shutil.copy(one, one.with_name(f"{new_id()}.vge")), ["unregistered"]),
        (lambda one, _: one.rename(one.with_name("holiday.vge")), ["missing", "unregistered"]),
    ],
    ids=["unlink", "footer cut", "chunk cut", "emptied", "swap", "replace", "append", "text", "stray", "rename"],
)  # fmt: skip
@pytest.mark.parametrize("public", [False, True], ids=["keys", "public"])
def test_every_attack_on_files_is_reported(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str],
    attack: Callable[[Path, Path], object], states: list[str], public: bool,
) -> None:  # fmt: skip
    rig, ids = house
    attack(path_of(rig, ids[0]), path_of(rig, ids[1]))
    more = ("--public-key", str(rig.folder / "secrets" / "ledger_public.txt")) if public else ()
    answer = verify(rig, capsys, *more)

    assert sorted(file["state"] for file in bad(answer)) == states
    assert answer["exit_code"] == 3


def test_an_older_file_of_the_same_recording_is_not_taken_for_it(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], film: bytes
) -> None:
    rig, ids = house
    path = path_of(rig, ids[0])
    with rig.begin(ids[0], now_ms()) as writer:  # same id, made with the real key
        storage_rig.write_film(writer, film)
        writer.finish({})
    (rig.incoming / path.name).replace(path)

    assert [file["state"] for file in bad(verify(rig, capsys))] == ["altered"]


def test_a_deleted_file_that_is_back_is_reported(
    made: tuple[Rig, list[str]], house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, ids = house
    with sqlite3.connect(rig.database) as connection:
        (gone,) = connection.execute("SELECT id FROM recordings WHERE state = 'deleted'").fetchone()
    connection.close()
    shutil.copy(path_of(rig, ids[0]), path_of(rig, ids[0]).with_name(f"{gone}.vge"))

    (found,) = bad(verify(rig, capsys))

    assert (found["state"], found["id"]) == ("unregistered", gone)
    assert "it was deleted by" in found["detail"]


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("DELETE FROM recordings WHERE id = '{id}'", "missing"),
        ("UPDATE recordings SET state='deleted', path=NULL, deleted_ms=9999999999999 WHERE id = '{id}'", "missing"),
        ("UPDATE recordings SET started_ms = started_ms - 3600000 WHERE id = '{id}'", "altered"),
        ("UPDATE recordings SET camera_id = 'back' WHERE id = '{id}'", "altered"),
        ("UPDATE recordings SET sha256 = 'ab' WHERE id = '{id}'", "altered"),
        ("UPDATE recordings SET state = 'growing' WHERE id = '{id}'", "altered"),
    ],
)  # fmt: skip
def test_every_attack_on_rows_is_reported(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], statement: str, state: str
) -> None:
    rig, ids = house
    edit(rig, statement.format(id=ids[0]))
    answer = verify(rig, capsys)

    assert (state, ids[0]) in [(file["state"], file["id"]) for file in bad(answer)]
    assert answer["exit_code"] == 3


def entries(rig: Rig) -> list[tuple[int, str, str]]:
    connection = sqlite3.connect(rig.database)
    try:
        return connection.execute("SELECT seq, type, subject FROM ledger ORDER BY seq").fetchall()
    finally:
        connection.close()


COLUMNS = ("ts_ms", "mono_ms", "boot_id", "type", "subject", "body", "prev_hash", "hash")


@pytest.mark.parametrize("column", COLUMNS)
def test_every_edit_of_every_ledger_row_is_found(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], column: str
) -> None:
    rig, _ = house
    change = {
        "ts_ms": "ts_ms + 1",
        "mono_ms": "mono_ms + 1",
        "boot_id": "substr(boot_id, 2)",
        "body": "replace(body, '{{', '{{ ')",
    }.get(column)
    if column in ("prev_hash", "hash"):
        change = f"substr({column}, 2) || iif({column} LIKE '0%', '1', '0')"
    change = (change or f"{column} || 'x'").replace("{{", "{")
    for seq, _, _ in entries(rig):
        kept = sqlite3.connect(rig.database).execute("SELECT * FROM ledger WHERE seq = ?", (seq,)).fetchone()
        edit(rig, f"UPDATE ledger SET {column} = {change} WHERE seq = {seq}")
        answer = verify(rig, capsys, "--quick")
        assert answer["exit_code"] == 3, (seq, column)
        assert answer["ledger"]["problems"], (seq, column)
        with sqlite3.connect(rig.database) as connection:
            connection.execute("DELETE FROM ledger WHERE seq = ?", (seq,))
            connection.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", kept)
        connection.close()
    assert verify(rig, capsys, "--quick")["exit_code"] == 0


def test_every_removed_inserted_or_reordered_ledger_row_is_found(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, _ = house
    whole = rig.database.read_bytes()
    count = len(entries(rig))
    move = "UPDATE ledger SET seq = -seq WHERE seq > {0}"
    attacks: list[tuple[str, ...]] = [
        (f"DELETE FROM ledger WHERE seq = {seq}",) for seq in range(1, count + 1)
    ]
    attacks += [
        (
            f"DELETE FROM ledger WHERE seq = {seq}",
            move.format(seq),
            "UPDATE ledger SET seq = -seq - 1 WHERE seq < 0",
        )
        for seq in range(1, count)
    ]
    attacks += [
        (f"UPDATE ledger SET seq = -{seq} WHERE seq = {seq}", f"UPDATE ledger SET seq = {seq} WHERE seq = {seq + 1}",
         f"UPDATE ledger SET seq = {seq + 1} WHERE seq = -{seq}")
        for seq in range(1, count)
    ]  # fmt: skip
    columns = ", ".join(COLUMNS)
    attacks.append((f"INSERT INTO ledger SELECT {count + 1}, {columns} FROM ledger WHERE seq = {count}",))
    for attack in attacks:
        edit(rig, *attack)
        assert verify(rig, capsys, "--quick")["ledger"]["problems"], attack
        for name in ("-wal", "-shm"):
            rig.database.with_name(rig.database.name + name).unlink(missing_ok=True)
        rig.database.write_bytes(whole)
    assert verify(rig, capsys, "--quick")["exit_code"] == 0


def test_a_ledger_cut_together_with_its_checkpoints_is_found_by_facts_rows_and_a_note_kept_elsewhere(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rig, _ = house
    connection = sqlite3.connect(rig.database)
    (note,) = connection.execute("SELECT note FROM ledger_checkpoints ORDER BY size DESC").fetchone()
    connection.close()
    kept = tmp_path / "kept.txt"
    kept.write_text(note)
    assert verify(rig, capsys, "--checkpoint", str(kept))["exit_code"] == 0
    count = len(entries(rig))
    for left in range(1, count):
        edit(rig, f"DELETE FROM ledger WHERE seq = {count - left + 1}", "DELETE FROM ledger_checkpoints")
        assert verify(rig, capsys, "--quick", "--checkpoint", str(kept))["exit_code"] == 3
        assert verify(rig, capsys, "--quick")["exit_code"] == 3, entries(rig)[-1]


def test_a_checkpoint_signed_by_somebody_else_is_refused(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from vigilar_supervisor.bootstrap import ledger_keys

    ledger_keys(tmp_path / "other", [])
    answer = verify(house[0], capsys, "--public-key", str(tmp_path / "other" / "ledger_public.txt"))

    assert answer["exit_code"] == 3
    assert "is not signed by vigilar-ledger" in answer["ledger"]["problems"][0]


def test_without_its_key_a_file_cannot_be_checked_and_the_exit_code_says_so(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, _ = house
    (rig.folder / "secrets" / "storage_private.pem").unlink()
    answer = verify(rig, capsys)
    assert (answer["exit_code"], answer["counts"]) == (4, {"unknown-key": 2})

    public = ("--public-key", str(rig.folder / "secrets" / "ledger_public.txt"))
    assert verify(rig, capsys, *public)["exit_code"] == 0
    assert verify(rig, capsys, "--camera", "back", *public)["files"] == []
    assert verify(rig, capsys, "--from", "2099-01-01", *public)["files"] == []


def test_verify_works_beside_a_running_storage_that_records_and_deletes(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], film: bytes
) -> None:
    rig, _ = house
    rig.start()
    stopping = threading.Event()

    def busy() -> None:
        while not stopping.is_set():
            recording_id = rig.record(film, now_ms())
            wait_for(lambda which=recording_id: state_of(rig, which) == "complete")
            rig.send("DELETE", f"/v1/recordings/{recording_id}", DELETION)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        answers = [verify(rig, capsys) for _ in range(5)]
    finally:
        stopping.set()
        thread.join()
        rig.stop()

    assert [answer["exit_code"] for answer in answers] == [0] * 5, [bad(answer) for answer in answers]


def test_a_checkpoint_leaves_the_box_when_the_alarm_changes_and_at_stop(house: tuple[Rig, list[str]]) -> None:
    rig, _ = house
    rig.start()
    path = STORAGE_CHECKPOINT.path()
    before: Any = wait_for(lambda: rig.bus.states.get(path))
    disarmed = alarm("armed_away", "disarmed")
    rig.post([disarmed], "events")
    listed = rig.get("/v1/ledger?limit=100").json()["items"]
    states: dict[str, Any] = dict(rig.bus.states)

    def told_all() -> bool:
        states.update(rig.bus.states)
        return states[path] is not before and states[path].size == len(listed)

    wait_for(told_all)
    told = states[path]
    assert (listed[-1]["type"], listed[-1]["body"]["by"]) == ("disarm", "anna")
    notes = rig.get("/v1/ledger/checkpoints").json()["items"]
    # The checkpoint of the start is made on a thread of its own: it may be the one that takes the alarm along.
    assert notes[-1]["reason"] in ("alarm", "start")
    assert notes[-1]["size"] == len(listed)
    assert (told.size, told.note) == (len(listed), notes[-1]["note"])
    page = rig.get("/v1/ledger?limit=2").json()
    assert [
        entry["seq"] for entry in rig.get(f"/v1/ledger?after={page['next']}&limit=1").json()["items"]
    ] == [3]
    rig.stop()


def test_killed_while_it_appends_the_chain_is_whole(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, _ = house
    for turn in range(3):
        rig.spawn()
        stopping = threading.Event()

        def post(first: int = 1_000 * (turn + 1), stop: threading.Event = stopping) -> None:
            for seq in range(first, first + 900):
                if stop.is_set():
                    return
                state = ("armed_away", "disarmed") if seq % 2 else ("disarmed", "armed_away")
                try:
                    rig.post([alarm(*state)], "events")
                except Exception:
                    return  # it was killed

        thread = threading.Thread(target=post)
        thread.start()
        count = len(entries(rig))
        wait_for(lambda floor=count: len(entries(rig)) > floor + 20)
        rig.kill()
        stopping.set()
        thread.join()
        answer = verify(rig, capsys, "--quick")
        assert answer["ledger"]["problems"] == []
    assert len(entries(rig)) > 60


def run_keys(rig: Rig, *words: str) -> int:
    before = dict(os.environ)
    os.environ.update(rig.env)
    os.environ["VIGILAR_SECRETS_DIR"] = str(rig.folder / "secrets")
    try:
        return cli.main(["keys", *words])
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_after_a_rotation_old_and_new_recordings_open_and_the_ledger_says_so(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str], film: bytes
) -> None:
    rig, ids = house
    secrets = rig.folder / "secrets"
    worker = rig.folder / "cameras" / "camera-worker-front"
    worker.mkdir(parents=True)
    for path in (secrets / "storage_public.pem", worker / "storage_public.pem"):
        keys.write_public_key(path, rig.private.public_key())

    assert run_keys(rig, "rotate") == 0

    rig.private = keys.load_private_key(secrets / "storage_private.pem")
    public = keys.public_key_hex(rig.private.public_key())
    assert (worker / "storage_public.pem").read_text().strip() == public
    rig.start()
    recording_id = rig.record(film, now_ms())
    wait_for(lambda: state_of(rig, recording_id) == "complete")
    assert rig.get(f"/v1/recordings/{ids[0]}/content").status_code == 200
    rig.stop()
    assert verify(rig, capsys)["counts"] == {"intact": 3}
    new_id = keys.public_key_id(rig.private.public_key()).hex()
    assert [subject for _, kind, subject in entries(rig) if kind == "key-rotate"][-1] == new_id
    capsys.readouterr()
    assert run_keys(rig, "list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in listed] == [
        ["sealing", "active"], ["sealing", "decrypt-only"], ["storage.key", "active"], ["ledger", "active"],
    ]  # fmt: skip


def test_a_revoked_key_opens_nothing_while_storage_runs_and_says_so(
    house: tuple[Rig, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rig, ids = house
    keys.write_public_key(rig.folder / "secrets" / "storage_public.pem", rig.private.public_key())
    old_id = keys.public_key_id(rig.private.public_key()).hex()
    assert run_keys(rig, "revoke", old_id, "--yes") == 1
    assert "rotate` first" in capsys.readouterr().err
    assert run_keys(rig, "rotate") == 0
    app = rig.start()
    assert rig.get(f"/v1/recordings/{ids[0]}/content").status_code == 200

    assert run_keys(rig, "revoke", old_id, "--yes") == 0
    app._look_at_keys()

    refused = rig.get(f"/v1/recordings/{ids[0]}/content")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "key_revoked")
    assert f"key {old_id} is revoked" in refused.json()["error"]["message"]
    assert [body["state"] for body in key_entries(rig, old_id)] == ["active", "decrypt-only", "revoked"]

    assert run_keys(rig, "revoke", old_id, "--undo") == 0
    app._look_at_keys()

    assert rig.get(f"/v1/recordings/{ids[0]}/content").status_code == 200
    assert key_entries(rig, old_id)[-1]["state"] == "decrypt-only"
    rig.stop()
    assert verify(rig, capsys)["counts"] == {"intact": 2}
    assert run_keys(rig, "revoke", old_id, "--yes") == 0
    answer = verify(rig, capsys)
    assert (answer["exit_code"], answer["counts"]) == (4, {"unknown-key": 2})


def test_a_key_that_is_put_back_opens_recordings_without_a_restart(house: tuple[Rig, list[str]]) -> None:
    rig, ids = house
    path = rig.folder / "secrets" / "storage_private.pem"
    kept = path.read_bytes()
    path.unlink()
    app = rig.start()
    assert rig.get(f"/v1/recordings/{ids[0]}/content").json()["error"]["code"] == "wrong_key"
    assert "private_key" in [finding.code for finding in app.reporter.findings()]

    path.write_bytes(kept)
    app._look_at_keys()

    assert rig.get(f"/v1/recordings/{ids[0]}/content").status_code == 200
    assert "private_key" not in [finding.code for finding in app.reporter.findings()]
    rig.stop()


def key_entries(rig: Rig, key_id: str) -> list[dict[str, Any]]:
    with sqlite3.connect(rig.database) as connection:
        query = "SELECT body FROM ledger WHERE type = 'key-rotate' AND subject = ? ORDER BY seq"
        found = [json.loads(body) for (body,) in connection.execute(query, (key_id,))]
    connection.close()
    return found


def test_an_edit_of_the_configuration_file_is_in_the_ledger_once(house: tuple[Rig, list[str]]) -> None:
    rig, _ = house
    app = rig.start()
    text = rig.config.read_text()
    app.settings.note_revision()
    known = revisions(rig)
    rig.config.write_text(text + "[nobody_knows_this]\n")
    app.settings.note_revision()  # not in force: it cannot be read
    assert revisions(rig) == known
    rig.config.write_text(text + "[web]\nport = 50000\n")
    for _ in range(2):
        app.settings.note_revision()
    rig.stop()

    found = revisions(rig)
    assert found[:-1] == known
    assert found[-1] not in known


def revisions(rig: Rig) -> list[str]:
    return [subject for _, kind, subject in entries(rig) if kind == "config"]
