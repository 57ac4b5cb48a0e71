"""Which facts are one incident, and what is said of it. Only the facts' own times count, so a restart changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from vigilar_common.config.alert_profiles import ALWAYS_TOLD, Grouping
from vigilar_common.config.cameras import CameraLocation
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmState, EventType, Severity

from vigilar_alerts.domain.happening import Happening

MAX_NAMES = 16
"""Places that a text names; further ones are counted."""
SEVERITIES = (Severity.INFO, Severity.ALERT, Severity.CRITICAL)
INSIDE = (CameraLocation.INTERIOR, CameraLocation.GARAGE)
ARMED = frozenset(
    {
        *(ArmState.ARMED_HOME, ArmState.ARMED_AWAY, ArmState.ARMED_NIGHT, ArmState.ARMED_VACATION),
        *(ArmState.PENDING, ArmState.TRIGGERED),
    }
)
"""Whatever moves or opens in one arm session belongs together, wherever it is."""
SEEN = frozenset({EventType.MOTION, EventType.OBJECT})
MOTION_RANK, THING_RANK, PERSON_RANK, OTHER_RANK = 1, 2, 3, 9
"""What tells more of what is seen leads; doors, alarms and rules keep the lead that they have."""
PARCEL_RANKS = {
    EventType.PACKAGE_COLLECTED: 10,
    EventType.PACKAGE: 11,
    EventType.PACKAGE_REMINDER: 12,
    EventType.PACKAGE_TAKEN: 13,
}
"""Of parcels the newest word leads: that one was taken must not stand behind that it was put down."""
MOTION_WORD, PERSON_WORD = "Motion", "Person"


class Family(StrEnum):
    """Kinds of incidents that never mix."""

    SECURITY = "security"
    CAMERAS = "cameras"
    POWER = "power"
    ARMING = "arming"
    DURESS = "duress"
    PARCELS = "parcels"


def family_of(kind: EventType) -> Family:
    match kind:
        case EventType.CAMERA_OFFLINE | EventType.CAMERA_ONLINE:
            return Family.CAMERAS
        case EventType.POWER_OUT | EventType.POWER_LOW | EventType.POWER_BACK | EventType.HOST_SHUTDOWN:
            return Family.POWER
        case EventType.FAILED_TO_ARM:
            return Family.ARMING
        case EventType.DURESS:
            return Family.DURESS
        case (
            EventType.PACKAGE
            | EventType.PACKAGE_REMINDER
            | EventType.PACKAGE_COLLECTED
            | EventType.PACKAGE_TAKEN
        ):
            return Family.PARCELS
        case (
            EventType.MOTION
            | EventType.OBJECT
            | EventType.VEHICLE
            | EventType.ALARM_TRIGGERED
            | EventType.ALARM_CONFIRMED
            | EventType.SENSOR_OPENED
            | EventType.RULE
        ):
            return Family.SECURITY


def louder(one: Severity, other: Severity) -> bool:
    return SEVERITIES.index(one) > SEVERITIES.index(other)


def subject_of(happening: Happening, location: CameraLocation | None, session: str) -> str:
    """What two facts of a family must share: the arm session, else the side of the walls, else the rule or sensor.

    Cameras share nothing but their family: several that go at once are one incident.
    """
    if family_of(happening.kind) is not Family.SECURITY:
        return ""
    if happening.arm_state in ARMED:
        return f"armed:{session}"
    if location is not None:
        return "inside" if location in INSIDE else "outside"
    return f"{happening.kind}:{happening.rule_id or happening.sensor_id or happening.camera_id or 'house'}"


@dataclass
class Incident:
    """One alert and what it is made of. Its events are kept beside it; here stands what decisions and texts need."""

    incident_id: str
    family: Family
    subject: str
    opened_ms: int
    last_ms: int
    """Of the newest fact that keeps it going."""
    severity: Severity
    title: str
    lead: str
    """The event that the title is from: the first one, or the newest that is graver."""
    reason: str = ""
    lead_severity: Severity = Severity.INFO
    lead_rank: int = 0
    alarm: bool = False
    closed: bool = False
    events: int = 0
    cameras: list[str] = field(default_factory=list)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    """Word (Motion, Opened, Seen …) → name → how often."""
    picture_id: str | None = None
    """The best of what is told, by rank and score; of motion the newest."""
    picture_rank: int = 0
    picture_score: float = 0.0
    tellings: int = 0
    told_ms: int = 0
    """When it was told with sound last; escalation counts from here."""
    told_severity: Severity | None = None
    told_channels: list[str] = field(default_factory=list)
    """Those named; empty although told: all."""
    told_people: list[str] = field(default_factory=list)
    pushed_ms: int = 0
    dirty: bool = False
    """Something came that no update has told yet."""
    profile: str = ""
    held: str = ""
    """Why it was not told: quiet, snoozed, cooldown, capped, late, muted; empty once it was."""
    acknowledged_by: str = ""
    acknowledged_ms: int = 0
    acknowledged_how: str = ""
    step: int = 0
    """Escalation steps taken."""

    @classmethod
    def of(cls, happening: Happening, subject: str, severity: Severity) -> Incident:
        return cls(
            incident_id=derived_id("incident", happening.key),
            family=family_of(happening.kind),
            subject=subject,
            opened_ms=happening.ts_ms,
            last_ms=happening.ts_ms,
            severity=severity,
            title=happening.title,
            lead=happening.event_id or "",
        )

    def takes(self, happening: Happening, subject: str, grouping: Grouping) -> bool:
        """Whether the fact belongs here: close in time, and of the same subject."""
        if self.closed or self.family is not family_of(happening.kind) or self.subject != subject:
            return False
        if self.family is Family.DURESS:
            return False
        window_ms = grouping.window_s * 1000
        again = self.family is Family.POWER or (
            self.family is Family.CAMERAS and happening.camera_id in self.cameras
        )
        if again:
            window_ms = grouping.trouble_window_s * 1000
        if not self.opened_ms - window_ms <= happening.ts_ms <= self.last_ms + window_ms:
            return False
        if self.alarm or self.family is not Family.SECURITY:
            return True
        return happening.ts_ms - self.opened_ms <= grouping.max_s * 1000

    def add(self, happening: Happening, severity: Severity, name: str, *, goes_on: bool = True) -> None:
        """`goes_on` false: it is listed and counted, and does not keep the incident from ending."""
        self.events += 1
        if goes_on:
            self.last_ms = max(self.last_ms, happening.ts_ms)
            self.opened_ms = min(self.opened_ms, happening.ts_ms)
        names = self.seen.setdefault(word_of(happening), {})
        name = name if name in names or len(names) < MAX_NAMES else "others"
        names[name] = names.get(name, 0) + 1
        if happening.camera_id and happening.camera_id not in self.cameras and len(self.cameras) < MAX_NAMES:
            self.cameras.append(happening.camera_id)
        alarm = happening.kind in ALWAYS_TOLD
        if self.events == 1 or louder(severity, self.lead_severity) or (alarm and not self.alarm):
            self._lead(happening, severity)
        elif self._tells_more(happening):
            self._lead(happening, self.lead_severity)
        elif happening.kind is EventType.POWER_BACK:
            self.title, self.lead = happening.title, happening.event_id or self.lead
        self.alarm = self.alarm or alarm
        if louder(severity, self.severity):
            self.severity = severity
        worth = (rank_of(happening), happening.score)
        if happening.picture_id and worth >= (self.picture_rank, self.picture_score):
            self.picture_id, (self.picture_rank, self.picture_score) = happening.picture_id, worth

    def _tells_more(self, happening: Happening) -> bool:
        rank = rank_of(happening)
        if self.family is Family.PARCELS:
            return rank >= self.lead_rank
        return rank > self.lead_rank and happening.kind in SEEN

    def _lead(self, happening: Happening, severity: Severity) -> None:
        self.title, self.reason, self.lead_severity = happening.title, _said(happening), severity
        self.lead, self.lead_rank = happening.event_id or self.lead, rank_of(happening)

    @property
    def tag(self) -> str:
        """Under which notifications replace one another."""
        return f"alert-{self.incident_id}"

    def headline(self) -> str:
        """`Person at Back door, and 16 more`: of somebody the motion he was found in is no more."""
        motions = sum(self.seen.get(MOTION_WORD, {}).values()) if self.recognised else 0
        more = self.events - motions - 1
        return self.title if more < 1 else f"{self.title}, and {more} more"[:500]

    @property
    def recognised(self) -> bool:
        """It is told of somebody or something, not of motion alone."""
        return THING_RANK <= self.lead_rank <= PERSON_RANK

    def body(self) -> str:
        """What and how many: `Person: Hall. Opened: Back door. Motion: Front door ×3, Hall. 6 in 2 minutes.`"""
        if self.events < 2:
            return self.reason
        parts = [self.reason] if self.reason else []
        words = sorted(self.seen, key=lambda word: (word == MOTION_WORD, word != PERSON_WORD))
        parts += [f"{word}: {_names(self.seen[word])}" for word in words]
        parts.append(f"{self.events} in {span(self.last_ms - self.opened_ms)}")
        return ". ".join(parts)[:300]

    def reaches_more(self, channels: Collection[str], people: Collection[str]) -> bool:
        """Whether somebody is to be told whom, or through what, no telling has reached yet."""
        return _more(self.told_channels, channels) or _more(self.told_people, people)

    def reached(self, channels: Collection[str], people: Collection[str]) -> None:
        first = self.told_severity is None
        self.told_channels = list(channels) if first else _both(self.told_channels, channels)
        self.told_people = list(people) if first else _both(self.told_people, people)

    def acknowledge(self, by: str, how: str, at_ms: int) -> bool:
        """False: somebody had done so already."""
        if self.acknowledged_ms:
            return False
        self.acknowledged_by, self.acknowledged_how, self.acknowledged_ms = by, how, at_ms
        return True

    def forget_acknowledgement(self) -> None:
        """It became graver than what was acknowledged."""
        self.acknowledged_by, self.acknowledged_how, self.acknowledged_ms, self.step = "", "", 0, 0

    def kept(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, kept: dict[str, Any]) -> Incident:
        """Raises TypeError or ValueError for what is no incident."""
        told = kept.get("told_severity")
        return cls(
            **{
                **kept,
                "family": Family(kept["family"]),
                "severity": Severity(kept["severity"]),
                "lead_severity": Severity(kept["lead_severity"]),
                "told_severity": Severity(told) if told else None,
            }
        )


def _more(known: Collection[str], wanted: Collection[str]) -> bool:
    return bool(known) and (not wanted or not set(wanted) <= set(known))


def _both(known: Collection[str], wanted: Collection[str]) -> list[str]:
    return list(dict.fromkeys((*known, *wanted))) if known and wanted else []


def rank_of(happening: Happening) -> int:
    if happening.kind not in SEEN:
        return PARCEL_RANKS.get(happening.kind, OTHER_RANK)
    if not happening.object_class:
        return MOTION_RANK
    return PERSON_RANK if happening.object_class == "person" else THING_RANK


def word_of(happening: Happening) -> str:
    """What happened, in a word for lists."""
    if happening.object_class:
        return happening.object_class.capitalize()
    return _WORDS[happening.kind]


_WORDS: Final[dict[EventType, str]] = {
    EventType.MOTION: MOTION_WORD,
    EventType.OBJECT: "Seen",
    EventType.VEHICLE: "Seen",
    EventType.PACKAGE: "Parcel",
    EventType.PACKAGE_REMINDER: "Parcel",
    EventType.PACKAGE_COLLECTED: "Collected",
    EventType.PACKAGE_TAKEN: "Taken",
    EventType.SENSOR_OPENED: "Opened",
    EventType.ALARM_TRIGGERED: "Alarm",
    EventType.ALARM_CONFIRMED: "Alarm",
    EventType.DURESS: "Alarm",
    EventType.RULE: "Rule",
    EventType.CAMERA_OFFLINE: "Offline",
    EventType.CAMERA_ONLINE: "Online",
    EventType.FAILED_TO_ARM: "Not armed",
    EventType.POWER_OUT: "Power",
    EventType.POWER_LOW: "Power",
    EventType.POWER_BACK: "Power",
    EventType.HOST_SHUTDOWN: "Power",
}


def span(length_ms: int) -> str:
    seconds = max(1, round(length_ms / 1000))
    for size, word in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}s"
    return f"{seconds} second{'s' if seconds > 1 else ''}"


def _names(names: dict[str, int]) -> str:
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in names.items())


def _said(happening: Happening) -> str:
    return ", ".join(_parts(happening))[:300]


def _parts(happening: Happening) -> Iterator[str]:
    if happening.zones:
        yield "in " + ", ".join(happening.zones[:4])
    if happening.reason:
        yield happening.reason
