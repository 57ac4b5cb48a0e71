"""The description of the public API."""

from __future__ import annotations

import asyncio

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.policy import SEE

router = guarded_router()


@router.get("/api/v1/openapi.json")
@access(Access.SESSION, SEE)
async def openapi(request: Request, parts: PartsNeeded) -> Response:
    """This description (OpenAPI 3.1)."""
    from vigilar_web.openapi import describe  # loads what only this page needs

    return JSONResponse(await asyncio.to_thread(describe, request.app.router.routes, parts.version))
