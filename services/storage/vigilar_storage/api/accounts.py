"""Accounts: `GET /v1/accounts`, `PUT` and `DELETE /v1/accounts/{id}`; for the web service alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StringConstraints
from sqlalchemy.exc import IntegrityError
from vigilar_common.messages.base import ID_PATTERN

from vigilar_storage import accounts
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Body, Require, services
from vigilar_storage.schema.people import CREDENTIAL_KINDS, ROLES

router = APIRouter()
READ = [Depends(Require("accounts:read"))]
WRITE = [Depends(Require("accounts:write"))]
MAX_CREDENTIALS = 64
MAX_CAMERAS = 256
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class Credential(Body):
    id: Id
    kind: Literal[CREDENTIAL_KINDS]  # type: ignore[valid-type] # a constant of the schema
    label: str = Field("", max_length=120)
    proof: str = Field(max_length=4_096, repr=False)
    detail: dict[str, Any] = Field(default_factory=dict)
    created_ms: int = Field(ge=0, le=TIME_MAX_MS)
    expires_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)


class Account(Body):
    """The whole account as it shall be; `revision` is the one that was seen, 0 for a new account."""

    name: str = Field(min_length=1, max_length=120)
    role: Literal[ROLES]  # type: ignore[valid-type] # a constant of the schema
    all_cameras: bool
    cameras: list[Id] = Field(max_length=MAX_CAMERAS)
    disabled: bool = False
    revision: int = Field(ge=0)
    credentials: list[Credential] = Field(max_length=MAX_CREDENTIALS)


@router.get("/v1/accounts", dependencies=READ)
def get_accounts(request: Request) -> JSONResponse:
    with services(request).database.read() as connection:
        return JSONResponse({"items": accounts.show(connection)})


@router.put("/v1/accounts/{account_id}", dependencies=WRITE)
def put_account(request: Request, account_id: Id, body: Account) -> JSONResponse:
    """All accounts as they then are. 409 `stale_revision`, `name_taken`, `too_many_accounts`."""
    behind = services(request)
    wanted = body.model_dump(mode="json")
    try:
        behind.database.write(
            lambda connection: accounts.save(connection, account_id, wanted, behind.clock.now_ms())
        )
    except accounts.AccountConflictError as error:
        raise ApiError(409, error.code, str(error)) from error
    except IntegrityError as error:
        raise ApiError(
            409, "credential_taken", "a credential of this id belongs to another account"
        ) from error
    return get_accounts(request)


@router.delete("/v1/accounts/{account_id}", dependencies=WRITE)
def delete_account(request: Request, account_id: Id) -> Response:
    """Its credentials go too; what it did stays in the audit log."""
    if not services(request).database.write(lambda connection: accounts.remove(connection, account_id)):
        raise ApiError(404, "not_found", f"there is no account {account_id}")
    return Response(status_code=204)
