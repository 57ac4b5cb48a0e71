"""The arm state. The events service alone decides and checks the PIN."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import MAX_LISTED, ArmAction, ArmCommand, ResetPin
from vigilar_common.messages.base import Identifier

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router

router = guarded_router()

STATUS_BY_CODE = {
    "wrong_pin": 403,
    "pin_not_allowed": 403,
    "wrong_passphrase": 403,
    "bad_pin": 422,
    "unknown_sensor": 422,
    "pin_required": 403,
    "forbidden": 403,
    "too_many_tries": 429,
    "stale": 503,
    "alarm_unavailable": 503,
    "invalid": 422,
}
"""Every other refusal is a conflict with the state of the alarm: 409."""
DEFAULT_RETRY_S = 30


class AlarmChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    action: ArmAction
    pin: str = Field("", max_length=64, repr=False)
    bypass_open: bool = False
    bypass: list[Identifier] = Field(default_factory=list, max_length=MAX_LISTED)


class PinReset(BaseModel):
    model_config = ConfigDict(extra="forbid")
    passphrase: str = Field(min_length=1, max_length=1024, repr=False)
    new_pin: str = Field(min_length=1, max_length=64, repr=False)


def _unavailable(_: str = "") -> ApiError:
    return ApiError(
        503,
        "alarm_unavailable",
        "The alarm does not answer in time. Look at its state before you try again.",
    )


@router.get("/api/v1/alarm")
@access(Access.SESSION, renews=False)
async def alarm(parts: PartsNeeded) -> dict[str, Any]:
    item = parts.model.alarm_item()
    if item is None:
        raise _unavailable()
    return item


@router.post("/api/v1/alarm")
@access(Access.SESSION)
async def change_alarm(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    change = await body_of(request, AlarmChange)
    command = ArmCommand(
        action=change.action,
        pin=change.pin,
        user=session.user,
        bypass_open=change.bypass_open,
        bypass=change.bypass,
    )
    reply = await ask(parts, topics.CMD_ALARM, command, _unavailable)
    if not reply.ok:
        raise _refusal(reply)
    known = parts.model.alarm
    state = reply.data.get("state") or (str(known.state) if known else None)
    return {"state": state, "open_sensors": reply.data.get("open_sensors", [])}


@router.post("/system/api/reset-pin")
@access(Access.SESSION)
async def reset_pin(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """A new PIN for who knows the recovery passphrase. The events service checks both; nothing of them stays here."""
    reset = await body_of(request, PinReset)
    command = ResetPin(passphrase=reset.passphrase, new_pin=reset.new_pin, user=session.user)
    reply = await ask(parts, topics.CMD_RESET_PIN, command, _unavailable)
    if not reply.ok:
        raise _refusal(reply)
    return {"message": reply.message}


def _refusal(reply: Reply) -> ApiError:
    status = STATUS_BY_CODE.get(reply.code, 409)
    wait_s = reply.data.get("retry_after_s")
    if not isinstance(wait_s, int | float):
        wait_s = DEFAULT_RETRY_S if status == 429 else 0
    extra: dict[str, Any] = {"retry_after_s": int(wait_s)} if wait_s else {}
    if reply.data.get("open_sensors"):
        extra["open_sensors"] = reply.data["open_sensors"]
    return ApiError(status, reply.code, reply.message or "The alarm refused this.", **extra)
