"""After an outage: one message that tells of many, instead of many."""

from __future__ import annotations

from collections import Counter

from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import Severity

from vigilar_alerts.domain.alert import Alert

OLD_MS = 30_000
"""Younger alerts are told one by one."""
FOLD_FROM = 6
"""So many that wait for one target become one message."""
KEEP_CRITICAL = 5
"""The newest critical ones are told in full all the same."""
LINES = 5
SUMMARY_TAG = "summary-late"
SUMMARISED = frozenset({"web_push", "email", "apprise", "desktop"})
"""Channels that people read. Programs get every alert, in order."""


def worth_folding(count: int) -> bool:
    return count >= FOLD_FROM


def summed(alerts: list[Alert], channel: str, target: str, now_ms: int) -> Alert:
    """One alert that tells of `alerts`, which is not empty. The same ones always make the same."""
    titles = Counter(alert.title for alert in alerts)
    lines = [f"{count} × {title}" if count > 1 else title for title, count in titles.most_common(LINES)]
    if len(titles) > LINES:
        lines.append("…")
    minutes = max(1, round((now_ms - min(alert.onset_ms for alert in alerts)) / 60_000))
    critical = sum(alert.severity is Severity.CRITICAL for alert in alerts)
    urgent = f", {critical} of them critical" if critical else ""
    ids = [alert.key for alert in alerts]
    return Alert(
        alert_id=derived_id("alert:late", f"{channel}|{target}|{ids[0]}|{ids[-1]}|{len(ids)}"),
        event_id=None,
        severity=Severity.CRITICAL if critical else Severity.ALERT,
        title=f"{len(alerts)} alerts of the last {minutes} minutes{urgent}",
        body="This channel could not be reached. " + ", ".join(lines),
        tag=SUMMARY_TAG,
        onset_ms=now_ms,
        url="/alerts",
    )
