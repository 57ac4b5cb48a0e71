"""API tokens: shown once, kept as a keyed hash. 256 bits of chance need no slow hash."""

from __future__ import annotations

import secrets

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.hashing import keyed
from vigilar_web.accounts.model import Account, Credential, CredentialKind
from vigilar_web.policy import Scope

PREFIX = "vigilar_"
"""So that scanners for leaked secrets know one when they see it."""
BYTES = 32
MAX_LENGTH = 100


def new_token(key: bytes) -> tuple[str, str]:
    """The token to show once, and what is kept of it."""
    text = PREFIX + secrets.token_urlsafe(BYTES)
    return text, keyed(key, "token", text)


def find_token(book: AccountBook, key: bytes, text: str) -> tuple[Account, Credential] | None:
    if not text.startswith(PREFIX) or len(text) > MAX_LENGTH:
        return None
    return book.by_credential(CredentialKind.TOKEN, keyed(key, "token", text))


def scopes_of(token: Credential) -> frozenset[Scope]:
    """Words that this version does not know give nothing."""
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[word] for word in token.detail.get("scopes", []) if word in known)
