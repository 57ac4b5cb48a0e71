"""What concerns several deliveries at once: the order of channels, and many alerts told in one. Under the store's lock.

`key` is that of one telling; the column that holds it is called `alert_id`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from typing import Any

from vigilar_common.messages.alarm import Severity

from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.summary import KEEP_CRITICAL, OLD_MS, SUMMARY_TAG, worth_folding

Make = Callable[[list[Alert]], Alert]


def alert_of(body: str) -> Alert:
    raw = json.loads(body)
    return Alert(**{**raw, "severity": Severity(raw["severity"])})


def body_of(alert: Alert) -> str:
    return json.dumps(asdict(alert), separators=(",", ":"))


def due(db: sqlite3.Connection, now_ms: int, latest_ms: int, busy: list[str]) -> Iterable[tuple[Any, ...]]:
    """What is due now, or seems to be due later than is possible; not for hosts that are busy. One by one, the first first."""
    return db.execute(
        "SELECT job_id, body, channel, target, host, attempt, due_ms, stage FROM jobs JOIN alerts USING (alert_id)"
        " WHERE summary_id IS NULL AND (due_ms<=? OR due_ms>?) AND host NOT IN (SELECT value FROM json_each(?))"
        " ORDER BY due_ms",
        (now_ms, latest_ms, json.dumps(busy)),
    )


def due_like(db: sqlite3.Connection, channel: str, now_ms: int, limit: int) -> list[tuple[Any, ...]]:
    """What is due of a channel without a server, in no order of channels."""
    return db.execute(
        "SELECT job_id, body, channel, target, host, attempt, due_ms, stage FROM jobs JOIN alerts USING (alert_id)"
        " WHERE summary_id IS NULL AND due_ms<=? AND channel=? AND stage<0 AND host='' ORDER BY due_ms LIMIT ?",
        (now_ms, channel, limit),
    ).fetchall()


def drop_later(db: sqlite3.Connection, key: str, stage: int, taken: Collection[int]) -> int:
    """A channel has delivered: those behind it in the order are not needed any more. How many deliveries that spares."""
    rows = db.execute(
        "SELECT job_id FROM jobs WHERE alert_id=? AND stage>? AND attempt=1 AND summary_id IS NULL",
        (key, stage),
    ).fetchall()
    spare = [row for row in rows if row[0] not in taken]
    db.executemany("DELETE FROM jobs WHERE job_id=?", spare)
    return len(spare)


def hurry_next(db: sqlite3.Connection, key: str, stage: int, job_id: int, now_ms: int) -> int:
    """A delivery of this stage cannot be made now: where it was the stage's last hope, the next one is due at once."""
    hope = db.execute(
        "SELECT 1 FROM jobs WHERE alert_id=? AND stage=? AND job_id<>? LIMIT 1", (key, stage, job_id)
    ).fetchone()
    if hope:
        return 0
    return db.execute(
        "UPDATE jobs SET due_ms=? WHERE alert_id=? AND attempt=1 AND due_ms>? AND summary_id IS NULL"
        " AND stage=(SELECT min(stage) FROM jobs WHERE alert_id=? AND stage>?)",
        (now_ms, key, now_ms, key, stage),
    ).rowcount


def fold(
    db: sqlite3.Connection,
    channel: str,
    target: str,
    host: str,
    taken: Collection[int],
    now_ms: int,
    make: Make,
) -> set[int]:
    """Many old alerts for one target become one that tells of them; their job ids. In a transaction of its own."""
    rows = db.execute(
        "SELECT job_id, body FROM jobs JOIN alerts USING (alert_id) WHERE channel=? AND target=?"
        " AND summary_id IS NULL AND (due_ms<=? OR attempt>1) ORDER BY job_id",
        (channel, target, now_ms),
    ).fetchall()
    waiting = [(job_id, alert_of(body)) for job_id, body in rows if job_id not in taken]
    old = [(n, a) for n, a in waiting if a.tag != SUMMARY_TAG and now_ms - a.onset_ms >= OLD_MS]
    critical = [n for n, a in old if a.severity is Severity.CRITICAL]
    kept = set(critical[-KEEP_CRITICAL:])
    folded = [(n, a) for n, a in old if n not in kept]
    if not worth_folding(len(folded)):
        return set()
    alert = make([a for _, a in folded])
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(
            "INSERT INTO alerts(alert_id, body) VALUES (?,?) ON CONFLICT(alert_id) DO NOTHING",
            (alert.key, body_of(alert)),
        )
        db.execute(
            "INSERT INTO jobs(alert_id, channel, target, host, attempt, due_ms) VALUES (?,?,?,?,1,?)"
            " ON CONFLICT DO NOTHING",
            (alert.key, channel, target, host, now_ms),
        )
        db.executemany("UPDATE jobs SET summary_id=? WHERE job_id=?", [(alert.key, n) for n, _ in folded])
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return {n for n, _ in folded}


def members(db: sqlite3.Connection, summary_id: str, channel: str, target: str) -> list[tuple[Alert, int]]:
    """What a summary told of, and how often each was tried before that."""
    rows = db.execute(
        "SELECT body, attempt FROM jobs JOIN alerts USING (alert_id) WHERE summary_id=? AND channel=? AND target=?",
        (summary_id, channel, target),
    )
    return [(alert_of(body), attempt) for body, attempt in rows]
