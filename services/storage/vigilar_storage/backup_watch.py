"""What storage itself does about backups: tells of them, tries one each week, finds recordings after a restore."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.errors import StorageUnavailableError, WrongKeyError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding
from vigilar_common.state_file import StateFile

from vigilar_storage import paths
from vigilar_storage.db import Database
from vigilar_storage.files import OpenFiles
from vigilar_storage.inspect_file import Condition, look
from vigilar_storage.ledger import EntryType, Ledger
from vigilar_storage.media_rows import MediaRows
from vigilar_storage.report import Reporter
from vigilar_storage.schema import meta, pictures, recordings

log = logging.getLogger(__name__)

LOOK_S = 60.0
DRILL_LIMIT_S = 6 * 3_600.0
AGAIN_S = 3_600.0
"""After a drill that could not even be started."""
WEEK_MS = 7 * 86_400_000
STATUS_FILE = "backup.json"
BACKUP_DIR = "VIGILAR_BACKUP_DIR"
RESTORED, RESTORED_FROM, FIND_FILES = "restored_ms", "restored_from", "find_files"
FOUND_REASON = "found-after-restore"


class BackupWatch:
    """One thread."""

    def __init__(
        self, root: Path, database: Database, files: OpenFiles, reporter: Reporter, clock: Clock, state_dir: Path,
        env: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        self._root = root
        self._database = database
        self._files = files
        self._reporter = reporter
        self._clock = clock
        self._status = StateFile(state_dir / STATUS_FILE)
        self._env = env
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._drill_from_s = 0.0
        self.newest: dict[str, Any] = {}
        """For the heartbeat: the newest backup and drill, as far as they are known here."""

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="backup-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join(4)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            for action in (self.tell_restored, self.find_files, self.look):
                try:
                    action()
                except (StorageUnavailableError, OSError) as error:
                    log.warning("%s waits: %s", action.__name__, error)
                except Exception:
                    log.exception("%s failed; it is tried again within %g s", action.__name__, LOOK_S)
            if self._clock.wait(self._stopping, LOOK_S):
                return

    # -- backups ------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Tell of a new backup, judge how old the newest is, and try it when a week has passed."""
        loaded = self._status.load()
        if loaded.problem:
            log.warning("what is known of backups: %s", loaded.problem)
        status = loaded.value or {}
        backup, drill = status.get("backup") or {}, status.get("drill") or {}
        self.newest = {"backup": backup, "drill": drill}
        if not backup and not self._env.get(BACKUP_DIR):
            return  # nobody asked for backups
        if backup:
            body = {name: backup[name] for name in ("ts_ms", "size_bytes", "checked")}
            body["sha256"] = status.get("sha256", {}).get(backup["name"], "")
            self._note(EntryType.BACKUP, str(backup["name"]), body)
        self._judge_age(backup)
        now_ms = self._clock.now_ms()
        if (
            backup
            and now_ms - drill.get("ts_ms", 0) > WEEK_MS
            and self._clock.monotonic_s() >= self._drill_from_s
        ):
            self._drill(backup)
            drill = (self._status.load().value or {}).get("drill") or {}
            self.newest["drill"] = drill
        self._judge_drill(drill)

    def _judge_age(self, backup: Mapping[str, Any]) -> None:
        now_ms = self._clock.now_ms()
        since_ms = backup.get("ts_ms") or self._meta_ms("created_ms")
        if now_ms - since_ms <= WEEK_MS:
            self._reporter.clear("backup_old", "backup")
            return
        days = (now_ms - since_ms) // 86_400_000
        title = f"the newest backup is {days} days old" if backup else f"no backup was made in {days} days"
        cure = "look why `vigilar backup` does not run (cron or timer), or run it now"
        self._reporter.set(
            Finding(code="backup_old", severity=Severity.ALERT, title=title, cure=cure, subject="backup")
        )

    def _judge_drill(self, drill: Mapping[str, Any]) -> None:
        if drill.get("level") != "failed":
            self._reporter.clear("drill_failed", "backup")
            return
        title = f"the newest backup could not be restored: {drill.get('detail', '')}"[:500]
        cure = "make a new backup, try it with `vigilar restore --drill`, and look at the disk it lies on"
        self._reporter.set(
            Finding(code="drill_failed", severity=Severity.CRITICAL, title=title, cure=cure, subject="backup")
        )

    def _drill(self, backup: Mapping[str, Any]) -> None:
        """In a process of its own: unpacking must not cost this one its memory."""
        folder = self._env.get(BACKUP_DIR) or str(backup["folder"])
        self._drill_from_s = self._clock.monotonic_s() + AGAIN_S
        done = subprocess.run(
            [sys.executable, "-m", "vigilar_storage", "restore", "--drill", "--out", folder],
            capture_output=True, text=True, timeout=DRILL_LIMIT_S, check=False,
        )  # fmt: skip
        said = (done.stdout or done.stderr).strip()[-300:]
        level = Severity.INFO if done.returncode == 0 else Severity.CRITICAL
        self._reporter.event(level, "backup_drill", said or f"the drill ended with code {done.returncode}")

    # -- after a restore ----------------------------------------------------------------------------------------

    def tell_restored(self) -> None:
        known = self._meta()
        if RESTORED not in known:
            return
        name = known.get(RESTORED_FROM, "")
        body = {"ts_ms": int(known[RESTORED]), "epoch": known["epoch"]}
        if self._note(EntryType.RESTORE, name[-80:] or "restore", body):
            self._reporter.event(Severity.ALERT, "restored", f"the database was restored from {name}")

    def find_files(self) -> None:
        """Enter recordings that lie in their places and that the restored database does not know."""
        if FIND_FILES not in self._meta():
            return
        rows = MediaRows(self._database, self._clock)
        found = unread = 0
        for path in sorted(self._root.glob("*/[0-9]*/[0-9]*/[0-9]*/*")):
            if self._stopping.is_set():
                return
            name = paths.parse_stored(path.relative_to(self._root).as_posix())
            if name is None or path.is_symlink() or not path.is_file() or self._is_known(name.file_id):
                continue
            try:
                found += self._enter(rows, path, name)
            except WrongKeyError as error:
                unread += 1
                log.warning("%s stays unknown: %s", path, error)
        self._database.write(
            lambda connection: connection.execute(sa.delete(meta).where(meta.c.name == FIND_FILES))
        )
        text = f"{found} files that the restored database did not know were found and entered, {unread} cannot be opened"
        self._reporter.event(Severity.INFO, "found_after_restore", text)

    def _enter(self, rows: MediaRows, path: Path, name: paths.StoredName) -> bool:
        looked = look(path, name.file_id, self._files.ring, self._clock)
        if looked.condition is Condition.GROWING:
            return False
        now_ms = self._clock.now_ms()
        place = path.relative_to(self._root).as_posix()
        rows.plan(
            name.file_id,
            name.camera_id,
            looked,
            place,
            looked.started_ms or int(path.stat().st_mtime * 1000),
            now_ms,
        )
        rows.settle(name.file_id, looked, now_ms)
        said = {"reason": FOUND_REASON}
        self._database.write(
            lambda connection: connection.execute(
                sa.update(recordings).where(recordings.c.id == name.file_id).values(**said)
            )
        )
        return True

    def _is_known(self, file_id: str) -> bool:
        with self._database.read() as connection:
            return any(
                connection.scalar(sa.select(table.c.id).where(table.c.id == file_id)) is not None
                for table in (recordings, pictures)
            )

    # -- rows ---------------------------------------------------------------------------------------------------

    def _note(self, kind: EntryType, subject: str, body: Mapping[str, Any]) -> bool:
        """Whether the ledger did not say so yet."""
        ledger = Ledger(self._clock)
        return self._database.write(lambda connection: ledger.append_once(connection, kind, subject, body))

    def _meta(self) -> dict[str, str]:
        with self._database.read() as connection:
            return {row.name: row.value for row in connection.execute(sa.select(meta))}

    def _meta_ms(self, name: str) -> int:
        return int(self._meta().get(name, "0"))
