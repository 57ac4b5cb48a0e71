"""The web service as a process of its own, with a real broker, real sockets and a real certificate."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from vigilar_common import topics
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages.camera import CameraCondition, CameraState, LiveLease
from vigilar_common.testing.broker import TestBroker, free_port
from web_rig import PASSWORD, WebProcess, wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

CODEC = 'video/mp4; codecs="avc1.64001f"'
HEAD = {"codec": CODEC, "stream": "main"}
MAX_RSS_BYTES = 120 * 1024 * 1024


class CameraDouble:
    """Sends live parts while it is leased, as a worker does."""

    def __init__(self, bus: MqttBus) -> None:
        self.bus = bus
        self.leases: list[tuple[float, LiveLease]] = []
        self.seq = 0
        self.stopping = threading.Event()
        bus.subscribe(topics.CMD_LIVE, self.on_lease, camera_id="front")
        bus.set_state(
            topics.CAMERA_STATE,
            CameraState(camera_id="front", condition=CameraCondition.ONLINE),
            camera_id="front",
        )
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def on_lease(self, received: Received) -> None:
        assert isinstance(received.message, LiveLease)
        if received.message.fresh:
            self.send("init", b"init", key=False)
            self.send("part", b"key 0", key=True)
        self.leases.append((time.monotonic(), received.message))

    @property
    def leased(self) -> bool:
        return bool(self.leases) and time.monotonic() < self.leases[-1][0] + self.leases[-1][1].lease_s

    def run(self) -> None:
        number = 0
        while not self.stopping.wait(0.05):
            if self.leased:
                number += 1
                self.send("part", f"part {number}".encode(), key=number % 10 == 0)

    def send(self, kind: str, payload: bytes, *, key: bool) -> None:
        properties = {"kind": kind, "seq": str(self.seq), "key": str(int(key)), "codec": CODEC}
        self.seq += 1
        self.bus.publish_frame(topics.LIVE, payload, properties, camera_id="front", stream="main")


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestBroker]:
    running = TestBroker(tmp_path_factory.mktemp("broker"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, mosquitto: TestBroker) -> Iterator[WebProcess]:
    process = WebProcess(tmp_path_factory.mktemp("web"), mosquitto, free_port())
    process.wait()
    yield process
    if process.process.poll() is None:
        process.stop()


@pytest.fixture(scope="module")
def camera(mosquitto: TestBroker) -> Iterator[CameraDouble]:
    bus = mosquitto.bus("camera-worker-front")
    double = CameraDouble(bus)
    yield double
    double.stopping.set()
    double.thread.join(2)
    bus.stop()


@pytest.fixture(scope="module")
def cookie(web: WebProcess) -> str:
    return web.login()


def watch(web: WebProcess, cookie: str, origin: str | None = None) -> Any:
    return connect(
        f"ws://127.0.0.1:{web.port}/api/v1/cameras/front/live?stream=main",
        additional_headers={"Cookie": cookie},
        origin=Origin(origin or web.origin),
        compression=None,
        open_timeout=10,
    )


def read_on(live: ClientConnection) -> None:
    """Until it is closed by the other side."""
    for _ in range(400):
        live.recv(5)


def test_live_parts_arrive_in_order_and_the_lease_ends_after_the_last_viewer(
    web: WebProcess, camera: CameraDouble, cookie: str
) -> None:
    with watch(web, cookie) as first:
        assert json.loads(first.recv(5)) == HEAD
        assert first.recv(5) == b"init"
        assert first.recv(5) == b"key 0"
        numbers = [int(first.recv(5).split()[1]) for _ in range(25)]
        assert numbers == list(range(numbers[0], numbers[0] + 25)), "nothing lost, nothing twice"
        with watch(web, cookie) as second:
            started = time.monotonic()
            assert json.loads(second.recv(5)) == HEAD
            assert second.recv(5) == b"init"
            at_once = int(second.recv(5).split()[1])
            assert at_once % 10 == 0, "a new viewer begins at a keyframe"
            assert time.monotonic() - started < 0.4, "from memory, not at the next keyframe"
        assert sum(lease.fresh for _, lease in camera.leases) == 1, "a second viewer costs the worker nothing"
        assert web.ask("GET", "/system/status", Cookie=cookie)[0] == 200
    left = time.monotonic()
    wait_for(lambda: not camera.leased, 8, "the lease ran out")
    assert time.monotonic() - left < 8
    assert camera.leases[-1][0] < left + 2.5, "no renewal without a viewer"


def test_a_live_socket_of_another_site_or_without_a_session_is_refused(web: WebProcess, cookie: str) -> None:
    for cookies, origin in ((cookie, "http://evil.example"), ("vigilar_session=x", web.origin)):
        with pytest.raises(Exception, match=r"HTTP 40[13]"), watch(web, cookies, origin):
            pass


def test_logging_out_ends_the_live_picture(web: WebProcess, camera: CameraDouble) -> None:
    mine = web.login()
    session = json.loads(web.ask("GET", "/api/v1/session", Cookie=mine)[2])
    with watch(web, mine) as socket_:
        socket_.recv(5)
        status, _, _ = web.ask(
            "POST", "/api/v1/logout", "{}", Cookie=mine, Origin=web.origin,
            X_CSRF_Token=session["csrf"], Content_Type="application/json",
        )  # fmt: skip
        assert status == 204
        with pytest.raises(ConnectionClosed) as closed:
            read_on(socket_)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_server_sent_events_follow_the_broker(web: WebProcess, camera: CameraDouble, cookie: str) -> None:
    connection = web.connection()
    connection.request("GET", "/api/v1/stream", headers={"Cookie": cookie})
    response = connection.getresponse()
    assert response.getheader("content-type", "").startswith("text/event-stream")
    assert b"retry" in response.readline()
    assert response.readline() == b"event: hello\n"
    state = CameraState(camera_id="front", condition=CameraCondition.OFFLINE, reason="cable")
    camera.bus.set_state(topics.CAMERA_STATE, state, camera_id="front")
    for _ in range(20):
        if response.readline() == b"event: camera\n":
            break
    item = json.loads(response.readline().removeprefix(b"data: "))
    assert (item["id"], item["name"], item["state"]["reason"]) == ("front", "Front", "cable")
    connection.close()


def test_without_storage_it_serves_says_so_and_heals(web: WebProcess, cookie: str) -> None:
    status, body = web.ready()
    assert status == 503
    assert "storage" in body["reasons"]["web"]
    code, _, text = web.ask("GET", "/api/v1/events", Cookie=cookie)
    assert code == 503
    assert json.loads(text)["error"]["code"] == "storage_unavailable"

    class Storage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] == "Bearer token-of-web"
            data = b'{"items": [], "next": null}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", web.storage_port), Storage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        code, _, text = web.ask("GET", "/api/v1/events", Cookie=cookie)
        assert (code, json.loads(text)) == (200, {"items": [], "next": None})
        assert web.ready()[0] == 200
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)


def test_the_process_stays_small_and_stops_promptly_with_pages_open(
    web: WebProcess, camera: CameraDouble, cookie: str
) -> None:
    pages = Path(f"/proc/{web.process.pid}/statm").read_text().split()[1]
    rss_bytes = int(pages) * os.sysconf("SC_PAGE_SIZE")
    assert rss_bytes < MAX_RSS_BYTES, f"{rss_bytes / 1e6:.0f} MB"
    stream = web.connection()
    stream.request("GET", "/api/v1/stream", headers={"Cookie": cookie})
    stream.getresponse().readline()
    with watch(web, cookie):
        started = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - started < 5
    stream.close()
    log = web.log.read_text()
    assert "Traceback" not in log, log
    for secret in (PASSWORD, "token-of-web", "cd" * 32, cookie.split("=")[1]):
        assert secret not in log


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    private = serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return cert_path, key_path


def serial_served(port: int, minimum: ssl.TLSVersion | None = None) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if minimum:
        context.minimum_version = context.maximum_version = minimum
        context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw) as wrapped:
        encoded = wrapped.getpeercert(binary_form=True)
    assert encoded
    return x509.load_der_x509_certificate(encoded).serial_number


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_modern_its_cookies_secure_and_a_renewed_certificate_is_taken_without_a_restart(
    tmp_path: Path, mosquitto: TestBroker
) -> None:
    certs = tmp_path / "certs"
    certs.mkdir()
    pair = make_certificate(certs)
    web = WebProcess(tmp_path / "w", mosquitto, free_port(), pair)
    try:
        web.wait()
        before = serial_served(web.port)
        status, headers, _ = web.ask("GET", "/login")
        assert status == 200
        assert "max-age" in headers["strict-transport-security"]
        form = urlencode({"username": "admin", "password": PASSWORD})
        kind = "application/x-www-form-urlencoded"
        _, headers, _ = web.ask("POST", "/login", form, Content_Type=kind, Origin=web.origin)
        assert "; Secure" in headers["set-cookie"]
        with pytest.raises((ssl.SSLError, OSError)):
            serial_served(web.port, ssl.TLSVersion.TLSv1_1)
        pair[1].write_text("half written")
        time.sleep(0.1)
        make_certificate(certs)
        wait_for(lambda: serial_served(web.port) != before, 8, "the renewed certificate")
        assert web.process.poll() is None
    finally:
        assert web.stop() == 0
