"""One's own account: password, sessions, second factor, passkeys, tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.clock import uuid7
from vigilar_common.messages.base import ID_PATTERN
from vigilar_common.passwords import why_not_password

from vigilar_web.accounts import passkeys, totp
from vigilar_web.accounts.model import OWNER_ID, Account, Credential, CredentialKind
from vigilar_web.accounts.shown import credential_item, recovery_left, session_id, session_item
from vigilar_web.accounts.tokens import new_token
from vigilar_web.errors import ApiError, not_found
from vigilar_web.gate import (
    Access,
    CallerNeeded,
    PartsNeeded,
    SessionNeeded,
    access,
    body_of,
    guarded_router,
)
from vigilar_web.parts import Parts
from vigilar_web.policy import OWN_PAGE, Scope, own
from vigilar_web.routes.auth import begin

router = guarded_router()

MAX_OF_A_KIND = 16
DAY_MS = 86_400_000
CredentialId = Annotated[str, Path(pattern=ID_PATTERN)]
Label = Annotated[str, Field(min_length=1, max_length=80)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PasskeyAnswer(Body):
    challenge_id: str = Field(max_length=64)
    credential: dict[str, Any] = Field(repr=False)


class Confirmation(Body):
    """One of the two."""

    password: str = Field("", max_length=1024, repr=False)
    passkey: PasskeyAnswer | None = None


class PasswordChange(Body):
    current: str = Field(max_length=1024, repr=False)
    new: str = Field(max_length=1024, repr=False)


class AppCode(Body):
    sealed: str = Field(max_length=400, repr=False)
    code: str = Field(max_length=20, repr=False)


class NewPasskey(PasskeyAnswer):
    label: Label


class NewToken(Body):
    label: Label
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    cameras: list[Annotated[str, Field(pattern=ID_PATTERN)]] | None = Field(None, max_length=256)
    days: int | None = Field(None, ge=1, le=3_650, strict=True)


@router.get("/api/v1/me")
@access(Access.SESSION, OWN_PAGE)
async def me(
    request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> dict[str, Any]:
    account = caller.account

    def listed(kind: CredentialKind) -> list[dict[str, Any]]:
        return [credential_item(credential, parts) for credential in account.all_of(kind)]

    return {
        "id": account.id,
        "name": account.name,
        "role": account.role.value,
        "cameras": None if account.cameras is None else sorted(account.cameras),
        "totp": account.one(CredentialKind.TOTP) is not None,
        "recovery_left": recovery_left(account, parts),
        "passkeys": listed(CredentialKind.PASSKEY),
        "passkey_problem": _passkey_problem(request, parts),
        "tokens": listed(CredentialKind.TOKEN),
        "sessions": [session_item(other, session, parts) for other in parts.sessions.of_account(account.id)],
        "recent": parts.sessions.recent(session),
    }


@router.post("/api/v1/me/confirm", status_code=204)
@access(Access.SESSION, own("session.confirm"))
async def confirm(
    request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> Response:
    """It is still me: what is dangerous may be done for some minutes. 403 `wrong_password`, 429."""
    wish = await body_of(request, Confirmation)
    if wish.passkey:
        site = passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
        challenge = parts.passkeys.challenges.take(wish.passkey.challenge_id, "")
        if parts.passkeys.answered(wish.passkey.credential, site, challenge).id != caller.account.id:
            raise ApiError(403, "wrong_account", "This passkey belongs to another account.")
    else:
        await _require_password(parts, caller.account, wish.password)
    parts.sessions.confirm(session)
    return Response(status_code=204)


@router.post("/api/v1/me/password")
@access(Access.SESSION, own("password.change"))
async def change_password(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """All other sessions end; this one goes on under a new id."""
    wish = await body_of(request, PasswordChange)
    await _require_password(parts, caller.account, wish.current)
    await store_password(parts, caller.account, wish.new)
    parts.sessions.close_all(caller.account.id)
    headers = begin(request, parts, parts.accounts.need(caller.account.id), "password changed")
    return JSONResponse({"message": "The new password holds from now on."}, headers=headers)


@router.delete("/api/v1/me/sessions")
@access(Access.SESSION, own("session.end_others"))
async def end_others(parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Sign out everywhere else."""
    return {"ended": parts.sessions.close_all(session.account_id, but=session)}


@router.delete("/api/v1/me/sessions/{credential_id}", status_code=204)
@access(Access.SESSION, own("session.end"))
async def end_session(credential_id: CredentialId, parts: PartsNeeded, session: SessionNeeded) -> Response:
    for other in parts.sessions.of_account(session.account_id):
        if session_id(other) == credential_id:
            parts.sessions.close(other)
            return Response(status_code=204)
    raise not_found("This session has ended already.")


@router.post("/api/v1/me/totp")
@access(Access.SESSION, own("totp.begin", recent=True))
async def begin_totp(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """A secret for an authenticator app. Nothing changes before its first code is entered."""
    secret = totp.new_secret()
    uri = totp.uri(secret, caller.name, parts.settings.system_name)
    sealed = totp.seal(parts.session_key, caller.account.id, secret)
    return {"secret": secret, "uri": uri, "square": totp.square_code(uri), "sealed": sealed}


@router.post("/api/v1/me/totp/enable")
@access(Access.SESSION, own("totp.enable", recent=True))
async def enable_totp(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """From here on a code is asked for at each sign-in with a password. The recovery codes are shown this once."""
    wish = await body_of(request, AppCode)
    secret = totp.unseal(parts.session_key, caller.account.id, wish.sealed)
    if wait_s := parts.login.limiter.take_code(caller.account.id):
        raise _too_many(wait_s)
    step = totp.step_of(secret, wish.code, parts.clock.now_ms(), 0) if secret else None
    if step is None:
        raise ApiError(
            422,
            "wrong_code",
            "This code is not right. Does the phone's clock tell the right time?",
            field="code",
        )
    parts.login.limiter.right_code(caller.account.id)
    kept = _new(parts, CredentialKind.TOTP, "", wish.sealed, {})
    codes = await _save_codes(parts, _without(caller.account, CredentialKind.TOTP), kept)
    parts.used.note(kept.id, step)
    return {"recovery_codes": codes}


@router.delete("/api/v1/me/totp", status_code=204)
@access(Access.SESSION, own("totp.disable", recent=True))
async def disable_totp(parts: PartsNeeded, caller: CallerNeeded) -> Response:
    account = _without(_without(caller.account, CredentialKind.TOTP), CredentialKind.RECOVERY)
    await parts.accounts.save(account)
    return Response(status_code=204)


@router.post("/api/v1/me/recovery-codes")
@access(Access.SESSION, own("recovery.renew", recent=True))
async def renew_codes(parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """New ones; the old ones end."""
    if caller.account.one(CredentialKind.TOTP) is None:
        raise ApiError(409, "no_totp", "Recovery codes belong to an authenticator app, and there is none.")
    return {"recovery_codes": await _save_codes(parts, caller.account)}


@router.post("/api/v1/me/passkeys/challenge")
@access(Access.SESSION, own("passkey.begin", recent=True))
async def begin_passkey(
    request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> dict[str, Any]:
    site = passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
    name, challenge = parts.passkeys.challenges.new(session.digest)
    system = parts.settings.system_name
    options = parts.passkeys.creation_options(caller.account, system, site, challenge)
    return {"challenge_id": name, "options": options}


@router.post("/api/v1/me/passkeys", status_code=201)
@access(Access.SESSION, own("passkey.add", recent=True))
async def add_passkey(
    request: Request, parts: PartsNeeded, caller: CallerNeeded, session: SessionNeeded
) -> dict[str, Any]:
    wish = await body_of(request, NewPasskey)
    _require_room(caller.account, CredentialKind.PASSKEY)
    site = passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
    challenge = parts.passkeys.challenges.take(wish.challenge_id, session.digest)
    public_key, detail, counter = parts.passkeys.created(wish.credential, site, challenge)
    kept = _new(parts, CredentialKind.PASSKEY, wish.label, public_key, detail)
    await parts.accounts.save(replace(caller.account, credentials=(*caller.account.credentials, kept)))
    parts.used.note(kept.id, counter)
    return credential_item(kept, parts)


@router.delete("/api/v1/me/passkeys/{credential_id}", status_code=204)
@access(Access.SESSION, own("passkey.remove", recent=True))
async def remove_passkey(credential_id: CredentialId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    return await _remove(parts, caller.account, CredentialKind.PASSKEY, credential_id)


@router.post("/api/v1/me/tokens", status_code=201)
@access(Access.SESSION, own("token.add", recent=True))
async def add_token(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """The token is in this answer and nowhere else, ever."""
    wish = await body_of(request, NewToken)
    _require_room(caller.account, CredentialKind.TOKEN)
    unknown = [camera for camera in wish.cameras or () if camera not in parts.settings.cameras]
    if unknown or not caller.sees_every(wish.cameras or ()):
        raise ApiError(422, "invalid", "There is no such camera.", field="cameras")
    text, proof = new_token(parts.session_key)
    detail = {"scopes": sorted(set(wish.scopes)), "cameras": wish.cameras}
    kept = _new(parts, CredentialKind.TOKEN, wish.label, proof, detail)
    if wish.days:
        kept = replace(kept, expires_ms=kept.created_ms + wish.days * DAY_MS)
    await parts.accounts.save(replace(caller.account, credentials=(*caller.account.credentials, kept)))
    return credential_item(kept, parts) | {"token": text}


@router.delete("/api/v1/me/tokens/{credential_id}", status_code=204)
@access(Access.SESSION, own("token.remove"))
async def remove_token(credential_id: CredentialId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    """It ends at once."""
    return await _remove(parts, caller.account, CredentialKind.TOKEN, credential_id)


async def store_password(parts: Parts, account: Account, password: str) -> None:
    """Where the account's password is kept: the owner's in the settings. Raises ApiError."""
    if why := why_not_password(password):
        raise ApiError(422, "bad_password", f"This password cannot be used: {why}.", field="new")
    busy = ApiError(503, "busy", "The service is busy. Please try again.")
    if account.id == OWNER_ID:
        hashed = await parts.login.hash(password)
        if hashed is None:
            raise busy
        await store_owner_password(parts, hashed, account.name)
        return
    hashed = await parts.login.hash_of_account(password)
    if hashed is None:
        raise busy
    kept = _new(parts, CredentialKind.PASSWORD, "", hashed, {})
    bare = _without(_without(account, CredentialKind.PASSWORD), CredentialKind.INVITE)
    await parts.accounts.save(replace(bare, credentials=(*bare.credentials, kept)))


async def store_owner_password(parts: Parts, hashed: str, actor: str) -> None:
    """Into the settings. Raises ApiError."""
    current = await parts.storage.json("GET", "/v1/settings")
    changes = {"web": {"password_hash": hashed}}
    body = {"changes": changes, "actor": actor[:80], "revision": current["revision"]}
    await parts.storage.json("PUT", "/v1/settings", body=body)
    # Valid at once; the changed configuration arrives a moment later and says the same.
    parts.settings = replace(parts.settings, password_hash=hashed)


async def _require_password(parts: Parts, account: Account, password: str) -> None:
    outcome = await parts.login.confirm(account, password)
    if outcome.retry_after_s:
        raise _too_many(outcome.retry_after_s)
    if not outcome.ok:
        raise ApiError(403, "wrong_password", "The password is wrong.", field="password")


def _too_many(wait_s: int) -> ApiError:
    return ApiError(429, "too_many_tries", "Too many tries.", retry_after_s=wait_s)


def _passkey_problem(request: Request, parts: Parts) -> str:
    try:
        passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
    except ApiError as error:
        return error.message
    return ""


async def _save_codes(parts: Parts, account: Account, *more: Credential) -> list[str]:
    codes = totp.new_recovery_codes()
    proofs = [totp.recovery_hash(parts.session_key, account.id, code) for code in codes]
    kept = [_new(parts, CredentialKind.RECOVERY, "", proof, {}) for proof in proofs]
    bare = _without(account, CredentialKind.RECOVERY)
    await parts.accounts.save(replace(bare, credentials=(*bare.credentials, *more, *kept)))
    return codes


async def _remove(parts: Parts, account: Account, kind: CredentialKind, credential_id: str) -> Response:
    if credential_id not in [credential.id for credential in account.all_of(kind)]:
        raise not_found("There is nothing with this id.")
    await parts.accounts.save(replace(account, credentials=account.without([credential_id])))
    return Response(status_code=204)


def _without(account: Account, kind: CredentialKind) -> Account:
    ids = [credential.id for credential in account.all_of(kind)]
    return replace(account, credentials=account.without(ids))


def _require_room(account: Account, kind: CredentialKind) -> None:
    if len(account.all_of(kind)) >= MAX_OF_A_KIND:
        raise ApiError(409, "too_many", f"There are {MAX_OF_A_KIND} already; remove one first.")


def _new(parts: Parts, kind: CredentialKind, label: str, proof: str, detail: dict[str, Any]) -> Credential:
    return Credential(uuid7(parts.clock), kind, label, proof, detail, parts.clock.now_ms())
