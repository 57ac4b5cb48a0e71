"""Questions about rules. A firing itself is an event (`event.opened`, type rule)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from vigilar_common.messages.base import Message

MAX_DRY_RUN_DAYS = 31


class RulesAction(StrEnum):
    LIST = "list"
    TEST = "test"


class RulesCommand(Message):
    """Command to events. `list`: `{rules, next}` with the last firing of each, from `after` on. `test`: what the rule would have
    done in the last `days`, `{rule_id, from_ms, to_ms, facts, firings, count, misses, missed, complete, reason}`."""

    action: RulesAction
    rule_id: str = Field("", max_length=64, description="of test: which rule")
    rule: dict[str, Any] | None = Field(
        None, description="of test: a rule as [[rules]] holds it, that need not be saved, in place of rule_id"
    )
    days: int = Field(7, ge=1, le=MAX_DRY_RUN_DAYS)
    after: int = Field(0, ge=0, le=100_000, description="of list: how many to leave out")
