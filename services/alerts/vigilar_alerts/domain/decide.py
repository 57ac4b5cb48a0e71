"""Who is told what: one decision per fact, one alert per incident."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from vigilar_common.almanac import Almanac
from vigilar_common.config import Config
from vigilar_common.config.alert_profiles import ALWAYS_TOLD, AlertProfile, EscalationStep
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmStateChanged, EventOpened, Severity

from vigilar_alerts.domain.alert import Alert as Alert
from vigilar_alerts.domain.explain import Checked, Explanation
from vigilar_alerts.domain.happening import Happening
from vigilar_alerts.domain.holding import Holding, open_window
from vigilar_alerts.domain.incidents import (
    ARMED,
    MOTION_RANK,
    SEVERITIES,
    Family,
    Incident,
    louder,
    rank_of,
    subject_of,
)

FRESH_S = 30.0
TOO_OLD_S = 3600.0
"""An older event is news to nobody: it is counted, listed and summarised, not pushed."""
MAX_OPEN = 512
"""Incidents in memory; all of them are on disk."""
ALL_CHANNELS = "all"
CAP = 20
CAP_WINDOW_S = 300.0
"""At most CAP notifications with a sound in this time, critical ones excepted; what is held back is summarised."""


@dataclass(frozen=True)
class Aim:
    """Through which channels, to whose devices; empty: all, everybody's."""

    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    strict: bool = False
    """A rule named the channels: if they are all off, nobody else is told."""


EVERYBODY = Aim()


@dataclass(frozen=True)
class Decision:
    """Why a fact is or is not told, and how."""

    reason: str
    """A word of `explain.WORDS`."""
    explanation: Explanation
    alert: Alert | None = None
    push: bool = False
    aim: Aim = EVERYBODY
    incident: Incident | None = None


@dataclass
class Decider:
    """Facts carry their own times; `now_ms` is UTC, `now_s` monotonic for the cap alone."""

    config: Config
    incidents: OrderedDict[str, Incident] = field(default_factory=OrderedDict)
    holding: Holding = field(default_factory=Holding)
    session: str = ""
    """The arm session: the fact by which it was armed last."""
    held_back: int = 0
    """Alerts that were not pushed since the last summary."""
    _sent_s: list[float] = field(default_factory=list)
    _almanac: Almanac | None = None

    def configure(self, config: Config) -> None:
        self.config, self._almanac = config, None

    def decide(self, happening: Happening, age_s: float, now_ms: int, now_s: float) -> Decision:
        camera = self.config.camera(happening.camera_id) if happening.camera_id else None
        location = camera.location if camera else None
        checked, profile = self._profile(happening, location)
        alarm = happening.kind in ALWAYS_TOLD
        severity = self._severity(happening, profile, age_s)
        subject = subject_of(happening, location, self.session)
        incident = self._open(happening, subject)
        name = camera.display_name if camera else self._sensor_name(happening)
        if not alarm and not happening.channels and (profile is None or profile.mute):
            if incident:
                incident.add(happening, Severity.INFO, name, goes_on=False)
            reason = "muted" if profile else "no_profile"
            return Decision(reason, Explanation(reason, severity, checked), incident=incident)
        if incident is None:
            incident = Incident.of(happening, subject, severity)
            self._remember(incident)
        incident.add(happening, severity, name)
        aim = _aim(happening, profile)
        reason, more, loud = self._gates(incident, happening, severity, profile, aim, age_s, now_ms, now_s)
        push = reason == "alerted" or (reason == "grouped" and not incident.dirty)
        if reason == "alerted":
            self._told(incident, profile, severity, aim, now_ms)
        elif push:
            incident.tellings, incident.pushed_ms = incident.tellings + 1, now_ms
        alert = self._alert(incident, happening, severity, age_s, silent=not loud)
        return Decision(reason, Explanation(reason, severity, checked, more), alert, push, aim, incident)

    def check(self, happening: Happening) -> tuple[tuple[Checked, ...], AlertProfile | None, Severity]:
        """A dry run: what the profiles say of it; nothing is remembered."""
        camera = self.config.camera(happening.camera_id) if happening.camera_id else None
        checked, profile = self._profile(happening, camera.location if camera else None)
        return checked, profile, self._severity(happening, profile, 0)

    # -- what it takes ------------------------------------------------------------------------------

    def _profile(
        self, happening: Happening, location: CameraLocation | None
    ) -> tuple[tuple[Checked, ...], AlertProfile | None]:
        """The first that fits, and what was looked at up to it."""
        checked = []
        for profile in self.config.alerts.profiles:
            why_not = profile.why_not(
                happening.kind,
                happening.arm_state,
                location,
                zones=happening.zones,
                object_class=happening.object_class,
                recognition=happening.recognition,
            )
            if not why_not and profile.times and not self._within(profile.times, happening.ts_ms):
                why_not = f"it is for {', '.join(profile.times)}"
            checked.append(Checked(profile.name, why_not))
            if not why_not:
                return tuple(checked), profile
        return tuple(checked), None

    def _severity(self, happening: Happening, profile: AlertProfile | None, age_s: float) -> Severity:
        if age_s > FRESH_S:
            return Severity.INFO
        if happening.kind in ALWAYS_TOLD:
            return Severity.CRITICAL
        told_as = profile.severity if profile else happening.severity
        return max(told_as, happening.severity, key=SEVERITIES.index)

    def _gates(
        self, incident: Incident, happening: Happening, severity: Severity, profile: AlertProfile | None, aim: Aim,
        age_s: float, now_ms: int, now_s: float,
    ) -> tuple[str, str, bool]:  # fmt: skip
        """(the decision's word, what else to say of it, whether it would sound)."""
        first = incident.told_severity is None
        rises = first or louder(severity, incident.told_severity or severity)
        loud = rises or happening.kind in ALWAYS_TOLD or incident.reaches_more(aim.channels, aim.people)
        if age_s > TOO_OLD_S:
            self.held_back += 1
            return self._held(incident, "late"), "", loud
        if severity is not Severity.CRITICAL:
            if snooze := self.holding.snoozed(happening.camera_id, now_ms):
                return self._held(incident, "snoozed"), f"Snoozed by {snooze.by or 'somebody'}.", loud
            if self.quiet(now_ms):
                if first and self.config.alerts.quiet.digest:
                    self.holding.hold_for_digest(incident.incident_id, incident.headline())
                return self._held(incident, "quiet"), "", loud
            if loud and self.holding.cools(profile, severity, now_ms):
                return self._held(incident, "cooldown"), "", loud
        if not loud:
            if incident.acknowledged_ms:
                return "acknowledged", f"Acknowledged by {incident.acknowledged_by}.", False
            incident.dirty = 0 <= now_ms - incident.pushed_ms < self.config.alerts.grouping.update_s * 1000
            return "grouped", "", False
        if not self.room(severity, now_s):
            self.held_back += 1
            return self._held(incident, "capped"), "", True
        return "alerted", "", True

    def quiet(self, now_ms: int) -> bool:
        return self._within(self.config.alerts.quiet.times, now_ms)

    def _within(self, times: tuple[str, ...], at_ms: int) -> bool:
        if not times:
            return False
        if self._almanac is None:
            place = self.config.location
            self._almanac = Almanac(self.config.system.timezone, place.latitude, place.longitude)
        return open_window(self._almanac, times, at_ms) is not None

    def room(self, severity: Severity, now_s: float) -> bool:
        self._sent_s = [at_s for at_s in self._sent_s if now_s - at_s < CAP_WINDOW_S]
        if severity is not Severity.CRITICAL and len(self._sent_s) >= CAP:
            return False
        self._sent_s.append(now_s)
        return True

    # -- incidents ----------------------------------------------------------------------------------

    def _open(self, happening: Happening, subject: str) -> Incident | None:
        """The newest that takes it."""
        grouping = self.config.alerts.grouping
        found = (i for i in reversed(self.incidents.values()) if i.takes(happening, subject, grouping))
        return next(found, None)

    def _remember(self, incident: Incident) -> None:
        self.incidents[incident.incident_id] = incident
        if len(self.incidents) > MAX_OPEN:
            self.incidents.popitem(last=False)

    def _told(
        self, incident: Incident, profile: AlertProfile | None, severity: Severity, aim: Aim, now_ms: int
    ) -> None:
        if incident.told_severity is None:
            self.holding.alerted(profile, severity, now_ms)
        incident.reached(aim.channels, aim.people)
        incident.forget_acknowledgement()
        incident.told_severity = max(severity, incident.told_severity or severity, key=SEVERITIES.index)
        incident.tellings, incident.told_ms, incident.pushed_ms = incident.tellings + 1, now_ms, now_ms
        incident.dirty, incident.held = False, ""
        incident.profile = profile.name if profile else incident.profile
        self.holding.night.pop(incident.incident_id, None)

    def _held(self, incident: Incident, why: str) -> str:
        if incident.told_severity is None:
            incident.held = why
        return why

    def _alert(
        self, incident: Incident, happening: Happening, severity: Severity, age_s: float, *, silent: bool
    ) -> Alert:
        late = [f"{_ago(age_s)} ago"] if age_s > FRESH_S else []
        body = incident.body()
        # Of somebody who is known, motion alone shows nothing better: the tap leads to the moment he came into sight.
        plain = incident.recognised and rank_of(happening) == MOTION_RANK
        event_id = incident.lead if plain or not happening.event_id else happening.event_id
        return Alert(
            alert_id=incident.incident_id,
            event_id=happening.event_id,
            severity=max(severity, incident.severity, key=SEVERITIES.index),
            title=incident.headline(),
            body=", ".join([body, *late] if body else late)[:300],
            tag=incident.tag,
            onset_ms=happening.ts_ms,
            silent=silent,
            picture_id=incident.picture_id,
            url=f"/events/{event_id}",
            telling_id=telling_id_of(happening),
            update=max(0, incident.tellings - 1),
            camera_id=happening.camera_id,
            acknowledgeable=True,
        )

    def _sensor_name(self, happening: Happening) -> str:
        found = (s.display_name for s in self.config.sensors if s.id == happening.sensor_id)
        return next(found, happening.sensor_id or happening.camera_id or happening.rule_id or "house")

    # -- the arm state ------------------------------------------------------------------------------

    def arm_changed(self, change: ArmStateChanged) -> list[Incident]:
        """A new session, when the house became armed or stopped being so. What disarming ends is acknowledged by it."""
        was, now = change.from_state in ARMED, change.to_state in ARMED
        if was == now:
            return []
        self.session = change.id
        if now:
            return []
        ended = []
        for incident in self.incidents.values():
            if incident.family is Family.SECURITY and incident.subject.startswith("armed:"):
                incident.closed = True
                if incident.told_severity is not None and change.ts_ms >= incident.opened_ms:
                    incident.acknowledge(change.changed_by, "disarmed", change.ts_ms)
                ended.append(incident)
        return ended

    def next_step(self, incident: Incident) -> EscalationStep | None:
        """What follows unless somebody acknowledges."""
        told = incident.told_severity
        if told is None or incident.acknowledged_ms:
            return None
        steps = [s for s in self.config.alerts.escalation if not louder(s.min_severity, told)]
        return steps[incident.step] if incident.step < len(steps) else None

    def holds_back(self, incident: Incident, now_ms: int) -> bool:
        """Whether quiet hours or a snooze keep it from being told again."""
        if incident.severity is Severity.CRITICAL:
            return False
        cameras: list[str | None] = [*incident.cameras] or [None]
        return self.quiet(now_ms) or any(self.holding.snoozed(camera_id, now_ms) for camera_id in cameras)

    def forget(self, now_ms: int) -> None:
        """Incidents that take nothing more and wait for nobody leave the memory."""
        grouping = self.config.alerts.grouping
        longest_ms = max(grouping.window_s, grouping.trouble_window_s) * 1000
        for incident in list(self.incidents.values()):
            over = incident.closed or abs(now_ms - incident.last_ms) > longest_ms
            if over and not incident.dirty and self.next_step(incident) is None:
                del self.incidents[incident.incident_id]


def telling_id_of(happening: Happening) -> str:
    """The same fact is never told twice."""
    return derived_id("alert", happening.key)


def alert_id_of(event: EventOpened) -> str:
    """How an event's telling is known."""
    return derived_id("alert", event.event_id)


def _aim(happening: Happening, profile: AlertProfile | None) -> Aim:
    named = happening.channels
    if ALL_CHANNELS in named or (profile is not None and not profile.channels and not profile.people):
        return EVERYBODY
    if profile is None:
        return Aim(named, strict=bool(named))
    channels = tuple(dict.fromkeys((*(c.value for c in profile.channels), *named)))
    return Aim(channels if profile.channels else (), () if named else profile.people)


def _ago(age_s: float) -> str:
    if age_s < 120:
        return f"{age_s:.0f} seconds"
    if age_s < 7200:
        return f"{age_s / 60:.0f} minutes"
    return f"{age_s / 3600:.0f} hours"
