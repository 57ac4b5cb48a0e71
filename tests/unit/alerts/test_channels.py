"""Channels on this machine, keys, and how subscriptions come back after a lost state folder."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from push_service import PushService
from service_rig import vapid_pem
from vigilar_alerts.adapters.local import Desktop, Syslog
from vigilar_alerts.adapters.store import Job, Store, Subscription
from vigilar_alerts.adapters.web_push import VapidKey, WebPush, why_not_keys
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.findings import findings
from vigilar_alerts.domain.retry import Answer
from vigilar_alerts.subscriptions import Subscriptions
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.config.alert_channels import WebPush as WebPushConfig
from vigilar_common.egress import Egress
from vigilar_common.errors import StartupError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts, FakeStorage

ALERT = Alert("a" * 36, None, Severity.CRITICAL, "Motion\nat door", "<b>in</b> drive", "t", 0)


def test_syslog_gets_one_line_that_no_name_can_break_in_two(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(2)
        syslog = Syslog(path)
        syslog.open()
        assert syslog.target == str(path)
        with caplog.at_level(logging.INFO):
            assert syslog.send(ALERT, LedgerAnchor(origin="o", size=17, root="Ro0t=", note="n")).status == 204
        line = listener.recv(4096).decode()
        syslog.close()
    assert "vigilar.alerts: ALERT critical Motion at door: <b>in</b> drive" in line
    assert line.rstrip("\0").endswith(" ledger 17 Ro0t=")
    assert "\n" not in line.rstrip("\0")
    assert line.startswith("<26>"), "daemon, critical"


def test_the_row_of_a_delivery_says_which_checkpoint_went_along_where_the_channel_carries_one(
    tmp_path: Path,
) -> None:
    store, facts, clock = Store(tmp_path / "alerts.db"), FakeFacts(), FakeClock()
    store.open()
    sent = {channel: lambda _alert, _target: Answer(204) for channel in ("syslog", "desktop")}
    deliverer = Deliverer(
        store=store,
        clock=clock,
        facts=facts,  # type: ignore[arg-type]
        channels=sent,
        on_gone=lambda *_: None,
    )
    deliverer.anchor = LedgerAnchor(origin="o", size=17, root="Ro0t=", note="n")
    for channel in sent:
        deliverer.attempt(Job(replace(ALERT, alert_id=uuid7(clock)), channel, channel), retries=False)
    ledgers = {fact.channel: fact.ledger for fact in facts.emitted if isinstance(fact, AlertDelivery)}
    assert ledgers == {"syslog": deliverer.anchor, "desktop": None}


def test_without_dev_log_alerts_go_to_stdout_only(tmp_path: Path) -> None:
    syslog = Syslog(tmp_path / "absent")
    syslog.open()
    assert syslog.target == "stdout"
    assert syslog.send(ALERT).status == 204


def test_the_desktop_gets_texts_as_arguments_never_as_options_or_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "libnotify-bin" in Desktop().send(ALERT).error
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nfor a in "$@"; do echo "$a" >> {tmp_path}/args; done\n')
    program.chmod(0o755)
    assert Desktop().send(ALERT).status == 204
    text = (tmp_path / "args").read_text()
    assert "--urgency=critical\n--\nMotion" in text
    assert "&lt;b&gt;in" in text
    program.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    assert Desktop().send(ALERT).error == "notify-send failed: no display"


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_vapid_key_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vapid.pem"
    path.write_bytes(content)
    with pytest.raises(StartupError, match=str(path)):
        VapidKey(path)
    with pytest.raises(StartupError, match="cannot be read"):
        VapidKey(tmp_path / "absent")


def test_a_vapid_key_gives_the_public_key_that_browsers_take(tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    path.write_bytes(vapid_pem())
    assert len(VapidKey(path).public) == 87


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", ""), ("B" * 87, "A" * 22), ("é", "A" * 22), ("+/" * 44, "A" * 22)]
)
def test_keys_that_are_no_keys_are_refused(p256dh: str, auth: str) -> None:
    assert why_not_keys(p256dh, auth)


def test_a_push_service_that_is_slow_or_gone_or_elsewhere_is_an_answer_and_never_an_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = Egress.request.__kwdefaults__ or {}
    monkeypatch.setattr(Egress.request, "__kwdefaults__", defaults | {"total_s": 0.3})
    path = tmp_path / "vapid.pem"
    path.write_bytes(vapid_pem())
    web_push = WebPush(VapidKey(path), SystemClock(), Egress(SystemClock()))
    with PushService(slow_s=1.0) as push:
        browser = push.subscribe()
        to = Subscription("id", browser["endpoint"], **browser["keys"], user="u", device="")
        extra = (push.origin,)
        slow = web_push.send(to, ALERT, b"{}", "mailto:a@example.org", extra)
        assert (slow.status, slow.problem) == (0, "timeout")
        elsewhere = web_push.send(to, ALERT, b"{}", "mailto:a@example.org", ())
        assert (elsewhere.status, "not sent" in elsewhere.error) == (400, True)
        assert push.requests == 1
    gone = web_push.send(to, ALERT, b"{}", "mailto:a@example.org", extra)
    assert (gone.status, gone.problem) == (0, "refused")
    assert "/push/" not in gone.error + slow.error + elsewhere.error


def _row(endpoint: str, keys: dict[str, str]) -> dict[str, Any]:
    return {"id": "x", "endpoint": endpoint, **keys, "user": "admin", "device": None}


def test_a_lost_state_folder_is_filled_from_storage_but_only_with_what_may_be_used(tmp_path: Path) -> None:
    store, bus, storage = Store(tmp_path / "alerts.db"), FakeBus(), FakeStorage()
    store.open()
    subscriptions = Subscriptions(
        store=store,
        bus=bus,
        facts=FakeFacts(),  # type: ignore[arg-type]
        public_key=lambda: "key",
        extra_endpoints=lambda: (),
        last_delivered_ms=lambda: 0,
        on_added=lambda: None,
    )
    assert not subscriptions.recover(storage), "storage is down: tried again"  # type: ignore[arg-type]
    with PushService() as push:
        browser = push.subscribe()
    good = _row("https://fcm.googleapis.com/fcm/send/x", browser["keys"])
    bad = [
        _row(browser["endpoint"], browser["keys"]),
        _row("https://fcm.googleapis.com/y", {"p256dh": "", "auth": ""}),
    ]
    storage.answers["/v1/push-subscriptions"] = {"items": [good, *bad], "next": None}
    assert subscriptions.recover(storage)  # type: ignore[arg-type]
    assert [s.endpoint for s in store.subscriptions()] == [good["endpoint"]]
    info = bus.states["vigilar/alerts/push/info"].model_dump()
    assert (info["subscriptions"], info["enabled"]) == (1, True)


@pytest.mark.parametrize(
    ("contact", "weak"),
    [("mailto:admin@vigilar.local", True), ("https://nas.local/", True), ("mailto:me@example.org", False)],
)
def test_a_local_contact_address_is_a_finding(contact: str, weak: bool) -> None:
    config = WebPushConfig(vapid_claim_email=contact)
    found = findings(web_push=config, key_problem="", media_key_problem="", subscriptions=1)
    assert [finding.code for finding in found] == (["vapid_contact"] if weak else [])


def test_missing_keys_and_missing_devices_are_findings_with_cures() -> None:
    found = findings(
        web_push=WebPushConfig(), key_problem="no key", media_key_problem="none", subscriptions=0
    )
    assert {finding.code for finding in found} == {"vapid_key", "media_key"}
    found = findings(web_push=WebPushConfig(), key_problem="", media_key_problem="", subscriptions=0)
    assert "no_push_devices" in {finding.code for finding in found}
    assert all(finding.cure for finding in found)
