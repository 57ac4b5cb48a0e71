"""Backups while storage works, killed and not, and what storage does after a restore."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import storage_rig
from storage_rig import Rig, wait_for
from vigilar_storage import backup, restore


@pytest.fixture
def rig(tmp_path: Path) -> Any:
    made = Rig(tmp_path / "house")
    made.folder.mkdir()
    made.configure()
    yield made
    if made.process is not None:
        made.kill()


def vigilar(rig: Rig, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        **rig.env,
        "VIGILAR_BACKUP_DIR": str(rig.folder.parent / "backups"),
        "VIGILAR_BACKUP_ENCRYPT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "vigilar_storage", *words],
        env=env,
        capture_output=True,
        text=True,
        check=check,
    )


def newest(rig: Rig) -> Path:
    return backup.archives(rig.folder.parent / "backups")[-1]


def facts_of(path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT * FROM facts ORDER BY n").fetchall()
    connection.close()
    return found


@pytest.mark.slow
def test_backups_under_load_and_kills_hold_a_whole_moment_row_for_row(rig: Rig, tmp_path: Path) -> None:
    rig.spawn()
    stop = threading.Event()
    confirmed: list[str] = []

    def produce() -> None:
        while not stop.is_set():
            batch = [storage_rig.motion() for _ in range(50)]
            assert rig.post(batch).status_code == 200
            confirmed.extend(item[1] for item in batch)

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        wait_for(lambda: len(confirmed) > 500, what="load")
        before = set(confirmed)
        vigilar(rig, "backup")
        env = {
            **os.environ,
            **rig.env,
            "VIGILAR_BACKUP_DIR": str(tmp_path / "backups"),
            "VIGILAR_BACKUP_ENCRYPT": "0",
        }
        for delay_s in (0.5, 0.8, 1.0):
            child = subprocess.Popen(
                [sys.executable, "-m", "vigilar_storage", "backup"], env=env, stdout=subprocess.DEVNULL
            )
            time.sleep(delay_s)
            child.send_signal(signal.SIGKILL)
            child.wait()
    finally:
        stop.set()
        producer.join()
    rig.kill()
    live = facts_of(rig.database)
    for path in backup.archives(tmp_path / "backups"):
        with restore.unpacked(path, "", tmp_path) as checked:
            saved = facts_of(checked.folder / "database" / "vigilar.db")
        assert saved == live[: len(saved)], "one moment of the log, row for row"
    with restore.unpacked(backup.archives(tmp_path / "backups")[0], "", tmp_path) as checked:
        ids = {row[3] for row in facts_of(checked.folder / "database" / "vigilar.db")}
    assert before <= ids, "everything that was confirmed before is in it"


def test_storage_must_stop_and_finds_what_the_restored_database_does_not_know(rig: Rig, film: bytes) -> None:
    rig.spawn()
    known = rig.recorded(film, storage_rig.now_ms() - 60_000)
    vigilar(rig, "backup")
    later = rig.recorded(film, storage_rig.now_ms() - 30_000)
    refused = vigilar(rig, "restore", str(newest(rig)), "--yes", check=False)
    assert refused.returncode == 1
    assert "in use" in refused.stderr or "stop it first" in refused.stderr
    assert rig.state_of(later) == "complete"
    rig.kill(signal.SIGTERM)
    epoch = _meta(rig.database)["epoch"]
    vigilar(rig, "restore", str(newest(rig)), "--yes")
    assert _meta(rig.database)["epoch"] != epoch
    rig.spawn()
    assert rig.state_of(known) == "complete"
    wait_for(lambda: rig.state_of(later) == "complete", what="the later recording is found")
    wait_for(
        lambda: rig.get(f"/v1/recordings/{later}").json()["reason"] == "found-after-restore",
        what="its reason",
    )
    wait_for(lambda: "find_files" not in _meta(rig.database), what="the search is over")
    rig.kill(signal.SIGTERM)
    connection = sqlite3.connect(rig.database)
    told = {row[0] for row in connection.execute("SELECT type FROM ledger")}
    connection.close()
    assert "restore" in told


def test_a_restore_that_was_killed_is_simply_given_again(rig: Rig, film: bytes, tmp_path: Path) -> None:
    rig.spawn()
    rig.post([storage_rig.motion() for _ in range(100)])
    vigilar(rig, "backup")
    rig.kill(signal.SIGTERM)
    saved = facts_of(rig.database)
    shutil.copy(rig.database, tmp_path / "before.db")
    env = {**os.environ, **rig.env}
    for delay_s in (0.4, 0.6, 0.7, 0.8):
        words = [sys.executable, "-m", "vigilar_storage", "restore", str(newest(rig)), "--yes"]
        child = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert facts_of(rig.database) == saved, "the old or the new database, never none"
    vigilar(rig, "restore", str(newest(rig)), "--yes")
    assert facts_of(rig.database) == saved


def _meta(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    found = dict(connection.execute("SELECT name, value FROM meta"))
    connection.close()
    return found


@pytest.fixture(scope="module")
def film() -> bytes:
    return storage_rig.make_film(4)
