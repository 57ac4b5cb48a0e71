"""One-time codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 s), and codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

from vigilar_web.accounts.hashing import keyed

STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1
"""A phone's clock may be half a minute off, either way."""
SECRET_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_CHARS = 16
"""80 bits, so that a keyed hash of it need not be slow."""
_NONCE_BYTES = 12


def new_secret() -> str:
    """Base32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226). Raises ValueError for what is no base32."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """The time step whose code this is; None for a wrong one, and for one of a step that was used or passed."""
    entered = "".join(code.split())
    if len(entered) != DIGITS or not (entered.isascii() and entered.isdigit()):
        return None
    now = now_ms // 1000 // STEP_S
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if step > last_step and hmac.compare_digest(code_at(secret, step), entered):
            return step
    return None


def uri(secret: str, account: str, system: str) -> str:
    """What the square code holds."""
    label = quote(f"{system}:{account}", safe="")
    query = urlencode(
        {"secret": secret, "issuer": system, "digits": DIGITS, "period": STEP_S}, quote_via=quote
    )
    return f"otpauth://totp/{label}?{query}"


def square_code(text: str) -> list[str]:
    """Its rows, `1` for dark: the page draws it."""
    import segno

    return ["".join(map(str, row)) for row in segno.make(text, error="m", micro=False).matrix]


def seal(key: bytes, account_id: str, secret: str) -> str:
    """For storage, which cannot open it; bound to the account."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_sealing_key(key)).encrypt(nonce, secret.encode(), account_id.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(key: bytes, account_id: str, sealed: str) -> str | None:
    """None when it was sealed with another key (a restore without secrets) or for another account."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.urlsafe_b64decode(sealed)
        opened = AESGCM(_sealing_key(key)).decrypt(
            data[:_NONCE_BYTES], data[_NONCE_BYTES:], account_id.encode()
        )
    except (InvalidTag, ValueError):
        return None
    return opened.decode()


def new_recovery_codes() -> list[str]:
    """`abcd-efgh-ijkl-mnop`, shown once."""
    alphabet = "abcdefghijkmnopqrstuvwxyz23456789"[:32]
    found = ("".join(secrets.choice(alphabet) for _ in range(RECOVERY_CHARS)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[at : at + 4] for at in range(0, RECOVERY_CHARS, 4)) for code in found]


def recovery_hash(key: bytes, account_id: str, code: str) -> str:
    plain = "".join(char for char in code.lower() if char.isalnum())
    return keyed(key, "recovery", f"{account_id}:{plain}")


def _sealing_key(key: bytes) -> bytes:
    return bytes.fromhex(keyed(key, "seal", "totp"))
