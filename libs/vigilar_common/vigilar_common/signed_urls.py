"""Links to pictures that work without a session for a few minutes: in notifications on locked phones."""

from __future__ import annotations

import hashlib
import hmac
import re

VALID_MS = 10 * 60 * 1000
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


def _signature(key: bytes, picture_id: str, expires: str) -> str:
    return hmac.new(key, f"vigilar/media/p/v1|{picture_id}|{expires}".encode(), hashlib.sha256).hexdigest()
