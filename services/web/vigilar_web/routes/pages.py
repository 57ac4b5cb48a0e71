"""The single-page application and its files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from vigilar_web import templates
from vigilar_web.errors import API_PREFIXES, not_found
from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.headers import content_security_policy
from vigilar_web.parts import Parts
from vigilar_web.policy import OWN_PAGE
from vigilar_web.static_files import FRAME

router = guarded_router()

FOREVER = "private, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
SHORT = "public, max-age=86400"
LOGIN_CSS = Path(__file__).parent.parent / "login.css"
LOGIN_JS = LOGIN_CSS.with_suffix(".js")


async def send_file(request: Request, parts: Parts, name: str, cache: str) -> Response:
    """A file of the build, compressed if the browser takes that. Raises ApiError 404."""
    file = parts.static.get(name)
    if file is None:
        raise not_found("There is no such file.")
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    path = file.path
    accepted = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    for code, compressed in file.compressed.items():
        if code in accepted:
            path = compressed
            headers["Content-Encoding"] = code
            break
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        raise not_found("There is no such file.") from None
    return Response(data, media_type=file.media_type, headers=headers)


@router.get("/login.css")
@access(Access.PUBLIC)
async def login_css() -> Response:
    return Response(
        await asyncio.to_thread(LOGIN_CSS.read_bytes), media_type="text/css", headers={"Cache-Control": SHORT}
    )


@router.get("/login.js")
@access(Access.PUBLIC)
async def login_js() -> Response:
    """Offers a passkey where the browser has them; the page works without it."""
    return Response(
        await asyncio.to_thread(LOGIN_JS.read_bytes),
        media_type="text/javascript",
        headers={"Cache-Control": ASK_EACH_TIME},
    )


@router.get("/sw.js")
@access(Access.PUBLIC)
async def service_worker(request: Request, parts: PartsNeeded) -> Response:
    return await send_file(request, parts, "sw.js", ASK_EACH_TIME)


@router.get("/manifest.webmanifest")
@access(Access.PUBLIC)
async def manifest(request: Request, parts: PartsNeeded) -> Response:
    return await send_file(request, parts, "manifest.webmanifest", ASK_EACH_TIME)


@router.get("/icons/{name}")
@access(Access.PUBLIC)
async def icon(name: str, request: Request, parts: PartsNeeded) -> Response:
    """Phones fetch the icons of the manifest without cookies when the app is installed."""
    return await send_file(request, parts, f"icons/{name}", SHORT)


@router.get("/assets/{name:path}")
@access(Access.SESSION, OWN_PAGE, renews=False)
async def asset(name: str, request: Request, parts: PartsNeeded) -> Response:
    """Their names hold a hash of their content."""
    return await send_file(request, parts, f"assets/{name}", FOREVER)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
@access(Access.PAGE, OWN_PAGE)
async def any_page(path: str, request: Request, parts: PartsNeeded) -> Response:
    if f"/{path}".startswith(API_PREFIXES):
        raise not_found("There is nothing here.")
    if not parts.static.built:
        return HTMLResponse(templates.not_built(parts.settings.system_name), 503)
    if path == FRAME:
        return RedirectResponse("/", 308)
    answer = await send_file(request, parts, FRAME, ASK_EACH_TIME)
    answer.headers["Content-Security-Policy"] = content_security_policy(parts.static.allowed)
    if link := parts.static.preload(path):
        answer.headers["Link"] = link
    return answer
