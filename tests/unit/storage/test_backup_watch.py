"""What storage says about backups, and when."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeClock
from vigilar_storage.backup_watch import BackupWatch
from vigilar_storage.db import Database
from vigilar_storage.files import OpenFiles
from vigilar_storage.report import Reporter

DAY_MS = 86_400_000


class Told:
    """Keeps the facts that the reporter emits."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def emit(self, fact: Any) -> None:
        self.codes.append(fact.code)


class Bench:
    def __init__(self, tmp_path: Path, database: Database, clock: FakeClock, env: dict[str, str]) -> None:
        self.told = Told()
        self.clock = clock
        self.database = database
        self.reporter = Reporter(self.told, clock)  # type: ignore[arg-type]
        self.status = StateFile(tmp_path / "backup.json")
        files = OpenFiles(KeyRing())
        self.watch = BackupWatch(tmp_path / "rec", database, files, self.reporter, clock, tmp_path, env)

    def note(self, *, age_days: float = 0, drill: str = "restored", drill_age_days: float = 0) -> None:
        now_ms = self.clock.now_ms()
        self.status.save(
            {
                "backup": {
                    "name": "b", "folder": "/b", "ts_ms": round(now_ms - age_days * DAY_MS), "size_bytes": 5,
                    "encrypted": True, "checked": "bytes",
                },
                "drill": {"level": drill, "ts_ms": round(now_ms - drill_age_days * DAY_MS), "detail": "why"},
                "sha256": {"b": "0" * 64},
            }
        )  # fmt: skip

    def findings(self) -> set[str]:
        self.watch.look()
        return {finding.code for finding in self.reporter.findings()}

    def ledger(self) -> list[str]:
        with self.database.read() as connection:
            return [row[0] for row in connection.execute(sa.text("SELECT type FROM ledger"))]


@pytest.fixture
def bench(tmp_path: Path, database: Database, clock: FakeClock) -> Bench:
    return Bench(tmp_path, database, clock, {})


def test_nothing_is_said_where_nobody_asked_for_backups(bench: Bench) -> None:
    assert bench.findings() == set()
    assert bench.ledger() == []


def test_a_backup_stands_in_the_ledger_once(bench: Bench) -> None:
    bench.note()
    assert bench.findings() == bench.findings() == set()
    assert bench.ledger() == ["backup"]
    assert bench.watch.newest["backup"]["name"] == "b"


def test_a_backup_of_more_than_a_week_ago_is_a_finding_until_a_new_one(bench: Bench) -> None:
    bench.note(age_days=7.1)
    assert bench.findings() == {"backup_old"}
    bench.note(age_days=6.9)
    assert bench.findings() == set()


def test_a_failed_drill_is_a_finding_until_one_succeeds(bench: Bench) -> None:
    bench.note(drill="failed")
    assert bench.findings() == {"drill_failed"}
    bench.note(drill="bytes")
    assert bench.findings() == set()


def test_a_drill_is_run_once_a_week_and_not_again_and_again_when_it_cannot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(words)
        return subprocess.CompletedProcess(words, 1, "", "no room")

    monkeypatch.setattr(subprocess, "run", run)
    bench.note(drill_age_days=8)
    bench.findings()
    bench.findings()
    assert [words[-4:] for words in ran] == [["restore", "--drill", "--out", "/b"]]
    assert "backup_drill" in bench.told.codes
    bench.clock.advance(3_601)
    bench.findings()
    assert len(ran) == 2


def test_a_house_with_a_backup_folder_and_no_backup_is_told_after_a_week(
    tmp_path: Path, database: Database, clock: FakeClock
) -> None:
    bench = Bench(tmp_path, database, clock, {"VIGILAR_BACKUP_DIR": "/b"})
    with database.read() as connection:
        born_ms = int(connection.scalar(sa.text("SELECT value FROM meta WHERE name = 'created_ms'")) or 0)
    assert abs(clock.now_ms() - born_ms) < DAY_MS
    assert bench.findings() == set()
    clock.advance(8 * 86_400)
    assert bench.findings() == {"backup_old"}
