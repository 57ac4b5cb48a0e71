"""Who is told through the channels that leave this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vigilar_alerts.adapters.pictures import MAX_PICTURES, MAX_TOTAL_BYTES, Pictures
from vigilar_alerts.channels import Outside
from vigilar_alerts.domain.alert import Alert
from vigilar_common.config.alerts import Alerts
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertNotify
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.testing import FakeBus, FakeClock

ALERT = Alert("0199c000-0000-7000-8000-000000000001", None, Severity.CRITICAL, "Motion", "in drive", "t", 5)
ANCHOR = LedgerAnchor(origin="o", size=17, root="Ro0t=", note="n")
MAIL = {
    "enabled": True,
    "smtp_host": "smtp.example.org",
    "from_addr": "v@example.org",
    "to_addr": "a@x.org, b@x.org",
}
ALL: dict[str, object] = {
    "email": MAIL,
    "webhook": {"enabled": True, "url": "https://me:pw@hook.example.org/canary"},
    "apprise": {"urls": ["ntfy://canary"]},
    "mqtt": {"enabled": True},
}


def outside(values: dict[str, object], bus: FakeBus | None = None) -> Outside:
    return Outside(FakeClock(), bus or FakeBus(), Alerts.model_validate(values), "UTC", lambda: ANCHOR)


def test_everybody_is_a_target_once_and_no_name_holds_a_secret() -> None:
    targets = outside(ALL).targets()
    assert [(target.channel, target.host) for target in targets[:3]] == [
        ("email", "smtp.example.org"),
        ("email", "smtp.example.org"),
        ("webhook", "hook.example.org"),
    ]
    assert [target.channel for target in targets[3:]] == ["apprise", "mqtt"]
    assert "canary" not in str(targets) + repr(targets)
    assert "pw" not in str(targets)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"email": {**MAIL, "from_addr": ""}},
        {"email": {**MAIL, "enabled": False}},
        {"webhook": {"enabled": True}},
        {"apprise": {"enabled": False, "urls": ["ntfy://x"]}},
    ],
)
def test_what_is_off_or_incomplete_has_no_target(values: dict[str, object]) -> None:
    assert outside(values).targets() == ()


def test_home_automation_gets_a_message_with_the_checkpoint_and_waits_while_the_broker_is_away() -> None:
    bus = FakeBus()
    told = outside(ALL, bus)
    assert told.senders()["mqtt"](replace(ALERT, update=2), "").status == 202
    (message,) = [found.message for found in bus.published if isinstance(found.message, AlertNotify)]
    assert (message.title, message.update, message.ledger) == ("Motion", 2, ANCHOR)
    bus.connected = False
    answer = told.senders()["mqtt"](ALERT, "")
    assert (answer.status, answer.problem) == (0, "unreachable")


def test_links_lead_to_the_alert_below_the_address_of_the_page() -> None:
    alert = replace(ALERT, url="/events/x")
    assert outside({})._link(alert) == "", "better none than one that leads nowhere"
    for address in ("https://house.example.org", "https://house.example.org/"):
        assert outside({"page_url": address})._link(alert) == "https://house.example.org/events/x"


def test_what_was_removed_from_the_configuration_since_is_said() -> None:
    senders = outside({}).senders()
    for channel in ("email", "webhook", "apprise"):
        answer = senders[channel](ALERT, "x")
        assert (answer.status, answer.problem) == (400, "setup"), channel


def test_pictures_are_kept_in_bounds_and_only_jpeg() -> None:
    pictures = Pictures()
    pictures.put("x", b"<html>")
    assert pictures.get("x") is None
    assert pictures.get(None) is None
    for n in range(2 * MAX_PICTURES):
        pictures.put(str(n), b"\xff\xd8\xff" + bytes(n))
    assert pictures.get("0") is None
    assert pictures.get(str(2 * MAX_PICTURES - 1))
    half = b"\xff\xd8\xff" + bytes(MAX_TOTAL_BYTES // 2)
    for name in "abc":
        pictures.put(name, half)
        pictures.put(name, half)
    assert [pictures.get(name) is not None for name in "abc"] == [False, False, True]
