"""Usage of the disks."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from vigilar_storage import usage
from vigilar_storage.api.deps import Require, services

router = APIRouter(dependencies=[Depends(Require("state:read"))])


@router.get("/v1/usage")
def get_usage(request: Request) -> JSONResponse:
    behind = services(request)
    answer = usage.usage(
        behind.database, behind.data_dir, behind.recordings_dir, behind.totals, behind.critical_pct()
    )
    return JSONResponse(answer)
