"""What somebody who comes through the tunnel gets, and how much of it is in use."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router
from vigilar_web.policy import SEE
from vigilar_web.routes.types import client_address

router = guarded_router()


@router.get("/api/v1/remote")
@access(Access.SESSION, SEE, renews=False)
async def remote(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """What somebody who comes through the tunnel gets, and how much of it is in use."""
    return parts.remote.item(client_address(request))
