"""Where off-site evidence may go: addresses, names that change, redirects, answers."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import urllib3
from vigilar_common.config.offsite import Offsite
from vigilar_common.testing import FakeClock
from vigilar_offsite.adapters.egress import PinnedPool, connect, http_refusal, way_out
from vigilar_offsite.adapters.webdav import WebdavTarget
from vigilar_offsite.domain.errors import TargetError, Why


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def settings(**keys: Any) -> Offsite:
    return Offsite.model_validate({"enabled": True, "url": "https://there.example/x", **keys})


def pool(*private: str) -> PinnedPool:
    return PinnedPool(way_out(settings(private_targets=private), FakeClock()))


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.7", "192.168.1.9", "100.64.0.1", "::1", "fd00::1"])
def test_an_address_inside_the_house_needs_leave(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    answers(monkeypatch, inside)
    with pytest.raises(
        TargetError, match=r"is a private address; name it in \[offsite\] private_targets"
    ) as caught:
        pool().connection_from_host("evil.example", 443, "https")
    assert caught.value.why is Why.NOT_ALLOWED
    assert pool(inside).connection_from_host("nas.example", 443, "https").host.strip("[]") == inside


def test_certificates_are_checked_for_the_name_and_not_for_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(monkeypatch, "10.0.0.1", "93.184.215.14")
    found = pool().connection_from_host("mixed.example", 443, "https")
    assert isinstance(found, urllib3.HTTPSConnectionPool)
    assert found.host == "93.184.215.14"
    assert found.assert_hostname == found.conn_kw["server_hostname"] == "mixed.example"


def test_plain_http_goes_to_no_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "93.184.215.14")
    with pytest.raises(TargetError, match="in the clear"):
        pool("192.168.1.9").connection_from_host("public.example", 80, "http")


def test_a_name_that_nobody_knows_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TargetError, match="cannot be resolved") as caught:
        connect(way_out(settings(), FakeClock()), "gone.example", 22)
    assert caught.value.why is Why.UNREACHABLE


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"none.pem: cannot be used as \[offsite\] ca_file"):
        PinnedPool(way_out(settings(ca_file=str(tmp_path / "none.pem")), FakeClock()))


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
    known = settings(url=url, private_targets=["localhost"])
    target = WebdavTarget(known, way_out(known, FakeClock()))
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
