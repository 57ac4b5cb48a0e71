"""A database of every schema there ever was, with rows in every table, and an upgrade that is killed where one likes.

Run as a program it prepares copies of a database and kills itself at one statement of each:
`python evidence_schemas.py <database> <folder> <careless> <boundary>…`; a line per boundary says how that copy ended.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import sqlalchemy
from chaos.evidence_kill import die_at_each
from vigilar_common.testing import FakeClock
from vigilar_storage import kept_copy, legacy, migrate

ROWS = 6
Rows = dict[str, list[dict[str, Any]]]
_ONE_OF = re.compile(r"\b(\w+) IN \(('[^)]*'|[\d, ]+)\)")
_EXACTLY = re.compile(r"length\((\w+)\) = (\d+)")
_AT_MOST = re.compile(r"length\((\w+)\) (?:<=|BETWEEN \d+ AND) (\d+)")
_BETWEEN = re.compile(r"\b(\w+) BETWEEN (-?\d+) AND (\d+)")


def revisions() -> list[str]:
    """Every schema but the newest."""
    return [version for version in migrate.KNOWN if version != migrate.HEAD]


def make(path: Path, revision: str) -> None:
    """By running the migrations to `revision`; then every table gets rows that its own constraints allow."""
    migrate.upgrade(path, revision)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys=ON")
    tables = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND name <> 'alembic_version'"
        ).fetchall()
    )
    for table in sorted(tables, key=lambda name: "REFERENCES" in tables[name]):
        for number in range(ROWS):
            values = _row(connection, table, tables[table], number)
            marks = ", ".join("?" * len(values))
            statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 its own names
            connection.execute(statement, tuple(values.values()))
    connection.commit()
    connection.close()


def _row(connection: sqlite3.Connection, table: str, sql: str, number: int) -> dict[str, Any]:
    """Values that differ from row to row and reach into the corners: other words, other bytes, large numbers."""
    choices = {
        name: [word.strip().strip("'") for word in words.split(",")] for name, words in _ONE_OF.findall(sql)
    }
    exact = {name: int(size) for name, size in _EXACTLY.findall(sql)}
    most = {name: int(size) for name, size in _AT_MOST.findall(sql)}
    bounds = {name: (int(low), int(high)) for name, low, high in _BETWEEN.findall(sql)}
    parents = {row[3]: row[2] for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    values: dict[str, Any] = {}
    for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})"):
        if name in parents:
            values[name] = f"{parents[name]}-{number}".ljust(exact.get("id", 0), "x")
        elif name in choices:
            word = choices[name][number % len(choices[name])]
            values[name] = int(word) if kind == "INTEGER" else word
        elif f"json_type({name}) = 'array'" in sql:
            values[name] = f'["{table}-{number}", "“ü” \\u0000"]'
        elif f"json_valid({name})" in sql or name in ("body", "changes"):
            values[name] = f'{{"place": {number}, "said": "“ü” \\u0000"}}'
        elif kind == "TEXT":
            text = f"{table}-{number}" if name in ("id", "name") else f"{name} ö {number}"
            values[name] = text.ljust(exact.get(name, 0), "x")[: most.get(name, 40)]
        elif kind == "BLOB":
            values[name] = bytes(range(number, 64 + number))
        else:
            low, high = bounds.get(name, (0, 9_000_000_000))
            step = number + 1
            values[name] = (
                min(high, low + step) if kind == "INTEGER" else low + (high - low) * step / (ROWS + 1)
            )
    return values


def rows(path: Path) -> Rows:
    """All rows of all tables."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    names = [row[0] for row in connection.execute(query)]
    found = {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}  # noqa: S608
    connection.close()
    return found


def schema(path: Path) -> dict[str, str]:
    """Every table and index as SQL."""
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in found}


# -- the program ------------------------------------------------------------------------------------------------


def kill_upgrades(
    source: Path, folder: Path, boundaries: list[int], *, careless: bool = False
) -> Iterator[tuple[int, Path, str]]:
    """(boundary, database, "killed" | "done" | what went wrong) for each: statements and file operations count alike."""
    listed = map(str, boundaries)
    words = [sys.executable, __file__, str(source), str(folder), str(int(careless)), *listed]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=3_000)
    for line in done.stdout.splitlines():
        at, ending = line.split(" ", 1)
        yield int(at), folder / at / "data" / source.name, ending


def _without_transactions(path: Path) -> sqlalchemy.Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None)

    return sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.pool.NullPool)


def _main(source: Path, folder: Path, careless: bool, boundaries: list[int]) -> None:
    if careless:  # the control: every statement is on its own
        migrate.migration_engine = _without_transactions
    import alembic.command  # noqa: F401 loaded once, for all children

    for at in boundaries:
        path = folder / str(at) / "data" / source.name
        path.parent.mkdir(parents=True)
        shutil.copy(source, path)
    die_at_each(
        boundaries,
        [(Path, "rename"), (Path, "replace"), (Path, "unlink"), (legacy, "sync_file"), (legacy, "sync_dir"),
         (kept_copy, "sync_dir")],
        lambda at: migrate.prepare(folder / str(at) / "data" / source.name, FakeClock(), recordings=folder),
    )  # fmt: skip


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "1", [int(word) for word in sys.argv[4:]])
