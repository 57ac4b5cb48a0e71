"""Check a backup, and put one back in its place.

An archive is first taken apart into a new private folder and checked as a whole: hashes, SQLite's integrity, schema,
rows. Only then is anything replaced: what was there is kept as `….before-restore-<utc>`, every file is replaced by one
rename, and the database comes last, so that a restore that was killed is simply done again.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from vigilar_common.clock import Clock
from vigilar_common.config.files import sync_dir
from vigilar_common.errors import ConfigError

from vigilar_storage import archive, migrate, places
from vigilar_storage.archive import Manifest, Member
from vigilar_storage.backup import (
    SPARE_BYTES,
    BackupError,
    check_database,
    describe,
    opened,
    sync_file,
)
from vigilar_storage.datalock import DataLock
from vigilar_storage.places import Places

log = logging.getLogger(__name__)

STAGING = ".vigilar-restore-"
RESTORED = "restored_ms"
FIND_FILES = "find_files"
"""Row of `meta`: recordings that the database does not know may lie in their places; intake looks once."""


@dataclass(frozen=True)
class Checked:
    """An archive that was taken apart and found good."""

    folder: Path
    manifest: Manifest

    def path(self, member: Member) -> Path:
        return self.folder / member.name


@contextmanager
def unpacked(path: Path, identity: str, work: Path) -> Iterator[Checked]:
    """The verified content in a folder below `work`, gone afterwards.

    Raises BackupError, FileDamagedError, WrongKeyError, OSError.
    """
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=work))
    try:
        yield Checked(folder, unpack(path, identity, folder))
    finally:
        shutil.rmtree(folder)


def unpack(path: Path, identity: str, folder: Path) -> Manifest:
    """Take an archive apart into an empty folder and verify it. Raises as `unpacked`."""
    with opened(path, identity) as content:
        manifest = content.manifest
        total = sum(member.size for member in manifest.members)
        free = shutil.disk_usage(folder).free
        if free < total + SPARE_BYTES:
            raise BackupError(
                f"{folder.parent} has {free >> 20} MiB free, the backup needs {total >> 20} MiB"
            )
        for member, pieces in content.members():
            _write(folder, member, pieces)
    _check(folder, manifest)
    return manifest


def _write(folder: Path, member: Member, pieces: Iterator[bytes]) -> None:
    """The name is one of the allowed kinds (see `archive`), the folder new: nothing there can lead elsewhere."""
    target = folder / member.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _check(folder: Path, manifest: Manifest) -> None:
    database = folder / archive.DATABASE
    version = manifest.schema_version
    if version and version not in migrate.KNOWN:
        raise BackupError(
            f"the backup has schema {version}, newer than this Vigilar knows ({migrate.HEAD}): install the newer version"
        )
    check_database(database, thorough=True)
    said = describe(database)
    if said != manifest.model_dump(include=set(said)):
        raise BackupError("the database in the backup is not the one that its manifest describes")


# -- into place ---------------------------------------------------------------------------------------------------


def restore(where: Places, checked: Checked, clock: Clock, parts: Sequence[str], name: str) -> list[Path]:
    """Replace what the archive holds of `parts`; gives the files kept aside. Raises StartupError when storage runs.

    Also BackupError, OSError: then what was not replaced yet is as it was, and the command can be given again.
    """
    lock = DataLock(where.data_dir)
    lock.take(clock, wait_s=0)
    try:
        chosen = [member for member in checked.manifest.members if member.name.split("/")[0] in parts]
        chosen.sort(key=lambda member: member.name == archive.DATABASE)  # the database last
        stamp = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        if any(member.name == archive.DATABASE for member in chosen):
            renew(checked.folder / archive.DATABASE, clock.now_ms(), name)
        placed = [(member, places.target(where, member.name)) for member in chosen]
        for _, target in placed:
            _writable(target)
        kept: list[Path] = []
        if any(member.name == archive.DATABASE for member in chosen):
            kept += _settle_wal(
                where.database, stamp
            )  # first: it also tells whether somebody uses the database
        for member, target in placed:
            kept += _place(checked.path(member), target, member, stamp)
        return kept
    finally:
        lock.release()


def renew(database: Path, now_ms: int, name: str) -> None:
    """A restored database starts a new epoch: readers of the feed begin again, for facts may be missing."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "meta" not in tables:
            return  # of the described system: it gets its first epoch when storage takes it over
        values = {"epoch": str(uuid4()), RESTORED: str(now_ms), "restored_from": name, FIND_FILES: "1"}
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            values.items(),
        )
        connection.execute("COMMIT")
    finally:
        connection.close()
    sync_file(database)


def copy_to(checked: Checked, folder: Path, name: str, now_ms: int) -> None:
    """The parts of the archive as a tree in a folder that is new or empty. Raises BackupError, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty")
    renew(checked.folder / archive.DATABASE, now_ms, name)
    for member in checked.manifest.members:
        target = folder / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(checked.path(member), target)
        target.chmod(member.mode)


def _writable(target: Path) -> None:
    """Raises BackupError before anything is replaced."""
    folder = target.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise BackupError(
            f"{folder} cannot be written, so {target.name} could not be put back: nothing was replaced. "
            "Give the command as a user who may, or choose parts with --parts"
        )


def _settle_wal(database: Path, stamp: str) -> list[Path]:
    """Bring the old database into its one file, so that no log of it is left to spoil the new one."""
    if not database.exists():
        return []
    try:
        connection = sqlite3.connect(database, timeout=1, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        finally:
            connection.close()
        if mode != "delete":
            raise BackupError(
                f"{database} is in use by another program: nothing was replaced in the database"
            )
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BackupError(
                f"{database} is in use by another program: the database was not replaced"
            ) from None
        log.warning("the old database cannot be read (%s): it is kept as it is", error)
    except sqlite3.DatabaseError as error:
        log.warning("the old database is damaged (%s): it is kept as it is", error)
    kept = []
    for suffix in ("-wal", "-shm"):
        left = database.with_name(database.name + suffix)
        if left.exists():
            aside = _aside(left, stamp)
            left.rename(aside)
            kept.append(aside)
    return kept


def _place(source: Path, target: Path, member: Member, stamp: str) -> list[Path]:
    """One file; its name always leads to the old or the new content, both whole."""
    _make_folders(target.parent)
    kept = []
    owner = target.parent.stat()
    if target.exists():
        owner = target.stat()
        aside = _aside(target, stamp)
        _keep(target, aside)
        kept.append(aside)
    fresh = target.with_name(f".{target.name}.{STAGING}{stamp}"[:255])
    try:
        shutil.copyfile(source, fresh)
        fresh.chmod(member.mode)
        if os.geteuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        sync_file(fresh)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_dir(target.parent)
    return kept


def _aside(path: Path, stamp: str) -> Path:
    return path.with_name(f"{path.name}.before-restore-{stamp}")


def _keep(path: Path, aside: Path) -> None:
    """A second name for the old file, so that the first one never leads to nothing."""
    aside.unlink(missing_ok=True)
    try:
        os.link(path, aside, follow_symlinks=True)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        shutil.copy2(path, aside)
        sync_file(aside)


def _make_folders(folder: Path) -> None:
    if not folder.exists():
        _make_folders(folder.parent)
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = folder.parent.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
        sync_dir(folder.parent)


def chosen_parts(text: str) -> list[str]:
    """`database,settings` → the parts. Raises ConfigError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in parts if part not in archive.PARTS]
    if unknown or not parts:
        raise ConfigError(f"--parts {text!r}: choose from {', '.join(archive.PARTS)}")
    return parts
