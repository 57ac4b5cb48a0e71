"""The effective configuration: shown, tried out, changed, and put back to how it was."""

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


class Trial(Body):
    changes: dict[str, Any] = Field(min_length=1)


class Return(Body):
    """`version` as the list of versions names it."""

    version: str = Field(min_length=1, max_length=80)
    actor: str = Field(min_length=1, max_length=80)
    revision: str = Field(min_length=1, max_length=64)


@router.get("/v1/settings", dependencies=[Depends(Require("settings:read"))])
def get_settings(request: Request) -> JSONResponse:
    """`{revision, values, origins, warnings}`; secrets are '***'."""
    return JSONResponse(services(request).settings.show())


@router.put("/v1/settings", dependencies=[Depends(Require("settings:write"))])
def put_settings(request: Request, body: Change) -> JSONResponse:
    return JSONResponse(services(request).settings.change(body.changes, body.actor, body.revision))


@router.get("/v1/settings/form", dependencies=[Depends(Require("settings:read"))])
def get_form() -> JSONResponse:
    """`{sections}`: every key with title, meaning, kind and bounds; the same until the program changes."""
    from vigilar_common.config.form import form  # only for who opens the page

    return JSONResponse({"sections": form()})


@router.post("/v1/settings/check", dependencies=[Depends(Require("settings:write"))])
def check_settings(request: Request, body: Trial) -> JSONResponse:
    """`{problems: [{key, text}], warnings, differences: [{key, before, after}], services}`; nothing is changed."""
    return JSONResponse(services(request).settings.try_out(body.changes))


@router.get("/v1/settings/versions", dependencies=[Depends(Require("settings:read"))])
def get_versions(request: Request) -> JSONResponse:
    return JSONResponse({"items": services(request).settings.versions()})


@router.post("/v1/settings/return", dependencies=[Depends(Require("settings:write"))])
def return_settings(request: Request, body: Return) -> JSONResponse:
    return JSONResponse(services(request).settings.go_back(body.version, body.actor, body.revision))
