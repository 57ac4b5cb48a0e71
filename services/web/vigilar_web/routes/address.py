"""A trusted address for phones: what this one is worth, the authority of the house to install, and how."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from vigilar_web import templates_trust
from vigilar_web.address import ADDRESS, address_of, authority, qr_code
from vigilar_web.errors import ApiError, not_found
from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.policy import administer
from vigilar_web.routes.auth import PAGE_HEADERS

router = guarded_router()

NAME = "vigilar-house.crt"


@router.get("/api/v1/address")
@access(Access.SESSION, administer(""), renews=False)
async def address(parts: PartsNeeded) -> dict[str, Any]:
    """What the certificate vouches for, and the fingerprint of its authority where that is ours."""
    try:
        return (await asyncio.to_thread(address_of, parts.settings)).to_json()
    except (OSError, ValueError) as error:
        raise ApiError(503, "certificate", f"The certificate cannot be read: {error}") from error


@router.get("/api/v1/address/code.svg")
@access(Access.SESSION, administer(""), renews=False)
async def code(to: Annotated[str, Query(pattern=ADDRESS, max_length=300)]) -> Response:
    """A QR code that leads a phone to `<to>/trust`."""
    return Response(await asyncio.to_thread(qr_code, to), media_type="image/svg+xml")


@router.get("/trust")
@access(Access.PUBLIC)
async def trust(request: Request, parts: PartsNeeded) -> Response:
    """How to make this phone or computer trust the house; for who is not signed in yet."""
    try:
        found = await asyncio.to_thread(address_of, parts.settings)
    except (OSError, ValueError) as error:
        raise ApiError(503, "certificate", "The certificate cannot be read.") from error
    device = templates_trust.device_of(request.headers.get("user-agent", ""))
    text = templates_trust.trust(parts.settings.system_name, found, device)
    return HTMLResponse(text, headers=PAGE_HEADERS)


@router.get(f"/{NAME}")
@access(Access.PUBLIC)
async def certificate(parts: PartsNeeded) -> Response:
    """The authority's certificate, which is no secret; its key is not within this service's reach."""
    pem = await asyncio.to_thread(authority, parts.settings)
    if pem is None:
        raise not_found("This page has no authority of its own.")
    headers = {"Content-Disposition": f'attachment; filename="{NAME}"', "Cache-Control": "no-cache"}
    return Response(pem, media_type="application/x-x509-ca-cert", headers=headers)
