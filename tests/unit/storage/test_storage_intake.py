"""Taking files over, deleting them, and what a crash in between leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import storage_rig
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from storage_rig import Rig, fact, finished, new_id, opened
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import FileKind
from vigilar_common.messages.system import SystemEvent
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_storage import paths
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter, NotDeletableError
from vigilar_storage.facts import FactStore
from vigilar_storage.files import CACHED_FILES, OpenFiles
from vigilar_storage.inspect_file import Condition
from vigilar_storage.intake import MISSING_AFTER_S, Intake
from vigilar_storage.media import Media, NotFoundError
from vigilar_storage.report import Reporter
from vigilar_storage.schema import pictures, recording_gaps, recordings

CAMERA = "camera-worker-front"


class House:
    """Intake, media and deletion over one folder, on a clock that runs a minute ahead of the files."""

    def __init__(
        self, folder: Path, database: Database, store: FactStore, ring: KeyRing, private: X25519PrivateKey
    ):
        self.clock = FakeClock(storage_rig.now_ms() + 60_000)
        self.facts = FakeFacts(self.clock)
        self.database, self.store = database, store
        store._clock = self.clock
        self.rig = Rig(folder, private)
        self.root = self.rig.recordings
        self.files = OpenFiles(ring)
        reporter = Reporter(self.facts, self.clock)  # type: ignore[arg-type]
        self.intake = Intake(self.root, database, self.files, reporter, self.clock)
        self.intake.prepare(["front"])
        self.media = Media(self.root, database, self.files)
        self.deleter = Deleter(self.root, database, self.files, self.clock)

    def tell(self, *items: Any) -> None:
        assert self.store.ingest(CAMERA, list(items)).rejections == []

    def row(self, file_id: str, table: sa.Table = recordings) -> dict[str, Any]:
        with self.database.read() as connection:
            return dict(connection.execute(sa.select(table).where(table.c.id == file_id)).mappings().one())

    def codes(self) -> list[str]:
        return [item.code for item in self.facts.of(SystemEvent)]


@pytest.fixture
def house(
    tmp_path: Path, database: Database, store: FactStore, ring: KeyRing, private_key: X25519PrivateKey
) -> Iterator[House]:
    built = House(tmp_path, database, store, ring, private_key)
    yield built
    built.files.close()


T = 1_767_225_600_000


def test_a_finished_recording_moves_to_its_place_and_is_complete(house: House, film: bytes) -> None:
    recording_id = house.rig.record(film, T, tell=False)
    house.tell(opened(recording_id, T), finished(recording_id, T, seconds=4))

    assert house.intake.settle("front", recording_id) is Condition.COMPLETE

    row = house.row(recording_id)
    assert row["path"] == f"front/2026/01/01/{recording_id}.vge"
    assert (row["state"], row["started_ms"], row["duration_ms"]) == ("complete", T, 4_000)
    assert row["size_bytes"] == (house.root / row["path"]).stat().st_size
    assert (row["plain_bytes"], len(row["sha256"])) == (len(film), 64)
    assert not (house.rig.incoming / f"{recording_id}.vge").exists()
    assert house.media.content(recording_id, None).length == len(film)


def test_a_file_whose_facts_were_lost_is_found_and_registered_from_itself(house: House, film: bytes) -> None:
    recording_id = house.rig.record(film, T, tell=False)

    house.intake.scan()

    row = house.row(recording_id)
    assert (row["state"], row["camera_id"], row["started_ms"], row["ended_ms"]) == (
        "complete",
        "front",
        T,
        T + 4_000,
    )
    assert (row["codec"], row["trigger"], row["width_px"]) == ("avc1", "motion", 96)


def test_what_a_dead_worker_left_is_recovered_with_a_gap(house: House, film: bytes) -> None:
    recording_id = new_id()
    writer = house.rig.begin(recording_id, T)
    writer.write(film)
    writer.close()  # as the kernel does for a killed process
    house.tell(opened(recording_id, T))

    house.intake.scan()

    row = house.row(recording_id)
    assert row["state"] == "recovered"
    assert 1_000 <= row["duration_ms"] <= 4_000
    with house.database.read() as connection:
        gap = connection.execute(sa.select(recording_gaps)).mappings().one()
    assert (gap["recording_id"], gap["from_ms"]) == (recording_id, row["ended_ms"])
    assert house.codes() == ["recording_recovered"]


def test_a_recording_that_grows_is_left_alone_and_playable(house: House, film: bytes) -> None:
    recording_id = new_id()
    house.tell(opened(recording_id, T))
    with house.rig.begin(recording_id, T) as writer:
        writer.write(film)

        house.intake.scan()

        assert house.row(recording_id)["state"] == "growing"
        content = house.media.content(recording_id, None)
        assert b"".join(content.pieces()) == film[: content.length]
        assert 0 < content.length < len(film)
        playlist = house.media.recording_playlist(recording_id)
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in playlist
        assert "#EXT-X-ENDLIST" not in playlist


def test_the_lock_and_not_the_age_says_whether_a_writer_lives(house: House, film: bytes) -> None:
    house.clock.jump_wall(-60)  # every file is of this moment
    whole, left, grows = house.rig.record(film, T, tell=False), new_id(), new_id()
    dead = house.rig.begin(left, T)
    dead.write(film)
    dead.close()
    house.tell(opened(left, T), opened(grows, T))
    with house.rig.begin(grows, T) as writer:
        writer.write(film)

        house.intake.scan()

        states = [house.row(each)["state"] for each in (whole, left, grows)]
        assert states == ["complete", "recovered", "growing"]


@pytest.mark.parametrize("suffix", [".vge", ".mp4"])
def test_a_file_that_its_writer_is_about_to_lock_is_left_alone_until_it_is_old(
    house: House, suffix: str
) -> None:
    path = house.rig.incoming / f"{new_id()}{suffix}"
    path.touch()
    house.clock.jump_wall(-60)

    house.intake.scan()
    assert path.exists()

    house.clock.jump_wall(60)
    house.intake.scan()
    assert not path.exists()
    assert house.codes() == ["recording_damaged"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:], "commitment|altered"),
        (lambda data: data[:-60] + bytes([data[-60] ^ 1]) + data[-59:], "footer"),
        (lambda data: b"\0" * 100, "less than the 512"),
        (lambda data: b"<html>" + data[6:], "wrong magic"),
    ],
    ids=["header", "footer", "stub", "no magic"],
)
def test_a_damaged_file_is_kept_listed_and_named(house: House, film: bytes, spoil: Any, reason: str) -> None:
    recording_id = house.rig.record(film, T, tell=False)
    house.tell(opened(recording_id, T), finished(recording_id, T))
    path = house.rig.incoming / f"{recording_id}.vge"
    path.write_bytes(spoil(path.read_bytes()))

    assert house.intake.settle("front", recording_id) is Condition.DAMAGED

    row = house.row(recording_id)
    assert row["state"] == "damaged"
    assert any(part in row["damage"] for part in reason.split("|"))
    assert (house.root / row["path"]).exists()
    assert house.codes() == ["recording_damaged"]


def test_a_file_under_another_name_is_not_believed(house: House, film: bytes) -> None:
    recording_id, other = house.rig.record(film, T, tell=False), new_id()
    (house.rig.incoming / f"{recording_id}.vge").rename(house.rig.incoming / f"{other}.vge")

    assert house.intake.settle("front", other) is Condition.DAMAGED
    assert "it was replaced" in house.row(other)["damage"]


def test_a_file_sealed_to_another_key_stays_where_it_is(house: House, film: bytes) -> None:
    house.rig.private = X25519PrivateKey.generate()
    recording_id = house.rig.record(film, T, tell=False)

    house.intake.scan()

    assert (house.rig.incoming / f"{recording_id}.vge").exists()
    assert house.codes() == ["wrong_key"]


def picture(house: House, cause_id: str | None = None) -> str:
    picture_id = new_id()
    with house.rig.begin(picture_id, T, FileKind.THUMBNAIL) as writer:
        writer.write(b"\xff\xd8 a picture \xff\xd9")
        size = writer.finish({"cause_id": cause_id}).file_bytes
    body = {"camera_id": "front", "picture_id": picture_id, "kind": "thumbnail", "cause_id": cause_id,
            "width_px": 9, "height_px": 9, "size_bytes": size, "ts_ms": T}  # fmt: skip
    house.tell(fact("picture.taken", body))
    return picture_id


def test_a_picture_is_taken_over_and_served(house: House) -> None:
    picture_id = picture(house)

    assert house.intake.settle("front", picture_id) is Condition.COMPLETE

    assert house.row(picture_id, pictures)["path"] == f"front/2026/01/01/{picture_id}.vge"
    assert house.media.picture(picture_id) == (b"\xff\xd8 a picture \xff\xd9", "front")


def test_a_plain_recording_is_taken_over_and_indexed_by_parsing(house: House, film: bytes) -> None:
    recording_id = new_id()
    (house.rig.incoming / f"{recording_id}.mp4").write_bytes(film)
    house.tell(opened(recording_id, T, encrypted=False), finished(recording_id, T, seconds=4))

    house.intake.scan()

    row = house.row(recording_id)
    assert (row["state"], row["format"], row["duration_ms"], row["started_ms"]) == (
        "complete",
        "mp4",
        4_000,
        T,
    )
    assert row["path"].endswith(".mp4")
    assert "#EXT-X-ENDLIST" in house.media.recording_playlist(recording_id)
    assert b"".join(house.media.content(recording_id, "bytes=5-99").pieces()) == film[5:100]


@pytest.mark.parametrize("moved", [False, True], ids=["before the rename", "after the rename"])
def test_a_crash_while_a_file_is_taken_over_is_finished_by_the_next_scan(
    house: House, film: bytes, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    recording_id = house.rig.record(film, T, tell=False)
    house.tell(opened(recording_id, T), finished(recording_id, T))

    def crash(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if moved:
            patched.setattr(house.intake._rows, "settle", crash)
        else:
            patched.setattr(Path, "rename", crash)
        with pytest.raises(KeyboardInterrupt):
            house.intake.settle("front", recording_id)
    assert house.row(recording_id)["state"] == "growing"
    assert house.media.content(recording_id, None).length == len(film)

    house.intake.scan()

    assert house.row(recording_id)["state"] == "complete"


def test_a_recording_whose_file_is_gone_is_said_to_be_missing_after_a_while(house: House) -> None:
    recording_id = new_id()
    house.tell(opened(recording_id, T))
    house.intake.scan()
    assert house.row(recording_id)["state"] == "growing"

    house.clock.jump_wall(MISSING_AFTER_S + 1)
    house.intake.scan()

    assert house.row(recording_id)["damage"] == "its file is missing"
    assert house.codes() == ["file_missing"]


def test_an_existing_file_is_never_overwritten(house: House, film: bytes) -> None:
    recording_id = house.rig.record(film, T, tell=False)
    target = house.root / paths.stored("front", T, recording_id, ".vge")
    target.parent.mkdir(parents=True)
    target.write_bytes(b"older")

    with pytest.raises(FileExistsError, match="is there already"):
        house.intake.settle("front", recording_id)

    assert target.read_bytes() == b"older"
    assert (house.rig.incoming / f"{recording_id}.vge").exists()


def test_strange_files_and_links_in_incoming_are_left_alone(house: House, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    (house.rig.incoming / f"{new_id()}.vge").symlink_to(secret)
    (house.rig.incoming / "notes.txt").write_text("x")
    (house.rig.incoming / f"{new_id()}.mp4").mkdir()

    house.intake.scan()

    assert len(list(house.rig.incoming.iterdir())) == 3
    assert house.intake.counters["strangers"] == 3
    assert secret.read_text() == "not yours"


def test_one_bad_file_does_not_keep_the_others_waiting(
    house: House, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = house.rig.record(film, T, tell=False), house.rig.record(film, T, tell=False)
    honest = house.intake.settle

    def settle(camera_id: str, file_id: str) -> Any:
        if file_id == bad:
            raise OSError(5, "Input/output error")
        return honest(camera_id, file_id)

    monkeypatch.setattr(house.intake, "settle", settle)
    house.intake.scan()

    assert house.row(good)["state"] == "complete"
    assert house.intake.counters["errors"] == 1


# -- deletion -------------------------------------------------------------------------------------------------


def settled(house: House, film: bytes, cause_id: str | None = None) -> str:
    recording_id = house.rig.record(film, T, tell=False)
    house.tell(opened(recording_id, T, cause_id=cause_id), finished(recording_id, T))
    house.intake.settle("front", recording_id)
    return recording_id


def test_deleting_takes_file_and_pictures_and_leaves_a_tombstone(house: House, film: bytes) -> None:
    cause_id = new_id()
    recording_id, picture_id = settled(house, film, cause_id), picture(house, cause_id)
    house.intake.settle("front", picture_id)
    file = house.root / house.row(recording_id)["path"]
    thumbnail = house.root / house.row(picture_id, pictures)["path"]

    assert house.deleter.delete(recording_id, "ann", "no longer needed") is True

    assert not file.exists()
    assert not thumbnail.exists()
    row = house.row(recording_id)
    assert (row["state"], row["path"], row["deleted_by"], row["deleted_reason"]) == (
        "deleted", None, "ann", "no longer needed",
    )  # fmt: skip
    with pytest.raises(NotFoundError):
        house.media.content(recording_id, None)
    assert house.deleter.delete(recording_id, "ann", "again") is False


def test_pictures_stay_while_another_recording_shows_their_cause(house: House, film: bytes) -> None:
    cause_id = new_id()
    first, _, picture_id = (
        settled(house, film, cause_id),
        settled(house, film, cause_id),
        picture(house, cause_id),
    )
    house.intake.settle("front", picture_id)

    house.deleter.delete(first, "ann", "")

    assert house.media.picture(picture_id)


def test_a_recording_that_grows_cannot_be_deleted(house: House) -> None:
    recording_id = new_id()
    house.tell(opened(recording_id, T))

    with pytest.raises(NotDeletableError, match="still being written"):
        house.deleter.delete(recording_id, "ann", "")


def test_a_deletion_cut_off_is_finished_at_the_next_start(
    house: House, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = settled(house, film)
    file = house.root / house.row(recording_id)["path"]

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            house.deleter.delete(recording_id, "ann", "")
    assert file.exists()
    with pytest.raises(NotFoundError):
        house.media.content(recording_id, None)

    assert house.deleter.finish() == 1
    assert not file.exists()
    assert house.row(recording_id)["state"] == "deleted"


def test_a_reader_may_finish_while_the_file_is_deleted(house: House, film: bytes) -> None:
    recording_id = settled(house, film)
    content = house.media.content(recording_id, None)

    house.deleter.delete(recording_id, "ann", "")

    assert b"".join(content.pieces()) == film
    assert house.files.open_count == 0


def test_the_number_of_open_files_is_bounded(house: House, film: bytes) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 the listing itself must not stay open
    for _ in range(CACHED_FILES + 5):
        house.media.content(settled(house, film), "bytes=0-9").close()

    assert house.files.open_count == CACHED_FILES
    assert len(os.listdir("/proc/self/fd")) <= before + CACHED_FILES + 2  # noqa: PTH208
