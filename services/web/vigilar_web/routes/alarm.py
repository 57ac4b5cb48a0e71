"""The arm state. The events service alone decides and checks the PIN."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import MAX_LISTED, ArmAction, ArmCommand, ResetPin
from vigilar_common.messages.base import Identifier

from vigilar_web import templates
from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import (
    Access,
    PartsNeeded,
    SessionNeeded,
    access,
    body_of,
    guarded_router,
    require_csrf,
)
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE, Cameras, Policy, Role, Scope
from vigilar_web.routes.auth import PAGE_HEADERS, form_of
from vigilar_web.sessions import Session

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
@access(Access.SESSION, SEE, renews=False)
async def alarm(parts: PartsNeeded) -> dict[str, Any]:
    """The arm state, running delays and what is open."""
    item = parts.model.alarm_item()
    if item is None:
        raise _unavailable()
    return item


@router.post("/api/v1/alarm")
@access(Access.SESSION, Policy(Role.RESIDENT, Scope.ARM, Cameras.NONE, "alarm.change"))
async def change_alarm(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Arm or disarm. The events service alone checks the PIN; 403 `wrong_pin`, 409 when something is open, 429 after too many."""
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
@access(Access.SESSION, Policy(Role.RESIDENT, None, Cameras.NONE, "pin.reset"))
async def reset_pin(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """A new PIN for who knows the recovery passphrase."""
    return {"message": await _reset(parts, session, await body_of(request, PinReset))}


@router.get("/system/reset-pin")
@access(Access.PAGE_FORM, Policy(Role.RESIDENT, None, Cameras.NONE))
async def reset_pin_page(parts: PartsNeeded, session: SessionNeeded) -> Response:
    return HTMLResponse(templates.reset_pin(parts.settings.system_name, session.csrf), headers=PAGE_HEADERS)


@router.post("/system/reset-pin")
@access(Access.PAGE_FORM, Policy(Role.RESIDENT, None, Cameras.NONE, "pin.reset"))
async def reset_pin_form(request: Request, parts: PartsNeeded, session: SessionNeeded) -> Response:
    """The same as a page without scripts; what was typed is never written back into it."""
    form = await form_of(request)
    require_csrf(form.get("csrf", ""), session)
    status, error, note, headers = 200, "", "", dict(PAGE_HEADERS)
    try:
        note = await _reset(parts, session, _fields(form))
    except ApiError as refusal:
        status, error = refusal.status, refusal.message
        if wait_s := refusal.extra.get("retry_after_s"):
            headers["Retry-After"] = str(wait_s)
            error = f"{error} The next try is possible in {wait_s} seconds."
    text = templates.reset_pin(parts.settings.system_name, session.csrf, error, note)
    return HTMLResponse(text, status, headers=headers)


def _fields(form: dict[str, str]) -> PinReset:
    if form.get("new_pin", "") != form.get("repeat", ""):
        raise ApiError(422, "bad_pin", "The two PINs differ.")
    try:
        return PinReset(passphrase=form.get("passphrase", ""), new_pin=form.get("new_pin", ""))
    except ValidationError:
        raise ApiError(422, "invalid", "Passphrase and PIN are needed.") from None


async def _reset(parts: Parts, session: Session, reset: PinReset) -> str:
    """The events service limits the tries and checks both; nothing of them stays here. Raises ApiError."""
    command = ResetPin(passphrase=reset.passphrase, new_pin=reset.new_pin, user=session.user)
    reply = await ask(parts, topics.CMD_RESET_PIN, command, _unavailable)
    if not reply.ok:
        raise _refusal(reply)
    return reply.message


def _refusal(reply: Reply) -> ApiError:
    status = STATUS_BY_CODE.get(reply.code, 409)
    wait_s = reply.data.get("retry_after_s")
    if not isinstance(wait_s, int | float):
        wait_s = DEFAULT_RETRY_S if status == 429 else 0
    extra: dict[str, Any] = {"retry_after_s": int(wait_s)} if wait_s else {}
    if reply.data.get("open_sensors"):
        extra["open_sensors"] = reply.data["open_sensors"]
    return ApiError(status, reply.code, reply.message or "The alarm refused this.", **extra)
