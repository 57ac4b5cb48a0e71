"""How often a camera took something for what it is not: `GET /v1/cameras/{id}/false-alarms`."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from vigilar_storage import verdicts
from vigilar_storage.api.deps import Require, services

router = APIRouter(dependencies=[Depends(Require("media:read"))])


@router.get("/v1/cameras/{camera_id}/false-alarms")
def get_false_alarms(request: Request, camera_id: str) -> JSONResponse:
    """Of the last 7 and 30 days, with the newest marks and suppressed objects."""
    now_ms = services(request).clock.now_ms()
    with services(request).database.read() as connection:
        return JSONResponse(verdicts.false_alarms(connection, camera_id, now_ms))
