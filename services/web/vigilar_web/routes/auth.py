"""Logging in and out."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common.messages.audit import AuditOutcome

from vigilar_web import templates
from vigilar_web.accounts import passkeys
from vigilar_web.accounts.model import Account
from vigilar_web.errors import ApiError
from vigilar_web.gate import (
    Access,
    CallerNeeded,
    PartsNeeded,
    SessionNeeded,
    access,
    body_of,
    client_of,
    guarded_router,
    origin_of,
    safe_next,
)
from vigilar_web.language import LANGUAGES, cookie_of, use
from vigilar_web.middleware import cookie
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_FILTERED, own
from vigilar_web.sessions import COOKIE

router = guarded_router()

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 10
MAX_CODE_LENGTH = 40
Model = TypeVar("Model", bound=BaseModel)
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
async def login_page(
    request: Request,
    parts: PartsNeeded,
    next: str = "/",  # noqa: A002 its name in the URL
    language: str = "",
) -> Response:
    """`language` is one of those at its foot; this browser keeps it."""
    if not parts.settings.password_hash:
        return RedirectResponse("/setup", 303)
    if parts.sessions.find(request.cookies.get(COOKIE, "")):
        return RedirectResponse(safe_next(next), 303)
    headers = dict(PAGE_HEADERS)
    if language in LANGUAGES:
        use(language)
        headers["Set-Cookie"] = cookie_of(language, secure=parts.settings.tls)
    return HTMLResponse(templates.login(parts.settings.system_name, safe_next(next)), headers=headers)


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
    if parts.second.needed(outcome.account):
        return _ask_code(parts, wanted, parts.second.pending(outcome.account))
    return RedirectResponse(wanted, 303, headers=begin(request, parts, outcome.account, "password"))


@router.post("/login/code")
@access(Access.FORM)
async def log_in_code(request: Request, parts: PartsNeeded) -> Response:
    """The second step of the page without scripts."""
    form = await form_of(request)
    wanted, pending = safe_next(form.get("next", "/")), form.get("pending", "")
    account = parts.second.of_pending(pending)
    if account is None:
        text = templates.login(
            parts.settings.system_name, wanted, error="This took too long. Please sign in again."
        )
        return HTMLResponse(text, 401, headers=PAGE_HEADERS)
    how, wait_s = await parts.second.check(account, form.get("code", "")[:MAX_CODE_LENGTH])
    if how:
        return RedirectResponse(wanted, 303, headers=begin(request, parts, account, f"password and {how}"))
    if not wait_s:
        note_failure(request, parts, account.name, "second factor")
    return _ask_code(parts, wanted, pending, wait_s, refused=True)


def _ask_code(parts: Parts, wanted: str, pending: str, wait_s: int = 0, *, refused: bool = False) -> Response:
    headers, error, status = dict(PAGE_HEADERS), "", 200
    if refused:
        status, error = 401, "This code is not right."
    if wait_s:
        status, error = 429, f"Too many tries. The next one is possible in {wait_s} seconds."
        headers["Retry-After"] = str(wait_s)
    text = templates.second_step(parts.settings.system_name, wanted, pending, error)
    return HTMLResponse(text, status, headers=headers)


class SignIn(BaseModel):
    """Name and password; then, where `pending` was answered, that and a code."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    username: str = Field("", max_length=120)
    password: str = Field("", max_length=1024, repr=False)
    pending: str = Field("", max_length=300, repr=False)
    code: str = Field("", max_length=MAX_CODE_LENGTH, repr=False)


class SignInPasskey(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    challenge_id: str = Field(max_length=64)
    credential: dict[str, Any] = Field(repr=False)


@router.post("/api/v1/sign-in")
@access(Access.FORM)
async def sign_in(request: Request, parts: PartsNeeded) -> Response:
    """From within a page whose session has ended: nothing that was typed there gets lost. `{}` or `{pending}`."""
    wish = await json_of(request, SignIn)
    if wish.pending:
        account = parts.second.of_pending(wish.pending)
        how, wait_s = await parts.second.check(account, wish.code) if account else ("", 0)
        if account is None or not how:
            _refuse_json(request, parts, account.name if account else "", wait_s, "second factor")
            raise ApiError(401, "wrong_code", "This code is not right.", field="code")
        return JSONResponse({}, headers=begin(request, parts, account, f"password and {how}"))
    outcome = await parts.login.check(wish.username, wish.password, client_of(request))
    if outcome.account is None:
        _refuse_json(request, parts, wish.username, outcome.retry_after_s)
        raise ApiError(401, "wrong_login", "User name or password is wrong.", field="password")
    if parts.second.needed(outcome.account):
        return JSONResponse({"pending": parts.second.pending(outcome.account)})
    return JSONResponse({}, headers=begin(request, parts, outcome.account, "password"))


@router.post("/api/v1/sign-in/passkey/challenge")
@access(Access.FORM)
async def passkey_challenge(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """For whoever signs in, or confirms who they are, with a passkey."""
    _json_only(request)
    if wait_s := parts.signed_limiter.take(client_of(request)):
        raise ApiError(429, "too_many_tries", "Too many at once.", retry_after_s=wait_s)
    site = passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
    name, challenge = parts.passkeys.challenges.new("")
    return {"challenge_id": name, "options": parts.passkeys.request_options(site, challenge)}


@router.post("/api/v1/sign-in/passkey")
@access(Access.FORM)
async def sign_in_passkey(request: Request, parts: PartsNeeded) -> Response:
    """A passkey is both proofs at once: something one has, unlocked by something one is or knows."""
    wish = await json_of(request, SignInPasskey)
    if wait_s := parts.login.limiter.take(client_of(request)):
        raise ApiError(429, "too_many_tries", "Too many tries.", retry_after_s=wait_s)
    site = passkeys.site_of(parts.settings.trusted_address, request.headers.get("host", ""))
    challenge = parts.passkeys.challenges.take(wish.challenge_id, "")
    try:
        account = parts.passkeys.answered(wish.credential, site, challenge)
    except ApiError:
        note_failure(request, parts, "", "passkey")
        raise
    parts.login.limiter.succeeded(client_of(request))
    return JSONResponse({}, headers=begin(request, parts, account, "passkey"))


async def json_of(request: Request, model: type[Model]) -> Model:
    """The body of a sign-in. Raises ApiError."""
    _json_only(request)
    return await body_of(request, model)


def _json_only(request: Request) -> None:
    """No form of another site can send that."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise ApiError(403, "csrf", "Content-Type must be application/json.")


def _refuse_json(request: Request, parts: Parts, username: str, wait_s: int, how: str = "password") -> None:
    if wait_s:
        raise ApiError(429, "too_many_tries", "Too many tries.", retry_after_s=wait_s)
    note_failure(request, parts, username, how)


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
