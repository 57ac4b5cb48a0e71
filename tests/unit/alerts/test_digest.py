"""The daily digest: when, what, and once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.channels import Target
from vigilar_alerts.daily import Daily
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.digest import due_day
from vigilar_alerts.domain.retry import Answer
from vigilar_common.bus import Received
from vigilar_common.config import Config
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding, SystemHealth
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_common.topics import SYSTEM_HEALTH


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "last", "day"),
    [
        ("2025-06-15T05:59:59", "", ""),
        ("2025-06-15T06:00:00", "", "2025-06-15"),
        ("2025-06-15T06:00:05", "2025-06-15", ""),
        ("2025-06-15T11:59:00", "2025-06-14", "2025-06-15"),
        ("2025-06-15T12:00:01", "2025-06-14", ""),
        ("2025-01-15T06:30:00", "", ""),
        ("2025-01-15T07:00:00", "", "2025-01-15"),
    ],
)
def test_it_is_due_once_a_day_in_the_zone_of_the_house_or_a_little_later(
    utc: str, last: str, day: str
) -> None:
    assert due_day(_ms(utc), "08:00", "Europe/Vienna", last) == day


def test_it_tells_of_the_day_of_failures_and_of_findings_once_to_every_reader(tmp_path: Path) -> None:
    clock, store = FakeClock(_ms("2025-06-15T07:59:00")), Store(tmp_path / "alerts.db")
    store.open()
    answers = {"email": Answer(0, "away")}
    told: list[tuple[str, Alert]] = []

    def mail(alert: Alert, target: str) -> Answer:
        told.append((target, alert))
        return answers["email"]

    deliverer = Deliverer(
        store=store,
        clock=clock,
        facts=FakeFacts(),  # type: ignore[arg-type]
        channels={"email": mail},
        on_gone=lambda *_: None,
    )
    readers = (Target("email", "a@example.org"), Target("email", "b@example.org"), Target("webhook", "x"))
    daily = Daily(clock, store, deliverer, lambda: readers)
    now_ms = clock.now_ms()
    for n in range(5):
        old_ms = now_ms - (30 if n == 0 else n) * 3_600_000
        alert = Alert(
            str(uuid4()), None, Severity.CRITICAL if n == 1 else Severity.ALERT, "Motion", "", "t", old_ms
        )
        store.add(alert, [Job(alert, "email", "a@example.org", due_ms=now_ms)] if n == 4 else [])
    deliverer.run_due()
    found = Finding(code="x", severity=Severity.ALERT, title="Disk nearly full", cure="Free some")
    health = SystemHealth(status="warning", mqtt_connected=True, storage_reachable=True, findings=[found])
    daily.on_health(Received(SYSTEM_HEALTH, {}, health))

    config = Config()
    assert not daily.run(config, "UTC")
    clock.advance(61)
    answers["email"] = Answer(202)
    told.clear()
    assert daily.run(config, "UTC")
    assert not daily.run(config, "UTC")
    assert not Daily(clock, store, deliverer, lambda: readers).run(config, "UTC"), "nor after a restart"
    deliverer.run_due()
    digests = [(target, alert) for target, alert in told if alert.tag == "digest"]
    assert [target for target, _ in digests] == ["a@example.org", "b@example.org"]
    body = digests[0][1].body.splitlines()
    assert body[0] == "4 alerts, 1 of them critical."
    assert "4 × Motion" in body
    assert "1 attempts by email did not deliver." in body
    assert "alert: Disk nearly full. Free some" in body

    clock.advance(86_400)
    off = config.model_copy(update={"health": replace_digest(config)})
    assert not daily.run(off, "UTC")
    assert not Daily(clock, store, deliverer, lambda: readers[2:]).run(config, "UTC"), "nobody reads mail"
    assert daily.run(config, "UTC")


def replace_digest(config: Config) -> object:
    return config.health.model_copy(update={"daily_digest": False})
