"""Taking over what camera workers leave in `incoming/<camera>`: verify, move to its place, enter into the index.

The order keeps a row from ever naming a file that is not there: row with the planned path (still growing) →
rename → fsync of both folders → row with its final state. A crash anywhere in between is finished by the next scan.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from vigilar_common.clock import Clock
from vigilar_common.crypto.vge import HEADER_BYTES
from vigilar_common.errors import StorageUnavailableError, WrongKeyError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.camera import PictureTaken, RecordingFinished

from vigilar_storage import paths
from vigilar_storage.db import Database
from vigilar_storage.files import OpenFiles
from vigilar_storage.inspect_file import Condition, Found, look
from vigilar_storage.media_rows import MediaRows
from vigilar_storage.report import Reporter

log = logging.getLogger(__name__)

SCAN_S = 60.0
QUEUE_FILES = 2_000
AGAIN_S = 1.0
"""Until the next scan when one has to be soon: a worker went, or a file was not begun yet."""
WENT_S = 5.0
"""After a worker went its folder is scanned every AGAIN_S for this long: locks end with the process, and the news
of its death may be quicker than that.
"""
YOUNG_S = 5.0
LOCKED_FROM_BYTES = {".vge": HEADER_BYTES, ".mp4": 1}
"""From this size on a file's lock tells whether its writer lives: it is taken before the first byte is written. A
smaller (or another) file is left alone while it is young: its writer may be about to take the lock.
"""
MISSING_AFTER_S = 120.0
STRANGERS_LOGGED = 20


class Intake:
    """One thread; `request` and `camera_went` may be called from any other."""

    def __init__(
        self, root: Path, database: Database, files: OpenFiles, reporter: Reporter, clock: Clock
    ) -> None:
        self.root = root
        self._rows = MediaRows(database, clock)
        self._files = files
        self._reporter = reporter
        self._clock = clock
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue(QUEUE_FILES)
        self._stopping = threading.Event()
        self._scan_now = threading.Event()
        self._thread: threading.Thread | None = None
        self._strangers: set[str] = set()
        self._young = 0
        """Files that the last scan left alone because their writers may be about to begin them."""
        self._went_until_s = 0.0
        self.counters = {
            "complete": 0,
            "recovered": 0,
            "damaged": 0,
            "missing": 0,
            "strangers": 0,
            "errors": 0,
        }

    # -- from other threads -------------------------------------------------------------------------------

    def prepare(self, camera_ids: Iterable[str]) -> None:
        """Make the folders that workers write into. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        for camera_id in camera_ids:
            paths.make_incoming(self.root, camera_id)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake(None)
        if self._thread:
            self._thread.join(4)

    def thread_problem(self) -> str:
        dead = self._thread is not None and not self._thread.is_alive() and not self._stopping.is_set()
        return "the intake thread died" if dead else ""

    def facts_taken(self, facts: Iterable[Fact]) -> None:
        """Whole files are taken over as soon as their facts are committed."""
        for fact in facts:
            if isinstance(fact, RecordingFinished):
                self._wake((fact.camera_id, fact.recording_id))
            elif isinstance(fact, PictureTaken):
                self._wake((fact.camera_id, fact.picture_id))

    def camera_went(self, camera_id: str) -> None:
        """A worker died or said goodbye: what it left is looked at now."""
        log.info("camera worker %s went: looking at what it left", camera_id)
        self._went_until_s = self._clock.monotonic_s() + WENT_S
        self._scan_now.set()
        self._wake(None)

    def _wake(self, item: tuple[str, str] | None) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._scan_now.set()  # nothing is lost: the scan finds every file

    # -- the thread -----------------------------------------------------------------------------------------

    def _loop(self) -> None:
        next_scan_s = self._clock.monotonic_s()
        while not self._stopping.is_set():
            now_s = self._clock.monotonic_s()
            if now_s >= next_scan_s or self._scan_now.is_set():
                self._scan_now.clear()
                self._young = 0
                self._guard("scan", self.scan)
                soon = self._young or self._clock.monotonic_s() < self._went_until_s
                next_scan_s = self._clock.monotonic_s() + (AGAIN_S if soon else SCAN_S)
                continue
            try:
                item = self._queue.get(timeout=min(SCAN_S, next_scan_s - now_s))
            except queue.Empty:
                continue
            if item is not None:
                self._guard("/".join(item), partial(self.settle, *item))

    def _guard(self, what: str, action: Callable[[], object]) -> None:
        """One bad file or one full disk must not end the thread; the next scan tries again."""
        try:
            action()
        except StorageUnavailableError as error:
            self.counters["errors"] += 1
            log.warning("intake of %s waits: %s", what, error)
        except Exception:
            self.counters["errors"] += 1
            log.exception("intake of %s failed; it is tried again within %g s", what, SCAN_S)

    def scan(self) -> None:
        """Look at every file in incoming and at every row that waits for one. Raises OSError."""
        incoming = self.root / paths.INCOMING
        now_ms = self._clock.now_ms()
        seen: set[str] = set()
        for folder in sorted(incoming.iterdir()) if incoming.is_dir() else []:
            if not folder.is_dir():
                self._stranger(folder)
                continue
            for path in sorted(folder.iterdir()):
                if self._stopping.is_set():
                    return
                named = paths.parse_name(path.name)
                if named is None or path.is_symlink() or not path.is_file():
                    self._stranger(path)
                    continue
                seen.add(named[0])
                if _may_begin(path, now_ms):
                    self._young += 1
                else:
                    self._guard(str(path), partial(self.settle, folder.name, named[0]))
        self._finish_rows(seen)

    def settle(self, camera_id: str, file_id: str) -> Condition | None:
        """Take over one file if its writer is done with it. None: there is no such file (any more)."""
        path = self._incoming(camera_id, file_id)
        if path is None:
            return None
        try:
            found = look(path, file_id, self._files.ring, self._clock)
        except WrongKeyError as error:
            self._reporter.event(Severity.CRITICAL, "wrong_key", str(error), camera_id)
            return None
        if found.condition is Condition.GROWING:
            return found.condition
        if self._rows.is_gone(file_id):
            log.warning("%s belongs to a deleted recording: removed", path)
            path.unlink()
            paths.sync_folder(path.parent)
            return None
        self._take_over(path, camera_id, file_id, found)
        return found.condition

    def _take_over(self, path: Path, camera_id: str, file_id: str, found: Found) -> None:
        now_ms = self._clock.now_ms()
        started_ms = found.started_ms or self._rows.started_ms(file_id) or self._clock.now_ms()
        planned = paths.stored(camera_id, started_ms, file_id, path.suffix)
        target = self.root / planned
        self._rows.plan(file_id, camera_id, found, planned, started_ms, now_ms)
        paths.make_folders(self.root, Path(planned).parent)
        if target.exists():
            raise FileExistsError(f"{target} is there already; {path} stays where it is")
        path.rename(target)
        paths.sync_folder(target.parent)
        paths.sync_folder(path.parent)
        self._rows.settle(file_id, found, now_ms)
        self._tell(camera_id, file_id, found)

    def _finish_rows(self, seen: set[str]) -> None:
        """Rows whose file is neither in incoming nor settled: moved before a crash, or lost."""
        now_ms = self._clock.now_ms()
        for row in self._rows.unsettled():
            if row.id in seen:
                continue
            if row.path is not None and (self.root / row.path).exists():
                found = look(self.root / row.path, row.id, self._files.ring, self._clock)
                self._rows.settle(row.id, found, now_ms)
                log.info("%s was moved before the last stop; its row is complete now", row.path)
            elif now_ms - row.received_ms > MISSING_AFTER_S * 1000:
                self.counters["missing"] += 1
                self._rows.missing(row.id)
                text = f"the file of {row.what} {row.id} (camera {row.camera_id}) is nowhere to be found"
                self._reporter.event(Severity.ALERT, "file_missing", text, row.camera_id)

    def _tell(self, camera_id: str, file_id: str, found: Found) -> None:
        self._files.forget(file_id)
        self.counters[found.condition] += 1
        if found.condition is Condition.DAMAGED:
            text = f"{found.kind} {file_id} of camera {camera_id} is damaged: {found.damage}"
            self._reporter.event(Severity.ALERT, "recording_damaged", text, camera_id)
        elif found.condition is Condition.RECOVERED:
            text = f"{found.kind} {file_id} of camera {camera_id} was left unfinished and is recovered"
            self._reporter.event(Severity.INFO, "recording_recovered", text, camera_id)

    def _incoming(self, camera_id: str, file_id: str) -> Path | None:
        folder = self.root / paths.INCOMING / camera_id
        for suffix in paths.SUFFIXES:
            path = folder / f"{file_id}{suffix}"
            if path.is_file() and not path.is_symlink():
                return path
        return None

    def _stranger(self, path: Path) -> None:
        """Not ours to judge, so it stays; said once."""
        if str(path) not in self._strangers and len(self._strangers) < STRANGERS_LOGGED:
            self._strangers.add(str(path))
            self.counters["strangers"] += 1
            log.warning("%s is no recording and is left alone", path)


def _may_begin(path: Path, now_ms: int) -> bool:
    """Whether a writer may have made this file a moment ago and not locked it yet."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False  # its writer gave up; `settle` finds nothing
    begun = found.st_size >= LOCKED_FROM_BYTES.get(path.suffix, found.st_size + 1)
    return not begun and abs(now_ms - found.st_mtime * 1000) < YOUNG_S * 1000
