"""Services of Apprise: its own plugins against local servers, their connections through our way out."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from odd_server import OddServer, answers, request_of, says_nothing
from vigilar_alerts.adapters.apprise_urls import AppriseUrls, target_of
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer, judge
from vigilar_common.clock import SystemClock
from vigilar_common.egress import Egress
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.testing.broker import free_port

pytestmark = pytest.mark.slow  # loading Apprise; the quick set uses it in test_alert_channels.py
ALERT = Alert("a" * 36, None, Severity.CRITICAL, "Motion at Front door", "in drive", "motion-front", 0)
JPEG = b"\xff\xd8\xff\xe0" + bytes(5000)


def channel(private: tuple[str, ...] = ("127.0.0.1",)) -> AppriseUrls:
    out = Egress(
        SystemClock(),
        private=private,
        lookup=lambda host, _: ["10.9.9.9" if "inside" in host else "127.0.0.1"],
    )
    return AppriseUrls(out, SystemClock())


class Service:
    """Takes what is sent to it."""

    def __init__(self, status: bytes = b"200 OK") -> None:
        self.heard: list[bytes] = []
        self._answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        self.server = OddServer(self._talk)

    def _talk(self, connection: socket.socket, _over: threading.Event) -> None:
        self.heard.append(request_of(connection))
        connection.sendall(self._answer)


def test_a_service_is_told_title_text_and_picture() -> None:
    service = Service()
    with service.server as server:
        answer = channel().send(ALERT, f"json://hook.test:{server.port}/", JPEG)
    assert (answer.status, answer.error) == (202, "")
    told = json.loads(service.heard[0].partition(b"\r\n\r\n")[2])
    assert (told["title"], told["message"], told["type"]) == ("Motion at Front door", "in drive", "failure")
    assert told["attachments"][0]["mimetype"] == "image/jpeg"


def test_ntfy_is_reached_as_its_own_plugin_writes_it() -> None:
    service = Service()
    with service.server as server:
        answer = channel().send(ALERT, f"ntfy://hook.test:{server.port}/house", None)
        assert answer.status == 202, answer.error
    assert b"house" in service.heard[0]
    assert b"Motion at Front door" in service.heard[0]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (b"401 Unauthorized", 401, Outcome.FAILED),
        (b"403 Forbidden", 403, Outcome.FAILED),
        (b"429 Too Many", 429, Outcome.RETRYING),
        (b"503 Away", 503, Outcome.RETRYING),
    ],
)
def test_what_the_service_answers_decides_whether_it_is_tried_again(
    status: bytes, code: int, outcome: Outcome
) -> None:
    with Service(status).server as server:
        answer = channel().send(ALERT, f"json://hook.test:{server.port}/tok3n-of-mine", None)
    assert answer.status == code, answer.error
    verdict = judge(answer, 1, 0)
    assert verdict.outcome is outcome
    assert verdict.cure


def test_inside_the_house_only_what_is_named_is_reached_also_by_a_redirect() -> None:
    with Service().server as inside:
        forbidden = channel(private=()).send(ALERT, f"json://127.0.0.1:{inside.port}/", None)
        assert (forbidden.status, forbidden.problem) == (400, "forbidden")
        with OddServer(
            answers(b"302 Found", b"Location: http://inside.test:%d/\r\n" % inside.port)
        ) as server:
            answer = channel().send(ALERT, f"json://hook.test:{server.port}/", None)
        assert (answer.status, answer.problem) == (400, "forbidden")
        assert "10.9.9.9 is a private address" in answer.error
        assert inside.connections == 0


def test_a_service_that_hangs_or_is_not_there_is_an_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilar_alerts.adapters.apprise_urls.TOTAL_S", 0.4)
    with OddServer(says_nothing) as server:
        assert channel().send(ALERT, f"json://hook.test:{server.port}/", None).status == 0
    refused = channel().send(ALERT, f"json://hook.test:{free_port()}/", None)
    assert (refused.status, refused.problem) == (0, "refused")


def test_urls_that_apprise_does_not_know_or_that_do_not_go_over_http_are_refused() -> None:
    unknown = channel().send(ALERT, "nosuch://x/y", None)
    assert (unknown.status, unknown.problem) == (400, "setup")
    other = channel().send(ALERT, "mailto://me:secret@example.org", None)
    assert (other.status, other.problem) == (400, "setup")
    assert "over HTTP" in other.error


def test_only_what_apprise_sends_is_watched_and_each_thread_for_itself() -> None:
    service = Service()
    with service.server as server:
        by = channel(private=("127.0.0.1",))
        strict = channel(private=())

        def allowed(_: int) -> Answer:
            return by.send(ALERT, f"json://hook.test:{server.port}/", None)

        def refused(_: int) -> Answer:
            return strict.send(ALERT, f"json://127.0.0.1:{server.port}/", None)

        with ThreadPoolExecutor(4) as pool:
            good, bad = pool.map(allowed, range(6)), pool.map(refused, range(6))
            assert [answer.status for answer in good] == [202] * 6
            assert [answer.problem for answer in bad] == ["forbidden"] * 6
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=2) as plain:
            assert plain.status == 200, "nobody else's connections are touched"


def test_a_url_is_called_by_its_service_and_never_shown() -> None:
    url = "tgram://123456789:secret-token/chat"
    name = target_of(url)
    assert name.startswith("tgram-")
    assert "secret" not in name
    assert name == target_of(url) != target_of(url + "2")
