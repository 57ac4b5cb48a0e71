"""The first password, behind the one-time token of the log; gone once a password is set."""

from __future__ import annotations

import logging

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from vigilar_common.passwords import why_not_password

from vigilar_web import templates
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, client_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.routes.auth import PAGE_HEADERS, form_of
from vigilar_web.routes.me import store_owner_password

log = logging.getLogger(__name__)
router = guarded_router()


@router.get("/setup")
@access(Access.FORM)
async def setup_page(parts: PartsNeeded, token: str = "") -> Response:
    if parts.settings.password_hash:
        return RedirectResponse("/login", 303)
    settings = parts.settings
    if not parts.setup_token.fits(token):
        return HTMLResponse(templates.setup_locked(settings.system_name), 403)
    return HTMLResponse(templates.setup(settings.system_name, settings.username, token), headers=PAGE_HEADERS)


@router.post("/setup")
@access(Access.FORM)
async def set_password(request: Request, parts: PartsNeeded) -> Response:
    if parts.settings.password_hash:
        return RedirectResponse("/login", 303)
    form = await form_of(request)
    token, password = form.get("token", ""), form.get("password", "")
    if wait_s := parts.login.try_setup(client_of(request)):
        return _again(parts, token, f"Too many tries. The next one is possible in {wait_s} seconds.", 429)
    if not parts.setup_token.fits(token):
        return HTMLResponse(templates.setup_locked(parts.settings.system_name), 403)
    if password != form.get("repeat", ""):
        return _again(parts, token, "The two passwords are not the same.")
    if why := why_not_password(password):
        return _again(parts, token, f"This password cannot be used: {why}.")
    hashed = await parts.login.hash(password)
    if hashed is None:
        return _again(parts, token, "The service is busy. Please try again.", 503)
    try:
        await store_owner_password(parts, hashed, "setup")
    except ApiError as error:
        return _again(parts, token, f"The password could not be saved: {error.message}", error.status)
    parts.setup_token.use_up()
    log.info("a password for %s was set through the set-up page", parts.settings.username)
    text = templates.login(
        parts.settings.system_name,
        "/welcome",
        parts.settings.username,
        note="The password is saved. You can log in now.",
    )
    return HTMLResponse(text, headers=PAGE_HEADERS)


def _again(parts: Parts, token: str, error: str, status: int = 422) -> Response:
    settings = parts.settings
    text = templates.setup(settings.system_name, settings.username, token, error)
    return HTMLResponse(text, status, headers=PAGE_HEADERS)
