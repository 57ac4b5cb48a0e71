"""What a notification says, small enough for every push service (they promise 4 kB, encryption takes some)."""

from __future__ import annotations

import json

from vigilar_alerts.domain.alert import Alert

MAX_BYTES = 3000
TITLE_BYTES = 300
BODY_BYTES = 900
TOPIC_CHARACTERS = 32


def payload(alert: Alert, picture_url: str, now_ms: int, token: str = "") -> bytes:
    """The JSON that the service worker of the UI reads. At most MAX_BYTES.

    Keys: `title, body, tag, silent, severity, url, picture, event_id, alert_id, update, token, ts_ms, sent_ms`;
    `token` is what its buttons acknowledge and snooze with (`signed_urls.sign_action`).
    """
    message = {
        "v": 1,
        "title": _cut(alert.title, TITLE_BYTES),
        "body": _cut(alert.body, BODY_BYTES),
        "tag": alert.tag,
        "silent": alert.silent,
        "severity": alert.severity.value,
        "url": alert.url,
        "picture": picture_url,
        "event_id": alert.event_id,
        "alert_id": alert.alert_id,
        "update": alert.update,
        "token": token,
        "ts_ms": alert.onset_ms,
        "sent_ms": now_ms,
    }
    data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        raise ValueError(f"a notification of {len(data)} bytes: at most {MAX_BYTES} are possible")
    return data


def _cut(text: str, max_bytes: int) -> str:
    """`text` in at most `max_bytes` of JSON, cut at a character."""
    text = "".join(c if c.isprintable() else " " for c in text)
    if _size(text) <= max_bytes:
        return text
    while _size(text) > max_bytes - 3:
        text = text[: max(0, min(len(text) - 1, len(text) * (max_bytes - 3) // _size(text)))]
    return text + "…"


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2
