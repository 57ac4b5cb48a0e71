"""Histories that the log itself keeps: sensors, power, presence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from vigilar_storage import histories, queries
from vigilar_storage.api.deps import DEFAULT, Cursor, Limit, Require, listed, services, span
from vigilar_storage.schema.log import HouseType

router = APIRouter(dependencies=[Depends(Require("state:read"))])


@router.get("/v1/sensors/{sensor_id}/history")
def get_sensor_history(
    request: Request,
    sensor_id: str,
    during: Annotated[queries.Span, Depends(span)],
    key: Annotated[str, Query(max_length=40)],
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """Values of one key, newest first."""
    query = histories.sensor_query(sensor_id, key, during)
    with services(request).database.read() as connection:
        return listed(histories.sensor_page(connection, query, limit, cursor))


@router.get("/v1/house-log")
def get_house_log(
    request: Request,
    during: Annotated[queries.Span, Depends(span)],
    kind: Annotated[HouseType, Query(alias="type")],
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """Power, presence and films made: facts of one type by time, newest first."""
    query = histories.house_query(kind, during)
    with services(request).database.read() as connection:
        return listed(histories.house_page(connection, query, limit, cursor))
