"""What is weak about the channels is told with its cure, and nothing else is."""

from __future__ import annotations

import pytest
from vigilar_alerts.domain import diagnosis
from vigilar_alerts.domain.channel_findings import channel_findings
from vigilar_alerts.domain.switched_off import why_nobody
from vigilar_common.config.alerts import Alerts
from vigilar_common.egress import Problem

MAIL = {
    "enabled": True,
    "smtp_host": "smtp.example.org",
    "from_addr": "v@example.org",
    "to_addr": "me@example.org",
}
PAGE = "https://house.example.org"
HOOK = {"enabled": True, "url": "https://hook.example.org/", "secret": "s"}


def codes(values: dict[str, object], push_proven: bool = True, subscriptions: int = 1) -> list[str]:
    found = list(
        channel_findings(
            Alerts.model_validate({"page_url": PAGE} | values),
            push_proven=push_proven,
            subscriptions=subscriptions,
        )
    )
    assert all(finding.cure and "canary" not in finding.title for finding in found)
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"email": MAIL, "webhook": HOOK}, []),
        ({"email": MAIL | {"smtp_host": " "}}, ["email_incomplete"]),
        ({"email": MAIL | {"username": "u", "use_tls": False}}, ["email_login_in_clear"]),
        ({"email": MAIL | {"smtp_host": "192.168.1.5"}}, ["email_private"]),
        ({"email": MAIL | {"smtp_host": "192.168.1.5"}, "private_targets": ["192.168.0.0/16"]}, []),
        ({"email": MAIL, "page_url": ""}, ["no_page_url"]),
        ({"webhook": HOOK, "page_url": ""}, []),
        ({"webhook": HOOK | {"url": ""}}, ["webhook_incomplete"]),
        ({"webhook": HOOK | {"secret": ""}}, ["webhook_unsigned"]),
        ({"webhook": HOOK | {"url": "http://[::1]:8123/canary"}}, ["webhook_private"]),
        ({"webhook": HOOK | {"url": "http://127.0.0.1/canary", "enabled": False}}, []),
    ],
)
def test_each_weakness_has_a_finding(values: dict[str, object], expected: list[str]) -> None:
    assert codes(values) == expected


def test_until_a_push_has_been_taken_another_channel_is_offered() -> None:
    assert codes({}, push_proven=False) == ["push_unproven"]
    assert codes({}, push_proven=False, subscriptions=0) == [], "that is a finding of its own"
    assert codes({"email": MAIL}, push_proven=False) == []
    assert codes({"apprise": {"urls": ["ntfy://x"]}}, push_proven=False) == []


def test_every_kind_of_failure_has_words_for_people() -> None:
    for problem in Problem:
        assert diagnosis.cure(problem.value, 0), problem
    for status in (301, 400, 401, 403, 404, 410, 413, 429, 500, 503):
        assert diagnosis.cure("", status), status
    assert diagnosis.cure("", 204) == ""


@pytest.mark.parametrize(
    ("channel", "values", "named"),
    [
        ("email", {}, "set [alerts.email] enabled = true"),
        ("email", {"email": MAIL | {"to_addr": ""}}, "[alerts.email] lacks to_addr"),
        ("webhook", {"webhook": {"enabled": True}}, "[alerts.webhook] lacks url"),
        ("apprise", {}, "[alerts.apprise] urls is empty"),
        ("mqtt", {}, "set [alerts.mqtt] enabled = true"),
        ("syslog", {"local": {"enabled": False}}, "set [alerts.local] enabled = true"),
        ("desktop", {}, "set [alerts.local] desktop_notify = true"),
        ("web_push", {}, "No device is subscribed"),
        ("web_push", {"web_push": {"enabled": False}}, "set [alerts.web_push] enabled = true"),
        ("pigeon", {}, "There is no such channel"),
    ],
)
def test_a_channel_that_tells_nobody_says_which_setting_would_change_that(
    channel: str, values: dict[str, object], named: str
) -> None:
    assert named in why_nobody(channel, Alerts.model_validate(values))
