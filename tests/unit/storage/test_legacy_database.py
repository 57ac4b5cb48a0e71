"""The described system's database becomes ours, and not a value of it is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import legacy_database
import pytest
from vigilar_common.errors import StartupError
from vigilar_common.testing import FakeClock
from vigilar_storage import legacy, legacy_map, migrate, paths

START_MS = legacy_database.START_S * 1000


def everything(path: Path) -> dict[str, list[dict[str, Any]]]:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
    found = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}  # noqa: S608
    connection.close()
    return found


def kept(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What the table `legacy` gives back, blobs as bytes again."""
    back: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(found["legacy"], key=lambda row: (row["table_name"], row["row_id"])):
        values = {
            name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
            for name, value in json.loads(row["json"]).items()
        }
        back.setdefault(row["table_name"], []).append(values)
    return back


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "vigilar.db"
    path.parent.mkdir()
    recordings = tmp_path / "recordings"
    (recordings / "front").mkdir(parents=True)
    (recordings / "front" / "20231114-221320.vge").write_bytes(os.urandom(100))
    legacy_database.make(path)
    return path


def prepared(path: Path) -> dict[str, list[dict[str, Any]]]:
    migrate.prepare(path, FakeClock(), recordings=path.parents[1] / "recordings")
    return everything(path)


def test_every_row_of_every_table_is_there_word_for_word(old: Path) -> None:
    before = everything(old)
    found = prepared(old)
    by_text = {name: sorted(map(repr, rows)) for name, rows in kept(found).items()}
    assert by_text == {name: sorted(map(repr, rows)) for name, rows in before.items() if rows}
    copy = next(old.parent.glob("vigilar.db.before-migration-*"))
    assert everything(copy) == before
    assert migrate.current_version(old) == migrate.HEAD


def test_what_is_understood_is_in_our_tables(old: Path) -> None:
    found = prepared(old)
    assert {row["id"]: row["display_name"] for row in found["cameras"]} == {
        "front": "Front door",
        "yard": "Yard",
    }
    assert len(found["events"]) == 50
    fourth = next(row for row in found["events"] if row["started_ms"] == START_MS + 3000)
    assert (fourth["type"], fourth["severity"], fourth["camera_id"]) == ("motion_start", "info", "front")
    assert json.loads(fourth["detail"]) == {"zones": [1]}
    films = {row["started_ms"] - START_MS: row for row in found["recordings"]}
    film = films[0]
    assert film["event_id"] == fourth["id"], "references lead to the same rows"
    assert (film["path"], film["format"], film["state"]) == ("front/20231114-221320.vge", "vge1", "complete")
    assert (film["duration_ms"], film["starred"], film["trigger"]) == (12_500, 1, "motion")
    assert "not tamper-evident" in film["reason"]
    assert (films[60_000]["state"], films[60_000]["damage"]) == ("damaged", "its file is missing")
    assert films[90_000]["path"] is None, "/etc/passwd is no recording"
    pet = found["pets"][0]
    assert (pet["name"], pet["species"], pet["breed"], pet["training_count"]) == ("Rex", "dog", "beagle", 7)
    assert found["pet_sightings"][0]["pet_id"] == pet["id"]
    assert found["pet_rules"][0]["enabled"] == 0
    assert [row["to_state"] for row in found["arm_state_log"]] == ["armed_away"]
    assert [row["outcome"] for row in found["alert_log"]] == ["delivered", "failed"]
    assert found["push_subscriptions"][0]["p256dh"] == "key"
    assert found["visits"][0]["profile_id"] == found["face_profiles"][0]["id"]
    assert found["face_embeddings"] == found["pet_training_images"] == [], (
        "only their services may seal vectors"
    )
    problems = {(row["table_name"], row["row_id"]) for row in found["legacy"] if row["problem"]}
    assert problems == {
        ("arm_state_log", 2), ("visits", 2), ("face_embeddings", 1), ("pet_training_images", 1), ("notes_of_the_owner", 1),
    }  # fmt: skip


def test_a_second_start_changes_nothing(old: Path) -> None:
    first = prepared(old)
    assert prepared(old) == first
    assert len(list(old.parent.glob("vigilar.db.before-migration-*"))) == 1


def test_the_schema_is_ours_but_for_the_one_table(old: Path, template: Path) -> None:
    prepared(old)

    def schema(path: Path) -> set[str]:
        connection = sqlite3.connect(path)
        found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        connection.close()
        return found

    extra = schema(old) - schema(template)
    assert schema(template) <= schema(old)
    assert len(extra) == 1
    assert "CREATE TABLE legacy" in extra.pop()


def test_nothing_is_touched_while_the_old_system_runs(old: Path) -> None:
    running = sqlite3.connect(old)
    running.execute("BEGIN")
    running.execute("SELECT count(*) FROM events").fetchone()
    with pytest.raises(StartupError, match="stop the old system"):
        migrate.prepare(old, FakeClock())
    running.close()
    assert sorted(path.name for path in old.parent.iterdir()) == ["vigilar.db"]


def test_a_strangers_database_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cameras (id TEXT)")
    connection.close()
    assert not legacy.is_legacy(path)


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from vigilar_common.testing import FakeClock
from vigilar_storage import legacy, migrate
path, left = Path(sys.argv[1]), int(sys.argv[2])

def die(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

connect = sqlite3.connect
def watched(*words, **more):
    connection = connect(*words, **more)
    connection.set_trace_callback(die)
    return connection
sqlite3.connect = watched
for owner, name in ((Path, "rename"), (Path, "replace"), (Path, "unlink"), (legacy, "sync_file"), (legacy, "sync_dir")):
    def wrapped(*words, _inner=getattr(owner, name), **more):
        die()
        return _inner(*words, **more)
    setattr(owner, name, wrapped)
migrate.prepare(path, FakeClock(), recordings=path.parents[1] / "recordings")
print("done")
"""


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(at, marks=() if at in (12, 150) else pytest.mark.slow)
        for at in (1, 4, 8, 12, 20, 40, 70, 110, 150, 190, 220)
    ],
)
def test_killed_at_any_point_the_next_start_ends_right(at: int, old: Path) -> None:
    before = everything(old)
    done = subprocess.run([sys.executable, "-c", KILLED, str(old), str(at)], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()
    found = prepared(old)
    assert {name: len(rows) for name, rows in kept(found).items()} == {
        n: len(rows) for n, rows in before.items() if rows
    }
    assert len(found["events"]) == len(before["events"])
    assert everything(next(old.parent.glob("vigilar.db.before-migration-*"))) == before
    assert not list(old.parent.glob("*.migrating*"))


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1_700_000_000, START_MS), (1_700_000_000.5, START_MS + 500), (START_MS, START_MS), ("1700000000", START_MS),
        ("2023-11-14T22:13:20", START_MS), ("2023-11-14 22:13:20", START_MS), ("2023-11-14T23:13:20+01:00", START_MS),
        ("soon", None), (None, None), (-5, None), (float("inf"), None), (b"x", None), (True, None),
    ],
)  # fmt: skip
def test_a_time_is_read_in_every_usual_form(value: Any, ms: int | None) -> None:
    assert legacy_map.to_ms(value) == ms


@pytest.mark.parametrize("path", ["front/a.vge", "a.mp4", "front/2023/11/14/a_b-c.d.vge"])
def test_a_film_of_the_system_before_may_lie_anywhere_below(path: str) -> None:
    assert paths.is_older(path)


@pytest.mark.parametrize(
    "path",
    [
        "../a.vge",
        "/a.vge",
        "front/../a.vge",
        "front//a.vge",
        ".a.vge",
        "front/.x/a.vge",
        "a.txt",
        "incoming/front/a.vge",
        "a.vge\n",
    ],
)
def test_a_path_that_leads_elsewhere_is_none(path: str) -> None:
    assert not paths.is_older(path)
