"""Logging in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from vigilar_common.messages.audit import AuditOutcome

from vigilar_web import templates
from vigilar_web.accounts.model import Account
from vigilar_web.errors import ApiError
from vigilar_web.gate import (
    Access,
    CallerNeeded,
    PartsNeeded,
    SessionNeeded,
    access,
    client_of,
    guarded_router,
    origin_of,
    safe_next,
)
from vigilar_web.middleware import cookie
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED, own
from vigilar_web.sessions import COOKIE

router = guarded_router()

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 10
PAGE_HEADERS = {"Referrer-Policy": "same-origin"}
"""Under no-referrer, browsers send `Origin: null` with a form, and its origin could not be checked."""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a plain form. Raises ApiError 422 for anything else."""
    unreadable = ApiError(422, "invalid", "This form cannot be read.")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM_TYPE:
        raise unreadable
    try:
        text = (await request.body()).decode()
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except ValueError:
        raise unreadable from None
    return {name: values[-1] for name, values in fields.items()}


@router.get("/login")
@access(Access.FORM)
async def login_page(request: Request, parts: PartsNeeded, next: str = "/") -> Response:  # noqa: A002 its name in the URL
    if not parts.settings.password_hash:
        return RedirectResponse("/setup", 303)
    if parts.sessions.find(request.cookies.get(COOKIE, "")):
        return RedirectResponse(safe_next(next), 303)
    return HTMLResponse(templates.login(parts.settings.system_name, safe_next(next)), headers=PAGE_HEADERS)


@router.post("/login")
@access(Access.FORM)
async def log_in(request: Request, parts: PartsNeeded) -> Response:
    if not parts.settings.password_hash:
        return RedirectResponse("/setup", 303)
    form = await form_of(request)
    username, wanted = form.get("username", ""), safe_next(form.get("next", "/"))
    outcome = await parts.login.check(username, form.get("password", ""), client_of(request))
    if outcome.account is None:
        if not outcome.retry_after_s:
            note_failure(request, parts, username)
        return _refused(parts, wanted, username, outcome.retry_after_s)
    return RedirectResponse(wanted, 303, headers=begin(request, parts, outcome.account, "password"))


def begin(request: Request, parts: Parts, account: Account, how: str) -> dict[str, str]:
    """A session for who has proved who they are; the headers that bring its cookie."""
    # A new id at every login: one that was known before, or planted, opens nothing.
    before = parts.sessions.find(request.cookies.get(COOKIE, ""))
    if before:
        parts.sessions.close(before)
    origin = origin_of(request)
    token = parts.sessions.open(account.id, origin.address, origin.device)
    parts.audit.note("session.begin", origin, account_id=account.id, actor=account.name, detail=how)
    settings = parts.settings
    return {"Set-Cookie": cookie(token, settings.session_timeout_s, secure=settings.tls)}


def note_failure(request: Request, parts: Parts, username: str, how: str = "password") -> None:
    """A name that nobody has may be a password typed into the wrong field: it is not written down."""
    known = parts.accounts.by_name(username)
    parts.audit.note(
        "session.begin",
        origin_of(request),
        account_id=known.id if known else "",
        actor=known.name if known else "",
        outcome=AuditOutcome.REFUSED,
        detail=how,
    )


def _refused(parts: Parts, wanted: str, username: str, retry_after_s: int) -> Response:
    headers = dict(PAGE_HEADERS)
    status, error = 401, "User name or password is wrong."
    if retry_after_s:
        status = 429
        headers["Retry-After"] = str(retry_after_s)
        unit = "second" if retry_after_s == 1 else "seconds"
        error = f"Too many tries. The next one is possible in {retry_after_s} {unit}."
    text = templates.login(parts.settings.system_name, wanted, username[:120], error)
    return HTMLResponse(text, status, headers=headers)


@router.post("/api/v1/logout", status_code=204)
@access(Access.SESSION, own("session.end"), renews=False)
async def log_out(parts: PartsNeeded, session: SessionNeeded) -> Response:
    parts.sessions.close(session)
    return Response(status_code=204, headers={"Set-Cookie": cookie("", 0, secure=parts.settings.tls)})


@router.get("/api/v1/session")
@access(Access.SESSION, SEE_FILTERED)
async def session_info(parts: PartsNeeded, session: SessionNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Who is asking, and what they may do."""
    return {
        "user": caller.name,
        "account_id": caller.account.id,
        "role": caller.account.role.value,
        "all_cameras": caller.sees_all,
        "scopes": None if caller.scopes is None else sorted(caller.scopes),
        "csrf": session.csrf,
        "name": parts.settings.system_name,
        "timezone": parts.settings.timezone,
        "version": parts.version,
        "now_ms": parts.clock.now_ms(),
        "expires_ms": parts.sessions.expires_ms(session),
    }
