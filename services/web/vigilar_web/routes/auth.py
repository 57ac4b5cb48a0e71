"""Logging in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from vigilar_web import templates
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, guarded_router, safe_next
from vigilar_web.middleware import cookie
from vigilar_web.parts import Parts
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


def client_of(request: Request) -> str:
    """The address of the TCP peer; forwarded addresses are claims and not believed."""
    return request.client.host if request.client else "unknown"


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
    if not outcome.ok:
        return _refused(parts, wanted, username, outcome.retry_after_s)
    # A new id at every login: one that was known before, or planted, opens nothing.
    before = parts.sessions.find(request.cookies.get(COOKIE, ""))
    if before:
        parts.sessions.close(before)
    token = parts.sessions.open(parts.settings.username)
    settings = parts.settings
    headers = {"Set-Cookie": cookie(token, settings.session_timeout_s, secure=settings.tls)}
    return RedirectResponse(wanted, 303, headers=headers)


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
@access(Access.SESSION, renews=False)
async def log_out(parts: PartsNeeded, session: SessionNeeded) -> Response:
    parts.sessions.close(session)
    return Response(status_code=204, headers={"Set-Cookie": cookie("", 0, secure=parts.settings.tls)})


@router.get("/api/v1/session")
@access(Access.SESSION)
async def session_info(parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    return {
        "user": session.user,
        "csrf": session.csrf,
        "name": parts.settings.system_name,
        "timezone": parts.settings.timezone,
        "version": parts.version,
        "expires_ms": parts.sessions.expires_ms(session),
    }
