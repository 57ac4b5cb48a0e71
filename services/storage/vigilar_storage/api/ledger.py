"""The ledger: `GET /v1/ledger`, `GET /v1/ledger/checkpoints`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from vigilar_storage.api.deps import DEFAULT, Limit, Require, services
from vigilar_storage.bulk import driver
from vigilar_storage.ledger.chain import COLUMNS

router = APIRouter(dependencies=[Depends(Require("state:read"))])
CHECKPOINT_COLUMNS = ("size", "root", "note", "ts_ms", "reason")
SEQ_MAX = (1 << 63) - 1

After = Annotated[int, Query(ge=0, le=SEQ_MAX)]


@router.get("/v1/ledger")
def get_ledger(request: Request, after: After = 0, limit: Limit = DEFAULT) -> JSONResponse:
    """`{items, next}`: entries after seq `after`, oldest first; `next` is the seq to go on after, or null."""
    items, following = _page(request, "ledger", COLUMNS, "seq", after, limit)
    for item in items:
        item["body"] = json.loads(item["body"])
    return JSONResponse({"items": items, "next": following})


@router.get("/v1/ledger/checkpoints")
def get_checkpoints(request: Request, after: After = 0, limit: Limit = DEFAULT) -> JSONResponse:
    """`{items, next}`: checkpoints of more than `after` entries, oldest first."""
    items, following = _page(request, "ledger_checkpoints", CHECKPOINT_COLUMNS, "size", after, limit)
    return JSONResponse({"items": items, "next": following})


def _page(
    request: Request, table: str, columns: tuple[str, ...], key: str, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    # Names are this module's own, values are bound.
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"  # noqa: S608
    with services(request).database.read() as connection:
        rows = driver(connection).execute(query, (after, limit + 1)).fetchall()
    items = [dict(zip(columns, row, strict=True)) for row in rows[:limit]]
    return items, items[-1][key] if len(rows) > limit else None
