"""Where pushes may go: a corpus of addresses that a browser, or somebody pretending to be one, may send."""

from __future__ import annotations

import pytest
from vigilar_alerts.domain.endpoints import audience, why_not

GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc:DEF-_123",
    "https://fcm.googleapis.com:443/wp/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
    "https://web.push.apple.com/QGx",
    "https://db5p.notify.windows.com/w/?token=BQYAAAB%2f",
    "https://wns2-par02p.notify.windows.com/w/?token=x",
]
BAD = [
    "",
    "fcm.googleapis.com/x",
    "http://fcm.googleapis.com/fcm/send/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com:/x",
    "https://fcm.googleapis.com./x",
    "https://FCM.googleapis.com/x",
    "https://evil.example/fcm.googleapis.com",
    "https://fcm.googleapis.com.evil.example/x",
    "https://evilfcm.googleapis.com/x",
    "https://notify.windows.com.evil.example/",
    "https://notify.windows.com/",
    "https://evilpush.apple.com/",
    "https://.push.apple.com/",
    "https://fcm.googleapis.com@evil.example/x",
    "https://user@fcm.googleapis.com/x",
    "https://user:pw@fcm.googleapis.com/x",
    "https://evil.example\\@fcm.googleapis.com/x",
    "https://evil.example#@fcm.googleapis.com/x",
    "https://fcm.googleapis.com#.evil.example/",
    "https://evil.example?https://fcm.googleapis.com/",
    "https://fcm.googleapis.com%2eevil.example/",
    "https://fcm.googleapis.com%00.evil.example/",
    "https://fcm.googleapis.com\t.evil.example/",
    "https://fcm.googleapis.com\n/x",
    " https://fcm.googleapis.com/x",
    "https://fcm。googleapis。com/x",
    "https://fcm.googleapis.com/../x",
    "https://fcm.googleapis.com/%2e%2e/x",
    "https:///fcm.googleapis.com/x",
    "https:fcm.googleapis.com/x",
    "https://fcm.googleapis.com:99999/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[fcm.googleapis.com]/x",
    "https://127.0.0.1/x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0177.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/x",
    "https://localhost/x",
    "https://broker:1883/",
    "http://storage:8081/v1/facts",
    "file:///etc/passwd",
    "gopher://fcm.googleapis.com/x",
    "javascript:alert(1)",
    "https://fcm.googleapis.com/" + "x" * 2048,
]


@pytest.mark.parametrize("endpoint", GOOD)
def test_the_browsers_own_push_services_are_allowed(endpoint: str) -> None:
    assert why_not(endpoint) == ""


@pytest.mark.parametrize("endpoint", BAD)
def test_everything_else_is_refused_without_repeating_it(endpoint: str) -> None:
    why = why_not(endpoint)
    assert why
    assert len(endpoint) < 12 or endpoint not in why


EXTRA = (
    "http://127.0.0.1:4711/push/",
    "https://push.example.org/v1",
    "http://push.example.org/",
    "http://10.0.0.1/",
)


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("http://127.0.0.1:4711/push/abc", True),
        ("http://127.0.0.1:4711/push", True),
        ("http://127.0.0.1:4711/pushy/abc", False),
        ("http://127.0.0.1:4711/", False),
        ("http://127.0.0.1:4712/push/abc", False),
        ("http://127.0.0.1:4711/push/../admin", False),
        ("http://127.0.0.1:4711/push/%2e%2e/admin", False),
        ("http://user@127.0.0.1:4711/push/abc", False),
        ("http://127.0.0.1:4711@evil.example/push/abc", False),
        ("https://127.0.0.1:4711/push/abc", False),
        ("https://push.example.org/v1/abc", True),
        ("https://push.example.org/v2/abc", False),
        ("https://push.example.org.evil.example/v1/abc", False),
        ("http://push.example.org/abc", False),
        ("http://10.0.0.1/abc", False),
        ("https://fcm.googleapis.com/abc", True),
    ],
)
def test_extra_push_services_are_prefixes_of_origin_and_path_and_plain_http_is_for_loopback(
    endpoint: str, allowed: bool
) -> None:
    assert (why_not(endpoint, EXTRA) == "") is allowed


def test_the_audience_is_the_origin() -> None:
    assert audience("http://127.0.0.1:4711/push/abc?x=1") == "http://127.0.0.1:4711"
    assert audience("https://fcm.googleapis.com/fcm/send/x") == "https://fcm.googleapis.com"


def test_a_loopback_prefix_without_a_port_means_every_port_and_no_other_host() -> None:
    allowed = ("http://127.0.0.1", "http://localhost", "http://[::1]")
    assert why_not("http://[::1]:50123/push/1", allowed) == ""
    assert why_not("http://127.0.0.1:50123/push/1", allowed) == ""
    assert why_not("http://localhost:1/push/1", allowed) == ""
    for other in (
        "http://127.0.0.2:50123/p",
        "http://127.0.0.1.example.org:1/p",
        "https://127.0.0.1:1/p",
        "http://x@127.0.0.1:1/p",
    ):
        assert why_not(other, allowed) != "", other
    assert why_not("http://127.0.0.1:2/p", ("http://127.0.0.1:1",)) != ""
