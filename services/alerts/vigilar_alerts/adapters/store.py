"""What alerts must not forget over a kill -9: deliveries that are due, and who subscribed. One SQLite file."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vigilar_alerts.adapters import queue_sql, store_schema
from vigilar_alerts.adapters.queue_sql import Make, alert_of, body_of
from vigilar_alerts.domain.alert import Alert

log = logging.getLogger("vigilar.alerts.store")

MAX_JOBS = 20_000
MAX_VOLATILE = 256
"""Deliveries kept in memory while the disk refuses to take any."""
MAX_ALERTS = 10_000
"""Alerts remembered so that a repeated event is not told twice."""
MAX_PER_HOST = 2
"""Deliveries to one push service at a time: a slow one must not hold up the others."""
MAX_DELAY_MS = 2 * 3600 * 1000
"""No retry is due later than that; if one seems to be, the clock was set back."""

Write = Callable[[sqlite3.Connection], None]
"""A part of a transaction."""


@dataclass(frozen=True)
class Job:
    """One delivery that is due. `attempt` counts from 1; `job_id` 0 lives in memory only.

    `stage` is the channel's place in the order of channels, from 0; -1: it does not wait for others.
    """

    alert: Alert
    channel: str
    target: str
    host: str = ""
    attempt: int = 1
    due_ms: int = 0
    job_id: int = 0
    stage: int = -1


@dataclass(frozen=True)
class Subscription:
    """One browser. Its fields are secrets: whoever has them can send to it."""

    subscription_id: str
    endpoint: str
    p256dh: str
    auth: str
    user: str
    device: str

    def __repr__(self) -> str:
        return f"Subscription({self.subscription_id})"


class Store:
    """Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._unsaved: list[tuple[Alert, list[Job]]] | None = None
        """Added since `together` was entered; None outside."""
        self._taken: dict[int, Job] = {}
        self._volatile: list[Job] = []
        self._busy: Counter[str] = Counter()

    def open(self) -> None:
        """Raises sqlite3.Error when the file cannot be used."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA journal_size_limit=4194304")
        store_schema.make(self._db)
        self._path.chmod(0o600)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def write(self, *works: Write) -> None:
        """In one transaction. Raises sqlite3.Error."""
        with self._lock, self._transaction():
            for work in works:
                work(self._db)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes within goes to the disk with one commit at the end; other threads wait until then."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                log.error("decisions are kept one by one: %s", error)  # noqa: TRY400 each says by itself what comes of it
            else:
                self._unsaved = []
            try:
                yield
            finally:
                unsaved, self._unsaved = self._unsaved, None
                if unsaved is not None:
                    self._commit(unsaved)

    def _commit(self, unsaved: list[tuple[Alert, list[Job]]]) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            log.critical("what was decided last cannot be kept: %s; a restart would forget it", error)
            for alert, jobs in unsaved:
                self._keep_in_memory(alert, jobs, error)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; within `together` a part of its commit. Under the lock."""
        inside = self._unsaved is not None
        self._db.execute("SAVEPOINT part" if inside else "BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("RELEASE part" if inside else "COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO part" if inside else "ROLLBACK")
            raise

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Raises sqlite3.Error."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    # -- deliveries ---------------------------------------------------------------------------------

    def knows(self, telling_id: str) -> bool:
        with self._lock:
            found = self._db.execute("SELECT 1 FROM alerts WHERE alert_id=?", (telling_id,)).fetchone()
        return found is not None

    def add(self, alert: Alert, jobs: list[Job], also: Write | None = None) -> bool:
        """On disk when this returns, or in memory if the disk refuses; False: this telling was known already.

        `also` writes in the same transaction."""
        try:
            with self._lock:
                return self._insert(alert, jobs, also)
        except sqlite3.Error as error:
            self._keep_in_memory(alert, jobs, error)
            return True

    def _keep_in_memory(self, alert: Alert, jobs: list[Job], error: sqlite3.Error) -> None:
        log.critical("alert %s is kept in memory only: %s", alert.alert_id, error)
        with self._lock:
            room = MAX_VOLATILE - len(self._volatile)
            self._volatile += jobs[:room]
        if len(jobs) > room:
            log.critical("%d deliveries of alert %s found no room", len(jobs) - room, alert.alert_id)

    def _insert(self, alert: Alert, jobs: list[Job], also: Write | None) -> bool:
        waiting = self._db.execute("SELECT count(*) FROM jobs").fetchone()[0]
        if waiting + len(jobs) > MAX_JOBS:
            raise sqlite3.DataError(f"{waiting} deliveries wait already")
        with self._transaction():
            row = self._db.execute(
                "INSERT INTO alerts(alert_id, body) VALUES (?,?) ON CONFLICT(alert_id) DO NOTHING",
                (alert.key, body_of(alert)),
            )
            if row.rowcount:
                if also:
                    also(self._db)
                self._db.executemany(
                    "INSERT INTO jobs(alert_id, channel, target, host, picture_id, attempt, due_ms, stage)"
                    " VALUES (?,?,?,?,?,?,?,?)",
                    [
                        (
                            *(alert.key, j.channel, j.target, j.host, alert.picture_id),
                            *(j.attempt, j.due_ms, j.stage),
                        )
                        for j in jobs
                    ],
                )
                self._db.execute(
                    "DELETE FROM alerts WHERE n <= (SELECT max(n) FROM alerts) - ?"
                    " AND alert_id NOT IN (SELECT alert_id FROM jobs)",
                    (MAX_ALERTS,),
                )
        if row.rowcount and self._unsaved is not None:
            self._unsaved.append((alert, jobs))
        return bool(row.rowcount)

    def claim(self, now_ms: int) -> Job | None:
        """The most urgent delivery that is due and whose push service is not busy; the caller must end it."""
        with self._lock:
            for job in self._volatile:
                if job.due_ms <= now_ms and self._free(job.host):
                    self._volatile.remove(job)
                    self._busy[job.host] += 1
                    return job
            busy = [host for host in self._busy if not self._free(host)]
            rows = queue_sql.due(self._db, now_ms, now_ms + MAX_DELAY_MS, busy)
            for row in rows:
                if row[0] not in self._taken:
                    return self._take(row)
        return None

    def claim_like(self, job: Job, now_ms: int, limit: int) -> list[Job]:
        """More deliveries of the claimed job's channel that are due and wait for nobody; each must be ended too."""
        if not job.job_id or job.stage >= 0 or job.host:
            return []
        with self._lock:
            rows = queue_sql.due_like(self._db, job.channel, now_ms, limit + len(self._taken))
            free = [row for row in rows if row[0] not in self._taken]
            return [self._take(row) for row in free[:limit]]

    def _take(self, row: tuple[Any, ...]) -> Job:
        job_id, body, channel, target, host, attempt, due_ms, stage = row
        job = Job(alert_of(body), channel, target, host, attempt, due_ms, job_id, stage)
        self._taken[job_id] = job
        self._busy[host] += 1
        return job

    def next_due_ms(self) -> int | None:
        """When the next delivery is due that nobody works on; None: there is none."""
        with self._lock:
            due = [job.due_ms for job in self._volatile]
            # At most a handful are taken at a time, so one more row than that is enough to see past them.
            rows = self._db.execute(
                "SELECT job_id, due_ms FROM jobs WHERE summary_id IS NULL ORDER BY due_ms LIMIT ?",
                (len(self._taken) + 1,),
            )
            due += [due_ms for job_id, due_ms in rows if job_id not in self._taken]
        return min(due, default=None)

    def finished(self, job: Job) -> None:
        """Delivered, or given up. Raises sqlite3.Error; the job is then sent once more after a restart."""
        with self._lock:
            self._end(job)
            if job.job_id:
                # With it goes what it told in one: both or none.
                self._db.execute(
                    "DELETE FROM jobs WHERE job_id=? OR summary_id=?", (job.job_id, job.alert.key)
                )

    def finished_all(self, jobs: Sequence[Job]) -> None:
        """Deliveries of the kind that `claim_like` gives, with one commit. Raises sqlite3.Error as `finished` does."""
        with self._lock:
            for job in jobs:
                self._end(job)
            with self._transaction():
                self._db.executemany("DELETE FROM jobs WHERE job_id=?", [(job.job_id,) for job in jobs])

    def again(self, job: Job, due_ms: int, counts: bool = True) -> None:
        """To be tried at `due_ms`; `counts`: it was tried."""
        attempt = job.attempt + counts
        with self._lock:
            self._end(job)
            if job.job_id:
                self._db.execute(
                    "UPDATE jobs SET attempt=?, due_ms=? WHERE job_id=?", (attempt, due_ms, job.job_id)
                )
            else:
                self._volatile.append(replace(job, attempt=attempt, due_ms=due_ms))

    def delivered(self, job: Job) -> int:
        """The channels behind this one are not needed any more; how many deliveries that spares. Raises sqlite3.Error."""
        if job.stage < 0:
            return 0
        with self._lock:
            before = len(self._volatile)
            self._volatile = [
                other
                for other in self._volatile
                if other.alert.key != job.alert.key or other.stage <= job.stage
            ]
            spared = before - len(self._volatile)
            return spared + queue_sql.drop_later(self._db, job.alert.key, job.stage, self._taken)

    def hurry_next(self, job: Job, now_ms: int) -> int:
        """This delivery cannot be made now: the next channel in the order need not wait. Raises sqlite3.Error."""
        if job.stage < 0:
            return 0
        with self._lock:
            return queue_sql.hurry_next(self._db, job.alert.key, job.stage, job.job_id, now_ms)

    def fold(self, job: Job, now_ms: int, make: Make) -> tuple[int, bool]:
        """Where too many old alerts wait for the claimed job's target they become one.

        How many, and whether the claimed job is among them: then the claim has ended. Raises sqlite3.Error.
        """
        if not job.job_id:
            return 0, False
        with self._lock:
            others = self._taken.keys() - {job.job_id}
            folded = queue_sql.fold(self._db, job.channel, job.target, job.host, others, now_ms, make)
            if job.job_id in folded:
                self._end(job)
            return len(folded), job.job_id in folded

    def members(self, job: Job) -> list[tuple[Alert, int]]:
        """What the claimed job tells in one: alerts, and how often each was tried alone. Raises sqlite3.Error."""
        with self._lock:
            return queue_sql.members(self._db, job.alert.key, job.channel, job.target)

    def picture_came(self, picture_id: str, now_ms: int) -> int:
        """Deliveries that only waited for their picture may go."""
        with self._lock:
            self._volatile = [
                replace(j, due_ms=min(j.due_ms, now_ms)) if j.alert.picture_id == picture_id else j
                for j in self._volatile
            ]
            return self._db.execute(
                "UPDATE jobs SET due_ms=? WHERE picture_id=? AND attempt=1 AND due_ms>? AND stage<=0",
                (now_ms, picture_id, now_ms),
            ).rowcount

    def waiting(self) -> int:
        with self._lock:
            count: int = self._db.execute("SELECT count(*) FROM jobs").fetchone()[0]
        return count + len(self._volatile)

    def alerts(self) -> list[Alert]:
        """Those that are remembered, the newest first."""
        with self._lock:
            return [alert_of(body) for (body,) in self._db.execute("SELECT body FROM alerts ORDER BY n DESC")]

    def note(self, name: str) -> str:
        """What was noted; empty when nothing was."""
        with self._lock:
            found = self._db.execute("SELECT text FROM notes WHERE name=?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def set_note(self, name: str, text: str) -> None:
        """Kept over restarts. Raises sqlite3.Error."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO notes VALUES (?,?)", (name, text))

    def _free(self, host: str) -> bool:
        return not host or self._busy[host] < MAX_PER_HOST

    def _end(self, job: Job) -> None:
        self._taken.pop(job.job_id, None)
        self._busy[job.host] -= 1
        if self._busy[job.host] <= 0:
            del self._busy[job.host]

    # -- subscriptions ------------------------------------------------------------------------------

    def subscriptions(self) -> list[Subscription]:
        with self._lock:
            rows = self._db.execute(
                "SELECT subscription_id, endpoint, p256dh, auth, user, device FROM subscriptions"
            )
            return [Subscription(*row) for row in rows]

    def subscription(self, subscription_id: str) -> Subscription | None:
        return next((s for s in self.subscriptions() if s.subscription_id == subscription_id), None)

    def subscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._db.execute(
                "INSERT INTO subscriptions VALUES (:subscription_id, :endpoint, :p256dh, :auth, :user, :device)"
                " ON CONFLICT(subscription_id) DO UPDATE SET p256dh=:p256dh, auth=:auth, user=:user, device=:device",
                asdict(subscription),
            )

    def unsubscribe(self, subscription_id: str) -> bool:
        """False when it was not there. Deliveries that wait for it end with it."""
        with self._lock:
            self._db.execute("DELETE FROM jobs WHERE channel='web_push' AND target=?", (subscription_id,))
            row = self._db.execute("DELETE FROM subscriptions WHERE subscription_id=?", (subscription_id,))
        return bool(row.rowcount)
