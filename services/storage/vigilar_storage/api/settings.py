"""The effective configuration: `GET /v1/settings`, `PUT /v1/settings`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from vigilar_storage.api.deps import Body, Require, services

router = APIRouter()


class Change(Body):
    """`changes` is nested like vigilar.toml; None takes a key out again. `revision` is the one they are based on."""

    changes: dict[str, Any] = Field(min_length=1)
    actor: str = Field(min_length=1, max_length=80)
    revision: str = Field(min_length=1, max_length=64)


@router.get("/v1/settings", dependencies=[Depends(Require("settings:read"))])
def get_settings(request: Request) -> JSONResponse:
    """`{revision, values, origins, warnings}`; secrets are '***'."""
    return JSONResponse(services(request).settings.show())


@router.put("/v1/settings", dependencies=[Depends(Require("settings:write"))])
def put_settings(request: Request, body: Change) -> JSONResponse:
    return JSONResponse(services(request).settings.change(body.changes, body.actor, body.revision))
