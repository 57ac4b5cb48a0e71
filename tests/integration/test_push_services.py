"""Web Push to a push service that others wrote (npm web-push-testing), and to those that refuse, redirect or lie."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from odd_server import OddServer, answers
from patience import wait_until
from push_service import PushService
from service_rig import vapid_pem
from vigilar_alerts.adapters.store import Subscription
from vigilar_alerts.adapters.web_push import VapidKey, WebPush
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.payload import payload
from vigilar_alerts.domain.retry import Answer, judge
from vigilar_common.clock import SystemClock
from vigilar_common.egress import Egress
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.testing.broker import free_port

PEERS = Path(__file__).resolve().parents[1] / "peers"
SERVER = PEERS / "node_modules" / "web-push-testing" / "src" / "bin" / "server.js"
ALERT = Alert("a" * 36, None, Severity.CRITICAL, "Motion at Front door 🏡", "in drive", "motion-front", 0)


def node() -> str:
    own = PEERS.parents[1] / os.environ.get("VIGILAR_CACHE", ".cache") / "node" / "bin" / "node"
    return shutil.which("node") or (str(own) if own.exists() else "")


class Peer:
    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [node(), str(SERVER), str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._there, 10, "the push service")

    def _there(self) -> bool:
        try:
            self.ask("status")
        except OSError:
            return False
        return True

    def ask(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"http://localhost:{self.port}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read().decode()
        return json.loads(text)["data"] if text.startswith("{") else text


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    if not node() or not SERVER.exists():
        assert not os.environ.get("CI"), "deploy/scripts/setup.sh test installs it"
        pytest.skip("web-push-testing is missing: deploy/scripts/setup.sh test installs it")
    found = Peer()
    yield found
    found.process.terminate()
    found.process.wait(5)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> VapidKey:
    path = tmp_path_factory.mktemp("key") / "vapid.pem"
    path.write_bytes(vapid_pem())
    return VapidKey(path)


def push(key: VapidKey, browser: dict[str, Any], extra: tuple[str, ...], clock: Any = None) -> Answer:
    clock = clock or SystemClock()
    to = Subscription("id", browser["endpoint"], **browser["keys"], user="u", device="")
    data = payload(ALERT, "", SystemClock().now_ms())
    return WebPush(key, clock, Egress(clock)).send(to, ALERT, data, "mailto:me@example.org", extra)


def test_a_push_service_written_by_others_accepts_and_decrypts_what_is_sent(
    peer: Peer, key: VapidKey
) -> None:
    browser = peer.ask("subscribe", userVisibleOnly="true", applicationServerKey=key.public)
    extra = (f"http://localhost:{peer.port}/notify/",)
    assert push(key, browser, extra).status == 201
    (message,) = peer.ask("get-notifications", clientHash=browser["clientHash"])["messages"]
    assert json.loads(message)["title"] == "Motion at Front door 🏡"


def test_it_refuses_another_key_and_says_when_a_subscription_has_expired(
    peer: Peer, key: VapidKey, tmp_path: Path
) -> None:
    browser = peer.ask("subscribe", userVisibleOnly="true", applicationServerKey=key.public)
    extra = (f"http://localhost:{peer.port}/notify/",)
    (tmp_path / "other.pem").write_bytes(vapid_pem())
    other = push(VapidKey(tmp_path / "other.pem"), browser, extra)
    assert judge(other, 1, 0).outcome is Outcome.FAILED
    peer.ask(f"expire-subscription/{browser['clientHash']}")
    verdict = judge(push(key, browser, extra), 1, 0)
    assert (verdict.outcome, "turn them on there again" in verdict.cure) == (Outcome.GONE, True)


@pytest.mark.parametrize(("hours", "way"), [(26, "ahead"), (-26, "behind")])
def test_a_wrong_clock_is_named_where_the_signature_is_refused_and_it_is_tried_again(
    key: VapidKey, hours: int, way: str
) -> None:
    """A VAPID token is good for some hours only; who refuses it says what time it is."""

    class Wrong(SystemClock):
        def now_ms(self) -> int:
            return super().now_ms() + hours * 3_600_000

    with PushService() as service:
        browser = service.subscribe()
        refused = push(key, browser, (service.origin,), Wrong())
        assert service.messages == []
        service.answer_next(403)
        answer = push(key, browser, (service.origin,), Wrong())
    assert refused.status in (0, 400)
    assert answer.problem == "clock"
    assert f"{26 * 60} minutes {way}" in answer.error
    verdict = judge(answer, 1, 0)
    assert (verdict.outcome, "timedatectl" in verdict.cure) == (Outcome.RETRYING, True)
    right = push(key, browser | {"endpoint": "https://fcm.googleapis.com.evil.example/x"}, ())
    assert (right.status, right.problem) == (400, "forbidden")


def test_a_refusal_with_a_right_clock_is_the_signature_and_not_the_clock(key: VapidKey) -> None:
    with PushService() as service:
        browser = service.subscribe()
        service.answer_next(403)
        answer = push(key, browser, (service.origin,))
    assert (answer.status, answer.problem) == (403, "")
    assert judge(answer, 1, 0).outcome is Outcome.FAILED


def test_a_known_push_service_whose_name_points_into_the_house_is_not_connected_to(key: VapidKey) -> None:
    with OddServer(answers(b"201 Created")) as inside, PushService() as service:
        browser = service.subscribe() | {"endpoint": "https://fcm.googleapis.com/fcm/send/x"}
        clock = SystemClock()
        to = Subscription("id", browser["endpoint"], **browser["keys"], user="u", device="")
        out = Egress(clock, lookup=lambda *_: ["127.0.0.1", "::ffff:10.0.0.1"])
        answer = WebPush(key, clock, out).send(to, ALERT, b"{}", "mailto:me@example.org", (service.origin,))
        assert (answer.status, answer.problem) == (400, "forbidden")
        assert inside.connections == 0
        assert "fcm/send" not in answer.error


def test_a_redirect_and_an_answer_without_end_cost_nothing(key: VapidKey) -> None:
    with PushService() as service, OddServer(answers(b"201 Created")) as inside:
        browser = service.subscribe()
        location = b"Location: http://127.0.0.1:%d/\r\n" % inside.port
        with OddServer(answers(b"308 Permanent Redirect", location)) as liar:
            origin = f"http://127.0.0.1:{liar.port}"
            answer = push(key, browser | {"endpoint": f"{origin}/push/x"}, (origin,))
            assert (answer.status, inside.connections) == (308, 0)
        with OddServer(answers(b"201 Created", body=bytes(10 * 1024 * 1024))) as long:
            origin = f"http://127.0.0.1:{long.port}"
            assert push(key, browser | {"endpoint": f"{origin}/push/x"}, (origin,)).status == 201
