"""What works without a session: links to pictures for a few minutes, and the buttons of one notification for a day."""

from __future__ import annotations

import hashlib
import hmac
import re

VALID_MS = 10 * 60 * 1000
ACTION_VALID_MS = 24 * 3600 * 1000
"""How long the buttons of a notification work: it may lie on a phone over night."""
CLOCK_SLACK_MS = 60_000
MIN_KEY_BYTES = 32

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_EXPIRES = re.compile(r"[0-9]{1,15}")


def media_key(text: str) -> bytes:
    """The key in the secret `media_key` (hex). Raises ValueError when it is no key; the text is not repeated."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"media_key must be {MIN_KEY_BYTES} bytes in hexadecimal")
    return key


def sign_picture(key: bytes, picture_id: str, now_ms: int) -> str:
    """Path and query of the picture, valid for `VALID_MS` from `now_ms`. Raises ValueError for a bad id."""
    if not _ID.fullmatch(picture_id):
        raise ValueError("a picture id is a UUID in lower case")
    expires = str(now_ms + VALID_MS)
    return f"/media/p/{picture_id}?e={expires}&s={_signature(key, picture_id, expires)}"


def verify_picture(key: bytes, picture_id: str, expires: str, signature: str, now_ms: int) -> bool:
    """Whether this link was signed with `key` and has not expired.

    A link that claims to live longer than any link does is refused even when its signature fits: the
    clock was wrong when it was made.
    """
    if not (_ID.fullmatch(picture_id) and _EXPIRES.fullmatch(expires) and _SIGNATURE.fullmatch(signature)):
        return False
    if not hmac.compare_digest(_signature(key, picture_id, expires), signature):
        return False
    return now_ms < int(expires) <= now_ms + VALID_MS + CLOCK_SLACK_MS


def sign_action(key: bytes, alert_id: str, subscription_id: str, now_ms: int) -> str:
    """A token by which one device may acknowledge or snooze one alert. Raises ValueError for a bad id."""
    if not (_ID.fullmatch(alert_id) and _ID.fullmatch(subscription_id)):
        raise ValueError("an alert's and a subscription's id are UUIDs in lower case")
    said = f"{alert_id}.{subscription_id}.{now_ms + ACTION_VALID_MS}"
    return f"{said}.{_action_signature(key, said)}"


def verify_action(key: bytes, token: str, now_ms: int) -> tuple[str, str] | None:
    """(alert id, subscription id) of a token that was signed with `key` and has not expired; else None."""
    parts = token.split(".")
    if len(parts) != 4:
        return None
    alert_id, subscription_id, expires, signature = parts
    if not (_ID.fullmatch(alert_id) and _ID.fullmatch(subscription_id)):
        return None
    if not (_EXPIRES.fullmatch(expires) and _SIGNATURE.fullmatch(signature)):
        return None
    expected = _action_signature(key, f"{alert_id}.{subscription_id}.{expires}")
    if not hmac.compare_digest(expected, signature):
        return None
    if not now_ms < int(expires) <= now_ms + ACTION_VALID_MS + CLOCK_SLACK_MS:
        return None
    return alert_id, subscription_id


def _action_signature(key: bytes, said: str) -> str:
    return hmac.new(key, f"vigilar alert action v1|{said}".encode(), hashlib.sha256).hexdigest()


def _signature(key: bytes, picture_id: str, expires: str) -> str:
    return hmac.new(key, f"vigilar/media/p/v1|{picture_id}|{expires}".encode(), hashlib.sha256).hexdigest()
