"""Make a backup: a consistent snapshot of the database, settings, configuration and keys in one private archive.

The order: free space → snapshot → archive under a hidden name → fsync → read back and compare → rename → fsync of the
folder → only then remove old archives. Killed anywhere, what was there is still there; leftovers go with the next run.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from vigilar_common import __version__
from vigilar_common.clock import Clock
from vigilar_common.config.files import sync_dir
from vigilar_common.config.settings import history_dir
from vigilar_common.errors import ConfigError, VigilarError

from vigilar_storage import age_file, archive
from vigilar_storage.archive import Content, Manifest, Member
from vigilar_storage.backup_status import like_its_folder
from vigilar_storage.db import BUSY_TIMEOUT_MS
from vigilar_storage.keyring_file import RING_FILE, ring_path
from vigilar_storage.places import IDENTITY_FILE, RECIPIENT_FILE, Places

log = logging.getLogger(__name__)

NAME = re.compile(r"vigilar-backup-(\d{8}-\d{6})\.tar\.gz(\.age)?")
TEMPORARY = ".vigilar-backup-"
LOCK = ".vigilar-backup.lock"
CREDENTIALS = (
    "/run/credentials/"  # of systemd: keys of a running service, kept by root beside the configuration
)
SPARE_BYTES = 64 * 1024 * 1024
DAY_S = 86_400
PIECE_BYTES = 1024 * 1024


class BackupError(VigilarError):
    """No backup was made, or the one that was made is not what it should be."""


@dataclass(frozen=True)
class Made:
    path: Path
    size_bytes: int
    sha256: str
    manifest: Manifest
    checked: str
    """What was verified: "content" (decrypted and compared) or "bytes" (read back; the box cannot decrypt)."""
    removed: tuple[str, ...]


def make(places: Places, clock: Clock, *, recipient: str, keep_days: int) -> Made:
    """`recipient` "" makes a plain archive. Raises BackupError, ConfigError, OSError, sqlite3.Error."""
    if not places.database.is_file():
        raise BackupError(f"there is no database at {places.database}: nothing to back up")
    places.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(places.data_dir):
        _sweep(places)
        need = _database_bytes(places.database) + SPARE_BYTES
        for folder in (places.data_dir, places.backups):
            _needs(folder, need)
        staging = places.data_dir / f"{TEMPORARY}{os.getpid()}.tmp"
        staging.mkdir(mode=0o700)
        try:
            manifest, contents = _collect(places, staging, clock.now_ms())
            return _store(places, manifest, contents, recipient, keep_days)
        finally:
            shutil.rmtree(staging)


def recipient_for(places: Places, given: str) -> str:
    """Whom to encrypt to: what was given (key or file), else the one that `vigilar init` made. Raises ConfigError."""
    if given:
        return age_file.read_recipient(given)
    for path in (places.own_secrets / RECIPIENT_FILE, places.secrets / "storage" / RECIPIENT_FILE):
        if path.is_file():
            return age_file.read_recipient(str(path))
    raise ConfigError(
        f"no backup recipient: {places.own_secrets / RECIPIENT_FILE} is not there. Run `vigilar init` to make one, or set "
        "VIGILAR_BACKUP_RECIPIENT to an age1… key, or VIGILAR_BACKUP_ENCRYPT=0 for an archive that anyone can read"
    )


def identity_on_box(places: Places, given: str | Path = "") -> str:
    """The identity that opens backups, "" when it is not on this machine (as it should be). Raises ConfigError."""
    if given:
        return age_file.read_identity(Path(given))
    path = places.secrets / "recovery" / IDENTITY_FILE
    return age_file.read_identity(path) if path.is_file() and os.access(path, os.R_OK) else ""


def archives(folder: Path) -> list[Path]:
    """Backups in a folder, oldest first; nothing else that lies there."""
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()),
        key=lambda path: path.name,
    )  # fmt: skip


def snapshot(source: Path, target: Path) -> None:
    """One file with everything that was committed, while others go on writing. Raises sqlite3.Error, OSError."""
    reading = sqlite3.connect(
        f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_MS / 1000
    )
    writing = sqlite3.connect(target)
    try:
        target.chmod(0o600)
        reading.execute("PRAGMA query_only=ON")
        # All pages in one step: one read transaction, so a busy writer cannot make it begin again and again.
        reading.backup(writing, pages=-1)
        writing.execute("PRAGMA journal_mode=DELETE")
    finally:
        writing.close()
        reading.close()
    sync_file(target)


def check_database(path: Path, *, thorough: bool) -> None:
    """Raises BackupError when SQLite finds the file damaged."""
    connection = sqlite3.connect(path)
    try:
        what = "integrity_check" if thorough else "quick_check"
        said = [str(row[0]) for row in connection.execute(f"PRAGMA {what}(5)")]
        if said == ["ok"] and thorough:
            rows = connection.execute("PRAGMA foreign_key_check")
            said += [f"{row[0]} row {row[1]} refers to nothing" for row in rows]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    finally:
        connection.close()
    if said != ["ok"]:
        raise BackupError(f"the database in the backup is damaged: {'; '.join(said[:5])[:400]}")


def sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- what goes in -----------------------------------------------------------------------------------------------


def _collect(places: Places, staging: Path, now_ms: int) -> tuple[Manifest, list[Content]]:
    copy = staging / "vigilar.db"
    snapshot(places.database, copy)
    check_database(copy, thorough=False)
    facts = describe(copy)
    database = Member(name=archive.DATABASE, size=copy.stat().st_size, sha256=hash_file(copy), mode=0o640)
    contents = [Content(database, copy)]
    for name, path in _files(places):
        contents.append(_small(name, path))
    total = sum(content.member.size for content in contents[1:])
    if len(contents) > archive.MAX_MEMBERS or total > archive.MAX_FILES_BYTES:
        raise BackupError(
            f"the configuration folder {places.config.parent} holds {len(contents)} files with {total} bytes: "
            "too much to be configuration; keep vigilar.toml in a folder of its own"
        )
    members = [content.member for content in contents]
    return Manifest(version=__version__, created_ms=now_ms, members=members, **facts), contents


def describe(path: Path) -> dict[str, object]:
    """What a database says of itself, for the manifest. Raises sqlite3.Error."""
    connection = sqlite3.connect(path)
    try:
        names = [
            str(row[0])
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        meta = dict(connection.execute("SELECT name, value FROM meta")) if "meta" in names else {}
        row = (
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            if "alembic_version" in names
            else None
        )
        last = connection.execute("SELECT max(n) FROM facts").fetchone()[0] if "facts" in names else 0
        return {
            "schema_version": str(row[0]) if row else "",
            "user_version": int(connection.execute("PRAGMA user_version").fetchone()[0]),
            "database_uuid": str(meta.get("database_uuid", "")),
            "epoch": str(meta.get("epoch", "")),
            "last_n": int(last or 0),
            "counts": {name: _count(connection, name) for name in names},
        }
    finally:
        connection.close()


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = '"' + table.replace('"', '""') + '"'
    return int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608 a name of its own schema


def _files(places: Places) -> Iterator[tuple[str, Path]]:
    if places.settings.is_file():
        yield "settings/settings.toml", places.settings
    past = history_dir(places.settings)
    if past.is_dir():
        yield from (
            (f"settings/{past.name}/{path.name}", path) for path in sorted(past.iterdir()) if path.is_file()
        )
    seen: set[Path] = set()
    for part, root, excluded in (
        ("config", places.config.parent, places.excluded),
        ("secrets", places.secrets.resolve(), ()),
    ):
        for path in _walk(root, excluded):
            # The key of a safe does not lie in the safe.
            if path.name != IDENTITY_FILE and not path.name.endswith((".db", ".db-wal", ".db-shm")):
                seen.add(path)
                yield f"{part}/{path.relative_to(root).as_posix()}", path
    if places.key_file.is_file() and places.key_file.resolve() not in seen:
        yield "keys/storage.key", places.key_file
    ring = ring_path(places.key_file)
    if ring.is_file() and ring.resolve() not in seen:
        yield f"keys/{RING_FILE}", ring


def _walk(root: Path, excluded: tuple[Path, ...]) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(
            name for name in names if here / name not in excluded and not (here / name).is_symlink()
        )
        for name in sorted(files):
            path = here / name
            if path.is_symlink() and str(path.readlink()).startswith(CREDENTIALS):
                continue
            if path.is_symlink() and not path.exists():
                log.warning("%s is a link to nothing and is left out", path)
            elif not path.is_file():
                log.warning("%s is no plain file and is left out", path)
            elif ".before-restore-" not in name and name not in ("demo.json", "services.json"):
                yield path


def _small(name: str, path: Path) -> Content:
    with path.open("rb") as file:
        data = file.read(archive.MAX_FILE_BYTES + 1)
        mode = os.fstat(file.fileno()).st_mode & 0o777
    if len(data) > archive.MAX_FILE_BYTES:
        raise BackupError(
            f"{path} has more than {archive.MAX_FILE_BYTES} bytes: no file of a configuration has that"
        )
    if not archive.allowed(name):
        raise BackupError(f"{path} has a name that a backup cannot hold; rename it")
    return Content(
        Member(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), mode=mode), data
    )


# -- how it is stored -------------------------------------------------------------------------------------------


class _Hashing:
    """Passes on what is written and keeps its hash, to be compared with what the disk gives back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _store(
    places: Places, manifest: Manifest, contents: list[Content], recipient: str, keep_days: int
) -> Made:
    folder = places.backups
    stamp = datetime.fromtimestamp(manifest.created_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    final = folder / f"vigilar-backup-{stamp}.tar.gz{'.age' if recipient else ''}"
    if final.exists():
        raise BackupError(f"{final} is there already: two backups in one second")
    temporary = folder / f"{TEMPORARY}{stamp}-{os.getpid()}.tmp"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            sink: IO[bytes] = _Hashing(file)  # type: ignore[assignment]  # write and flush are all that is called
            created_s = manifest.created_ms // 1000
            if recipient:
                with age_file.encrypting(sink, recipient) as plain:
                    archive.write(plain, manifest, contents, created_s)
            else:
                archive.write(sink, manifest, contents, created_s)
            file.flush()
            os.fsync(file.fileno())
            written = sink.digest.hexdigest()  # type: ignore[attr-defined]
        checked = _verify(places, temporary, written, recipient, manifest)
        temporary.rename(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_dir(folder)
    removed = _prune(folder, final, manifest.created_ms, keep_days)
    return Made(final, final.stat().st_size, written, manifest, checked, tuple(removed))


def _verify(places: Places, path: Path, written: str, recipient: str, manifest: Manifest) -> str:
    if hash_file(path) != written:
        raise BackupError(f"{path.parent} gives back other bytes than were written: no backup was kept")
    identity = identity_on_box(places) if recipient else ""
    if recipient and (not identity or age_file.recipient_of(identity) != recipient):
        return "bytes"
    with opened(path, identity) as content:
        for _, pieces in content.members():
            for _ in pieces:
                pass  # each compares its own hash
        if content.manifest != manifest:
            raise BackupError("the new backup holds another manifest than was written")
    return "content"


@contextmanager
def opened(path: Path, identity: str) -> Iterator[archive.Archive]:
    """An archive, encrypted or not, by what its first bytes say. Raises as `Archive`, WrongKeyError, BackupError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(fd, "rb") as file:
        if not file.peek(8).startswith(b"age-encr"):
            yield archive.Archive(file)
            return
        if not identity:
            raise BackupError(f"{path.name} is encrypted: name the owner's identity file with --identity")
        with age_file.decrypting(file, identity) as plain:
            yield archive.Archive(plain)


def _prune(folder: Path, newest: Path, now_ms: int, keep_days: int) -> list[str]:
    """Only after the new one is verified; only files that are backups by name and by age in the name."""
    if keep_days == 0:
        return []
    removed = []
    limit = datetime.fromtimestamp(now_ms / 1000 - keep_days * DAY_S, UTC).strftime("%Y%m%d-%H%M%S")
    for path in archives(folder):
        found = NAME.fullmatch(path.name)
        if found and found[1] < limit and path != newest:
            path.unlink()
            removed.append(path.name)
    if removed:
        sync_dir(folder)
    return removed


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("ab") as file:
        like_its_folder(folder / LOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("another backup is being made") from None
        yield


def _sweep(places: Places) -> None:
    """What a killed run left; the lock says that it is not running any more."""
    for path in [*places.backups.glob(f"{TEMPORARY}*.tmp"), *places.data_dir.glob(f"{TEMPORARY}*.tmp")]:
        log.warning("%s was left by a backup that was interrupted: removed", path)
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _database_bytes(path: Path) -> int:
    wal = path.with_name(path.name + "-wal")
    return path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)


def _needs(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need:
        raise BackupError(
            f"{folder} has {free >> 20} MiB free, the backup may need {need >> 20} MiB: nothing was written"
        )
