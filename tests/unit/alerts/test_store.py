"""Deliveries that a kill -9 must not lose."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vigilar_alerts.adapters.store import MAX_ALERTS, MAX_PER_HOST, Job, Store, Subscription
from vigilar_alerts.domain.alert import Alert
from vigilar_common.messages.alarm import Severity

NOW = 1_750_000_000_000


def _alert(picture_id: str | None = None) -> Alert:
    return Alert(str(uuid4()), str(uuid4()), Severity.ALERT, "Motion", "", "t", NOW, picture_id=picture_id)


def _open(folder: Path) -> Store:
    store = Store(folder / "alerts.db")
    store.open()
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return _open(tmp_path)


def test_what_was_added_is_still_due_after_a_kill_even_when_it_was_being_sent(
    store: Store, tmp_path: Path
) -> None:
    alert = _alert()
    store.add(alert, [Job(alert, "web_push", "a", "h", due_ms=NOW), Job(alert, "ui", "page", due_ms=NOW)])
    taken = store.claim(NOW)
    assert taken
    again = _open(tmp_path)  # another process: the first one is gone without a word
    jobs = [again.claim(NOW), again.claim(NOW)]
    assert {job.target for job in jobs if job} == {"a", "page"}
    assert jobs[0]
    assert jobs[0].alert == alert
    assert again.claim(NOW) is None


def test_an_alert_is_taken_once(store: Store) -> None:
    alert = _alert()
    assert store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
    assert not store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
    job = store.claim(NOW)
    assert job
    store.finished(job)
    assert not store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
    assert store.knows(alert.alert_id)
    assert store.claim(NOW) is None


def test_a_retry_is_due_later_and_counts(store: Store) -> None:
    alert = _alert()
    store.add(alert, [Job(alert, "web_push", "a", "h", due_ms=NOW)])
    job = store.claim(NOW)
    assert job
    store.again(job, NOW + 500)
    assert store.claim(NOW + 499) is None
    assert store.next_due_ms() == NOW + 500
    job = store.claim(NOW + 500)
    assert job
    assert job.attempt == 2
    assert store.next_due_ms() is None, "somebody works on it"


def test_a_clock_set_back_does_not_strand_a_delivery(store: Store) -> None:
    alert = _alert()
    store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
    assert store.claim(NOW - 86_400_000)


def test_a_slow_push_service_gets_two_at_a_time_and_others_go_on(store: Store) -> None:
    alert = _alert()
    jobs = [Job(alert, "web_push", f"slow-{n}", "slow", due_ms=NOW) for n in range(5)]
    store.add(alert, [*jobs, Job(alert, "web_push", "fast", "fast", due_ms=NOW + 1)])
    taken = [store.claim(NOW + 1) for _ in range(3)]
    assert [job.host for job in taken if job] == ["slow"] * MAX_PER_HOST + ["fast"]
    assert store.claim(NOW + 1) is None
    assert taken[0]
    store.finished(taken[0])
    assert store.claim(NOW + 1)


def test_a_delivery_that_waits_for_its_picture_goes_when_it_comes(store: Store) -> None:
    alert, other = _alert(str(uuid4())), _alert(str(uuid4()))
    for one in (alert, other):
        store.add(one, [Job(one, "web_push", "a", "h", due_ms=NOW + 1000)])
    assert store.claim(NOW) is None
    assert store.picture_came(str(alert.picture_id), NOW) == 1
    job = store.claim(NOW)
    assert job
    assert job.alert == alert
    assert store.claim(NOW) is None


def test_a_disk_that_refuses_does_not_keep_people_from_being_told(store: Store) -> None:
    store._db.execute("PRAGMA query_only=ON")
    alert = _alert()
    assert store.add(alert, [Job(alert, "web_push", "a", "h", due_ms=NOW)])
    assert store.waiting() == 1
    job = store.claim(NOW)
    assert job
    store.again(job, NOW + 5)
    assert store.next_due_ms() == NOW + 5
    job = store.claim(NOW + 5)
    assert job
    assert job.attempt == 2
    store.finished(job)
    assert store.waiting() == 0


def test_old_alerts_are_forgotten_but_not_those_that_wait(store: Store) -> None:
    waiting = _alert()
    store.add(waiting, [Job(waiting, "ui", "page", due_ms=NOW)])
    store._db.execute("UPDATE alerts SET n = n - ?", (MAX_ALERTS + 10,))
    gone = _alert()
    store.add(gone, [])
    store._db.execute("UPDATE alerts SET n = n - ? WHERE alert_id=?", (MAX_ALERTS + 5, gone.alert_id))
    for _ in range(2):
        newest = _alert()
        store.add(newest, [])
    assert store.knows(waiting.alert_id)
    assert not store.knows(gone.alert_id)


def test_subscriptions_come_change_and_go_and_their_secrets_are_not_printed(store: Store) -> None:
    one = Subscription("id1", "https://fcm.googleapis.com/x", "key", "auth", "admin", "phone")
    store.subscribe(one)
    changed = Subscription("id1", one.endpoint, "key2", "auth2", "admin", "phone")
    store.subscribe(changed)
    assert store.subscriptions() == [changed]
    assert "fcm" not in repr(changed)
    alert = _alert()
    store.add(alert, [Job(alert, "web_push", "id1", "h", due_ms=NOW)])
    assert store.unsubscribe("id1")
    assert not store.unsubscribe("id1")
    assert store.claim(NOW) is None


def _on_disk(folder: Path) -> int:
    """Alerts that another process would find."""
    with sqlite3.connect(folder / "alerts.db") as other:
        count: int = other.execute("SELECT count(*) FROM alerts").fetchone()[0]
    return count


def test_what_is_added_together_is_known_at_once_and_on_disk_with_one_commit_at_the_end(
    store: Store, tmp_path: Path
) -> None:
    alerts = [_alert() for _ in range(3)]
    with store.together():
        for alert in alerts:
            assert store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
            assert store.knows(alert.alert_id)
        assert not store.add(alerts[0], [])
        assert _on_disk(tmp_path) == 0
    assert _on_disk(tmp_path) == 3
    assert store.waiting() == 3


def test_a_part_that_fails_takes_none_of_the_others_with_it(store: Store, tmp_path: Path) -> None:
    first, second = _alert(), _alert()

    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO notes VALUES ('half', 'x')")
        raise sqlite3.DataError("and then it broke")

    with store.together():
        store.add(first, [Job(first, "ui", "page", due_ms=NOW)])
        with pytest.raises(sqlite3.DataError):
            store.write(half)
        store.add(second, [Job(second, "ui", "page", due_ms=NOW)])
    assert _on_disk(tmp_path) == 2
    assert store.note("half") == ""


class _Refuses(sqlite3.Connection):
    """A disk that is full when it comes to the commit."""

    def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *more)


def test_when_the_disk_refuses_the_commit_people_are_told_all_the_same(store: Store, tmp_path: Path) -> None:
    alert = _alert()
    store._db = sqlite3.connect(
        tmp_path / "alerts.db", factory=_Refuses, isolation_level=None, check_same_thread=False
    )
    with store.together():
        store.add(alert, [Job(alert, "ui", "page", due_ms=NOW)])
    assert _on_disk(tmp_path) == 0
    job = store.claim(NOW)
    assert job
    assert (job.alert, job.job_id) == (alert, 0)


def test_deliveries_of_a_channel_at_hand_are_taken_and_ended_together(store: Store) -> None:
    for n in range(4):
        alert = _alert()
        jobs = [Job(alert, "ui", "page", due_ms=NOW), Job(alert, "mqtt", "t", due_ms=NOW, stage=1)]
        store.add(alert, [*jobs, Job(alert, "web_push", "a", "h", due_ms=NOW + n)])
    first = store.claim(NOW)
    assert first
    more = store.claim_like(first, NOW, 2)
    assert [job.channel for job in (first, *more)] == ["ui"] * 3
    assert len({job.job_id for job in (first, *more)}) == 3
    assert len(store.claim_like(first, NOW, 9)) == 1, "each is taken once"
    store.finished_all([first, *more])
    assert store.waiting() == 12 - 3
    push = next(job for job in iter(lambda: store.claim(NOW), None) if job.channel == "web_push")
    assert store.claim_like(push, NOW, 9) == [], "a server gets few at a time"
