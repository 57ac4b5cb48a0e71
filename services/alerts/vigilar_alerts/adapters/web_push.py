"""Web Push: encrypted for one browser (RFC 8291), signed as this server (VAPID), sent to its push service."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from vigilar_common.clock import Clock
from vigilar_common.errors import StartupError
from vigilar_common.messages.alarm import Severity

from vigilar_alerts.adapters.store import Subscription
from vigilar_alerts.domain import endpoints
from vigilar_alerts.domain.decide import Alert
from vigilar_alerts.domain.payload import TOPIC_CHARACTERS
from vigilar_alerts.domain.retry import Answer

if TYPE_CHECKING:
    import requests

log = logging.getLogger("vigilar.alerts.web_push")

CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 8.0
TOKEN_VALID_S = 12 * 3600
"""RFC 8292 allows a day; half of it leaves room for clocks that differ."""
TTL_S = {Severity.INFO: 3600, Severity.ALERT: 4 * 3600, Severity.CRITICAL: 24 * 3600}
"""How long a push service keeps it for a phone that is off."""


class VapidKey:
    """The key that pushes are signed with. Browsers bind their subscription to its public half."""

    def __init__(self, path: Path) -> None:
        """Raises StartupError when the file holds no P-256 private key."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise StartupError(f"VAPID key {path} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise StartupError(f"VAPID key {path} is not a private key in PEM format") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise StartupError(f"VAPID key {path} is not a key on the curve P-256")
        self.private = key
        point = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.public = base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def why_not_keys(p256dh: str, auth: str) -> str:
    """Why a browser's keys cannot be used; empty when they can."""
    try:
        point, secret = _decode(p256dh), _decode(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return "p256dh is not a point on the curve P-256"
    if len(point) != 65 or len(secret) != 16:
        return "p256dh must have 65 bytes and auth 16"
    return ""


def _decode(text: str) -> bytes:
    if not text.isascii() or set(text) & set("+/"):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


class WebPush:
    """Thread-safe; each thread keeps its own HTTP session."""

    def __init__(self, key: VapidKey, clock: Clock) -> None:
        self._key, self._clock = key, clock
        self._local = threading.local()

    def warm_up(self) -> None:
        """Import what is heavy (20 MB, 0.3 s) as soon as there is somebody to push to, not during an alarm."""
        import pywebpush  # noqa: F401

    def send(
        self, to: Subscription, alert: Alert, data: bytes, contact: str, extra_endpoints: tuple[str, ...]
    ) -> Answer:
        """One attempt. Never raises for what a push service or a browser's keys do."""
        if why := endpoints.why_not(to.endpoint, extra_endpoints):
            return Answer(400, f"not sent: {why}")
        import requests
        from py_vapid import Vapid02, VapidException
        from pywebpush import WebPusher, WebPushException

        try:
            pusher = WebPusher(_subscription_info(to))
            signer: Any = Vapid02  # the package has no types
            headers = self._headers(alert) | signer(self._key.private).sign(
                self._claims(to.endpoint, contact)
            )
            body = pusher.encode(data)["body"]
        except (WebPushException, VapidException, ValueError) as error:
            return Answer(400, f"cannot be encrypted or signed: {type(error).__name__}")
        sent_ms = self._clock.now_ms()
        try:
            response = self._session().post(
                to.endpoint,
                data=body,
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,  # the answer's body is nothing to us: an endless one must cost nothing
            )
        except requests.exceptions.Timeout:
            return Answer(0, f"{endpoints.host_of(to.endpoint)} did not answer in time", sent_ms=sent_ms)
        except requests.exceptions.RequestException as error:
            # The exception's text holds the URL, which is a secret.
            why = f"{endpoints.host_of(to.endpoint)} cannot be reached: {type(error).__name__}"
            return Answer(0, why, sent_ms=sent_ms)
        with response:
            status = response.status_code
            error_text = f"HTTP {status}: redirects are not followed" if 300 <= status < 400 else ""
            return Answer(status, error_text, response.headers.get("Retry-After", ""), sent_ms)

    def _headers(self, alert: Alert) -> dict[str, str]:
        urgent = alert.severity is not Severity.INFO and not alert.silent
        return {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S[alert.severity]),
            "Urgency": "high" if urgent else "normal",
            # A newer message of the same topic replaces one that still waits at the push service.
            "Topic": base64.urlsafe_b64encode(hashlib.sha256(alert.tag.encode()).digest())[
                :TOPIC_CHARACTERS
            ].decode(),
        }

    def _claims(self, endpoint: str, contact: str) -> dict[str, Any]:
        return {
            "sub": contact,
            "aud": endpoints.audience(endpoint),
            "exp": self._clock.now_ms() // 1000 + TOKEN_VALID_S,
        }

    def _session(self) -> requests.Session:
        import requests

        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc: the endpoint was checked, nothing else was
            self._local.session = session
        return session


def _subscription_info(to: Subscription) -> dict[str, Any]:
    return {"endpoint": to.endpoint, "keys": {"p256dh": to.p256dh, "auth": to.auth}}
