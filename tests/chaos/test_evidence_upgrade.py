"""Figure 15: a database of any schema, killed at any statement of its upgrade, ends as a new one with all of its rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import legacy_database
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from chaos import evidence_schemas
from chaos.evidence_schemas import Rows, kill_upgrades, revisions, rows, schema
from storage_rig import Rig
from vigilar_common.errors import StartupError
from vigilar_common.testing import FakeClock
from vigilar_storage import migrate

BEFORE_THE_LARGEST = "0002"
"""The step after it makes most of the tables: it can be killed at many places."""
SHORT = range(5, 110, 40)
"""Boundaries of the short form."""
AT_ONCE, MOST_BOUNDARIES = 50, 3_000


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fresh") / "vigilar.db"
    migrate.prepare(path, FakeClock())
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A database of each schema before the newest, and the described system's."""
    folder = tmp_path_factory.mktemp("old")
    made = {revision: folder / f"{revision}.db" for revision in revisions()}
    for revision, path in made.items():
        evidence_schemas.make(path, revision)
    made["described"] = folder / "described.db"
    legacy_database.make(made["described"])
    return made


def check(path: Path, before: Rows, fresh: Path) -> None:
    """The oracle: schema as new, every value of every old row there, SQLite content."""
    found = rows(path)
    own = schema(fresh)
    if "alembic_version" in before:
        assert schema(path) == own
        for table, old_rows in before.items():
            if table == "alembic_version":
                continue
            new_rows = [
                {name: row[name] for name in old_rows[0]} for row in found[table]
            ]  # columns that came later aside
            if table == "meta":  # a database gets its identity once
                new_rows = [row for row in new_rows if row in old_rows]
            assert sorted(map(repr, new_rows)) == sorted(map(repr, old_rows)), table
    else:
        assert own.items() <= schema(path).items()
        counted = {table: len(old_rows) for table, old_rows in before.items() if old_rows}
        kept: dict[str, int] = {}
        for row in found["legacy"]:
            kept[row["table_name"]] = kept.get(row["table_name"], 0) + 1
        assert kept == counted
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.before-migration-*"))


@pytest.mark.parametrize("which", [*revisions(), "described"])
def test_every_schema_becomes_the_newest_and_a_copy_of_it_stays(
    which: str, old: dict[str, Path], fresh: Path, tmp_path: Path
) -> None:
    path = tmp_path / "data" / "vigilar.db"
    path.parent.mkdir()
    shutil.copy(old[which], path)
    before = rows(path)
    empty = [table for table, found in before.items() if not found and which != "described"]
    assert empty == [], "the fixture has rows everywhere"

    migrate.prepare(path, FakeClock(), recordings=tmp_path)

    check(path, before, fresh)
    (copy,) = copies(path)
    assert rows(copy) == before
    assert copy.stat().st_mode & 0o077 == 0
    migrate.prepare(path, FakeClock(), recordings=tmp_path)
    assert copies(path) == [copy], "a start without an upgrade makes no copy"


def kill_and_finish(source: Path, folder: Path, fresh: Path, boundaries: list[int], **how: bool) -> int:
    """Kill one upgrade at each boundary, let the next start finish it, judge; how many were really killed."""
    before = rows(source)
    killed = 0
    for at, path, ending in kill_upgrades(source, folder, boundaries, **how):
        assert ending in ("killed", "done"), f"boundary {at}: {ending}"
        killed += ending == "killed"
        migrate.prepare(path, FakeClock(), recordings=folder)
        check(path, before, fresh)
        assert any(rows(copy) == before for copy in copies(path)), f"boundary {at}: no copy of what was there"
        shutil.rmtree(path.parents[1])
    return killed


@pytest.mark.parametrize("which", [BEFORE_THE_LARGEST, "described"])
def test_an_upgrade_killed_at_a_sample_of_its_statements_ends_right(
    which: str, old: dict[str, Path], fresh: Path, tmp_path: Path
) -> None:
    assert kill_and_finish(old[which], tmp_path, fresh, list(SHORT)) >= 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", [*revisions(), "described"])
def test_an_upgrade_killed_at_every_statement_ends_right(
    which: str, old: dict[str, Path], fresh: Path, tmp_path: Path
) -> None:
    first, killed = 1, AT_ONCE
    while killed == AT_ONCE:  # until the upgrade ends before it could be killed
        killed = kill_and_finish(old[which], tmp_path, fresh, list(range(first, first + AT_ONCE)))
        first += AT_ONCE
        assert first < MOST_BOUNDARIES


def test_control_without_transactions_a_killed_upgrade_is_noticed(
    old: dict[str, Path], fresh: Path, tmp_path: Path
) -> None:
    with pytest.raises(StartupError, match="could not be upgraded"):
        kill_and_finish(old[BEFORE_THE_LARGEST], tmp_path, fresh, [40], careless=True)


def test_control_a_lost_value_is_noticed(old: dict[str, Path], fresh: Path, tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    shutil.copy(old["0001"], path)
    before = rows(path)
    migrate.prepare(path, FakeClock())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE cameras SET location = '' WHERE rowid = 1")
    connection.close()
    with pytest.raises(AssertionError, match="cameras"):
        check(path, before, fresh)


# -- the way back is shut ------------------------------------------------------------------------------------------


def test_a_newer_database_is_refused_by_every_older_version_and_left_as_it_is(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vigilar.db"
    shutil.copy(fresh, path)
    digest = path.read_bytes()
    known = migrate.KNOWN
    for place, version in enumerate(known[:-1]):
        monkeypatch.setattr(migrate, "HEAD", version)
        monkeypatch.setattr(migrate, "KNOWN", known[: place + 1])
        with pytest.raises(
            StartupError, match=rf"has schema {known[-1]}, newer than this Vigilar knows \({version}\)"
        ):
            migrate.prepare(path, FakeClock())
    assert path.read_bytes() == digest
    assert copies(path) == []


def test_no_migration_has_a_way_back(fresh: Path, tmp_path: Path) -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    for script in ScriptDirectory(str(folder)).walk_revisions():
        assert not hasattr(script.module, "downgrade"), script.revision
    path = tmp_path / "vigilar.db"
    shutil.copy(fresh, path)
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["engine"] = engine = migrate.migration_engine(path)
    with pytest.raises(AttributeError):
        command.downgrade(config, "0001")
    engine.dispose()
    assert schema(path) == schema(fresh)


def test_the_service_says_of_a_database_from_the_future_what_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.configure()
    rig.database.parent.mkdir()
    migrate.prepare(rig.database, FakeClock())
    with sqlite3.connect(rig.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "vigilar_storage"],
        env={**os.environ, **rig.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "has schema 9999, newer than this Vigilar knows" in said
    assert "restore the backup made before the upgrade" in said
    assert migrate.current_version(rig.database) == "9999"
    assert "Traceback" not in said
