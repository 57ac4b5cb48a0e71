"""What time alone brings: updates, escalations, the digest of quiet hours, the summary of what was too much."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.config.alert_profiles import EscalationStep
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import Severity

from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.decide import Decider
from vigilar_alerts.domain.incidents import SEVERITIES, Incident

ESCALATION_LATE_MS = 3600_000
"""A step that could have been taken an hour ago is not taken any more: the service was away."""
NAMED = 5
"""Alerts that a digest names; the rest is counted."""


def updates(decider: Decider, now_ms: int) -> Iterator[tuple[Incident, Alert]]:
    """What came within the pause after an update, told as one."""
    pause_ms = decider.config.alerts.grouping.update_s * 1000
    for incident in decider.incidents.values():
        if not incident.dirty or 0 <= now_ms - incident.pushed_ms < pause_ms:
            continue
        incident.dirty = False
        if incident.acknowledged_ms or decider.holds_back(incident, now_ms):
            continue
        incident.tellings, incident.pushed_ms = incident.tellings + 1, now_ms
        yield incident, _again(incident, "update", incident.headline(), incident.severity, now_ms)


def escalations(decider: Decider, now_ms: int) -> Iterator[tuple[Incident, EscalationStep, Alert | None]]:
    """Alerts that nobody acknowledged in time; None: so late that the step is skipped."""
    for incident in decider.incidents.values():
        step = decider.next_step(incident)
        if step is None or decider.holds_back(incident, now_ms):
            continue
        if now_ms < incident.told_ms:
            incident.told_ms = now_ms  # the clock was set back: the wait begins anew
        late_ms = now_ms - incident.told_ms - step.after_s * 1000
        if late_ms < 0:
            continue
        incident.step, incident.told_ms = incident.step + 1, now_ms
        if late_ms > ESCALATION_LATE_MS:
            yield incident, step, None
            continue
        incident.reached([channel.value for channel in step.channels], step.people)
        severity = max(step.severity, incident.severity, key=SEVERITIES.index)
        incident.tellings, incident.pushed_ms, incident.dirty = incident.tellings + 1, now_ms, False
        title = f"Not acknowledged: {incident.headline()}"[:500]
        yield incident, step, _again(incident, "escalation", title, severity, now_ms, silent=False)


def digest(decider: Decider, now_ms: int) -> Alert | None:
    """At the end of quiet hours: what they held back, as one."""
    holding = decider.holding
    count = len(holding.night) + holding.night_more
    if not count or decider.quiet(now_ms):
        return None
    titles = list(holding.night.values())
    cause = f"{now_ms}|{count}|{next(iter(holding.night), '')}"
    holding.night.clear()
    holding.night_more = 0
    more = f" and {count - NAMED} more" if count > NAMED else ""
    return Alert(
        alert_id=derived_id("alert:digest", cause),
        event_id=None,
        severity=Severity.ALERT,
        title=f"{count} alert{'s' if count > 1 else ''} in the quiet hours",
        body=("; ".join(titles[:NAMED]) + more)[:300],
        tag="digest",
        onset_ms=now_ms,
        url="/alerts",
    )


def summary(decider: Decider, now_ms: int, now_s: float, cause_id: str) -> Alert | None:
    """One alert for all that was held back, once there is room for it again."""
    if not decider.held_back or not decider.room(Severity.ALERT, now_s):
        return None
    count, decider.held_back = decider.held_back, 0
    return Alert(
        alert_id=derived_id("alert:summary", cause_id),
        event_id=None,
        severity=Severity.ALERT,
        title=f"{count} more event{'s' if count > 1 else ''}",
        body="They came too many at once, or while alerts were not possible. The list has them all.",
        tag="summary",
        onset_ms=now_ms,
        url="/alerts",
    )


def _again(
    incident: Incident, why: str, title: str, severity: Severity, now_ms: int, *, silent: bool = True
) -> Alert:
    return Alert(
        alert_id=incident.incident_id,
        event_id=incident.lead or None,
        severity=severity,
        title=title,
        body=incident.body(),
        tag=incident.tag,
        onset_ms=now_ms,
        silent=silent,
        picture_id=incident.picture_id,
        url=f"/events/{incident.lead}" if incident.lead else "/alerts",
        telling_id=derived_id(f"alert:{why}", f"{incident.incident_id}|{incident.tellings}"),
        update=incident.tellings - 1,
        camera_id=incident.cameras[-1] if incident.cameras else None,
        acknowledgeable=True,
    )
