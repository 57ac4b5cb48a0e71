"""Figure 14: backups under load and kills hold one whole moment; nothing hostile gets out of an archive, no secret either."""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import storage_rig
from chaos.evidence_backups import check_moment, kill_backups
from pyrage import x25519
from storage_rig import Rig, wait_for
from unit.storage.test_backup_archive import contents, entry, hostile, member, packed
from vigilar_common.crypto import keys
from vigilar_common.errors import FileDamagedError, VigilarError, WrongKeyError
from vigilar_storage import age_file, archive, backup, restore

SHORT = (3, 9, 27, 45, 90, 2_000)
"""Boundaries of the short form; behind the last one a backup is done."""
AT_ONCE, MOST_BOUNDARIES = 50, 2_000
BATCH_FACTS = 40


class House:
    """A storage of its own process under load, with secrets to save."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.rig = Rig(folder)
        self.rig.configure()
        self.backups = folder.parent / "backups"
        self.identity = x25519.Identity.generate()
        self.canary = f"canary-{random.Random(14).randbytes(24).hex()}"
        (folder / "secrets" / "canary").write_text(self.canary)
        self.master = keys.write_master_key(folder / "secrets" / "storage.key")
        self.env = {**self.rig.env, "VIGILAR_BACKUP_DIR": str(self.backups)}
        self.env["VIGILAR__STORAGE__KEY_FILE"] = str(folder / "secrets" / "storage.key")
        self.confirmed = 0
        self._stop = threading.Event()
        self._producer = threading.Thread(target=self._produce)

    def _produce(self) -> None:
        while not self._stop.is_set():
            batch = [storage_rig.event(storage_rig.new_id()) for _ in range(BATCH_FACTS)]
            assert self.rig.post(batch, "events").status_code == 200
            self.confirmed += BATCH_FACTS
            self._stop.wait(0.2)

    def __enter__(self) -> House:
        self.rig.spawn()
        self._producer.start()
        wait_for(lambda: self.confirmed >= 5 * BATCH_FACTS, what="load")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._producer.join()
        self.rig.kill()


@pytest.fixture(scope="module")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("backups") / "house") as running:
        yield running


@pytest.fixture
def house(running_house: House) -> House:
    """Without any backup yet."""
    shutil.rmtree(running_house.backups, ignore_errors=True)
    return running_house


def kill_and_check(house: House, boundaries: list[int], work: Path) -> tuple[int, int]:
    """(killed, archives): each archive is restored and judged, and what a killed run left is no archive."""
    killed = 0
    seen: set[Path] = set()
    for at, ending in kill_backups(house.env, boundaries, str(house.identity.to_public())):
        assert ending in ("killed", "done"), f"boundary {at}: {ending}"
        killed += ending == "killed"
        for path in set(backup.archives(house.backups)) - seen:
            seen.add(path)
            with restore.unpacked(path, str(house.identity), work) as checked:
                check_moment(checked.folder / archive.DATABASE, house.rig.database)
    found = backup.archives(house.backups)
    if found:
        confirmed = house.confirmed
        with restore.unpacked(found[-1], str(house.identity), work) as checked:
            assert 0 < checked.manifest.last_n <= confirmed + 4 * BATCH_FACTS
    return killed, len(found)


def test_backups_under_load_and_kills_are_whole_or_not_there(house: House, tmp_path: Path) -> None:
    killed, there = kill_and_check(house, list(SHORT), tmp_path / "work")
    assert killed >= 4
    assert there >= 1
    leave_no_secret(house)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_backup_killed_at_every_boundary_is_whole_or_not_there(house: House, tmp_path: Path) -> None:
    first, there = 1, 0
    while not there:  # until a backup ends before it could be killed
        _, there = kill_and_check(house, list(range(first, first + AT_ONCE)), tmp_path / "work")
        first += AT_ONCE
        assert first < MOST_BOUNDARIES
    leave_no_secret(house)


def leave_no_secret(house: House) -> None:
    """Neither archives nor what killed runs left show a secret without the owner's identity."""
    left = [
        path
        for folder in (house.backups, house.rig.folder / "data")
        for path in folder.rglob("*")
        if path.is_file() and (folder == house.backups or backup.TEMPORARY in str(path))
    ]
    assert left
    for path in left:
        data = path.read_bytes()
        assert house.canary.encode() not in data, path
        assert house.master not in data, path
        assert path.stat().st_mode & 0o077 == 0, path
    for path in backup.archives(house.backups):
        with pytest.raises(WrongKeyError), backup.opened(path, str(x25519.Identity.generate())):
            pytest.fail("another identity opened it")
        with pytest.raises(backup.BackupError, match="--identity"), backup.opened(path, ""):
            pytest.fail("it opened without an identity")


def test_control_a_copy_of_the_database_file_is_no_backup(house: House, tmp_path: Path) -> None:
    """Copied as a file while it is written, its log left behind: what is confirmed is not in it, or it is torn."""
    confirmed = house.confirmed
    shutil.copy(house.rig.database, tmp_path / "naive.db")
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        assert check_moment(tmp_path / "naive.db", house.rig.database) >= confirmed


def test_control_a_lost_row_and_a_secret_in_the_clear_are_noticed(house: House, tmp_path: Path) -> None:
    assert [ending for _, ending in kill_backups(house.env, [MOST_BOUNDARIES])] == ["done"]  # not encrypted
    (path,) = backup.archives(house.backups)
    with restore.unpacked(path, "", tmp_path) as checked:
        saved = checked.folder / archive.DATABASE
        connection = sqlite3.connect(saved)
        connection.execute("DELETE FROM events WHERE rowid = 7")
        connection.commit()
        connection.close()
        with pytest.raises(AssertionError, match="one moment"):
            check_moment(saved, house.rig.database)
        (house.backups / "left.tmp").write_bytes((checked.folder / "secrets" / "canary").read_bytes())
    with pytest.raises(AssertionError):
        leave_no_secret(house)


# -- hostile archives -------------------------------------------------------------------------------------------


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def check_refused(data: bytes, folder: Path, identity: str = "") -> None:
    """The oracle: a clear error of ours, and not a file more or less anywhere around."""
    arena = folder / "arena"
    shutil.rmtree(arena, ignore_errors=True)
    (arena / "work").mkdir(parents=True)
    (arena / "outside").write_text("mine")
    (arena / "evil.tar.gz").write_bytes(data)
    before = tree(arena)
    refused: VigilarError | None = None
    try:
        with restore.unpacked(arena / "evil.tar.gz", identity, arena / "work"):
            pass
    except VigilarError as error:
        refused = error
    assert tree(arena) == before
    assert refused is not None, "it was taken for a backup"
    assert len(str(refused)) > 15


def link(kind: bytes, target: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    """A link, and a file that would be written through it."""
    return [entry("config/x", b"", type=kind, linkname=target), entry("config/x/outside", b"theirs")]


HOSTILE: dict[str, Callable[[], bytes]] = {
    "traversal": lambda: hostile([entry("config/../../outside", b"theirs")]),
    "absolute": lambda: hostile([entry("/tmp/outside", b"theirs")]),
    "traversal that the manifest lists": lambda: hostile(
        [entry("../../outside", b"theirs")], [*contents(), member("../../outside", b"theirs")]
    ),
    "symbolic link": lambda: hostile(link(tarfile.SYMTYPE, "../..")),
    "hard link": lambda: hostile(link(tarfile.LNKTYPE, "../../outside")),
    "device": lambda: hostile([entry("config/x", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5)]),
    "block device": lambda: hostile([entry("config/x", b"", type=tarfile.BLKTYPE)]),
    "pipe": lambda: hostile([entry("config/x", b"", type=tarfile.FIFOTYPE)]),
    "folder": lambda: hostile([entry("config/x", b"", type=tarfile.DIRTYPE)]),
    "same name twice": lambda: hostile([entry("config/vigilar.toml", contents()[1].data)] * 2),  # type: ignore[arg-type]
    "unlisted": lambda: hostile([entry("config/other.toml", b"x")]),
    "empty": lambda: b"",
    "a pickle": lambda: pickle.dumps({"manifest": 1}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_leaves_an_archive(name: str, tmp_path: Path) -> None:
    check_refused(HOSTILE[name](), tmp_path)


def test_nothing_in_an_archive_is_ever_unpickled(tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "executed"))
    check_refused(bomb, tmp_path)
    check_refused(hostile([entry("manifest.json", bomb)]), tmp_path)
    held = [member(archive.DATABASE, bomb), member("config/settings.pickle", bomb)]
    check_refused(packed(held), tmp_path)  # it comes apart, and its database is none
    assert not (tmp_path / "executed").exists()
    pickle.loads(bomb)  # noqa: S301 the control: it would have gone off
    assert (tmp_path / "executed").is_dir()


def small() -> bytes:
    return packed(
        [member(archive.DATABASE, b"SQLite format 3\0" + bytes(200)), member("config/vigilar.toml", b"[x]\n")]
    )


def check_damage(
    data: bytes, read: Callable[[bytes], dict[str, bytes]], whole: dict[str, bytes], where: str
) -> None:
    """Damage is told, or it does not touch what comes out (a gzip header has bytes that mean nothing)."""
    try:
        found = read(data)
    except FileDamagedError:
        return
    assert found == whole, where


def content(data: bytes) -> dict[str, bytes]:
    opened = archive.Archive(io.BytesIO(data))
    return {found.name: b"".join(pieces) for found, pieces in opened.members()}


def flips_and_cuts(step: int) -> None:
    data = small()
    whole = content(data)
    for size in range(0, len(data), step):
        with pytest.raises(FileDamagedError):
            content(data[:size])
    for offset in range(0, len(data), step):
        for bit in range(8):
            altered = data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :]
            check_damage(altered, content, whole, f"byte {offset} bit {bit}")


def test_a_sample_of_flips_and_cuts_of_an_archive_is_told() -> None:
    flips_and_cuts(7)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_flip_and_cut_of_an_archive_is_told() -> None:
    flips_and_cuts(1)


def read_all(path: Path, identity: str) -> None:
    with backup.opened(path, identity) as held:
        for _, pieces in held.members():
            list(pieces)


def encrypted_flips(path: Path, step: int, bits: range) -> None:
    """Of an encrypted archive every bit counts: there is nothing that may change."""
    key = x25519.Identity.generate()
    with path.open("wb") as file, age_file.encrypting(file, str(key.to_public())) as plain:
        plain.write(small())
    data = path.read_bytes()
    read_all(path, str(key))
    for offset in range(0, len(data), step):
        flips = [data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :] for bit in bits]
        for changed in (data[:offset], *flips):
            path.write_bytes(changed)
            with pytest.raises((FileDamagedError, WrongKeyError, backup.BackupError)):
                read_all(path, str(key))


def test_a_sample_of_damage_to_an_encrypted_archive_is_told(tmp_path: Path) -> None:
    encrypted_flips(tmp_path / "a.tar.gz.age", 31, range(2, 3))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_damage_to_an_encrypted_archive_is_told(tmp_path: Path) -> None:
    encrypted_flips(tmp_path / "a.tar.gz.age", 1, range(8))


# -- controls ---------------------------------------------------------------------------------------------------


def test_control_without_the_check_of_names_a_file_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "allowed", lambda _: True)
    with pytest.raises(AssertionError):
        check_refused(
            hostile([entry("../escaped", b"theirs")], [*contents(), member("../escaped", b"theirs")]),
            tmp_path,
        )


def test_control_without_hashes_a_changed_file_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Same:
        def update(self, _: bytes) -> None: ...
        def hexdigest(self) -> str:
            return archived[1].member.sha256

    archived = contents()
    monkeypatch.setattr("vigilar_storage.archive.hashlib.sha256", Same)
    data = hostile(
        [entry("config/vigilar.toml", b"y" * archived[1].member.size)], [archived[1], *archived[:1]]
    )
    opened = archive.Archive(io.BytesIO(data))
    found, pieces = next(opened.members())
    assert (found.name, b"".join(pieces)) == ("config/vigilar.toml", b"y" * archived[1].member.size)
