"""Browsers that want notifications. The alerts service keeps and checks them."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.alerts import AlertTest, PushSubscribe, PushUnsubscribe

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE, Cameras, Policy, Role, administer, control, own

router = guarded_router()

STATUS_BY_CODE = {
    "endpoint_not_allowed": 422,
    "bad_keys": 422,
    "invalid": 422,
    "not_found": 404,
    "stale": 503,
}
"""Every other refusal is a conflict with how things are: 409."""
TEST_LIMIT_S = 50.0
"""A mail server may take its time; what it says then is what one wants to know."""


class Keys(BaseModel):
    p256dh: str = Field(min_length=1, max_length=256, repr=False)
    auth: str = Field(min_length=1, max_length=128, repr=False)


class Subscription(BaseModel):
    """What `PushSubscription.toJSON()` gives, and how the browser calls itself."""

    endpoint: str = Field(min_length=8, max_length=2048, repr=False)
    keys: Keys
    device: str = Field("", max_length=200)


class Endpoint(BaseModel):
    endpoint: str = Field(min_length=8, max_length=2048, repr=False)


class Channel(BaseModel):
    channel: str = Field(pattern=r"^[a-z_]{1,32}$")


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "alerts_unavailable", "The alerts service does not answer; try again in a moment.")


def _refusal(reply: Reply) -> ApiError:
    return ApiError(STATUS_BY_CODE.get(reply.code, 409), reply.code, reply.message or "This was refused.")


@router.get("/api/v1/push")
@access(Access.SESSION, SEE, renews=False)
async def info(parts: PartsNeeded) -> dict[str, Any]:
    """Which channels are on, and the key that browsers subscribe with."""
    known = parts.model.push
    if known is None:
        raise _unavailable()
    return known.model_dump(
        mode="json", include={"public_key", "enabled", "subscriptions", "last_delivered_ms", "channels"}
    )


@router.post("/api/v1/push/subscriptions", status_code=201)
@access(Access.SESSION, Policy(Role.RESIDENT, None, Cameras.ALL, "push.subscribe"))
async def subscribe(request: Request, parts: PartsNeeded, session: SessionNeeded) -> Response:
    wanted = await body_of(request, Subscription)
    command = PushSubscribe(
        endpoint=wanted.endpoint,
        p256dh=wanted.keys.p256dh,
        auth=wanted.keys.auth,
        user=session.user,
        device=wanted.device,
    )
    reply = await ask(parts, topics.CMD_PUSH_SUBSCRIBE, command, _unavailable)
    if not reply.ok:
        raise _refusal(reply)
    return JSONResponse({"ok": True, "message": reply.message, **reply.data}, 201)


@router.delete("/api/v1/push/subscriptions", status_code=204)
@access(Access.SESSION, own("push.unsubscribe"))
async def unsubscribe(request: Request, parts: PartsNeeded, session: SessionNeeded) -> Response:
    wanted = await body_of(request, Endpoint)
    command = PushUnsubscribe(endpoint=wanted.endpoint, user=session.user)
    reply = await ask(parts, topics.CMD_PUSH_UNSUBSCRIBE, command, _unavailable)
    if not reply.ok:
        raise _refusal(reply)
    return Response(status_code=204)


@router.post("/api/v1/push/test")
@access(Access.SESSION, control(Cameras.ALL, "push.test"))
async def test(parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """A refusal is an answer too: `ok` false with the reason."""
    return await _test(parts, AlertTest(user=session.user))


@router.post("/api/v1/alerts/test")
@access(Access.SESSION, administer("alerts.test"))
async def test_channel(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Try out any channel, with what came of it for everybody who is told that way."""
    wanted = await body_of(request, Channel)
    return await _test(parts, AlertTest(channel=wanted.channel, user=session.user))


async def _test(parts: Parts, command: AlertTest) -> dict[str, Any]:
    reply = await ask(parts, topics.CMD_ALERT_TEST, command, _unavailable, TEST_LIMIT_S)
    return {"ok": reply.ok, "message": reply.message, "results": reply.data.get("results", [])}
