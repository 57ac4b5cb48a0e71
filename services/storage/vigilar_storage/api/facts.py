"""The log of facts: `POST /v1/facts`, `GET /v1/facts`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from vigilar_storage import feed
from vigilar_storage.api.deps import ApiError, Require, Services, services
from vigilar_storage.facts import BATCH_FACTS, SEQ_MAX
from vigilar_storage.tokens import Sender

MAX_TYPES = 64
router = APIRouter()


@router.post("/v1/facts")
async def post_facts(
    request: Request, sender: Annotated[Sender, Depends(Require("facts:write"))]
) -> JSONResponse:
    """`{source, facts: [[seq, id, type, body], …]}`; 200 means committed."""
    data = await request.body()
    # Reading a large batch takes a while: on a thread, so that nobody else waits for it.
    return JSONResponse(await run_in_threadpool(_ingest, services(request), sender, data))


def _ingest(behind: Services, sender: Sender, data: bytes) -> dict[str, Any]:
    try:
        body: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"the request is not JSON: {type(error).__name__}") from error
    if not isinstance(body, dict) or not isinstance(body.get("facts"), list):
        raise ApiError(422, "invalid", "expected {source, facts: [[seq, id, type, body], …]}", "facts")
    if body.get("source") != sender.service:
        raise ApiError(403, "not_your_source", f"{sender.service} speaks for itself only", "source")
    if len(body["facts"]) > BATCH_FACTS:
        raise ApiError(422, "too_many", f"at most {BATCH_FACTS} facts at once", "facts")
    return behind.facts.ingest(sender.service, body["facts"]).answer()


@router.get("/v1/facts")
def get_facts(
    request: Request,
    sender: Annotated[Sender, Depends(Require("facts:read"))],
    epoch: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[int, Query(ge=0, le=SEQ_MAX)] = 0,
    types: Annotated[str, Query(max_length=2_000)] = "",
    limit: Annotated[int, Query(ge=1, le=feed.PAGE_FACTS)] = feed.PAGE_FACTS,
) -> Response:
    """Facts after commit number `after`, in the order of commit."""
    wanted = [kind for kind in types.split(",") if kind]
    if len(wanted) > MAX_TYPES:
        raise ApiError(422, "too_many", f"at most {MAX_TYPES} types at once", "types")
    text = feed.read_page(services(request).database, epoch, after, wanted, limit, sender.scopes)
    return Response(text, media_type="application/json")
