"""Accounts as the pages see them: never a hash, never a secret."""

from __future__ import annotations

from typing import Any

from vigilar_web.accounts.model import OWNER_ID, Account, Credential, CredentialKind
from vigilar_web.parts import Parts
from vigilar_web.sessions import Session

SESSION_ID_CHARS = 24


def session_id(session: Session) -> str:
    """Names a session without being any use to anybody."""
    return session.digest[:SESSION_ID_CHARS]


def session_item(session: Session, own: Session, parts: Parts) -> dict[str, Any]:
    return {
        "id": session_id(session),
        "device": session.device,
        "address": session.address,
        "created_ms": session.created_ms,
        "seen_ms": session.seen_ms,
        "expires_ms": parts.sessions.expires_ms(session),
        "this": session is own,
    }


def credential_item(credential: Credential, parts: Parts) -> dict[str, Any]:
    item = {
        "id": credential.id,
        "label": credential.label,
        "created_ms": credential.created_ms,
        "expires_ms": credential.expires_ms,
        "used_ms": parts.used.last_ms(credential.id),
    }
    if credential.kind is CredentialKind.TOKEN:
        item |= {
            "scopes": list(credential.detail.get("scopes", [])),
            "cameras": credential.detail.get("cameras"),
            "over": parts.callers.over(credential),
        }
    return item


def recovery_left(account: Account, parts: Parts) -> int:
    codes = account.all_of(CredentialKind.RECOVERY)
    return sum(parts.used.last_ms(code.id) is None for code in codes)


def account_item(account: Account, parts: Parts) -> dict[str, Any]:
    """For whoever manages accounts."""
    invite = account.one(CredentialKind.INVITE)
    return {
        "id": account.id,
        "name": account.name,
        "role": account.role.value,
        "cameras": None if account.cameras is None else sorted(account.cameras),
        "disabled": account.disabled,
        "owner": account.id == OWNER_ID,
        "revision": account.revision,
        "created_ms": account.created_ms,
        "has_password": bool(parts.accounts.password_of(account)),
        "totp": account.one(CredentialKind.TOTP) is not None,
        "passkeys": len(account.all_of(CredentialKind.PASSKEY)),
        "tokens": len(account.all_of(CredentialKind.TOKEN)),
        "sessions": len(parts.sessions.of_account(account.id)),
        "invited_until_ms": invite.expires_ms if invite and not parts.callers.over(invite) else None,
    }
