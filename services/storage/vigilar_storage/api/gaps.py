"""What exists of a camera's time, and why the rest does not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from vigilar_storage import gaps
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Require, services

router = APIRouter()
Time = Annotated[int, Query(ge=0, le=TIME_MAX_MS)]


@router.get("/v1/cameras/{camera_id}/coverage", dependencies=[Depends(Require("media:read"))])
def get_coverage(
    request: Request,
    camera_id: str,
    from_ms: Time,
    to_ms: Time,
    least_ms: Annotated[int, Query(ge=0, le=86_400_000)] = 0,
) -> JSONResponse:
    """Spans in order, without overlaps, from `from_ms` to `to_ms` or now; `least_ms` for a picture of a long time."""
    if to_ms <= from_ms:
        raise ApiError(422, "invalid", "to_ms must be later than from_ms", "to_ms")
    behind = services(request)
    try:
        with behind.database.read() as connection:
            found = gaps.report(connection, camera_id, from_ms, to_ms, behind.clock.now_ms(), least_ms)
    except gaps.UnknownCameraError as error:
        raise ApiError(404, "not_found", str(error)) from error
    except gaps.ReportTooLargeError as error:
        raise ApiError(422, "span_too_large", str(error), "to_ms") from error
    return JSONResponse(found)
