"""A thousand alerts that waited for an outage to end: told in few, and soon. Prints what it measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from mail_rig import MailServer
from odd_server import OddServer, answers
from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.channels import Outside
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer
from vigilar_common.clock import SystemClock
from vigilar_common.config.alerts import Alerts
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.testing import FakeBus

MANY = 1000
LIMIT_S = 10.0


@pytest.mark.slow
def test_a_thousand_alerts_that_waited_are_summarised_and_drained_in_ten_seconds(tmp_path: Path) -> None:
    clock = SystemClock()
    outbox = Outbox(tmp_path / "outbox.db", "alerts", clock)
    outbox.open()
    told: list[AlertDelivery] = []
    facts = FactLog(outbox, lambda fact, _ids: told.append(fact) if isinstance(fact, AlertDelivery) else None)
    store = Store(tmp_path / "alerts.db")
    store.open()
    with MailServer() as mail, OddServer(answers(b"204 No Content")) as hook:
        settings = Alerts.model_validate(
            {
                "private_targets": ["127.0.0.1"],
                "email": {
                    "enabled": True, "smtp_host": "127.0.0.1", "smtp_port": mail.port, "use_tls": False,
                    "from_addr": "v@example.org", "to_addr": "me@example.org",
                },
                "webhook": {"enabled": True, "url": f"http://127.0.0.1:{hook.port}/", "secret": "s"},
            }
        )  # fmt: skip
        outside = Outside(clock, FakeBus(), settings, "UTC", lambda: None)
        up = threading.Event()

        def once_up(send: Callable[[Alert, str], Answer]) -> Callable[[Alert, str], Answer]:
            return lambda alert, target: send(alert, target) if up.is_set() else Answer(0, "no way out")

        deliverer = Deliverer(
            store=store,
            clock=clock,
            facts=facts,
            channels={name: once_up(send) for name, send in outside.senders().items()},
            on_gone=lambda *_: None,
        )
        now_ms = clock.now_ms()
        for n in range(MANY):
            alert = Alert(
                str(uuid4()), None, Severity.ALERT, f"Motion {n % 4}", "", "t", now_ms - 3_600_000 + n
            )
            jobs = [Job(alert, t.channel, t.name, t.host, due_ms=now_ms) for t in outside.targets()]
            assert len(jobs) == 2
            store.add(alert, jobs)
        up.set()
        began_s = time.monotonic()
        deliverer.start()
        while store.waiting() and time.monotonic() < began_s + 3 * LIMIT_S:
            time.sleep(0.02)
        took_s = time.monotonic() - began_s
        deliverer.stop()
        print(f"{MANY} alerts drained in {took_s:.2f} s: {len(mail.letters)} mails, {hook.connections} posts")
        assert store.waiting() == 0
        assert len(mail.letters) < 10
        assert hook.connections == MANY
        for channel in ("email", "webhook"):
            rows = {fact.alert_id for fact in told if fact.channel == channel and fact.outcome == "delivered"}
            assert len(rows) >= MANY
        assert took_s < LIMIT_S
    store.close()
    outbox.close()
