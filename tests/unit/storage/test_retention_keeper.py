"""Deleting by age and by fullness, on real files and rows and a clock that a test sets."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import event, fact, new_id
from vigilar_common.config import Config
from vigilar_common.config.load import LoadedConfig, load
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.messages.system import DiskUsage
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_storage import limits, registry, usage
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter
from vigilar_storage.facts import FactStore
from vigilar_storage.files import OpenFiles
from vigilar_storage.report import Reporter
from vigilar_storage.retention import CONFIRMED_TIME, WATCH_S, WITNESS, Housekeeper, keep_number
from vigilar_storage.schema import events, pictures, recordings

DAY_MS = 86_400_000
NOW_MS = 1_780_000_000_000
KB = 1_024
FILE_BYTES = 64 * KB


class House:
    """A disk of 100 files, on which only recordings lie."""

    def __init__(self, folder: Path, database: Database, store: FactStore) -> None:
        self.clock = FakeClock(NOW_MS)
        store._clock = self.clock
        self.folder, self.database, self.store = folder, database, store
        self.root = folder / "recordings"
        self.root.mkdir()
        self.toml = folder / "vigilar.toml"
        self.storage_lines = ""
        self.health: dict[str, Any] = {}
        self.frees = True
        self.full_from_s = math.inf
        self.capacity = 100 * FILE_BYTES
        self.reporter = Reporter(FakeFacts(self.clock), self.clock)  # type: ignore[arg-type]
        self.deleter = Deleter(self.root, database, OpenFiles(KeyRing()), self.clock)
        self.restart(witness_ms=NOW_MS - 60_000)

    def restart(self, witness_ms: int | None = None) -> None:
        if witness_ms is not None:
            self.database.write(lambda connection: keep_number(connection, WITNESS, witness_ms))
        config = Config.model_validate({"cameras": [self.camera()], "health": self.health})
        registry.sync(self.database, config, NOW_MS - 400 * DAY_MS)
        totals = usage.Totals(self.database, self.clock)
        self.keeper = Housekeeper(
            self.root, self.database, self.deleter, self.reporter, self.clock, config, self.loaded, totals
        )

    @staticmethod
    def camera() -> dict[str, Any]:
        return {
            "id": "front",
            "display_name": "Front",
            "rtsp_url": "rtsp://127.0.0.1/x",
            "retention_days": 30,
        }

    def loaded(self) -> LoadedConfig:
        self.toml.write_text(self.storage_lines)
        return load(self.toml, {})

    def disk(self, _: Path) -> DiskUsage:
        roomy = self.frees and self.clock.monotonic_s() < self.full_from_s
        files = len(list(self.root.rglob("*.vge"))) if roomy else 97
        used = files * FILE_BYTES
        return DiskUsage(
            path="/r", total_bytes=self.capacity, used_bytes=used, free_bytes=self.capacity - used,
            used_pct=100 * used / self.capacity,
        )  # fmt: skip

    def recording(self, age_days: float, *, cause_id: str | None = None, **values: Any) -> str:
        recording_id, started_ms = new_id(), NOW_MS - round(age_days * DAY_MS)
        row = {
            "id": recording_id, "camera_id": "front", "cause_id": cause_id, "format": "vge2", "state": "complete",
            "path": self.file(recording_id), "started_ms": started_ms, "ended_ms": started_ms + 6_000,
            "size_bytes": FILE_BYTES, "received_ms": started_ms, **values,
        }  # fmt: skip
        self.database.write(lambda connection: connection.execute(sa.insert(recordings).values(**row)))
        return recording_id

    def file(self, file_id: str) -> str:
        path = f"front/2026/01/01/{file_id}.vge"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(b"x" * FILE_BYTES)
        return path

    def picture(self, age_days: float, cause_id: str) -> str:
        picture_id, ts_ms = new_id(), NOW_MS - round(age_days * DAY_MS)
        body = {"camera_id": "front", "picture_id": picture_id, "kind": "thumbnail", "cause_id": cause_id,
                "width_px": 1, "height_px": 1, "size_bytes": 1, "ts_ms": ts_ms}  # fmt: skip
        self.tell(fact("picture.taken", body))
        self.update(pictures, picture_id, state="complete", path=self.file(picture_id))
        return picture_id

    def tell(self, *items: Any, source: str = "camera-worker-front") -> None:
        assert self.store.ingest(source, list(items)).rejections == []

    def update(self, table: sa.Table, row_id: str, **values: Any) -> None:
        self.database.write(
            lambda c: c.execute(sa.update(table).where(table.c.id == row_id).values(**values))
        )

    def row(self, row_id: str, table: sa.Table = recordings) -> Any:
        with self.database.read() as connection:
            return connection.execute(sa.select(table).where(table.c.id == row_id)).one()

    def there(self, *ids: str) -> list[bool]:
        """By row and by file, which must agree."""
        found = [self.row(item).state == "complete" for item in ids]
        assert found == [bool(list(self.root.rglob(f"{item}.vge"))) for item in ids]
        return found

    def codes(self) -> set[str]:
        return {finding.code for finding in self.reporter.findings()}


@pytest.fixture
def house(tmp_path: Path, database: Database, store: FactStore, monkeypatch: pytest.MonkeyPatch) -> House:
    built = House(tmp_path, database, store)
    monkeypatch.setattr(usage, "disk", built.disk)
    return built


def test_what_is_older_than_retention_goes_and_everything_else_stays(house: House) -> None:
    old, young = house.recording(31), house.recording(29)
    starred, growing = house.recording(90, starred=True), house.recording(90, state="growing", ended_ms=None)

    house.keeper.look()

    assert house.there(old, young, starred) == [False, True, True]
    assert house.row(growing).state == "growing"
    gone = house.row(old)
    assert (gone.state, gone.deleted_by, gone.deleted_reason) == ("deleted", "storage", "older than 30 days")


def test_age_counts_from_the_end_of_a_recording(house: House) -> None:
    long = house.recording(30.001, ended_ms=NOW_MS - 30 * DAY_MS + 1)
    house.keeper.look()
    assert house.there(long) == [True]


def test_pictures_go_with_their_recording_and_the_event_stays_without_them(house: House) -> None:
    cause, event_id = new_id(), new_id()
    house.recording(40, cause_id=cause)
    picture = house.picture(40, cause)
    house.tell(
        event(event_id, cause_id=cause, picture_id=picture, ts_ms=NOW_MS - 40 * DAY_MS), source="events"
    )

    house.keeper.look()

    assert house.row(picture, pictures).state == "deleted"
    assert house.row(event_id, events).picture_id is None
    assert list(house.root.rglob("*.vge")) == []


def test_a_picture_whose_motion_another_recording_shows_stays(house: House) -> None:
    cause = new_id()
    old, starred = house.recording(40, cause_id=cause), house.recording(39.9, cause_id=cause, starred=True)
    picture = house.picture(40, cause)
    house.keeper.look()
    assert house.there(old, starred) == [False, True]
    assert house.row(picture, pictures).state == "complete"


def test_pictures_without_any_recording_go_by_age_too(house: House) -> None:
    old, young = house.picture(40, new_id()), house.picture(3, new_id())
    house.keeper.look()
    assert [house.row(item, pictures).state for item in (old, young)] == ["deleted", "complete"]


def test_a_picture_taken_within_a_continuous_recording_goes_with_it(house: House) -> None:
    recording = house.recording(5)
    picture = house.picture(5, new_id())
    house.deleter.delete(recording, "owner", "asked")
    assert house.row(picture, pictures).state == "deleted"


@pytest.mark.parametrize("seconds", [10 * 365 * 86_400, 2 * 365 * 86_400, 31 * 86_400])
def test_a_clock_that_jumps_forward_deletes_nothing(house: House, seconds: float) -> None:
    recording = house.recording(1)
    house.keeper.look()
    house.clock.jump_wall(seconds)
    for _ in range(100):
        house.clock.advance(60)
        house.keeper.look()
    assert house.there(recording) == [True]
    assert "retention_suspended" in house.codes()


def test_a_start_with_a_wrong_clock_deletes_nothing_until_the_operator_says_it_is_right(house: House) -> None:
    recording = house.recording(1)
    house.clock.jump_wall(90 * 86_400)
    house.restart()
    for _ in range(30):
        house.clock.advance(60)
        house.keeper.look()
    assert house.there(recording) == [True]
    house.database.write(lambda c: keep_number(c, CONFIRMED_TIME, house.clock.now_ms()))
    house.keeper.look()
    assert house.there(recording) == [False]
    assert "retention_suspended" not in house.codes()


def test_recordings_of_an_unset_clock_do_not_expire_when_the_clock_is_set(house: House) -> None:
    recording = house.recording(NOW_MS / DAY_MS - 1)
    house.keeper.look()
    assert house.there(recording) == [True]


def test_a_clock_set_back_a_day_deletes_nothing(house: House) -> None:
    recording = house.recording(30.5)
    newest = house.recording(0)
    house.clock.jump_wall(-86_400)
    house.keeper.look()
    assert house.there(recording, newest) == [True, True]


# -- by space ---------------------------------------------------------------------------------------------------


def test_a_critical_disk_is_pruned_oldest_first_down_to_the_target(house: House) -> None:
    ids = [house.recording(20 - place / 10) for place in range(96)]
    house.update(recordings, ids[0], starred=True)

    house.keeper.look()

    there = house.there(*ids)
    assert there[0], "starred"
    assert there[1:] == sorted(there[1:]), "oldest first"
    assert sum(there) == 76, "twenty at a time, until below 80 %"
    assert house.row(ids[1]).deleted_reason == "the disk was 96 % full"


def test_nothing_is_pruned_below_the_mark_or_without_auto_prune(house: House) -> None:
    ids = [house.recording(1) for _ in range(94)]
    house.keeper.look()
    assert all(house.there(*ids))
    house.health = {"auto_prune": False}
    house.restart()
    ids += [house.recording(1) for _ in range(4)]
    house.keeper.look()
    assert all(house.there(*ids))


def test_when_only_starred_recordings_are_left_it_stops_and_says_so(house: House) -> None:
    ids = [house.recording(1, starred=place > 5) for place in range(97)]
    house.keeper.look()
    assert sum(house.there(*ids)) == 91
    assert "prune_nothing_left" in house.codes()


def test_deleting_stops_after_one_batch_when_it_frees_nothing(house: House) -> None:
    ids = [house.recording(20 - place / 10) for place in range(60)]
    house.frees = False
    for _ in range(5):
        house.keeper.look()
        house.clock.advance(60)
    assert sum(house.there(*ids)) == 40
    assert "prune_frees_nothing" in house.codes()
    house.frees = True
    house.keeper.look()
    assert "prune_frees_nothing" not in house.codes()


def test_recordings_of_an_unset_clock_are_pruned_last(house: House) -> None:
    unset = house.recording(NOW_MS / DAY_MS - 1)
    ids = [house.recording(5) for _ in range(95)]
    house.keeper.look()
    assert house.there(unset) == [True]
    assert sum(house.there(*ids)) == 75


def test_a_star_given_at_the_last_moment_saves_a_recording(house: House) -> None:
    recording = house.recording(5, starred=True)
    assert not house.deleter.delete(recording, "storage", "x", policy="retention")
    assert house.there(recording) == [True]


# -- limits -----------------------------------------------------------------------------------------------------


def confirm(house: House, **values: float) -> None:
    house.database.write(lambda connection: limits.confirm(connection, values))


def test_a_limit_that_is_only_written_deletes_nothing_and_is_told(house: House) -> None:
    ids = [house.recording(1) for _ in range(30)]
    house.storage_lines = "[storage]\nmax_disk_usage_gb = 0.001\n"
    house.keeper.look()
    assert all(house.there(*ids))
    assert "limits_not_confirmed" in house.codes()


def test_a_confirmed_limit_deletes_down_to_it_and_no_further(house: House) -> None:
    ids = [house.recording(1) for _ in range(30)]
    house.storage_lines = "[storage]\nmax_disk_usage_gb = 0.001\n"
    confirm(house, max_disk_usage_gb=0.001)
    house.keeper.look()
    assert sum(house.there(*ids)) == 1_000_000 // FILE_BYTES
    assert house.codes() == set()


def test_another_value_needs_another_confirmation(house: House) -> None:
    ids = [house.recording(1) for _ in range(30)]
    house.storage_lines = "[storage]\nmax_disk_usage_gb = 0.0005\n"
    confirm(house, max_disk_usage_gb=0.001)
    house.keeper.look()
    assert all(house.there(*ids))


def test_a_confirmation_of_values_that_nobody_writes_any_more_deletes_nothing(house: House) -> None:
    ids = [house.recording(1) for _ in range(30)]
    confirm(house, max_disk_usage_gb=0.001)
    house.keeper.look()
    assert all(house.there(*ids))


def test_the_shipped_values_delete_nothing_and_say_nothing(house: House) -> None:
    ids = [house.recording(1) for _ in range(30)]
    house.storage_lines = "[storage]\nmax_disk_usage_gb = 200\nfree_space_floor_gb = 10\n"
    house.keeper.look()
    assert all(house.there(*ids))
    assert house.codes() == set()


def test_a_configuration_that_cannot_be_read_stops_limits_but_not_pruning(house: House) -> None:
    ids = [house.recording(5) for _ in range(96)]
    house.storage_lines = "[storage\n"
    house.keeper.look()
    assert sum(house.there(*ids)) == 76


# -- crashes ----------------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["after the mark", "after the first file", "before the tombstone"])
def test_killed_at_any_point_of_deleting_leaves_no_orphan_after_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cause = new_id()
    recording, picture = house.recording(40, cause_id=cause), house.picture(40, cause)

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        if step == "after the mark":
            patched.setattr(house.deleter, "finish", die)
        elif step == "after the first file":
            real = Path.unlink

            def once(path: Path, missing_ok: bool = False) -> None:
                real(path, missing_ok)
                die()

            patched.setattr(Path, "unlink", once)
        else:
            patched.setattr("vigilar_storage.paths.sync_folder", die)
        with pytest.raises(KilledError):
            house.keeper.expire()
    assert house.row(recording).state == "deleting", "no row says that the file is there"

    house.deleter.finish()  # as every start does

    assert house.row(recording).state == "deleted"
    assert house.row(picture, pictures).state == "deleted"
    assert list(house.root.rglob("*.vge")) == []


def test_usage_is_added_up_at_most_once_a_minute(house: House) -> None:
    house.recording(1)
    totals = usage.Totals(house.database, house.clock)
    assert totals.now().count == 1
    house.recording(1)
    assert totals.now().count == 1
    house.clock.advance(61)
    assert totals.now().count == 2


def test_usage_tells_what_a_camera_writes_a_day_and_when_the_disk_is_full(house: House) -> None:
    for hour in range(0, 96, 6):
        house.recording(hour / 24 + 0.01)
    answer = usage.usage(
        house.database, house.folder, house.root, usage.Totals(house.database, house.clock), critical_pct=95
    )["forecast"]
    assert answer["bytes_per_day"] == 4 * FILE_BYTES
    assert answer["days_until_full"] == pytest.approx(84 / 4)
    assert answer["days_until_critical"] == pytest.approx(79 / 4)
    assert answer["cameras"][0]["camera_id"] == "front"


def test_a_disk_that_something_else_fills_is_looked_at_within_two_seconds(house: House) -> None:
    began_s = house.clock.monotonic_s()
    house.keeper._pause(60)
    assert house.clock.monotonic_s() - began_s == 60, "nothing happens"
    house.full_from_s = house.clock.monotonic_s() + 9
    house.keeper._pause(60)
    assert 0 <= house.clock.monotonic_s() - house.full_from_s <= WATCH_S
    began_s = house.clock.monotonic_s()
    house.keeper._pause(30)
    assert house.clock.monotonic_s() - began_s == 30, (
        "it was so at the last look: that one told what can be done"
    )
