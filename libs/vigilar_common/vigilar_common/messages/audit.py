"""What people do through the web service."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from vigilar_common.messages.base import Fact, Text


class AuditOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Audited(Fact):
    """A row of `audit_log` and an entry of the ledger. Secrets are never in it."""

    TYPE: ClassVar[str] = "audit.done"
    account_id: str = Field("", max_length=80, description="empty: nobody was signed in")
    actor: str = Field("", max_length=120, description="the account's name, or the one that was tried")
    method: str = Field(max_length=32, description="session, token, form, command line")
    action: str = Field(max_length=64, pattern=r"^[a-z0-9_.-]+$")
    subject: str = Field("", max_length=120, description="what it was done to")
    outcome: AuditOutcome = AuditOutcome.DONE
    address: str = Field("", max_length=64)
    device: str = Field("", max_length=120)
    detail: Text = ""
