"""A POST to a server of the operator's: JSON, signed as Standard Webhooks do it. docs/guide/alerts-webhook.md."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from vigilar_common import __version__
from vigilar_common.clock import Clock
from vigilar_common.config.alert_channels import Webhook as Settings
from vigilar_common.egress import Egress
from vigilar_common.messages.system import LedgerAnchor

from vigilar_alerts.adapters.http import post
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer

VERSION = 1
BASE64_MARK = "whsec_"


class Webhook:
    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress, self._clock = egress, clock

    def send(self, alert: Alert, settings: Settings, anchor: LedgerAnchor | None, link: str = "") -> Answer:
        """One attempt. Never raises for what the outside does."""
        now_ms = self._clock.now_ms()
        body = json.dumps(message(alert, anchor, now_ms, link), ensure_ascii=False, separators=(",", ":"))
        data = body.encode("utf-8", "replace")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Vigilar/{__version__}",
            "Idempotency-Key": alert.key,
            "webhook-id": alert.key,
            "webhook-timestamp": str(now_ms // 1000),
        }
        if settings.secret:
            headers["webhook-signature"] = signature(settings.secret, alert.key, now_ms // 1000, data)
        return post(self._egress, self._clock, settings.url, data, headers)


def message(alert: Alert, anchor: LedgerAnchor | None, now_ms: int, link: str = "") -> dict[str, Any]:
    """Fields may be added within a version; what is there keeps its meaning."""
    return {
        "version": VERSION,
        "type": "alert",
        "id": alert.key,
        "sent_ms": now_ms,
        "alert": {
            "alert_id": alert.alert_id,
            "update": alert.update,
            "event_id": alert.event_id,
            "severity": alert.severity.value,
            "title": alert.title,
            "body": alert.body,
            "tag": alert.tag,
            "onset_ms": alert.onset_ms,
            "silent": alert.silent,
            "picture_id": alert.picture_id,
            "path": alert.url,
            "link": link,
        },
        "ledger": anchor.model_dump(mode="json") if anchor else None,
    }


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """HMAC-SHA256 over id, time and body. A secret `whsec_…` is base64, any other one is taken as it stands."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    if secret.startswith(BASE64_MARK):
        try:
            return base64.b64decode(secret.removeprefix(BASE64_MARK), validate=True)
        except binascii.Error:
            pass  # not made by the rules: it is a text that begins so
    return secret.encode()
