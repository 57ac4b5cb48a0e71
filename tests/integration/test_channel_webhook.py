"""The webhook against a receiver that verifies with the very lines of the guide, and against receivers that mean harm."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from odd_server import OddServer, answers, request_of
from vigilar_alerts.adapters.webhook import Webhook
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer, judge
from vigilar_common.clock import SystemClock
from vigilar_common.config.alert_channels import Webhook as Settings
from vigilar_common.egress import Egress
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.messages.system import LedgerAnchor

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "alerts-webhook.md"
SECRET = "a long random text"
ALERT = Alert(
    "0199c000-0000-7000-8000-000000000001",
    "0199c000-0000-7000-8000-000000000002",
    Severity.CRITICAL,
    "Motion at Vorgärtchen 🏡",
    "in drive",
    "motion-front",
    1_750_000_000_000,
)
ANCHOR = LedgerAnchor(origin="vigilar/x", size=17, root="Ro0t=", note="note\n", ts_ms=5)

Verified = Callable[[Any, bytes, str], bool]


@pytest.fixture(scope="module")
def verified() -> Verified:
    """The function that the guide gives to operators."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (code,) = [block for block in blocks if "def verified" in block]
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 our own page
    found: Verified = names["verified"]
    return found


class Receiver:
    """A web server that takes what is verified, answers 401 to the rest, and acts once per id."""

    def __init__(self, verified: Verified, secret: str = SECRET) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.headers, body)
                self.send_response(204 if verified(self.headers, body, secret) else 401)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self.taken: list[tuple[Message, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def take(self, headers: Message, body: bytes) -> None:
        self.taken.append((headers, body))

    @property
    def url(self) -> str:
        return f"http://hook.test:{self._server.server_address[1]}/in"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(url: str, secret: str = SECRET, alert: Alert = ALERT, clock: Any = None) -> Answer:
    out = Egress(SystemClock(), private=("127.0.0.1",), lookup=lambda *_: ["127.0.0.1"])
    settings = Settings(enabled=True, url=url, secret=secret)
    return Webhook(out, clock or SystemClock()).send(alert, settings, ANCHOR, "https://house.example.org/")


@pytest.mark.parametrize("secret", [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_receiver_that_checks_as_the_guide_says_takes_what_is_sent(verified: Verified, secret: str) -> None:
    with Receiver(verified, secret) as receiver:
        answer = send(receiver.url, secret)
        assert (answer.status, answer.error) == (204, "")
        assert answer.sent_ms
        ((headers, body),) = receiver.taken
    told = json.loads(body)
    assert (told["version"], told["type"], told["id"]) == (1, "alert", ALERT.alert_id)
    assert told["alert"]["title"] == "Motion at Vorgärtchen 🏡"
    assert (told["alert"]["path"], told["alert"]["link"]) == ("/", "https://house.example.org/")
    assert told["ledger"] == {
        "origin": "vigilar/x",
        "size": 17,
        "root": "Ro0t=",
        "note": "note\n",
        "ts_ms": 5,
    }
    assert headers["Idempotency-Key"] == headers["webhook-id"] == ALERT.alert_id
    assert secret not in str(headers) + body.decode()


def test_what_was_changed_on_the_way_or_is_old_or_signed_by_another_is_refused(verified: Verified) -> None:
    with Receiver(verified) as receiver:
        send(receiver.url)
        ((headers, body),) = receiver.taken
        assert verified(headers, body, SECRET)
        assert not verified(headers, body + b" ", SECRET)
        assert not verified(headers, body, "another secret")
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            forged = {**headers, name: "1750000000"}
            assert not verified(forged, body, SECRET), name
        assert not verified({}, body, SECRET)
        assert send(receiver.url, "another secret").status == 401
        assert send(receiver.url, "").status == 401, "unsigned"

        class Late(SystemClock):
            def now_ms(self) -> int:
                return super().now_ms() - 600_000

        old = send(receiver.url, clock=Late())
        assert old.status == 0
        assert old.problem == "clock", "who refuses it says what time it is"
        assert "10 minutes behind" in old.error


def test_the_documented_example_is_what_is_sent(verified: Verified) -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with Receiver(verified) as receiver:
        send(receiver.url)
        sent = json.loads(receiver.taken[0][1])
    documented = json.loads(example)
    assert documented.keys() == sent.keys()
    assert documented["alert"].keys() == sent["alert"].keys()
    assert documented["ledger"].keys() == sent["ledger"].keys()


def test_every_attempt_of_an_alert_has_the_same_id_and_its_own_time(verified: Verified) -> None:
    with Receiver(verified) as receiver:
        send(receiver.url)
        send(receiver.url, alert=replace(ALERT, silent=True))
        ids = {headers["Idempotency-Key"] for headers, _ in receiver.taken}
    assert ids == {ALERT.alert_id}


def test_a_redirect_to_this_machine_is_not_followed() -> None:
    with OddServer(answers(b"200 OK")) as inside:
        location = b"Location: http://localhost:%d/admin\r\n" % inside.port
        with OddServer(answers(b"302 Found", location)) as server:
            answer = send(f"http://hook.test:{server.port}/")
        assert (answer.status, inside.connections) == (302, 0)
        verdict = judge(answer, 1, 0)
        assert verdict.outcome is Outcome.FAILED
        assert "Redirects" in verdict.cure


def test_an_answer_of_ten_megabytes_is_not_read_and_its_reason_is_short() -> None:
    def talk(connection: socket.socket, _over: threading.Event) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 10485760\r\n\r\nno\r\nsuch\x00thing ")
        for _ in range(160):
            connection.sendall(b"x" * 65536)

    with OddServer(talk) as server:
        answer = send(f"http://hook.test:{server.port}/")
    assert answer.error.startswith("HTTP 400: no such thing xxx")
    assert len(answer.error) < 200
    with OddServer(answers(b"200 OK", body=bytes(10 * 1024 * 1024))) as server:
        assert send(f"http://hook.test:{server.port}/").status == 200


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(b"429 Slow Down", Outcome.RETRYING), (b"503 Away", Outcome.RETRYING), (b"422 No", Outcome.FAILED)],
)
def test_come_again_and_no_are_told_apart(status: bytes, outcome: Outcome) -> None:
    with OddServer(answers(status, b"Retry-After: 7\r\n")) as server:
        answer = send(f"http://hook.test:{server.port}/")
    verdict = judge(answer, 1, 0)
    assert verdict.outcome is outcome
    assert (verdict.wait_s >= 7) is (outcome is Outcome.RETRYING)
