"""Heartbeats, findings, and what the operator should read."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.base import Fact, Message, Text, TimestampMs, Value


class Heartbeat(Message):
    """Every 10 s from each service."""

    service: str = Field(max_length=80)
    pid: int
    started_ms: TimestampMs
    ready: bool
    reason: Text = Field("", description="why it is not ready")
    config_revision: str = Field("", max_length=64)
    config_error: Text = Field("", description="the newest configuration was refused; the last good one runs")
    rss_bytes: int = Field(0, ge=0)
    cpu_s: float = Field(0, ge=0)
    outbox_facts: int = Field(0, ge=0)
    outbox_bytes: int = Field(0, ge=0)
    detail: dict[str, Any] = Field(default_factory=dict)


class Finding(Value):
    """Something wrong or weak, and its cure."""

    code: str = Field(max_length=64)
    severity: Severity
    title: Text
    cure: Text = ""
    subject: str = Field("", max_length=120, description="which camera, service or disk")
    since_ms: TimestampMs = 0


class DiskUsage(Value):
    path: str = Field(max_length=300)
    total_bytes: int = Field(ge=0)
    used_bytes: int = Field(ge=0)
    free_bytes: int = Field(ge=0)
    used_pct: float = Field(ge=0, le=100)


class LedgerAnchor(Value):
    """A signed checkpoint of the ledger as it travels in digests, mails and webhooks: each copy outside the house
    proves what the ledger held then (`vigilar verify --checkpoint`).
    """

    origin: str = Field(max_length=80)
    size: int = Field(ge=0, description="entries of the ledger")
    root: str = Field(max_length=64, description="RFC 6962 root, base64")
    note: str = Field(max_length=4_096, description="the signed note, to be kept as it is")
    ts_ms: TimestampMs = Field(0, description="when it was made")


class SystemHealth(Message):
    """`vigilar/system/health`, retained, every 10 s."""

    status: str = Field(pattern=r"^(ok|warning|critical)$")
    mqtt_connected: bool
    storage_reachable: bool
    disk_usage_pct: float | None = Field(None, description="of the data partition")
    disks: dict[str, DiskUsage] = Field(default_factory=dict)
    services: dict[str, Heartbeat] = Field(default_factory=dict)
    findings: list[Finding] = Field(default_factory=list, max_length=200)
    ledger: LedgerAnchor | None = Field(None, description="the newest checkpoint; the digest hands it on")


class LogLease(Message):
    """For `lease_s` from now somebody looks at the logs."""

    lease_s: float = Field(8, gt=0, le=60)
    anew: int = Field(0, ge=0, description="another number than before: send what is kept once more")


class LogLine(Value):
    """One line, masked where it was said."""

    number: int = Field(ge=1, description="counts the lines of this service since it began")
    ts_ms: TimestampMs
    level: str = Field(max_length=16)
    logger: str = Field(max_length=80)
    text: str = Field(max_length=1_500)


class LogLines(Message):
    """Lines of one service, oldest first; a hole in the numbers is lines that were lost on the way."""

    service: str = Field(max_length=80)
    began_ms: TimestampMs = Field(description="when its process began; the numbers begin with it")
    lines: list[LogLine] = Field(max_length=40)


class StorageCheckpoint(Message):
    """`vigilar/storage/checkpoint`, retained: what the ledger held, signed (C2SP tlog-checkpoint)."""

    origin: str = Field(max_length=80)
    size: int = Field(ge=0, description="entries of the ledger")
    root: str = Field(max_length=64, description="RFC 6962 root, base64")
    note: str = Field(max_length=4_096, description="the signed note")

    @property
    def anchor(self) -> LedgerAnchor:
        """For a message that leaves the house."""
        return LedgerAnchor(
            origin=self.origin, size=self.size, root=self.root, note=self.note, ts_ms=self.ts_ms
        )


class SystemEvent(Fact):
    """A row of `system_events`: facts about Vigilar itself that the operator should see."""

    TYPE: ClassVar[str] = "system.event"
    component: str = Field(max_length=80)
    level: Severity
    code: str = Field(max_length=64)
    message: Text


class FactsDropped(Fact):
    """An outbox at its bound kept only the newest telemetry of one kind."""

    TYPE: ClassVar[str] = "outbox.gap"
    fact_type: str = Field(max_length=64)
    key: str = Field(max_length=200)
    dropped: int = Field(ge=1)
    from_ms: TimestampMs
    to_ms: TimestampMs
