"""A push service for tests, as browsers' vendors run one: takes RFC 8030 POSTs, checks VAPID, decrypts RFC 8291.

    with PushService() as service:
        browser = service.subscribe()          # {"endpoint", "keys": {"p256dh", "auth"}}
        ...
        message = service.wait(1)[0]           # .data is the decrypted JSON

Faults: `service.answer_next(500, 429, …)` for the next requests, `service.slow_s`, `service.gone` (subscription paths).
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MAX_BODY_BYTES = 4096
"""What push services promise to take."""


@dataclass(frozen=True)
class Pushed:
    """One accepted message."""

    path: str
    headers: dict[str, str]
    claims: dict[str, Any]
    data: dict[str, Any]
    at_s: float
    body_bytes: int


@dataclass
class _Browser:
    key: ec.EllipticCurvePrivateKey
    auth: bytes


@dataclass
class PushService:
    """Listens on a free loopback port from `start` to `stop`."""

    public_key: str = ""
    """If set, the only VAPID key (base64url) that is accepted."""
    slow_s: float = 0.0
    messages: list[Pushed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    requests: int = 0
    retry_after: str = ""
    location: str = ""

    def __post_init__(self) -> None:
        self._browsers: dict[str, _Browser] = {}
        self._faults: list[int] = []
        self._news = threading.Condition()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service._take(self)

            def do_GET(self) -> None:
                service.refused.append(f"GET {self.path}")
                self.send_error(405)

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def origin(self) -> str:
        assert self._server, "start it first"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def subscribe(self) -> dict[str, Any]:
        """What a browser's `PushSubscription.toJSON()` gives."""
        key, auth = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        path = f"/push/{secrets.token_urlsafe(12)}"
        self._browsers[path] = _Browser(key, auth)
        point = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"endpoint": self.origin + path, "keys": {"p256dh": _b64(point), "auth": _b64(auth)}}

    def reset(self) -> None:
        """Forget messages and faults; browsers stay."""
        with self._news:
            self.messages, self.refused, self.gone, self._faults = [], [], set(), []
            self.requests, self.slow_s, self.retry_after, self.location = 0, 0.0, "", ""

    def answer_next(self, *statuses: int) -> None:
        """The next requests are answered so, one each, and their messages are lost."""
        self._faults += statuses

    def wait(self, count: int, timeout_s: float = 10.0) -> list[Pushed]:
        """All messages, once there are `count`. Raises AssertionError."""
        with self._news:
            enough = self._news.wait_for(lambda: len(self.messages) >= count, timeout_s)
        assert enough, f"{len(self.messages)} of {count} pushes came; refused: {self.refused}"
        return list(self.messages)

    def wait_requests(self, count: int, timeout_s: float = 10.0) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.requests >= count, timeout_s), (
                f"{self.requests} requests came"
            )

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        with self._news:
            self.requests += 1
            fault = self._faults.pop(0) if self._faults else 0
            self._news.notify_all()
        if self.slow_s:
            time.sleep(self.slow_s)
        status = fault or (410 if request.path in self.gone else self._accept(request, body))
        request.send_response(status)
        if self.retry_after and status in (429, 503):
            request.send_header("Retry-After", self.retry_after)
        if self.location and 300 <= status < 400:
            request.send_header("Location", self.location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _accept(self, request: BaseHTTPRequestHandler, body: bytes) -> int:
        browser = self._browsers.get(request.path)
        if browser is None:
            return 404
        try:
            claims = self._check_vapid(request.headers.get("Authorization", ""))
            if len(body) > MAX_BODY_BYTES:
                return 413
            if request.headers["Content-Encoding"] != "aes128gcm" or not request.headers["TTL"].isdigit():
                return 400
            decrypt: Any = http_ece.decrypt  # the package has no types
            plain = decrypt(body, private_key=browser.key, auth_secret=browser.auth, version="aes128gcm")
            message = Pushed(
                request.path, dict(request.headers.items()), claims, json.loads(plain), time.time(), len(body)
            )
        except (ValueError, KeyError, AttributeError, InvalidSignature, http_ece.ECEException) as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            return 400
        with self._news:
            self.messages.append(message)
            self._news.notify_all()
        return 201

    def _check_vapid(self, authorization: str) -> dict[str, Any]:
        """RFC 8292. Raises ValueError, InvalidSignature."""
        scheme, _, rest = authorization.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid":
            raise ValueError(f"authorization scheme {scheme!r}")
        if self.public_key and fields["k"] != self.public_key:
            raise ValueError("signed by another key than the browser subscribed with")
        head, claims_text, signature = fields["t"].split(".")
        if json.loads(_unb64(head)) != {"typ": "JWT", "alg": "ES256"}:
            raise ValueError("not ES256")
        raw = _unb64(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _unb64(fields["k"]))
        key.verify(der, f"{head}.{claims_text}".encode(), ec.ECDSA(hashes.SHA256()))
        claims: dict[str, Any] = json.loads(_unb64(claims_text))
        if claims["aud"] != self.origin:
            raise ValueError(f"aud {claims['aud']!r}")
        if not time.time() < claims["exp"] <= time.time() + 24 * 3600:
            raise ValueError(f"exp {claims['exp']}")
        if not str(claims["sub"]).startswith(("mailto:", "https:")):
            raise ValueError("sub is no contact")
        return claims


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
