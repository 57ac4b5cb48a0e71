"""Links that let somebody choose a password, once. Shown once, kept as a keyed hash."""

from __future__ import annotations

import secrets

from vigilar_common.clock import Clock, uuid7

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.hashing import keyed
from vigilar_web.accounts.model import Account, Credential, CredentialKind

DAYS = 3
BYTES = 24
MAX_LENGTH = 100


def new_invite(key: bytes, clock: Clock) -> tuple[str, Credential]:
    """What the link carries, and what is kept of it."""
    text, now_ms = secrets.token_urlsafe(BYTES), clock.now_ms()
    kept = keyed(key, "invite", text)
    until_ms = now_ms + DAYS * 86_400_000
    return text, Credential(uuid7(clock), CredentialKind.INVITE, "", kept, {}, now_ms, until_ms)


def invited(book: AccountBook, key: bytes, text: str, now_ms: int) -> tuple[Account, Credential] | None:
    """Whom this link is for; None when it is not known, used or over."""
    if not text or len(text) > MAX_LENGTH:
        return None
    found = book.by_credential(CredentialKind.INVITE, keyed(key, "invite", text))
    if found is None or found[0].disabled or (found[1].expires_ms or 0) <= now_ms:
        return None
    return found
