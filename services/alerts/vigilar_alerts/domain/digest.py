"""The daily digest: what was told since yesterday, what failed, what health has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_alerts.domain.alert import Alert

DAY_MS = 86_400_000
LATE_MS = 6 * 3_600_000
"""A digest whose time passed while nothing ran is sent within this time, then left to the next day."""
LINES = 12
DIGEST_TAG = "digest"


def due_day(now_ms: int, at: str, zone: str, last_day: str) -> str:
    """The local day whose digest is to be sent now, as 2025-06-15; empty: none is. `at` is HH:MM in the house's zone."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    hour, minute = (int(part) for part in at.split(":"))
    begin = datetime.combine(now.date(), time(hour, minute), now.tzinfo)
    if not begin <= now < begin + timedelta(milliseconds=LATE_MS):
        return ""
    day = now.date().isoformat()
    return day if day != last_day else ""


def digest(
    day: str, now_ms: int, alerts: Sequence[Alert], failures: Mapping[str, int], findings: Sequence[Finding]
) -> Alert:
    """`alerts` are those of the last day; `failures` counts attempts that did not deliver, by channel."""
    titles = Counter(alert.title for alert in alerts)
    critical = sum(alert.severity is Severity.CRITICAL for alert in alerts)
    lines = [f"{len(alerts)} alerts, {critical} of them critical."]
    lines += [f"{count} × {title}" for title, count in titles.most_common(LINES)]
    if len(titles) > LINES:
        lines.append(f"and {len(titles) - LINES} other kinds")
    lines += [
        f"{count} attempts by {channel} did not deliver." for channel, count in sorted(failures.items())
    ]
    lines += [
        f"{finding.severity.value}: {finding.title}. {finding.cure}".strip() for finding in findings[:LINES]
    ]
    if not findings:
        lines.append("Health has nothing to report.")
    return Alert(
        alert_id=derived_id("alert:digest", day),
        event_id=None,
        severity=Severity.INFO,
        title=f"The day until {day}: {len(alerts)} alerts",
        body="\n".join(lines),
        tag=DIGEST_TAG,
        onset_ms=now_ms,
        silent=True,
        url="/alerts",
    )
