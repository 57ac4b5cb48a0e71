"""`vigilar backup` and `vigilar restore` as their owner uses them, in one process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from pyrage import x25519
from vigilar_common.crypto import keys
from vigilar_common.testing import FakeClock
from vigilar_storage import archive, backup, cli, datalock, migrate


class House:
    """The folders of one host as `vigilar init` leaves them."""

    def __init__(self, root: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.etc, self.data, self.backups = root / "etc", root / "data", root / "backups"
        self.secrets = self.etc / "secrets"
        self.state = self.data / "state" / "storage"
        self.key = x25519.Identity.generate()
        for folder in (
            self.secrets / "storage",
            self.secrets / "web",
            self.etc / "certs",
            self.state / "settings.history",
        ):
            folder.mkdir(parents=True)
        (self.etc / "vigilar.toml").write_text(
            f'[system]\ndata_dir = "{self.data}"\nrecordings_dir = "{root / "rec"}"\nhls_dir = "{root / "hls"}"\n'
        )
        (self.etc / "certs" / "own.pem").write_text("certificate")
        (self.secrets / "web" / "session_key").write_text("session")
        (self.secrets / "web" / "session_key").chmod(0o600)
        (self.secrets / "storage" / "backup_recipient.txt").write_text(f"{self.key.to_public()}\n")
        keys.write_master_key(root / "storage.key")
        (self.state / "settings.toml").write_text('[system]\nname = "Ours"\n')
        (self.state / "settings.history" / "1.toml").write_text("[system]\n")
        (root / "rec" / "front").mkdir(parents=True)
        (root / "rec" / "front" / "film.vge").write_bytes(b"film")
        (root / "hls").mkdir()
        shutil.copy(template, self.database)
        self.identity = root / "identity.txt"
        self.identity.write_text(f"{self.key}\n")
        for name, value in {
            "VIGILAR_CONFIG": self.etc / "vigilar.toml",
            "VIGILAR_SETTINGS": self.state / "settings.toml",
            "VIGILAR_STATE_DIR": self.state,
            "VIGILAR_CONFIG_RUN": self.data / "config-run",
            "VIGILAR_SECRETS_DIR": self.secrets / "storage",
            "VIGILAR_BACKUP_DIR": self.backups,
            "VIGILAR__STORAGE__KEY_FILE": root / "storage.key",
        }.items():
            monkeypatch.setenv(name, str(value))

    @property
    def database(self) -> Path:
        return self.data / "vigilar.db"

    def newest(self) -> Path:
        return backup.archives(self.backups)[-1]

    def log(self, text: str) -> None:
        connection = sqlite3.connect(self.database)
        connection.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", (text,))
        connection.commit()
        connection.close()

    def tree(self) -> dict[str, str]:
        """Everything but backups and what is kept aside, by hash."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and self.backups not in path.parents and "before-restore" not in path.name
        }


WITHOUT_ROWID = {"event_counts"}


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    names = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    found = {
        name: connection.execute(
            f'SELECT {"" if name in WITHOUT_ROWID else "rowid, "}* FROM "{name}" ORDER BY 1'  # noqa: S608
        ).fetchall()
        for name in names
    }
    connection.close()
    return found


@pytest.fixture
def house(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, template, monkeypatch)


def names_in(path: Path, identity: str = "") -> set[str]:
    with backup.opened(path, identity) as held:
        return {found.name for found, pieces in held.members() if list(pieces) is not None}


def test_a_backup_is_private_encrypted_and_holds_everything_but_film(house: House) -> None:
    assert cli.main(["backup"]) == 0
    path = house.newest()
    assert path.name.endswith(".tar.gz.age")
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(path, str(house.key)) == {
        "database/vigilar.db", "settings/settings.toml", "settings/settings.history/1.toml", "config/vigilar.toml",
        "config/certs/own.pem", "secrets/web/session_key", "secrets/storage/backup_recipient.txt", "keys/storage.key",
    }  # fmt: skip
    assert list(house.data.glob(".vigilar-backup-*.tmp")) == []


def test_a_plain_backup_is_the_guides_archive(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGILAR_BACKUP_ENCRYPT", "0")
    assert cli.main(["backup"]) == 0
    path = house.newest()
    assert path.name.endswith(".tar.gz")
    assert path.stat().st_mode & 0o777 == 0o600
    assert cli.main(["restore", str(path), "--verify-only"]) == 0


def test_the_key_that_opens_backups_is_never_in_one(house: House) -> None:
    (house.secrets / "recovery").mkdir()
    (house.secrets / "recovery" / "backup_age.txt").write_text(f"{house.key}\n")
    assert cli.main(["backup"]) == 0
    assert not any("backup_age" in name for name in names_in(house.newest(), str(house.key)))


def test_without_a_recipient_nothing_is_written_in_the_clear(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    (house.secrets / "storage" / "backup_recipient.txt").unlink()
    assert cli.main(["backup"]) == 1
    assert "no backup recipient" in capsys.readouterr().err
    assert backup.archives(house.backups) == []


def test_what_was_restored_equals_what_was_saved_row_for_row_and_byte_for_byte(house: House) -> None:
    house.log("before")
    saved, before = rows(house.database), house.tree()
    assert cli.main(["backup"]) == 0
    house.log("after")
    (house.etc / "vigilar.toml").write_text((house.etc / "vigilar.toml").read_text() + "# changed\n")
    (house.secrets / "web" / "session_key").write_text("lost")
    (house.state / "settings.toml").unlink()
    assert cli.main(["restore", str(house.newest()), "--identity", str(house.identity), "--yes"]) == 0
    after = house.tree()
    changing = {
        "data/vigilar.db",
        "data/state/storage/backup.json",
        "data/storage.lock",
        "data/.vigilar-backup.lock",
    }
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert (house.secrets / "web" / "session_key").stat().st_mode & 0o777 == 0o600
    found = rows(house.database)
    assert {name: found[name] for name in found if name != "meta"} == {
        name: saved[name] for name in saved if name != "meta"
    }
    meta, was = ({row[1]: row[2] for row in table["meta"]} for table in (found, saved))
    assert meta.pop("epoch") != was.pop("epoch"), "readers of the feed begin again"
    assert {name: meta[name] for name in was} == was
    assert meta["find_files"] == "1"
    aside = next(house.data.glob("vigilar.db.before-restore-*"))
    assert "after" in {row[1] for row in rows(aside)["meta"]}
    assert next((house.secrets / "web").glob("session_key.before-restore-*")).read_text() == "lost"


def test_nothing_is_replaced_while_storage_runs(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backup"]) == 0
    before = house.tree()
    lock = datalock.DataLock(house.data)
    lock.take(FakeClock())
    code = cli.main(["restore", str(house.newest()), "--identity", str(house.identity), "--yes"])
    lock.release()
    assert code == 1
    assert "stop it first" in capsys.readouterr().err
    assert house.tree() == before | {"data/storage.lock": hashlib.sha256(b"").hexdigest()}


def test_a_database_that_another_program_reads_is_not_replaced(house: House) -> None:
    assert cli.main(["backup", "--plain"]) == 0
    other = sqlite3.connect(house.database)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM meta").fetchone()
    digest = hashlib.sha256(house.database.read_bytes()).hexdigest()
    assert cli.main(["restore", str(house.newest()), "--yes", "--parts", "database"]) == 1
    assert hashlib.sha256(house.database.read_bytes()).hexdigest() == digest
    other.close()


def test_verify_only_and_a_restore_without_consent_change_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["backup", "--plain"]) == 0
    before = house.tree()
    assert cli.main(["restore", str(house.newest()), "--verify-only"]) == 0
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert cli.main(["restore", str(house.newest())]) == 1
    assert house.tree() == before


def test_a_backup_can_be_taken_apart_into_another_folder(house: House) -> None:
    assert cli.main(["backup", "--plain"]) == 0
    there = house.root / "there"
    assert cli.main(["restore", str(house.newest()), "--to", str(there)]) == 0
    assert rows(there / "database" / "vigilar.db")["facts"] == rows(house.database)["facts"]
    assert (there / "secrets" / "web" / "session_key").read_text() == "session"
    assert cli.main(["restore", str(house.newest()), "--to", str(there)]) == 1, "it is not empty any more"


def test_parts_that_were_not_chosen_stay(house: House) -> None:
    assert cli.main(["backup", "--plain"]) == 0
    (house.secrets / "web" / "session_key").write_text("new")
    assert cli.main(["restore", str(house.newest()), "--yes", "--parts", "database,settings"]) == 0
    assert (house.secrets / "web" / "session_key").read_text() == "new"
    assert cli.main(["restore", str(house.newest()), "--yes", "--parts", "film"]) == 1


def test_a_backup_from_the_future_is_refused(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(house.database)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert cli.main(["backup", "--plain"]) == 0
    before = house.tree()
    assert cli.main(["restore", str(house.newest()), "--yes"]) == 1
    assert "newer than this Vigilar" in capsys.readouterr().err
    assert house.tree() == before
    assert "9999" not in migrate.KNOWN


def test_old_backups_go_only_after_the_new_one_and_strangers_never(house: House) -> None:
    house.backups.mkdir()
    for name in (
        "vigilar-backup-20200101-000000.tar.gz",
        "vigilar-backup-20200101-000000.tar.gz.age",
        "holiday.tar.gz",
    ):
        (house.backups / name).write_text("old")
    (house.backups / "vigilar-backup-20200102-000000.tar.gz").symlink_to(house.backups / "holiday.tar.gz")
    assert cli.main(["backup", "--retention-days", "0"]) == 0
    assert len(backup.archives(house.backups)) == 3, "0 keeps for ever"
    (house.backups / house.newest().name).rename(house.backups / "vigilar-backup-20200103-000000.tar.gz.age")
    assert cli.main(["backup"]) == 0
    assert [path.name for path in backup.archives(house.backups)] == [house.newest().name]
    assert (house.backups / "holiday.tar.gz").read_text() == "old"


def test_a_full_disk_is_noticed_before_anything_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.backups.mkdir()
    (house.backups / "vigilar-backup-20200101-000000.tar.gz").write_text("old")
    usage = shutil.disk_usage(house.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1))
    assert cli.main(["backup"]) == 1
    assert "MiB free" in capsys.readouterr().err
    assert [path.name for path in backup.archives(house.backups)] == ["vigilar-backup-20200101-000000.tar.gz"]


def test_what_a_killed_backup_left_goes_with_the_next_run(house: House) -> None:
    house.backups.mkdir()
    (house.backups / ".vigilar-backup-20200101-000000-1.tmp").write_text("half")
    (house.data / ".vigilar-backup-1.tmp").mkdir()
    assert cli.main(["backup"]) == 0
    assert [p for folder in (house.backups, house.data) for p in folder.glob(".vigilar-backup-*.tmp")] == []


def test_a_configuration_folder_that_is_none_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert cli.main(["backup"]) == 1


@pytest.mark.parametrize("words", [["--retention-days", "-1"], ["--retention-days", "soon"]])
def test_a_bad_retention_is_refused(house: House, words: list[str]) -> None:
    assert cli.main(["backup", *words]) in (1, 2)
    assert backup.archives(house.backups) == []


def test_the_drill_says_what_it_could_check(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["restore", "--drill"]) == 1, "there is no backup yet"
    assert cli.main(["backup"]) == 0
    assert cli.main(["restore", "--drill"]) == 0
    assert "drill: bytes" in capsys.readouterr().out
    assert cli.main(["restore", "--drill", "--identity", str(house.identity)]) == 0
    assert "drill: restored" in capsys.readouterr().out
    path = house.newest()
    path.write_bytes(path.read_bytes()[:-1])
    assert cli.main(["restore", "--drill"]) == 1
    path.rename(path.with_name("vigilar-backup-20300101-000000.tar.gz.age"))
    assert cli.main(["restore", "--drill"]) == 0
    assert "drill: unknown" in capsys.readouterr().out
    status = json.loads((house.state / "backup.json").read_text().splitlines()[1])
    assert status["drill"]["level"] == "unknown"


def test_a_damaged_database_makes_no_backup(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(house.database.read_bytes())
    data[4096 : 4096 * 20] = os.urandom(4096 * 19)
    house.database.write_bytes(bytes(data))
    assert cli.main(["backup"]) == 1
    assert capsys.readouterr().err.startswith("vigilar:")
    assert backup.archives(house.backups) == []


def test_no_database_is_told(house: House) -> None:
    house.database.unlink()
    assert cli.main(["backup"]) == 1
