"""A thousand alerts that waited for an outage to end: decided and told in few, and soon. Prints what it measured."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from mail_rig import MailServer
from odd_server import OddServer, answers
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.channels import Outside
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer
from vigilar_common.clock import SystemClock
from vigilar_common.config.alerts import Alerts
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import AlertDelivery
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.testing import FakeBus
from vigilar_common.testing.broker import TestBroker

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


class LateStorage:
    """Storage's log over HTTP: `facts` to be read, `rows` (event id, channel → ids) of what was told."""

    def __init__(self, facts: list[list[Any]]) -> None:
        self.facts, self.read_s = facts, 0.0
        self.rows: dict[tuple[str, str], set[str]] = defaultdict(set)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # head and body go out together

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                self._answer(outer.page(query) if url.path == "/v1/facts" else {"items": [], "next": None})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.take(body["facts"])
                self._answer(
                    {"epoch": "e", "n": 1, "accepted": len(body["facts"]), "repeated": 0, "rejected": []}
                )

            def _answer(self, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # its reader was killed
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        after, limit = int(query["after"]), int(query["limit"])
        self.read_s = self.read_s or time.monotonic()
        return {"epoch": "e", "last_n": len(self.facts), "facts": self.facts[after : after + limit]}

    def take(self, facts: list[list[Any]]) -> None:
        for _seq, fact_id, kind, body in facts:
            if kind == AlertDelivery.TYPE and body["event_id"]:
                self.rows[body["event_id"], body["channel"]].add(fact_id)

    def told(self, channel: str) -> int:
        return sum(name == channel for _, name in list(self.rows))

    def has_told(self, least: int) -> bool:
        return self.told("ui") >= least

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def late_events() -> list[list[Any]]:
    """A thousand of some minutes ago, each its own incident."""
    now_ms = SystemClock().now_ms()
    found = []
    for n in range(1, MANY + 1):
        fact = EventOpened(
            id=str(uuid4()), ts_ms=now_ms - 600_000 + n, source="events", seq=n, event_id=str(uuid4()),
            type=EventType.ALARM_TRIGGERED, severity=Severity.CRITICAL, title=f"Alarm {n}",
            sensor_id=f"s{n}", arm_state=ArmState.DISARMED,
        )  # fmt: skip
        found.append([n, "events", n, fact.id, fact.TYPE, fact.body()])
    return found


@pytest.fixture(name="late")
def _late() -> Iterator[LateStorage]:
    storage = LateStorage(late_events())
    yield storage
    storage.stop()


def service(folder: Path, broker: TestBroker, late: LateStorage, hook_port: int) -> ServiceProcess:
    toml = f"""
[alerts]
private_targets = ["127.0.0.1"]
[alerts.webhook]
enabled = true
url = "http://127.0.0.1:{hook_port}/"
secret = "s"
[alerts.mqtt]
enabled = true
"""
    return ServiceRig(folder, broker, toml, late.url).service("alerts").start()


@pytest.mark.slow
def test_a_thousand_late_events_are_decided_and_drained_in_ten_seconds(
    tmp_path: Path, broker: TestBroker, late: LateStorage
) -> None:
    with OddServer(answers(b"204 No Content")) as hook:
        alerts = service(tmp_path, broker, late, hook.port)
        until(lambda: late.told("ui") == MANY, 3 * LIMIT_S, "a row for every event")
        until(
            lambda: "vigilar_alert_waiting_deliveries 0.0" in alerts.get("/metrics"),
            LIMIT_S,
            "an empty queue",
        )
        took_s = time.monotonic() - late.read_s
        print(f"{MANY} late events decided and drained in {took_s:.2f} s: {hook.connections} posts")
        assert alerts.stop() == 0
    assert all(len(ids) == 1 for ids in late.rows.values())
    assert took_s < LIMIT_S


@pytest.mark.slow
def test_kill_9_while_a_thousand_late_events_are_decided_loses_and_doubles_none(
    tmp_path: Path, broker: TestBroker, late: LateStorage
) -> None:
    with OddServer(answers(b"204 No Content")) as hook:
        alerts = service(tmp_path, broker, late, hook.port)
        for rows in (1, 250, 500, 750):
            until(partial(late.has_told, rows), 3 * LIMIT_S, f"{rows} rows")
            alerts.kill()
            alerts.start()
        until(lambda: late.told("ui") == MANY, 3 * LIMIT_S, "a row for every event")
        assert alerts.stop() == 0
    assert all(len(ids) == 1 for ids in late.rows.values())
