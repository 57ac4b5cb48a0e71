"""Verifications of the recordings: asked for, watched, cancelled."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from vigilar_common.messages.base import ID_PATTERN

from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Body, Require, services
from vigilar_storage.verifications import VerificationBusyError, VerificationOrder

router = APIRouter()
READ = [Depends(Require("media:read"))]
WRITE = [Depends(Require("media:write"))]


class Wanted(Body):
    actor: str = Field(min_length=1, max_length=80)
    camera_id: str | None = Field(None, pattern=ID_PATTERN)
    from_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    to_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    quick: bool = False


@router.post("/v1/verifications", dependencies=WRITE)
def post_verification(request: Request, body: Wanted) -> JSONResponse:
    """202 with the one that was begun; 409 `verification_running` while another one runs."""
    order = VerificationOrder(body.actor, body.camera_id or "", body.from_ms, body.to_ms, body.quick)
    try:
        return JSONResponse(services(request).verifications.ask(order).plain(), 202)
    except VerificationBusyError as error:
        raise ApiError(409, "verification_running", str(error)) from error


@router.get("/v1/verifications", dependencies=READ)
def list_verifications(request: Request) -> JSONResponse:
    """The newest few since storage started."""
    return JSONResponse({"items": [one.plain() for one in services(request).verifications.all()]})


@router.get("/v1/verifications/{verification_id}", dependencies=READ)
def get_verification(request: Request, verification_id: str) -> JSONResponse:
    found = services(request).verifications.get(verification_id)
    if found is None:
        raise _none()
    return JSONResponse(found.plain())


@router.delete("/v1/verifications/{verification_id}", dependencies=WRITE)
def cancel_verification(request: Request, verification_id: str) -> Response:
    if not services(request).verifications.cancel(verification_id):
        raise _none()
    return Response(status_code=204)


def _none() -> ApiError:
    return ApiError(404, "not_found", "there is no such verification since storage started")
