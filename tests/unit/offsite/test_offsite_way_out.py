"""Where off-site evidence may go: addresses, names that change, redirects, answers."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from vigilar_common.config.offsite import Offsite
from vigilar_offsite.adapters.egress import Egress, http_refusal
from vigilar_offsite.adapters.webdav import WebdavTarget
from vigilar_offsite.domain.errors import TargetError, Why


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.0.0.7", "192.168.1.9", "100.64.0.1", "::1", "fd00::1", "::ffff:192.168.1.9"]
)
def test_an_address_inside_the_house_needs_leave(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    answers(monkeypatch, inside)
    with pytest.raises(TargetError, match="an address inside the house") as caught:
        Egress(allow_private=False).address("evil.example", 22)
    assert caught.value.why is Why.NOT_ALLOWED
    assert Egress(allow_private=True).address("nas.example", 22) == inside


@pytest.mark.parametrize(
    "never", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "fe80::1", "::", "ff02::1", "255.255.255.255"]
)
def test_some_addresses_are_never_connected_to(monkeypatch: pytest.MonkeyPatch, never: str) -> None:
    answers(monkeypatch, never)
    with pytest.raises(TargetError, match="none to connect to"):
        Egress(allow_private=True).address("evil.example", 22)


def test_of_several_addresses_the_first_that_may_be_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "10.0.0.1", "93.184.215.14")
    assert Egress(allow_private=False).address("mixed.example", 22) == "93.184.215.14"


def test_a_name_that_nobody_knows_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TargetError, match="cannot be resolved") as caught:
        Egress(allow_private=False).address("gone.example", 22)
    assert caught.value.why is Why.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "why"), [(301, Why.NOT_ALLOWED), (401, Why.REFUSED), (403, Why.REFUSED), (507, Why.FULL), (500, Why.FAILED)]
)  # fmt: skip
def test_what_an_answer_means(status: int, why: Why) -> None:
    assert http_refusal("there", status, "").why is why


class Odd(http.server.BaseHTTPRequestHandler):
    """Redirects, or answers far too much."""

    location = ""
    heard: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        self.heard.append(f"{self.path} {self.headers['Host']}")
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.location:
            self.send_response(302)
            self.send_header("Location", self.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(201)
        self.send_header("Content-Length", str(10_000_000))
        self.end_headers()
        try:
            for _ in range(1_000):
                self.wfile.write(bytes(10_000))
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(name="odd")
def _odd() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    Odd.location, Odd.heard = "", []
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def webdav(port: int) -> WebdavTarget:
    url = f"http://localhost:{port}/x"
    settings = Offsite.model_validate({"enabled": True, "url": url, "allow_private": True})
    target = WebdavTarget(settings, Egress(allow_private=True))
    target.open()
    return target


def test_a_redirect_is_not_followed(odd: int) -> None:
    Odd.location = f"http://127.0.0.1:{odd}/admin"
    with pytest.raises(TargetError, match="redirects are not followed"):
        webdav(odd).put("a.txt", b"x")
    assert Odd.heard == [f"/x/a.txt localhost:{odd}"]


def test_an_endless_answer_is_not_read_to_its_end(odd: int) -> None:
    target = webdav(odd)
    for name in ("a.txt", "b.txt"):
        target.put(name, b"x")
    assert len(Odd.heard) == 2
