"""One schema, however a database came to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from vigilar_common.errors import StartupError
from vigilar_common.testing import FakeClock
from vigilar_storage import migrate, reference
from vigilar_storage.db import Database
from vigilar_storage.media_rows import MediaRows
from vigilar_storage.pages import page
from vigilar_storage.schema import METADATA, arm_state_log

OF_THE_REFERENCE = {
    "cameras", "sensors", "sensor_states", "events", "recordings", "system_events", "arm_state_log", "alert_log",
    "push_subscriptions", "pets", "pet_sightings", "wildlife_sightings", "package_events", "pet_training_images",
    "pet_rules", "face_profiles", "face_embeddings", "visits", "timelapse_schedules",
}  # fmt: skip


def statements(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_an_upgraded_database_equals_the_declared_schema(template: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    engine = sa.create_engine(f"sqlite:///{fresh}")
    METADATA.create_all(engine)
    engine.dispose()

    assert statements(sqlite3.connect(template)) == statements(sqlite3.connect(fresh))


def test_the_head_in_the_code_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))

    assert scripts.get_current_head() == migrate.HEAD
    assert {script.revision for script in scripts.walk_revisions()} == set(migrate.KNOWN)


REBUILT: dict[str, dict[str, Any]] = {
    "pets": {"name": "Tom", "species": "cat", "created_ms": 1},
    "pet_sightings": {"ts_ms": 1, "camera_id": "front", "pet_id": "x", "species": "cat", "confidence": 0.5},
    "pet_rules": {"pet_id": "x", "name": "r", "created_ms": 1, "updated_ms": 1},
    "pet_training_images": {"pet_id": "x", "picture_id": "p", "origin": "upload", "vector": b"v", "created_ms": 1},
    "wildlife_sightings": {"ts_ms": 1, "camera_id": "front", "species": "fox", "threat_level": "low", "confidence": 1},
    "package_events": {"camera_id": "front", "state": "detected", "detected_ms": 1},
    "face_profiles": {"name": "Ann", "first_seen_ms": 1, "last_seen_ms": 2},
    "face_embeddings": {"profile_id": "x", "vector": b"v", "model": "m", "quality": 1, "created_ms": 1},
    "visits": {"profile_id": "x", "camera_id": "front", "arrived_ms": 1, "confidence": 1},
    "timelapse_schedules": {"camera_id": "front", "name": "t", "start_time": "08:00", "end_time": "20:00",
                            "interval_s": 60, "fps": 25, "created_ms": 1},
}  # fmt: skip
"""Tables that 0003 makes anew, and one that refers to them: a row of each as 0002 had it."""


def test_rows_of_rebuilt_tables_are_all_there_after_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    migrate.upgrade(path, "0002")
    with sqlite3.connect(path) as connection:
        for table, values in REBUILT.items():
            row = {"id": "x", **values}
            marks = ", ".join("?" * len(row))
            into = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 own names
            connection.execute(into, list(row.values()))
    migrate.prepare(path, FakeClock())

    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        for table, values in REBUILT.items():
            (row,) = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 own names
            assert {name: row[name] for name in values} == values, table
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        references = {row["table"] for row in connection.execute("PRAGMA foreign_key_list(visits)")}
        assert references == {"face_profiles"}


def test_all_tables_of_the_reference_are_there() -> None:
    assert set(METADATA.tables) >= OF_THE_REFERENCE
    assert len(OF_THE_REFERENCE) == 19


def test_every_table_and_column_says_what_it_is_for() -> None:
    silent = [table.name for table in METADATA.tables.values() if not table.comment]
    silent += [
        f"{c.table.name}.{c.name}" for table in METADATA.tables.values() for c in table.c if not c.comment
    ]

    assert silent == []


def test_the_reference_page_is_what_the_schema_says() -> None:
    page_file = Path(__file__).parents[3] / reference.TARGET

    assert page_file.read_text("utf-8") == reference.render()


def test_preparing_twice_keeps_the_identity(tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    migrate.prepare(path, FakeClock())
    before = sqlite3.connect(path).execute("SELECT name, value FROM meta ORDER BY name").fetchall()
    migrate.prepare(path, FakeClock())

    assert sqlite3.connect(path).execute("SELECT name, value FROM meta ORDER BY name").fetchall() == before
    assert [name for name, _ in before] == ["created_ms", "database_uuid", "epoch"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_database_newer_than_the_code_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    migrate.prepare(path, FakeClock())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StartupError, match=rf"schema 9999, newer than this Vigilar knows \({migrate.HEAD}\)"):
        migrate.prepare(path, FakeClock())
    assert migrate.current_version(path) == "9999"


def test_a_file_that_is_no_database_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(StartupError, match=r"vigilar\.db cannot be opened: file is not a database"):
        migrate.prepare(path, FakeClock())


def test_a_crash_between_migration_and_naming_is_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "vigilar.db"
    migrate.prepare(path, FakeClock())
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM meta")

    migrate.prepare(path, FakeClock())

    names = [name for (name,) in sqlite3.connect(path).execute("SELECT name FROM meta")]
    assert "epoch" in names


@pytest.mark.parametrize(
    ("table", "values", "what"),
    [
        ("events", {"id": "e", "received_ms": 1, "started_ms": 5}, "started without type and severity"),
        ("events", {"id": "e", "received_ms": 1}, "neither started nor ended"),
        ("cameras", {"id": "c", "display_name": "x", "location": "y", "retention_days": -1}, "negative days"),
        ("facts", {"source": "s", "seq": 1, "id": "short", "type": "t", "ts_ms": 1}, "an id that is no UUID"),
        ("recordings", {"id": "r", "camera_id": "c", "format": "vge2", "state": "complete", "started_ms": 1,
                        "received_ms": 1}, "complete without a file"),
    ],
)  # fmt: skip
def test_the_database_itself_refuses_rows_that_cannot_be(
    database: Database, table: str, values: dict[str, Any], what: str
) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        database.write(
            lambda connection: connection.execute(METADATA.tables[table].insert().values(**values))
        )


def plan_of(database: Database, query: Any) -> str:
    with database.read() as connection:
        compiled = query.compile(connection.engine, compile_kwargs={"render_postcompile": True})
        rows = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}",
            tuple(compiled.params[name] for name in compiled.positiontup or ()),
        )
        return " | ".join(str(row[3]) for row in rows)


def test_a_deep_page_starts_inside_the_index(database: Database) -> None:
    plans: list[str] = []

    class Spy:
        def execute(self, query: Any) -> Any:
            plans.append(plan_of(database, query))
            return sa.create_engine("sqlite://").connect().execute(sa.text("SELECT 1 WHERE 0"))

    from vigilar_storage.pages import encode

    page(Spy(), sa.select(arm_state_log), (arm_state_log.c.ts_ms, arm_state_log.c.id), 5, encode([9, "x"]))  # type: ignore[arg-type]

    assert "ix_arm_state_log_time ((ts_ms,id)<(?,?))" in plans[0]


def test_waiting_files_are_found_without_reading_all_recordings(database: Database) -> None:
    seen: list[str] = []
    with database.read() as connection:
        engine = connection.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    MediaRows(database, FakeClock()).unsettled()

    with sqlite3.connect(database.path) as raw:
        plans = [
            str(raw.execute(f"EXPLAIN QUERY PLAN {sql}", ("x", 1, 0)[: sql.count("?")]).fetchall())
            for sql in seen
            if sql.startswith("SELECT")
        ]
    assert ["ix_recordings_unsettled" in plans[0], "ix_pictures_unsettled" in plans[1]] == [True, True]
