"""Other people's accounts: added with a link to choose a password, their rights, the door shut."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.clock import uuid7
from vigilar_common.messages.base import ID_PATTERN

from vigilar_web.accounts.invites import new_invite
from vigilar_web.accounts.model import OWNER_ID, Account, CredentialKind
from vigilar_web.accounts.shown import account_item
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import Cameras, Policy, Role, Scope, manage
from vigilar_web.routes.types import Cursor, Limit, Moment, Word

router = guarded_router()

AccountId = Annotated[str, Path(pattern=ID_PATTERN)]
Name = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f<>]*[^\s\x00-\x1f\x7f<>]$")
]
CameraIds = list[Annotated[str, Field(pattern=ID_PATTERN)]]
Action = Annotated[str | None, Query(pattern=r"^[a-z0-9_.-]{1,64}$")]
Address = Annotated[str | None, Query(pattern=r"^[0-9A-Fa-f.:]{1,64}$")]


class NewAccount(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name
    role: Role
    cameras: CameraIds | None = Field(None, max_length=256)


class AccountChange(BaseModel):
    """The whole of what may be changed, and the revision that was seen."""

    model_config = ConfigDict(extra="forbid")
    revision: int = Field(ge=1, strict=True)
    name: Name
    role: Role
    cameras: CameraIds | None = Field(max_length=256)
    disabled: bool = Field(strict=True)


@router.get("/api/v1/accounts")
@access(Access.SESSION, manage())
async def accounts(parts: PartsNeeded) -> dict[str, Any]:
    await parts.accounts.refresh()
    return {"items": [account_item(account, parts) for account in parts.accounts.all()]}


@router.post("/api/v1/accounts", status_code=201)
@access(Access.SESSION, manage("account.add"))
async def add(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """With `invite`: the path of the link to hand over, shown this once."""
    wish = await body_of(request, NewAccount)
    text, invite = new_invite(parts.session_key, parts.clock)
    account = Account(
        uuid7(parts.clock), wish.name.strip(), wish.role, _cameras(parts, wish.cameras), credentials=(invite,)
    )
    saved = await parts.accounts.save(account)
    return account_item(saved, parts) | {"invite": f"/invite?token={text}"}


@router.put("/api/v1/accounts/{account_id}")
@access(Access.SESSION, manage("account.change"))
async def change(
    account_id: AccountId, request: Request, parts: PartsNeeded, caller: CallerNeeded
) -> dict[str, Any]:
    """Holds at once, also for what is open. 409 `stale_revision`, `name_taken`, `own_account`."""
    wish = await body_of(request, AccountChange)
    account = _other(parts, caller.account, account_id)
    changed = replace(
        account,
        name=wish.name.strip(),
        role=wish.role,
        cameras=_cameras(parts, wish.cameras, account),
        disabled=wish.disabled,
        revision=wish.revision,
    )
    return account_item(await parts.accounts.save(changed), parts)


@router.delete("/api/v1/accounts/{account_id}", status_code=204)
@access(Access.SESSION, manage("account.remove"))
async def remove(account_id: AccountId, parts: PartsNeeded, caller: CallerNeeded) -> Response:
    _other(parts, caller.account, account_id)
    await parts.accounts.remove(account_id)
    return Response(status_code=204)


@router.post("/api/v1/accounts/{account_id}/invite")
@access(Access.SESSION, manage("account.invite"))
async def invite_again(account_id: AccountId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """A new link to choose a password; an older one ends. The old password holds until the link is used."""
    account = _other(parts, caller.account, account_id)
    text, invite = new_invite(parts.session_key, parts.clock)
    old = [credential.id for credential in account.all_of(CredentialKind.INVITE)]
    saved = await parts.accounts.save(replace(account, credentials=(*account.without(old), invite)))
    return account_item(saved, parts) | {"invite": f"/invite?token={text}"}


@router.post("/api/v1/accounts/{account_id}/reset-second")
@access(Access.SESSION, manage("account.reset_second"))
async def reset_second(account_id: AccountId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Who has lost the phone signs in with the password alone: app, recovery codes and passkeys are taken away."""
    account = _other(parts, caller.account, account_id)
    kinds = (CredentialKind.TOTP, CredentialKind.RECOVERY, CredentialKind.PASSKEY)
    ids = [credential.id for credential in account.credentials if credential.kind in kinds]
    return account_item(await parts.accounts.save(replace(account, credentials=account.without(ids))), parts)


@router.delete("/api/v1/accounts/{account_id}/sessions")
@access(Access.SESSION, manage("account.sign_out"))
async def sign_out(account_id: AccountId, parts: PartsNeeded) -> dict[str, Any]:
    """Everywhere; its tokens stay."""
    return {"ended": parts.sessions.close_all(parts.accounts.need(account_id).id)}


@router.get("/api/v1/audit")
@access(Access.SESSION, Policy(Role.ADMIN, Scope.ADMIN, Cameras.NONE), renews=False)
async def audit(
    parts: PartsNeeded,
    account: Word = None,
    action: Action = None,
    outcome: Word = None,
    address: Address = None,
    from_ms: Moment | None = None,
    to_ms: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Who did what, from where, newest first."""
    query = {
        "account": account,
        "action": action,
        "outcome": outcome,
        "address": address,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "cursor": cursor,
        "limit": limit,
    }
    page = await parts.storage.json("GET", "/v1/audit-log", query)
    return {"items": page["items"], "next": page.get("next"), "lost": parts.audit.lost}


def _other(parts: Parts, own: Account, account_id: str) -> Account:
    """Raises ApiError: the owner is changed in the configuration, and nobody locks themselves out."""
    found = parts.accounts.need(account_id)
    if found.id == OWNER_ID:
        raise ApiError(409, "owner_account", "This account comes from the configuration: [web] username.")
    if found.id == own.id:
        raise ApiError(409, "own_account", "Another admin has to do this to your own account.")
    return found


def _cameras(parts: Parts, wanted: CameraIds | None, before: Account | None = None) -> frozenset[str] | None:
    """Known ones, and those that the account had before (a removed camera may come back). Raises ApiError 422."""
    if wanted is None:
        return None
    known = set(parts.settings.cameras) | set(before.cameras or () if before else ())
    if unknown := sorted(set(wanted) - known):
        raise ApiError(422, "invalid", f"There is no camera {unknown[0]}.", field="cameras")
    return frozenset(wanted)
