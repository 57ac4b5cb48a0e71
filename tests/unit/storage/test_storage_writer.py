"""The one writer: group commit, isolation of failures, a full disk."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from vigilar_storage.db import BATCH_JOBS, Database, DatabaseBusyError, DiskFullError
from vigilar_storage.schema import meta


def put(name: str, value: str = "x") -> Any:
    return lambda connection: connection.execute(meta.insert().values(name=name, value=value))


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(sa.select(meta.c.name)))


def test_what_a_writer_was_told_is_there_for_every_reader(database: Database) -> None:
    database.write(put("told"))

    assert "told" in names(database)


def test_writes_that_wait_together_share_one_commit(database: Database) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        entered.set()
        go_on.wait(5)

    with ThreadPoolExecutor(BATCH_JOBS) as pool:
        first = pool.submit(database.write, slow)
        entered.wait(5)
        others = [pool.submit(database.write, put(f"n{number}")) for number in range(20)]
        while database._jobs.qsize() < 20:
            pass
        go_on.set()
        for each in [first, *others]:
            each.result(5)

    assert database.counters["commits"] == 2
    assert {f"n{number}" for number in range(20)} <= names(database)


def test_a_failing_job_is_undone_alone(database: Database) -> None:
    def half(connection: sa.Connection) -> None:
        put("half")(connection)
        raise KeyError("the rest of it failed")

    with pytest.raises(KeyError, match="the rest"):
        database.write(half)
    database.write(put("whole"))

    assert "half" not in names(database)
    assert "whole" in names(database)
    assert database.problem == ""


def test_a_full_disk_is_told_reading_goes_on_and_writing_heals_by_itself(database: Database) -> None:
    def shrink(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    database.write(shrink)

    def fill(connection: sa.Connection) -> None:
        for number in range(200):
            put(f"big{number}", "y" * 500)(connection)

    with pytest.raises(DiskFullError, match="disk_full"):
        database.write(fill)

    before = names(database)
    assert "disk of the database is full" in database.problem
    with pytest.raises(DiskFullError):
        database.write(fill)
    assert names(database) == before

    database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=100000"))
    database.write(put("after", "w" * 400))
    assert database.problem == ""
    assert "after" in names(database)


def test_readers_cannot_write(database: Database) -> None:
    with database.read() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        put("never")(connection)


def test_a_reader_sees_one_moment_throughout(database: Database) -> None:
    with database.read() as connection:
        before = connection.scalar(sa.select(sa.func.count()).select_from(meta))
        database.write(put("meanwhile"))
        assert connection.scalar(sa.select(sa.func.count()).select_from(meta)) == before


def test_a_write_that_takes_too_long_is_answered_in_time(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def dawdle(_: object) -> bool:
        begun.set()
        return go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(database.write, dawdle, 60)
        assert begun.wait(30)
        with pytest.raises(DatabaseBusyError, match=r"did not commit within 0\.05 s"):
            database.write(put("late"), timeout_s=0.05)
        go_on.set()
        slow.result(60)


def test_a_closed_database_takes_nothing(database: Database) -> None:
    database.close()

    with pytest.raises(DatabaseBusyError, match="closing"):
        database.write(put("late"))


def test_the_pragmas_that_durability_rests_on_are_set(database: Database) -> None:
    def ask(connection: sa.Connection) -> list[Any]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted]

    assert database.write(ask) == ["wal", 2, 1, 2000]
