"""Who is told what: one decision per event."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from vigilar_common.config import Config
from vigilar_common.config.alerts import ALWAYS_TOLD
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import EventOpened, EventType, Severity

FRESH_S = 30.0
TOO_OLD_S = 3600.0
"""An older event is news to nobody: it is counted, listed and summarised, not pushed."""
GROUPING_S = 60.0
"""Within this time after a notification, more of the same from the same camera replaces it without a sound."""
MAX_GROUPS = 1024
ALL_CHANNELS = "all"
MAX_CHANNELS = 8
CAP = 20
CAP_WINDOW_S = 300.0
"""At most CAP notifications in this time, critical ones excepted; what is held back is summarised."""

_ORDER = (Severity.INFO, Severity.ALERT, Severity.CRITICAL)


@dataclass(frozen=True)
class Alert:
    """A decision to tell people. Everything a channel needs, without secrets."""

    alert_id: str
    event_id: str | None
    severity: Severity
    title: str
    body: str
    tag: str
    onset_ms: int
    silent: bool = False
    """Replaces an earlier notification of the same tag without sound."""
    picture_id: str | None = None
    url: str = "/"


@dataclass(frozen=True)
class Decision:
    """Why an event is or is not told, and how."""

    reason: str
    """One word for the log and the counter: alerted, grouped, capped, late, no_profile."""
    alert: Alert | None = None
    push: bool = False
    channels: tuple[str, ...] = ()
    """The channels that a rule names; empty: all that are on."""


@dataclass
class Decider:
    """Keeps only what grouping and the cap need; time is monotonic seconds given by the caller."""

    config: Config
    _groups: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _sent_s: list[float] = field(default_factory=list)
    held_back: int = 0
    """Alerts that were not pushed since the last summary."""

    def decide(self, event: EventOpened, age_s: float, now_s: float) -> Decision:
        camera = self.config.camera(event.camera_id) if event.camera_id else None
        profile = self.config.alerts.profile_for(
            event.type, event.arm_state, camera.location if camera else None
        )
        alarm = event.type in ALWAYS_TOLD
        named = channels_of(event)
        if profile is None and not alarm and not named:
            return Decision("no_profile")
        severity = Severity.CRITICAL if alarm else profile.severity if profile else event.severity
        if _ORDER.index(event.severity) > _ORDER.index(severity):
            severity = event.severity
        about = event.detail.get("rule_id") if event.type is EventType.RULE else None
        tag = f"{event.type.value}-{about or event.camera_id or event.sensor_id or 'house'}"
        channels = () if profile or ALL_CHANNELS in named else named
        # A second alarm is never told without a sound.
        grouped = not alarm and now_s - self._groups.get(tag, -GROUPING_S) < GROUPING_S
        alert = Alert(
            alert_id=alert_id_of(event),
            event_id=event.event_id,
            severity=Severity.INFO if age_s > FRESH_S else severity,
            title=event.title,
            body=_body(event, age_s),
            tag=tag,
            onset_ms=event.ts_ms,
            silent=grouped,
            picture_id=event.picture_id,
            url=f"/events/{event.event_id}",
        )
        if age_s > TOO_OLD_S:
            self.held_back += 1
            return Decision("late", alert, channels=channels)
        if not self._room(alert.severity, now_s):
            self.held_back += 1
            return Decision("capped", alert, channels=channels)
        self._groups[tag] = now_s
        self._groups.move_to_end(tag)
        if len(self._groups) > MAX_GROUPS:
            self._groups.popitem(last=False)
        return Decision("grouped" if grouped else "alerted", alert, push=True, channels=channels)

    def summary(self, now_ms: int, now_s: float, cause_id: str) -> Alert | None:
        """One alert for all that was held back, once there is room for it again."""
        if not self.held_back or not self._room(Severity.ALERT, now_s):
            return None
        count, self.held_back = self.held_back, 0
        return Alert(
            alert_id=derived_id("alert:summary", cause_id),
            event_id=None,
            severity=Severity.ALERT,
            title=f"{count} more event{'s' if count > 1 else ''}",
            body="They came too many at once, or while alerts were not possible. The list has them all.",
            tag="summary",
            onset_ms=now_ms,
            url="/events",
        )

    def _room(self, severity: Severity, now_s: float) -> bool:
        self._sent_s = [at_s for at_s in self._sent_s if now_s - at_s < CAP_WINDOW_S]
        if severity is not Severity.CRITICAL and len(self._sent_s) >= CAP:
            return False
        self._sent_s.append(now_s)
        return True


def channels_of(event: EventOpened) -> tuple[str, ...]:
    """The channels that a rule wants told, `all` among them perhaps; empty for every other event."""
    found = event.detail.get("channels") if event.type is EventType.RULE else None
    return tuple(str(name) for name in found[:MAX_CHANNELS]) if isinstance(found, list) else ()


def alert_id_of(event: EventOpened) -> str:
    """The same event never makes two alerts."""
    return derived_id("alert", event.event_id)


def _body(event: EventOpened, age_s: float) -> str:
    parts = []
    if event.zones:
        parts.append("in " + ", ".join(event.zones[:4]))
    if reason := event.detail.get("reason"):
        parts.append(str(reason))
    if age_s > FRESH_S:
        parts.append(f"{_ago(age_s)} ago")
    return ", ".join(parts)[:300]


def _ago(age_s: float) -> str:
    if age_s < 120:
        return f"{age_s:.0f} seconds"
    if age_s < 7200:
        return f"{age_s / 60:.0f} minutes"
    return f"{age_s / 3600:.0f} hours"
