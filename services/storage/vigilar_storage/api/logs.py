"""Logs: alerts, system events, the alarm, refused facts; and the push subscriptions for alerts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from vigilar_storage import pages, queries
from vigilar_storage.api.deps import DEFAULT, Cursor, Limit, Require, Word, listed, services

router = APIRouter()
STATE = [Depends(Require("state:read"))]


@router.get("/v1/alert-log", dependencies=STATE)
def alert_log(
    request: Request,
    event_id: Word = None,
    channel: Word = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    return _page(request, "alert_log", queries.alert_log_query(event_id, channel), limit, cursor)


@router.get("/v1/system-events", dependencies=STATE)
def system_events(
    request: Request, level: Word = None, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    return _page(request, "system_events", queries.system_events_query(level), limit, cursor)


@router.get("/v1/arm-log", dependencies=STATE)
def arm_log(request: Request, limit: Limit = DEFAULT, cursor: Cursor = None) -> JSONResponse:
    return _page(request, "arm_state_log", queries.arm_log_query(), limit, cursor)


@router.get("/v1/rejected-facts", dependencies=STATE)
def rejected_facts(request: Request, limit: Limit = DEFAULT, cursor: Cursor = None) -> JSONResponse:
    return _page(request, "rejected_facts", queries.rejected_query(), limit, cursor)


@router.get("/v1/push-subscriptions", dependencies=[Depends(Require("push:read"))])
def push_subscriptions(request: Request) -> JSONResponse:
    """With addresses and keys: for alerts alone."""
    with services(request).database.read() as connection:
        return listed((queries.push_subscriptions_now(connection), None))


def _page(request: Request, name: str, query: sa.Select[Any], limit: int, cursor: str | None) -> JSONResponse:
    with services(request).database.read() as connection:
        return listed(pages.page(connection, query, queries.LOG_ORDERS[name], limit, cursor))
