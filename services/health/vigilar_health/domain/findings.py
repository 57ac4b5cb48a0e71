"""The life of findings: since when, told once when they appear and once when they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding, SystemEvent

GONE_AFTER_S = 60.0
"""A finding that comes back within this time was never gone: a flapping camera makes no flood of news."""
MAX_FINDINGS = 100

_ORDER = (Severity.CRITICAL, Severity.ALERT, Severity.INFO)
Key = tuple[str, str]


@dataclass
class _Open:
    finding: Finding
    absent_since_s: float | None = None


@dataclass
class Ledger:
    """Open findings by code and subject."""

    _open: dict[Key, _Open] = field(default_factory=dict)

    def update(self, found: Iterable[Finding], now_ms: int, now_s: float) -> list[SystemEvent]:
        """Take what the checks say now; returns what is news."""
        news: list[SystemEvent] = []
        current = {(finding.code, finding.subject): finding for finding in found}
        for key, finding in current.items():
            known = self._open.get(key)
            if known is None:
                dated = finding.model_copy(update={"since_ms": finding.since_ms or now_ms})
                self._open[key] = _Open(dated)
                news.append(_appeared(dated))
                continue
            if known.finding.severity is not finding.severity:
                news.append(_appeared(finding))
            known.finding = finding.model_copy(update={"since_ms": known.finding.since_ms})
            known.absent_since_s = None
        for key, known in list(self._open.items()):
            if key in current:
                continue
            if known.absent_since_s is None:
                known.absent_since_s = now_s
            elif now_s - known.absent_since_s >= GONE_AFTER_S:
                del self._open[key]
                news.append(_gone(known.finding))
        return news

    def present(self) -> list[Finding]:
        """What is wrong now, worst first; at most MAX_FINDINGS, the last one then says how many more."""
        found = [known.finding for known in self._open.values() if known.absent_since_s is None]
        found.sort(key=lambda finding: (_ORDER.index(finding.severity), finding.since_ms))
        if len(found) <= MAX_FINDINGS:
            return found
        more = Finding(
            code="more_findings",
            severity=Severity.INFO,
            title=f"{len(found) - MAX_FINDINGS + 1} more findings are not listed",
            cure="Mend the first ones.",
        )
        return [*found[: MAX_FINDINGS - 1], more]

    def kept(self) -> dict[str, Any]:
        """What a restart must not tell again."""
        return {"open": [known.finding.model_dump(mode="json") for known in self._open.values()]}

    def restore(self, raw: dict[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""
        for entry in raw.get("open", []):
            finding = Finding.model_validate(entry)
            self._open[finding.code, finding.subject] = _Open(finding)


def status_of(findings: Iterable[Finding]) -> str:
    """`ok`, `warning` or `critical`; notes at the level of info do not count."""
    severities = {finding.severity for finding in findings}
    if Severity.CRITICAL in severities:
        return "critical"
    return "warning" if Severity.ALERT in severities else "ok"


def _appeared(finding: Finding) -> SystemEvent:
    text = f"{finding.title}. {finding.cure}"[:500]
    return SystemEvent(
        component=finding.subject[:80] or "health", level=finding.severity, code=finding.code, message=text
    )


def _gone(finding: Finding) -> SystemEvent:
    return SystemEvent(
        component=finding.subject[:80] or "health",
        level=Severity.INFO,
        code=f"{finding.code}.over"[:64],
        message=f"No longer so: {finding.title}"[:500],
    )
