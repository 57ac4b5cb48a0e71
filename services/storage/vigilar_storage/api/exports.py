"""Exports with proof: asked for, watched, fetched, removed."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import Field, StringConstraints, model_validator
from vigilar_common.messages.base import ID_PATTERN

from vigilar_storage import exports
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Body, Require, services
from vigilar_storage.export_notes import Export, ExportOrder, ExportState
from vigilar_storage.exports import ExportBusyError, plain

router = APIRouter()
READ = [Depends(Require("media:read"))]
WRITE = [Depends(Require("media:write"))]
MAX_RECORDINGS = 100
UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class Wanted(Body):
    """Either `recording_ids`, or `camera_id` with `from_ms` and `to_ms`."""

    actor: str = Field(min_length=1, max_length=80)
    reason: str = Field("", max_length=500)
    recording_ids: list[Annotated[str, StringConstraints(pattern=UUID)]] = Field(
        [], max_length=MAX_RECORDINGS
    )
    camera_id: str | None = Field(None, pattern=ID_PATTERN)
    from_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    to_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        span = (self.camera_id, self.from_ms, self.to_ms)
        if self.recording_ids:
            if any(value is not None for value in span):
                raise ValueError("either recording_ids, or camera_id with from_ms and to_ms")
        elif any(value is None for value in span):
            raise ValueError("name recording_ids, or camera_id with from_ms and to_ms")
        elif self.from_ms >= self.to_ms:  # type: ignore[operator] # both are numbers here
            raise ValueError("from_ms must be before to_ms")
        return self


@router.post("/v1/exports", dependencies=WRITE)
def post_export(request: Request, body: Wanted) -> JSONResponse:
    """202 with the export that was begun; 409 `export_running` while another one is being made."""
    order = ExportOrder(
        body.actor,
        body.reason,
        tuple(body.recording_ids),
        body.camera_id or "",
        body.from_ms or 0,
        body.to_ms or 0,
    )
    try:
        return JSONResponse(plain(services(request).exports.ask(order)), 202)
    except ExportBusyError as error:
        raise ApiError(409, "export_running", str(error)) from error


@router.get("/v1/exports", dependencies=READ)
def list_exports(request: Request) -> JSONResponse:
    items = [plain(export) for export in services(request).exports.all()]
    limits: dict[str, Any] = {
        "max_bytes": exports.MAX_EXPORT_BYTES,
        "keep_s": exports.KEEP_MS // 1000,
        "kept": exports.KEPT_EXPORTS,
    }
    return JSONResponse({"items": items, "limits": limits})


@router.get("/v1/exports/{export_id}", dependencies=READ)
def get_export(request: Request, export_id: str) -> JSONResponse:
    return JSONResponse(plain(_found(request, export_id)))


@router.get("/v1/exports/{export_id}/content", dependencies=READ)
def get_content(request: Request, export_id: str) -> Response:
    """The zip, by Range if wanted."""
    export = _found(request, export_id)
    path = services(request).exports.path(export)
    if export.state is not ExportState.DONE or not path.is_file():
        raise ApiError(409, "not_ready", export.error or "the export is still being made")
    return FileResponse(path, media_type="application/zip", headers={"Cache-Control": "no-store"})


@router.delete("/v1/exports/{export_id}", dependencies=WRITE)
def delete_export(request: Request, export_id: str) -> Response:
    if not services(request).exports.remove(export_id):
        raise _none()
    return Response(status_code=204)


def _found(request: Request, export_id: str) -> Export:
    export = services(request).exports.get(export_id)
    if export is None:
        raise _none()
    return export


def _none() -> ApiError:
    return ApiError(404, "not_found", "there is no such export, or it was removed after a day")
