"""Web Push: encrypted for one browser (RFC 8291), signed as this server (VAPID), sent to its push service."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from vigilar_common.clock import Clock
from vigilar_common.egress import Egress
from vigilar_common.errors import StartupError
from vigilar_common.messages.alarm import Severity

from vigilar_alerts.adapters.http import post
from vigilar_alerts.adapters.store import Subscription
from vigilar_alerts.domain import endpoints
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.payload import TOPIC_CHARACTERS
from vigilar_alerts.domain.retry import Answer

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
    """Thread-safe."""

    def __init__(self, key: VapidKey, clock: Clock, egress: Egress) -> None:
        self._key, self._clock, self.egress = key, clock, egress

    def warm_up(self) -> None:
        """What is slow the first time is done as soon as there is somebody to push to. Raises EgressError."""
        import http_ece  # noqa: F401
        import py_vapid  # noqa: F401

        _ = self.egress.tls

    def send(
        self, to: Subscription, alert: Alert, data: bytes, contact: str, extra_endpoints: tuple[str, ...]
    ) -> Answer:
        """One attempt. Never raises for what a push service or a browser's keys do."""
        if why := endpoints.why_not(to.endpoint, extra_endpoints):
            return Answer(400, f"not sent: {why}", problem="forbidden")
        from http_ece import ECEException
        from py_vapid import Vapid02, VapidException

        try:
            body = _encrypted(data, to)
            signer: Any = Vapid02  # the package has no types
            headers = self._headers(alert) | signer(self._key.private).sign(
                self._claims(to.endpoint, contact)
            )
        except (ECEException, VapidException, ValueError) as error:
            return Answer(400, f"cannot be encrypted or signed: {type(error).__name__}")
        # A push service that the operator named may lie inside the house, no other one.
        inside = endpoints.named(to.endpoint, extra_endpoints)
        return post(self.egress, self._clock, to.endpoint, body, headers, inside)

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


def _encrypted(data: bytes, to: Subscription) -> bytes:
    """For this browser alone (RFC 8291), with a key that is used once. Raises ECEException, ValueError."""
    import http_ece

    encrypt: Any = http_ece.encrypt  # the package has no types
    sealed: bytes = encrypt(
        data,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_decode(to.p256dh),
        auth_secret=_decode(to.auth),
        version="aes128gcm",
    )
    return sealed
