"""The order of channels, servers that rest, and what is told in one after an outage: on a real queue, in no time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.delivery import PROVEN, Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.breaker import FIRST_PAUSE_S, MAX_PAUSE_S, MAX_SERVERS, OPENS_AFTER, Breaker
from vigilar_alerts.domain.order import stages
from vigilar_alerts.domain.retry import Answer
from vigilar_alerts.domain.summary import FOLD_FROM, KEEP_CRITICAL
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery
from vigilar_common.testing import FakeClock, FakeFacts

DOWN, UP, NO = Answer(0, "nobody answers"), Answer(204), Answer(400, "no")


class Post:
    """A deliverer on a real store, whose channels answer what `answers` says; `sent` are channel and title."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.facts = FakeClock(), FakeFacts()
        self.store = Store(folder / "alerts.db")
        self.store.open()
        self.sent: list[tuple[str, str]] = []
        self.alerts: list[Alert] = []
        self.answers: dict[str, Answer] = {}
        self.deliverer = Deliverer(
            store=self.store,
            clock=self.clock,
            facts=self.facts,  # type: ignore[arg-type]
            channels={name: self._channel(name) for name in ("web_push", "email", "webhook", "syslog")},
            on_gone=lambda *_: None,
        )

    def _channel(self, name: str) -> Callable[[Alert, str], Answer]:
        def send(alert: Alert, _target: str) -> Answer:
            self.sent.append((name, alert.title))
            self.alerts.append(alert)
            return self.answers.get(name, UP)

        return send

    def alert(
        self,
        *channels: str,
        title: str = "Motion",
        severity: Severity = Severity.ALERT,
        after_ms: int = 30_000,
    ) -> Alert:
        """Told by these channels, in this order."""
        now_ms = self.clock.now_ms()
        alert = Alert(str(uuid4()), None, severity, title, "", "t", now_ms)
        places = stages(channels, channels) if len(channels) > 1 else {}
        self.store.add(
            alert,
            [
                Job(alert, name, "me", f"{name}.test", due_ms=now_ms + place * after_ms, stage=place)
                for name in channels
                for place in [places.get(name, -1)]
            ],
        )
        return alert

    def later(self, seconds: float) -> list[tuple[str, str]]:
        """What is sent in this time."""
        self.sent.clear()
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
            self.deliverer.run_due()
        return list(self.sent)

    def rows(self) -> list[tuple[str, str]]:
        return [
            (fact.channel, fact.outcome.value)
            for fact in self.facts.emitted
            if isinstance(fact, AlertDelivery)
        ]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def test_the_order_leaves_out_channels_that_are_off() -> None:
    assert stages(["email", "web_push", "ui", "web_push"], ["web_push", "apprise", "email"]) == {
        "web_push": 0,
        "email": 1,
    }
    assert stages(["ui"], ["web_push"]) == {}


def test_when_the_first_channel_delivers_the_next_ones_are_spared(post: Post) -> None:
    post.alert("web_push", "email", "webhook")
    assert post.later(120) == [("web_push", "Motion")]
    assert post.store.waiting() == 0
    assert post.deliverer.outcomes["web_push", "spared"] == 2


def test_the_next_channel_is_tried_when_the_first_has_not_delivered_in_time(post: Post) -> None:
    post.answers["web_push"] = DOWN
    post.alert("web_push", "email", "webhook")
    early = post.later(2)
    assert {channel for channel, _ in early} == {"web_push"}
    later = post.later(40)
    assert [channel for channel, _ in later if channel != "web_push"] == ["email"]
    assert [channel for channel, _ in post.later(60) if channel != "web_push"] == []


def test_the_next_channel_does_not_wait_for_one_that_has_said_no(post: Post) -> None:
    post.answers["web_push"] = NO
    post.alert("web_push", "email", "webhook")
    assert post.later(0.5) == [("web_push", "Motion"), ("email", "Motion")]
    assert post.rows() == [("web_push", "failed"), ("email", "delivered")]


def test_it_waits_as_long_as_another_device_of_the_same_channel_may_still_take_it(post: Post) -> None:
    now_ms = post.clock.now_ms()
    alert = Alert(str(uuid4()), None, Severity.ALERT, "Motion", "", "t", now_ms)
    post.answers["web_push"] = NO
    jobs = [
        Job(alert, "web_push", device, device, due_ms=now_ms + n, stage=0) for n, device in enumerate("ab")
    ]
    post.store.add(alert, [*jobs, Job(alert, "email", "me", due_ms=now_ms + 30_000, stage=1)])
    post.clock.advance(0.001)
    job = post.store.claim(post.clock.now_ms())
    assert job
    post.deliverer.take(job)
    assert post.store.next_due_ms() == now_ms + 1, "the other device, not mail"
    post.deliverer.run_due()
    assert [channel for channel, _ in post.sent] == ["web_push", "web_push", "email"]


def test_after_a_kill_the_order_is_kept(post: Post, tmp_path: Path) -> None:
    post.answers["web_push"] = DOWN
    post.alert("web_push", "email")
    post.later(1)
    again = Post(tmp_path)
    again.clock = post.clock
    again.deliverer._clock = post.clock
    assert again.later(2) == [("web_push", "Motion")]
    assert again.store.waiting() == 0


def test_a_server_that_does_not_answer_is_left_alone_and_the_next_channel_need_not_wait(post: Post) -> None:
    post.answers["web_push"] = DOWN
    for n in range(OPENS_AFTER):
        post.alert("web_push", title=f"old {n}")
    post.later(0.5)
    assert post.deliverer.resting() == ["web_push web_push.test"]
    post.alert("web_push", "email", title="new")
    assert post.later(1) == [("email", "new")]
    assert post.deliverer.outcomes["web_push", "put_off"] >= 1
    attempts = [
        fact.attempt for fact in post.facts.emitted if isinstance(fact, AlertDelivery) and fact.title == "new"
    ]
    assert attempts == [1], "what was put off was no attempt"


def test_what_is_critical_is_tried_at_once_whatever_rests(post: Post) -> None:
    post.answers["email"] = DOWN
    for _ in range(OPENS_AFTER):
        post.alert("email")
    post.later(0.5)
    post.alert("email", title="Alarm", severity=Severity.CRITICAL)
    assert ("email", "Alarm") in post.later(0.5)


def test_servers_rest_longer_and_longer_one_at_a_time_and_one_answer_ends_it() -> None:
    breaker, now_s = Breaker(), 100.0
    for _ in range(OPENS_AFTER):
        assert breaker.wait_s("a", now_s) == 0
        breaker.told("a", False, now_s)
    pauses = []
    for _ in range(8):
        wait_s = breaker.wait_s("a", now_s)
        pauses.append(wait_s)
        now_s += wait_s
        assert breaker.wait_s("a", now_s) == 0, "one is let through"
        assert breaker.wait_s("a", now_s) > 0, "the others wait for what comes of it"
        breaker.told("a", False, now_s)
    assert (pauses[0], pauses[1], pauses[-1]) == (FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, MAX_PAUSE_S)
    assert breaker.wait_s("b", now_s) == 0
    breaker.told("a", True, now_s)
    assert breaker.wait_s("a", now_s) == 0
    assert breaker.resting(now_s) == []
    for n in range(2 * MAX_SERVERS):
        breaker.told(str(n), False, now_s)
    assert len(breaker._states) == MAX_SERVERS


def test_after_an_outage_many_alerts_become_one_message_and_each_has_its_row(post: Post) -> None:
    post.answers["email"] = DOWN
    for n in range(40):
        post.alert("email", title=f"Motion {n % 3}")
    critical = [
        post.alert("email", title=f"Alarm {n}", severity=Severity.CRITICAL) for n in range(KEEP_CRITICAL + 2)
    ]
    post.later(600)
    post.answers["email"] = UP
    sent = [title for _, title in post.later(300)]
    assert post.store.waiting() == 0
    assert len(sent) <= 2 + KEEP_CRITICAL
    told = {
        fact.title
        for fact in post.facts.emitted
        if isinstance(fact, AlertDelivery) and fact.outcome == "delivered"
    }
    assert {f"Motion {n}" for n in range(3)} | {alert.title for alert in critical} <= told
    delivered = {
        fact.alert_id
        for fact in post.facts.emitted
        if isinstance(fact, AlertDelivery) and fact.outcome == "delivered"
    }
    assert len(delivered) >= 40 + len(critical)
    summaries = [
        alert for alert in post.alerts if alert.tag == "summary-late" and "alerts of the last" in alert.title
    ]
    assert summaries
    assert "14 × Motion 0" in summaries[0].body
    assert "critical" in summaries[0].title


def test_few_alerts_and_fresh_ones_are_told_one_by_one(post: Post) -> None:
    for n in range(20):
        post.alert("email", title=f"Fresh {n}")
    assert len(post.later(0.5)) == 20
    post.answers["email"] = DOWN
    for n in range(FOLD_FROM - 1):
        post.alert("email", title=f"Few {n}")
    post.later(60)
    post.answers["email"] = UP
    assert {title for _, title in post.later(300)} == {f"Few {n}" for n in range(FOLD_FROM - 1)}


def test_programs_get_every_alert(post: Post) -> None:
    post.answers["webhook"] = DOWN
    for n in range(20):
        post.alert("webhook", title=f"Motion {n}")
    post.later(60)
    post.answers["webhook"] = UP
    assert {title for _, title in post.later(300)} == {f"Motion {n}" for n in range(20)}


def test_a_summary_survives_a_kill_with_what_it_tells_of(post: Post, tmp_path: Path) -> None:
    post.answers["email"] = DOWN
    for n in range(10):
        post.alert("email", title=f"Motion {n}")
    post.later(60)
    assert any(alert.tag == "summary-late" for alert in post.alerts)
    again = Post(tmp_path)
    again.clock = again.deliverer._clock = post.clock
    assert len(again.later(300)) == 1
    assert again.store.waiting() == 0
    assert len([row for row in again.rows() if row == ("email", "delivered")]) == 11


def test_latency_counts_what_was_told_at_the_first_attempt(post: Post) -> None:
    post.alert("email")
    post.later(0.5)
    assert list(post.deliverer.latencies_ms["email"]) == [500]
    assert post.store.note(PROVEN + "email")
    assert not post.store.note(PROVEN + "web_push")


def test_a_queue_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "alerts.db")
    script = (
        "CREATE TABLE alerts (n INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);"
        "CREATE TABLE jobs (job_id INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL, channel TEXT NOT NULL,"
        " target TEXT NOT NULL, host TEXT NOT NULL, picture_id TEXT, attempt INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
        " UNIQUE (alert_id, channel, target));"
        'INSERT INTO alerts(alert_id, body) VALUES (\'ID\', \'{"alert_id":"ID","event_id":null,"severity":"alert",'
        '"title":"Old","body":"","tag":"t","onset_ms":1}\');'
        "INSERT INTO jobs(alert_id, channel, target, host, attempt, due_ms) VALUES ('ID', 'email', 'me', '', 1, 1);"
    )
    old.executescript(script.replace("ID", str(uuid4())))
    old.commit()
    old.close()
    post = Post(tmp_path)
    assert post.later(0.5) == [("email", "Old")]


def test_a_queue_that_cannot_be_written_to_is_told_and_ends_nothing(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.alert("web_push", "email")
    post.answers["web_push"] = NO
    post.store._db.execute("PRAGMA query_only=ON")
    with caplog.at_level(logging.CRITICAL):
        post.clock.advance(1)
        job = post.store.claim(post.clock.now_ms())
        assert job
        post.deliverer.take(job)
    assert "cannot be settled" in caplog.text
