"""The link that lets a new person choose a password, once."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from vigilar_web import templates
from vigilar_web.accounts.invites import invited
from vigilar_web.accounts.model import Account
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, client_of, guarded_router, origin_of
from vigilar_web.parts import Parts
from vigilar_web.routes.auth import PAGE_HEADERS, form_of
from vigilar_web.routes.me import store_password

router = guarded_router()


@router.get("/invite")
@access(Access.FORM)
async def invite_page(parts: PartsNeeded, token: str = "") -> Response:
    account = _invited(parts, token)
    if account is None:
        return HTMLResponse(templates.invite_over(parts.settings.system_name), 403)
    return _form(parts, account, token)


@router.post("/invite")
@access(Access.FORM)
async def accept(request: Request, parts: PartsNeeded) -> Response:
    """The password is set and the link used up; every session the account had ends."""
    form = await form_of(request)
    token, password = form.get("token", ""), form.get("password", "")
    if wait_s := parts.login.try_setup(client_of(request)):
        text = templates.invite_over(parts.settings.system_name)
        return HTMLResponse(text, 429, headers={**PAGE_HEADERS, "Retry-After": str(wait_s)})
    account = _invited(parts, token)
    if account is None:
        return HTMLResponse(templates.invite_over(parts.settings.system_name), 403)
    parts.login.limiter.succeeded(client_of(request))
    if password != form.get("repeat", ""):
        return _form(parts, account, token, "The two passwords are not the same.", 422)
    try:
        await store_password(parts, account, password)
    except ApiError as error:
        return _form(parts, account, token, error.message, error.status)
    parts.audit.note("invite.accept", origin_of(request), account_id=account.id, actor=account.name)
    name = parts.settings.system_name
    text = templates.login(name, "/", account.name, note="The password is saved. You can log in now.")
    return HTMLResponse(text, headers=PAGE_HEADERS)


def _invited(parts: Parts, token: str) -> Account | None:
    found = invited(parts.accounts, parts.session_key, token, parts.clock.now_ms())
    return found[0] if found else None


def _form(parts: Parts, account: Account, token: str, error: str = "", status: int = 200) -> Response:
    text = templates.invite(parts.settings.system_name, account.name, token, error)
    return HTMLResponse(text, status, headers=PAGE_HEADERS)
