"""One route per listing (`vigilar_storage.listings`): pages with filters, and single rows."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, create_model

from vigilar_storage import pages
from vigilar_storage.api.deps import TIME_MAX_MS, ApiError, Require, listed, services
from vigilar_storage.listings import LISTINGS, Equal, Listing
from vigilar_storage.queries import Span

WORD_CHARS = 120


class Asked(BaseModel):
    """What every list may be asked for; a parameter that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(pages.DEFAULT_LIMIT, ge=1, le=pages.MAX_LIMIT)
    cursor: str | None = Field(None, max_length=400)


class AskedOfTime(Asked):
    from_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)
    to_ms: int | None = Field(None, ge=0, le=TIME_MAX_MS)


def _model(listing: Listing) -> type[Asked]:
    fields: dict[str, Any] = {}
    for name, wanted in listing.filters.items():
        kind: Any = wanted.kind if isinstance(wanted, Equal) else bool
        if kind is str:
            kind = Annotated[str, Field(max_length=WORD_CHARS)]
        fields[name] = (kind | None, None)
    base = AskedOfTime if listing.time else Asked
    return create_model(f"Asked of {listing.name}", __base__=base, **fields)


def _many(listing: Listing) -> Callable[..., JSONResponse]:
    def endpoint(request: Request, asked: Asked) -> JSONResponse:
        filters = {name: getattr(asked, name) for name in listing.filters}
        span = Span(asked.from_ms, asked.to_ms) if isinstance(asked, AskedOfTime) else Span()
        query = listing.query(filters, span)
        with services(request).database.read() as connection:
            rows, following = pages.page(connection, query, listing.order_columns, asked.limit, asked.cursor)
        return listed(([plain(row) for row in rows], following))

    parameters = [
        inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
        inspect.Parameter(
            "asked", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[_model(listing), Query()]
        ),
    ]
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return endpoint


def _one(listing: Listing) -> Callable[..., JSONResponse]:
    def endpoint(request: Request, row_id: str) -> JSONResponse:
        with services(request).database.read() as connection:
            row = connection.execute(listing.by_id(row_id)).mappings().first()
        if row is None:
            raise ApiError(404, "not_found", f"{listing.name} has no {row_id[:80]}")
        return JSONResponse(plain(dict(row)))

    return endpoint


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Bytes as base64."""
    return {
        key: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for key, value in row.items()
    }


def _router() -> APIRouter:
    made = APIRouter()
    for listing in LISTINGS:
        only = [Depends(Require(listing.scope))]
        made.add_api_route(f"/v1/{listing.name}", _many(listing), methods=["GET"], dependencies=only)
        if listing.one:
            path = f"/v1/{listing.name}/{{row_id}}"
            made.add_api_route(path, _one(listing), methods=["GET"], dependencies=only)
    return made


router = _router()
