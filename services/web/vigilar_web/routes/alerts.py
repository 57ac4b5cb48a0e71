"""Who was told what, and what people do about it. The alerts service answers; storage has the attempts."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alerts import (
    MAX_SNOOZE_S,
    MIN_SNOOZE_S,
    AlertAction,
    AlertAsk,
    AlertCommand,
    AlertQuestion,
)
from vigilar_common.messages.base import ID_PATTERN
from vigilar_common.signed_urls import verify_action

from vigilar_web.accounts.model import Caller
from vigilar_web.commands import ask
from vigilar_web.errors import ApiError, not_found
from vigilar_web.films import require_camera
from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, client_of, guarded_router
from vigilar_web.items import UNSEEN, channel_statistics
from vigilar_web.parts import Parts
from vigilar_web.policy import QUIET, SEE_ALL, SEE_FILTERED, Cameras, control
from vigilar_web.routes.types import Cursor, ItemId, Limit, Word

router = guarded_router()

STATISTICS_OVER = 200
"""The channels' numbers are of the newest attempts."""
STATUS_BY_CODE = {"not_found": 404, "unknown_device": 403, "unreadable": 503}
CameraOrAll = Annotated[str | None, Field(pattern=ID_PATTERN)]
IncidentCursor = Annotated[str, Query(max_length=80, pattern=r"^[0-9a-f.-]*$")]
Skip = Annotated[int, Query(ge=0, le=1_000_000)]
Few = Annotated[int, Query(ge=1, le=50)]


class SnoozeWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    camera_id: CameraOrAll = None
    duration_s: int = Field(3600, ge=MIN_SNOOZE_S, le=MAX_SNOOZE_S, strict=True)


class Unsnooze(BaseModel):
    model_config = ConfigDict(extra="forbid")
    camera_id: CameraOrAll = None


class Pressed(BaseModel):
    """A button of a notification."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=300, repr=False)
    action: AlertAction


@router.get("/api/v1/alerts")
@access(Access.SESSION, SEE_ALL, renews=False)
async def alerts(
    parts: PartsNeeded, channel: Word = None, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """Every attempt to tell somebody, newest first, with the latency of each channel."""
    page = await parts.storage.json(
        "GET", "/v1/alert-log", {"channel": channel, "cursor": cursor, "limit": limit}
    )
    newest = await parts.storage.json("GET", "/v1/alert-log", {"limit": STATISTICS_OVER})
    hidden = await _hidden(parts)
    items = [row for row in page["items"] if row.get("event_id") not in hidden]
    return {"items": items, "next": page.get("next"), "channels": channel_statistics(newest["items"])}


@router.get("/api/v1/incidents")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def incidents(
    parts: PartsNeeded, caller: CallerNeeded, before: IncidentCursor = "", limit: Few = 20
) -> dict[str, Any]:
    """What was told and what became of it, newest first."""
    found = await _asked(parts, AlertQuestion(ask=AlertAsk.LIST, before=before, limit=limit))
    # Whoever forces somebody to disarm may be looking at the page.
    shown = [item for item in found["items"] if not item["duress"] and _may_see(caller, item)]
    items = [_with_picture(item) for item in shown]
    state = parts.model.alerts if caller.sees_all else None
    return {
        "items": items,
        "next": found["next"],
        "snoozes": [item for item in found["snoozes"] if caller.sees(item.get("camera_id"))],
        "quiet": bool(state and state.quiet),
        "held_back": state.held_back if state else 0,
    }


@router.get("/api/v1/incidents/{alert_id}")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def incident(
    alert_id: ItemId, parts: PartsNeeded, caller: CallerNeeded, after: Skip = 0
) -> dict[str, Any]:
    """One alert with its events and what people did about it."""
    return _with_picture(await _incident(parts, caller, alert_id, after))


@router.get("/api/v1/incidents/{alert_id}/deliveries")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def deliveries(
    alert_id: ItemId, parts: PartsNeeded, caller: CallerNeeded, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """Every attempt of all its tellings, newest first."""
    await _require_incident(parts, caller, alert_id)
    page = await parts.storage.json(
        "GET", "/v1/alert-log", {"alert_id": alert_id, "cursor": cursor, "limit": limit}
    )
    return {"items": page["items"], "next": page.get("next")}


@router.post("/api/v1/incidents/{alert_id}/acknowledge")
@access(Access.SESSION, control(Cameras.FILTERED, "alert.acknowledge"))
async def acknowledge(alert_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Somebody looks after it: no further telling, no escalation."""
    await _require_incident(parts, caller, alert_id)
    command = AlertCommand(action=AlertAction.ACKNOWLEDGE, alert_id=alert_id, user=caller.name[:80])
    return await _done(parts, command)


@router.post("/api/v1/incidents/{alert_id}/opened")
@access(Access.SESSION, replace(SEE_FILTERED, audit=QUIET))
async def opened(alert_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Somebody has seen it."""
    await _require_incident(parts, caller, alert_id)
    command = AlertCommand(action=AlertAction.OPENED, alert_id=alert_id, user=caller.name[:80])
    return await _done(parts, command)


@router.post("/api/v1/snoozes")
@access(Access.SESSION, control(Cameras.FILTERED, "alert.snooze"))
async def snooze(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Hold back the alerts of one camera, or of all, for a while; critical ones are told all the same."""
    wish = await body_of(request, SnoozeWish)
    _require_snooze(caller, wish.camera_id)
    command = AlertCommand(
        action=AlertAction.SNOOZE, camera_id=wish.camera_id, duration_s=wish.duration_s, user=caller.name[:80]
    )
    return await _done(parts, command)


@router.delete("/api/v1/snoozes")
@access(Access.SESSION, control(Cameras.FILTERED, "alert.unsnooze"))
async def unsnooze(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """End a snooze."""
    wish = await body_of(request, Unsnooze)
    _require_snooze(caller, wish.camera_id)
    return await _done(
        parts, AlertCommand(action=AlertAction.UNSNOOZE, camera_id=wish.camera_id, user=caller.name[:80])
    )


@router.post("/api/v1/notification-actions")
@access(Access.SIGNED)
async def pressed(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """A button of a notification, perhaps on a locked phone; the signed token is the permission, for one alert."""
    if wait_s := parts.signed_limiter.take(client_of(request)):
        raise ApiError(429, "too_many_tries", "Too many at once.", retry_after_s=wait_s)
    button = await body_of(request, Pressed)
    found = verify_action(parts.media_key, button.token, parts.clock.now_ms())
    if found is None:
        raise ApiError(403, "forbidden", "This notification is too old for that. Open the alerts page.")
    if button.action is AlertAction.UNSNOOZE:
        raise ApiError(422, "invalid", "A notification can acknowledge and snooze.", field="action")
    alert_id, subscription_id = found
    command = AlertCommand(action=button.action, alert_id=alert_id, subscription_id=subscription_id)
    reply = await ask(parts, topics.CMD_ALERT, command, _unavailable)
    _answered(reply)
    return {"ok": True, "message": reply.message}  # what happened in the house is not told without a session


@router.get("/api/v1/events/{event_id}/why")
@access(Access.SESSION, SEE_FILTERED, renews=False)
async def why(event_id: ItemId, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    """Why an event was told or not."""
    if not caller.sees_all:
        row = await parts.storage.json("GET", f"/v1/events/{event_id}")
        require_camera(caller, row.get("camera_id"))
    return await _asked(parts, AlertQuestion(ask=AlertAsk.EXPLAIN, event_id=event_id))


async def _incident(parts: Parts, caller: Caller, alert_id: str, after: int = 0) -> dict[str, Any]:
    """Raises ApiError 404 also for one of a camera that the caller may not see."""
    found = await _asked(parts, AlertQuestion(ask=AlertAsk.ONE, alert_id=alert_id, after=after))
    if found["duress"] or not _may_see(caller, found):
        raise not_found("There is no such alert.")
    return found


async def _require_incident(parts: Parts, caller: Caller, alert_id: str) -> None:
    if not caller.sees_all:
        await _incident(parts, caller, alert_id)


def _may_see(caller: Caller, incident: dict[str, Any]) -> bool:
    return caller.sees_every([camera for camera in incident.get("cameras") or [] if camera])


def _require_snooze(caller: Caller, camera_id: str | None) -> None:
    """None means all cameras."""
    if not (caller.sees_all if camera_id is None else caller.sees(camera_id)):
        raise not_found("There is no such camera.")


async def _asked(parts: Parts, question: Message) -> dict[str, Any]:
    return _answered(await ask(parts, topics.CMD_ALERT_ASK, question, _unavailable))


async def _done(parts: Parts, command: AlertCommand) -> dict[str, Any]:
    reply = await ask(parts, topics.CMD_ALERT, command, _unavailable)
    return {"message": reply.message, **_answered(reply)}


async def _hidden(parts: Parts) -> set[str]:
    """Events whose attempts no page lists: whoever forces somebody to disarm may be looking at it."""
    found = set(parts.model.recent_unseen(UNSEEN))
    for kind in sorted(UNSEEN):
        page = await parts.storage.json("GET", "/v1/events", {"type": kind, "limit": 200})
        found |= {str(row["id"]) for row in page["items"]}
    return found


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "alerts_unavailable", "The alerts service does not answer; try again in a moment.")


def _answered(reply: Reply) -> dict[str, Any]:
    if reply.ok:
        return reply.data
    raise ApiError(STATUS_BY_CODE.get(reply.code, 409), reply.code, reply.message or "This was refused.")


def _with_picture(item: dict[str, Any]) -> dict[str, Any]:
    picture_id = item.get("picture_id")
    return item | {"picture_url": f"/api/v1/pictures/{picture_id}" if picture_id else None}
