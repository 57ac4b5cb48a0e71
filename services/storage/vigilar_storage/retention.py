"""Deleting by itself: by age (`retention_days`), by the fullness of the disk, by confirmed limits.

One thread. Starred and growing recordings are never touched; every deletion goes through `Deleter`, which leaves no
orphan behind whatever happens, and names the policy that asked for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.load import LoadedConfig
from vigilar_common.errors import ConfigError, StorageUnavailableError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import DiskUsage, Finding

from vigilar_storage import candidates, limits, pruning, usage
from vigilar_storage.clock_trust import ClockTrust
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter, NotDeletableError
from vigilar_storage.report import Reporter
from vigilar_storage.reserve import Reserve
from vigilar_storage.schema import cameras, meta

log = logging.getLogger(__name__)

RETENTION_S = 600.0
WITNESS_S = 300.0
DOUBT_TOLD_S = 900.0
PICTURES = 200
EXPIRED = 200
WATCH_S = 2.0
"""How often free space alone is asked for between two looks: one system call."""
SETTLE_S = 2.0
"""Some file systems give bytes back a moment later."""
WITNESS = "witness_ms"
CONFIRMED_TIME = "time_confirmed_ms"
ACTOR = "storage"
DISK_FULL = "disk_full"
"""How the database's problem begins when its disk takes no more."""


class Housekeeper:
    """`start` once; `wake` and `follow` from any thread."""

    def __init__(
        self,
        root: Path,
        database: Database,
        deleter: Deleter,
        reporter: Reporter,
        clock: Clock,
        config: Config,
        loaded: Callable[[], LoadedConfig],
        totals: usage.Totals,
    ) -> None:
        self._root = root
        self._database = database
        self._deleter = deleter
        self._reporter = reporter
        self._clock = clock
        self._config = config
        self._loaded = loaded
        self._totals = totals
        self._reserve = Reserve(database.path.parent)
        self._growth = pruning.Growth()
        self._trust: ClockTrust | None = None
        self._held: tuple[int, int] | None = None
        """Free bytes at the moment when deleting turned out to free nothing, and the bytes deleted in vain."""
        self._retention_due_s = 0.0
        self._doubt_since_s: float | None = None
        self._witness_due_s = 0.0
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.counters = {"expired": 0, "pruned": 0, "pictures": 0, "bytes": 0, "errors": 0}

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="housekeeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join(4)

    def thread_problem(self) -> str:
        dead = self._thread is not None and not self._thread.is_alive() and not self._stopping.is_set()
        return "the thread that deletes old recordings died" if dead else ""

    def follow(self, config: Config) -> None:
        """Another configuration holds from now on."""
        self._config = config
        self._wake.set()

    def critical_pct(self) -> float:
        return self._config.health.disk_critical_pct

    def wake(self) -> None:
        """Look at the disk now: somebody found it full."""
        self._wake.set()

    # -- the thread -----------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._pause(self.look())

    def _pause(self, wait_s: float) -> None:
        """Until the next look; sooner when the disk is critical all at once, because something else filled it."""
        until_s = self._clock.monotonic_s() + wait_s
        calm = not self._is_critical()
        while not self._wake.is_set() and (left_s := until_s - self._clock.monotonic_s()) > 0:
            self._clock.wait(self._wake, min(left_s, WATCH_S))
            if calm and self._is_critical():
                return

    def _is_critical(self) -> bool:
        health = self._config.health
        try:
            return health.auto_prune and usage.disk(self._root).used_pct >= health.disk_critical_pct
        except OSError:
            return False  # `look` tells what is wrong with it

    def look(self) -> float:
        """Do what is due; returns the seconds until the next look."""
        wait_s = pruning.CHECK_S
        for task in (self.prune, self._age):
            try:
                task()
            except (StorageUnavailableError, OSError) as error:
                self.counters["errors"] += 1
                log.warning("looking after the disk waits: %s", error)
            except Exception:
                self.counters["errors"] += 1
                log.exception("looking after the disk failed; it is tried again")
        try:
            disk = usage.disk(self._root)
        except OSError as error:
            log.warning("%s cannot be measured: %s", self._root, error)
            return wait_s
        return pruning.next_check_s(disk, self._config.health, self._growth.bytes_per_s)

    # -- by age ---------------------------------------------------------------------------------------------

    def _age(self) -> None:
        now_s = self._clock.monotonic_s()
        with self._database.read() as connection:
            newest_ms = candidates.newest_ms(connection)
            confirmed_ms = _number(connection, CONFIRMED_TIME)
            witness_ms = _number(connection, WITNESS)
        if self._trust is None:
            self._trust = ClockTrust(witness_ms, self._clock.now_ms(), now_s)
        doubt = self._trust.look(self._clock.now_ms(), now_s, newest_ms, confirmed_ms)
        if doubt:
            self._tell_doubt(doubt)
            return
        self._doubt_since_s = None
        self._reporter.clear("retention_suspended", "clock")
        if now_s >= self._witness_due_s:
            trusted_ms = self._trust.trusted_ms
            self._database.write(lambda connection: keep_number(connection, WITNESS, trusted_ms))
            self._witness_due_s = now_s + WITNESS_S
        if now_s >= self._retention_due_s:
            self.expire()
            self._retention_due_s = now_s + RETENTION_S

    def expire(self) -> None:
        """Delete what is older than its camera's `retention_days`. Raises StorageUnavailableError, OSError."""
        now_ms = self._clock.now_ms()
        with self._database.read() as connection:
            days_of = connection.execute(sa.select(cameras.c.id, cameras.c.retention_days)).all()
        for camera_id, days in days_of:
            if days < 1:
                continue
            before_ms = now_ms - days * candidates.DAY_MS
            need = pruning.Need("retention", f"older than {days} days")
            while not self._stopping.is_set():
                with self._database.read() as connection:
                    found = candidates.expired(connection, camera_id, before_ms, EXPIRED)
                gone, _ = self._delete(found, need)
                self.counters["expired"] += gone
                if gone == 0:
                    break
            while not self._stopping.is_set():
                with self._database.read() as connection:
                    alone = candidates.expired_pictures(connection, camera_id, before_ms, PICTURES)
                if not alone:
                    break
                self._deleter.delete_pictures(alone)
                self.counters["pictures"] += len(alone)

    def _tell_doubt(self, doubt: str) -> None:
        now_s = self._clock.monotonic_s()
        if self._doubt_since_s is None:
            self._doubt_since_s = now_s
            log.info("recordings are not deleted by age yet: %s", doubt)
        if now_s - self._doubt_since_s < DOUBT_TOLD_S:
            return  # as after every long stop: it passes by itself
        self._reporter.set(
            Finding(
                code="retention_suspended",
                severity=Severity.ALERT,
                subject="clock",
                title=f"Recordings are not deleted by age: {doubt}"[:500],
                cure="Set the clock right. If it is right, wait an hour or run `vigilar storage confirm-time`.",
            )
        )

    # -- by space -------------------------------------------------------------------------------------------

    def prune(self) -> None:
        """Delete oldest first while the disk or a confirmed limit asks for it.

        Raises StorageUnavailableError, OSError.
        """
        # Measured before the reserve goes: its bytes must not hide that the disk is critical.
        disk = usage.disk(self._root)
        if self._database.problem.startswith(DISK_FULL):
            self._reserve.release()  # also where deleting recordings cannot help: it holds many facts
        self._growth.note(self._clock.monotonic_s(), disk.used_bytes)
        force = self._limits()
        stored = self._totals.now().stored_bytes if force.max_bytes else 0
        health = self._config.health
        need = pruning.begins(disk, stored, health, force)
        if need is None:
            self._held = None
            self._reporter.clear("prune_nothing_left", "recordings")
            self._reporter.clear("prune_frees_nothing", "recordings")
            self._reserve.keep()
            return
        if self._is_held(disk):
            return
        log.warning("deleting the oldest recordings: %s", need.reason)
        self._prune_for(need, disk, stored, force)
        self._growth.restart()
        self._totals.forget()
        self._reserve.keep()

    def _prune_for(self, need: pruning.Need, disk: DiskUsage, stored: int, force: pruning.Limits) -> None:
        after = (0, "")
        while pruning.goes_on(need, disk, stored, self._config.health, force):
            if self._stopping.is_set():
                return
            with self._database.read() as connection:
                batch = candidates.oldest(connection, pruning.BATCH_RECORDINGS, after)
            if not batch:
                self._nothing_left(disk)
                return
            batch = _no_more_than(batch, pruning.excess_bytes(need, disk, stored, force))
            began_s, free_before = self._clock.monotonic_s(), disk.free_bytes
            gone, deleted_bytes = self._delete(batch, need)
            self.counters["pruned"] += gone
            if gone == 0:
                return  # starred at this moment, or refused: the log says so, and the next look tries again
            after = (batch[-1].started_ms, batch[-1].id)
            stored -= deleted_bytes
            disk = usage.disk(self._root)
            if not self._freed(deleted_bytes, free_before, disk, began_s):
                self._clock.wait(self._stopping, SETTLE_S)
                disk = usage.disk(self._root)
                if not self._freed(deleted_bytes, free_before, disk, began_s):
                    self._hold(disk, deleted_bytes)
                    return
        self._reporter.clear("prune_nothing_left", "recordings")
        log.info("enough is deleted: %.1f %% of the disk are in use", disk.used_pct)

    def _freed(self, deleted_bytes: int, free_before: int, disk: DiskUsage, began_s: float) -> bool:
        written = self._growth.bytes_per_s * (self._clock.monotonic_s() - began_s)
        return pruning.frees(deleted_bytes, free_before, disk.free_bytes, written)

    def _is_held(self, disk: DiskUsage) -> bool:
        if self._held is None:
            return False
        free, deleted_bytes = self._held
        if disk.free_bytes - free < pruning.FREED_SHARE * deleted_bytes:
            return True
        self._held = None
        return False

    def _hold(self, disk: DiskUsage, deleted_bytes: int) -> None:
        self._held = (disk.free_bytes, deleted_bytes)
        finding = Finding(
            code="prune_frees_nothing",
            severity=Severity.CRITICAL,
            subject="recordings",
            title=f"Deleting stopped: {deleted_bytes} bytes of recordings went, and the disk has no more room",
            cure="See what else fills the disk, and whether snapshots keep deleted files; it goes on once there is room.",
        )
        self._reporter.set(finding)
        self._reporter.event(finding.severity, finding.code, finding.title, "recordings")

    def _nothing_left(self, disk: DiskUsage) -> None:
        finding = Finding(
            code="prune_nothing_left",
            severity=Severity.CRITICAL,
            subject="recordings",
            title=f"The disk is {disk.used_pct:.0f} % full and no unstarred recording is left to delete",
            cure="Unstar recordings, remove other files from that disk, or add a larger one.",
        )
        self._reporter.set(finding)
        self._reporter.event(finding.severity, finding.code, finding.title, "recordings")

    def _limits(self) -> pruning.Limits:
        try:
            wanted = limits.written(self._loaded())
        except (ConfigError, OSError) as error:
            log.warning("limits of [storage] do not hold while the configuration cannot be read: %s", error)
            return pruning.Limits()
        with self._database.read() as connection:
            agreed = limits.confirmed(connection)
        finding = limits.finding(wanted, agreed)
        if finding is None:
            self._reporter.clear("limits_not_confirmed", "recordings")
        else:
            self._reporter.set(finding)
        return limits.in_force(wanted, agreed)

    def _delete(self, found: list[candidates.Candidate], need: pruning.Need) -> tuple[int, int]:
        """How many recordings went, and the bytes of their files."""
        gone = gone_bytes = 0
        for item in found:
            if self._stopping.is_set():
                break
            size_bytes = self._size(item)
            try:
                if self._deleter.delete(item.id, ACTOR, need.reason, policy=need.policy):
                    gone, gone_bytes = gone + 1, gone_bytes + size_bytes
            except (NotDeletableError, ValueError) as error:
                self.counters["errors"] += 1
                log.error("recording %s stays: %s", item.id, error)  # noqa: TRY400
        self.counters["bytes"] += gone_bytes
        return gone, gone_bytes

    def _size(self, item: candidates.Candidate) -> int:
        """What deleting gives back: 0 for a file that is missing already."""
        if item.path is None:
            return 0
        try:
            found = (self._root / item.path).stat()
        except OSError:
            return 0
        return found.st_blocks * 512


def _no_more_than(batch: list[candidates.Candidate], excess_bytes: int | None) -> list[candidates.Candidate]:
    """The first ones, as many as make up `excess_bytes`; all of them for None."""
    if excess_bytes is None:
        return batch
    taken, size_bytes = 0, 0
    while taken < len(batch) and size_bytes < excess_bytes:
        size_bytes += batch[taken].size_bytes
        taken += 1
    return batch[: max(1, taken)]


def _number(connection: sa.Connection, name: str) -> int:
    raw = connection.scalar(sa.select(meta.c.value).where(meta.c.name == name))
    return int(raw) if raw and raw.isdigit() else 0


def keep_number(connection: sa.Connection, name: str, value: int) -> None:
    """Into `meta`. Raises sqlite3 and sqlalchemy errors."""
    row = {"name": name, "value": str(value)}
    connection.execute(insert(meta).values(**row).on_conflict_do_update(index_elements=["name"], set_=row))
