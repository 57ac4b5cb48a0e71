"""The PINs of the alarm, for admins. They go to the events service alone, and nothing of them stays here."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages.alarm import ArmMode, PinsAction, PinsCommand

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import DETAIL, Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.parts import Parts
from vigilar_web.policy import manage
from vigilar_web.routes.accounts import Name

router = guarded_router()

STATUS_BY_CODE = {"not_found": 404, "alarm_unavailable": 503, "stale": 503, "too_many": 409, "pin_taken": 409}
"""Every other refusal is of what was sent: 422."""
Time = Field("", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^$")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewPin(Body):
    """`name` empty: the PIN of the house, which may do everything at any time."""

    name: Name | None = None
    pin: str = Field(max_length=64, repr=False)
    duress: bool = False
    modes: list[ArmMode] = Field(default_factory=list, max_length=4)
    days: list[str] = Field(default_factory=list, max_length=7)
    from_time: str = Time
    until_time: str = Time


class OldPin(Body):
    name: Name


class NewPassphrase(Body):
    passphrase: str = Field(max_length=1024, repr=False)


@router.get("/api/v1/pins")
@access(Access.SESSION, manage())
async def pins(parts: PartsNeeded) -> dict[str, Any]:
    return (await _asked(parts, PinsCommand(action=PinsAction.LIST)))[1]


@router.put("/api/v1/pins")
@access(Access.SESSION, manage("pin.set"))
async def set_pin(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    wish = await body_of(request, NewPin)
    request.scope[DETAIL] = wish.name or "of the house"
    rights = wish.model_dump(include={"duress", "modes", "days", "from_time", "until_time"})
    command = PinsCommand(
        action=PinsAction.SET, name=wish.name or "", secret=wish.pin, user=caller.name[:80], **rights
    )
    return _told(await _asked(parts, command))


@router.delete("/api/v1/pins")
@access(Access.SESSION, manage("pin.remove"))
async def remove_pin(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    wish = await body_of(request, OldPin)
    request.scope[DETAIL] = wish.name
    command = PinsCommand(action=PinsAction.REMOVE, name=wish.name, user=caller.name[:80])
    return _told(await _asked(parts, command))


@router.put("/api/v1/pins/recovery")
@access(Access.SESSION, manage("pin.passphrase"))
async def set_passphrase(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> dict[str, Any]:
    wish = await body_of(request, NewPassphrase)
    action = PinsAction.SET_PASSPHRASE
    command = PinsCommand(action=action, secret=wish.passphrase, user=caller.name[:80])
    return _told(await _asked(parts, command))


async def _asked(parts: Parts, command: PinsCommand) -> tuple[str, dict[str, Any]]:
    """What events says, in words and data. Raises ApiError."""
    reply = await ask(parts, topics.CMD_PINS, command, _unavailable)
    if not reply.ok:
        raise ApiError(STATUS_BY_CODE.get(reply.code, 422), reply.code, reply.message or "This was refused.")
    return reply.message, reply.data


def _told(answer: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"message": answer[0], **answer[1]}


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "alarm_unavailable", "The alarm does not answer; nothing was changed.")
