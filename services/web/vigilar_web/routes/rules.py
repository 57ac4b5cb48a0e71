"""The rules: what each did last and why, what one would have done, and what one can be made of. The events service answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.rules import MAX_DRY_RUN_DAYS, RulesAction, RulesCommand

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, access, body_of, guarded_router
from vigilar_web.policy import QUIET, SEE_ALL, Cameras, administer

router = guarded_router()

MAX_PAGES = 64
DRY_RUN_LIMIT_S = 30.0
"""A dry run gives up after 20 s of its own."""
STATUS_BY_CODE = {"not_found": 404, "invalid": 422, "busy": 429, "storage_unavailable": 503}
RuleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class DryRun(BaseModel):
    model_config = ConfigDict(extra="forbid")
    days: int = Field(7, ge=1, le=MAX_DRY_RUN_DAYS, strict=True)


class Draft(DryRun):
    """A rule as `[[rules]]` holds it; it need not be saved."""

    rule: dict[str, Any] = Field(min_length=1, max_length=32)


@router.get("/api/v1/rules")
@access(Access.SESSION, SEE_ALL, renews=False)
async def rules(parts: PartsNeeded) -> dict[str, Any]:
    """Every rule with its last firing and why."""
    items: list[Any] = []
    after: int | None = 0
    for _ in range(MAX_PAGES):
        reply = await ask(
            parts, topics.CMD_RULES, RulesCommand(action=RulesAction.LIST, after=after), _unavailable
        )
        page = _answered(reply)
        items += page.get("rules", [])
        after = page.get("next")
        if after is None:
            break
    return {"items": items}


@router.get("/api/v1/rules/form")
@access(Access.SESSION, administer(""), renews=False)
async def form() -> dict[str, Any]:
    """What a rule can be made of: kinds of conditions and actions with their keys and words."""
    from vigilar_common.config.rule_form import rule_form

    return rule_form()


@router.post("/api/v1/rules/try")
@access(Access.SESSION, administer(QUIET, Cameras.ALL))
async def try_draft(request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """A dry run of a rule that is not saved: nothing is done, nothing is kept."""
    wish = await body_of(request, Draft)
    command = RulesCommand(action=RulesAction.TEST, rule=wish.rule, days=wish.days)
    return _answered(await ask(parts, topics.CMD_RULES, command, _unavailable, DRY_RUN_LIMIT_S))


@router.post("/api/v1/rules/{rule_id}/test")
@access(Access.SESSION, replace(SEE_ALL, audit=QUIET))
async def test_rule(rule_id: RuleId, request: Request, parts: PartsNeeded) -> dict[str, Any]:
    """A dry run against the log: nothing is done."""
    wish = await body_of(request, DryRun)
    command = RulesCommand(action=RulesAction.TEST, rule_id=rule_id, days=wish.days)
    return _answered(await ask(parts, topics.CMD_RULES, command, _unavailable, DRY_RUN_LIMIT_S))


def _unavailable(_: str = "") -> ApiError:
    return ApiError(503, "rules_unavailable", "The rules do not answer in time.")


def _answered(reply: Reply) -> dict[str, Any]:
    if reply.ok:
        return reply.data
    extra: dict[str, Any] = {"retry_after_s": 5} if reply.code == "busy" else {}
    raise ApiError(
        STATUS_BY_CODE.get(reply.code, 503), reply.code, reply.message or "The rules refused this.", **extra
    )
