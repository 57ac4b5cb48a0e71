"""Usage of the disks, and a plain view of the tables that have no route of their own."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from vigilar_storage import queries, usage
from vigilar_storage.api.deps import DEFAULT, ApiError, Cursor, Limit, Require, listed, services
from vigilar_storage.schema import METADATA

router = APIRouter(dependencies=[Depends(Require("state:read"))])
MAX_FILTERS = 8
MAX_FILTER_CHARS = 200


@router.get("/v1/usage")
def get_usage(request: Request) -> JSONResponse:
    behind = services(request)
    answer = usage.usage(
        behind.database, behind.data_dir, behind.recordings_dir, behind.totals, behind.critical_pct()
    )
    return JSONResponse(answer)


@router.get("/v1/state/{table}")
def get_state(request: Request, table: str, limit: Limit = DEFAULT, cursor: Cursor = None) -> JSONResponse:
    """Rows by primary key, highest first; every further query parameter is a column and the value it must have.

    Encrypted columns are base64.
    """
    if table not in queries.STATE_TABLES:
        raise ApiError(404, "not_found", f"no such table; there are {', '.join(queries.STATE_TABLES)}")
    filters = {key: value for key, value in request.query_params.items() if key not in ("limit", "cursor")}
    if len(filters) > MAX_FILTERS:
        raise ApiError(422, "invalid", f"at most {MAX_FILTERS} columns can be filtered by")
    for key, value in filters.items():
        _check_filter(table, key, value)
    with services(request).database.read() as connection:
        rows, following = queries.state_page(connection, table, filters, limit, cursor)
    return listed(([{key: _plain(value) for key, value in row.items()} for row in rows], following))


def _check_filter(table: str, key: str, value: str) -> None:
    column = METADATA.tables[table].c.get(key)
    if column is None:
        raise ApiError(422, "invalid", f"{table} has no column {key[:80]}", key[:80])
    if len(value) > MAX_FILTER_CHARS:
        raise ApiError(422, "invalid", f"a filter has at most {MAX_FILTER_CHARS} characters", key)
    if column.type.python_type is int and not (value.isascii() and value.isdigit() and len(value) < 19):
        raise ApiError(422, "invalid", f"{key} is a number", key)


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
