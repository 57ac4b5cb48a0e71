"""Bring the database to the schema of this code, or refuse one that is newer."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.errors import StartupError

from vigilar_storage.db import BUSY_TIMEOUT_MS
from vigilar_storage.schema import meta

log = logging.getLogger(__name__)

HEAD = "0008"
"""The newest migration; a test compares it with the files."""
KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
DATABASE_MODE = 0o640
UPGRADE_LIMIT_S = 3_600.0
"""A large database is rebuilt table by table; more than an hour means that something hangs."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def prepare(path: Path, clock: Clock, *, in_child: bool = False, recordings: Path | None = None) -> None:
    """Create or upgrade the database at `path`, also one of the system before. Raises StartupError saying what to do.

    `recordings` is where the system before kept its films.

    `in_child` runs the migrations in a process of their own, so that what they load does not stay in this one.
    """
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        path.touch(mode=DATABASE_MODE)
        path.chmod(DATABASE_MODE)
        version = current_version(path)
    except (OSError, sqlite3.Error) as error:
        raise StartupError(f"database {path} cannot be opened: {error}") from error
    if version and version not in KNOWN:
        raise StartupError(
            f"database {path} has schema {version}, newer than this Vigilar knows ({HEAD}): "
            "install the newer version again, or restore the backup made before the upgrade"
        )
    try:
        run = _upgrade_in_child if in_child else upgrade
        if not version and _taken_over(path, clock, recordings, run):
            version = HEAD
        if version != HEAD:
            log.info("database %s: schema %s becomes %s", path, version or "(empty)", HEAD)
            if version:
                _keep(path, clock)
            run(path)
        _name_it(path, clock)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, subprocess.TimeoutExpired) as error:
        raise StartupError(f"database {path} could not be upgraded to schema {HEAD}: {error}") from error


def _taken_over(path: Path, clock: Clock, recordings: Path | None, run: Callable[[Path], None]) -> bool:
    """Whether the database was of the system before; loaded only for one without a version."""
    from vigilar_storage import legacy

    if not legacy.is_legacy(path):
        return False
    legacy.take_over(path, clock, recordings, run)
    return True


def _keep(path: Path, clock: Clock) -> None:
    """A copy of what is there; loaded only when a schema changes. Raises as `kept_copy.keep`."""
    from vigilar_storage import kept_copy

    log.info("database %s as it was stays as %s", path, kept_copy.keep(path, clock.now_ms()).name)


def current_version(path: Path) -> str:
    """The schema's version, "" for an empty database. Raises sqlite3.Error when the file is no database."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
        return str(row[0]) if row else ""
    finally:
        connection.close()


def upgrade(path: Path, target: str = "head") -> None:
    """Run the migrations, each in a transaction of its own."""
    # Alembic costs 15 MB and half a second: it is loaded only when there is something to do.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = engine = migration_engine(path)
    try:
        command.upgrade(config, target)
    finally:
        engine.dispose()


def _upgrade_in_child(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vigilar_storage.migrate", str(path)],
        capture_output=True,
        text=True,
        timeout=UPGRADE_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(done.stderr.strip()[-500:] or f"the upgrade ended with code {done.returncode}")


def migration_engine(path: Path) -> sa.Engine:
    """As the writer's, but with foreign keys off: SQLite's way of changing a table rebuilds it."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _name_it(path: Path, clock: Clock) -> None:
    """Give a new database its identity; an old one keeps what it has."""
    values = {"epoch": str(uuid4()), "database_uuid": str(uuid4()), "created_ms": str(clock.now_ms())}
    engine = migration_engine(path)
    try:
        with engine.begin() as connection:
            known = set(connection.scalars(sa.select(meta.c.name)))
            for name, value in values.items():
                if name not in known:
                    connection.execute(meta.insert().values(name=name, value=value))
    finally:
        engine.dispose()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


if __name__ == "__main__":
    upgrade(Path(sys.argv[1]))
