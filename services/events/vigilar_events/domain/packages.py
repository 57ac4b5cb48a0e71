"""Parcels: from what was left behind to what was collected, taken, or is no parcel. Facts in, facts out; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from vigilar_common.config import Camera
from vigilar_common.config.detection import Packages
from vigilar_common.derived import derived_id
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.packages import (
    MAX_LISTED,
    Collector,
    LyingPackage,
    PackageCollected,
    PackageDetected,
    PackageReminded,
    PackagesState,
    PackageState,
    Reminder,
    ThingGone,
    ThingLeft,
)

from vigilar_events.domain.meaning import FRESH_S, camera_name

MAX_PARCELS: Final = 256
SETTLE_MS: Final = 60_000
"""So long after a parcel is gone somebody who came home may still turn up; then it is decided who has it."""
CAME_HOME_MS: Final = 600_000
"""Who came home so long before took it in on the way."""
DOOR_MS: Final = 120_000
"""A door that was opened so long before or after."""
AGAIN_MS: Final = 12 * 3_600_000
"""Dusk and rain are told once in this time."""
LEAST_LYING_MS: Final = 600_000
"""What was put down just now is not told of again."""
MAX_REJECTED: Final = 64
REJECTED_MS: Final = 30 * 24 * 3_600_000
"""What is no parcel is not told again at the same place for this long."""
SAME_IOU: Final = 0.5
_AWAY: Final = (ArmState.ARMED_AWAY, ArmState.ARMED_VACATION)

WORDS: Final[Mapping[Reminder, str]] = {
    Reminder.HOURS: "still lies there",
    Reminder.DUSK: "still lies there, and it gets dark",
    Reminder.RAIN: "lies in the rain",
}


@dataclass
class Parcel:
    """One that lies outside, or is gone and not decided about yet."""

    package_id: str
    camera_id: str
    since_ms: int
    box: dict[str, float]
    zone: str = ""
    zones: list[str] = field(default_factory=list)
    picture_id: str | None = None
    reminded: dict[str, int] = field(default_factory=dict)
    """Why → when it was told last."""
    gone_ms: int = 0
    missed_ms: int = 0
    """When it was heard that it is gone; 0: it lies there."""
    gone_by: str = ""

    @property
    def event_id(self) -> str:
        return derived_id("event:package", self.package_id)


@dataclass
class Signs:
    """What tells who of the household was there. Times in UTC ms; 0: never."""

    home: bool | None = None
    """Somebody is; None: nobody watches presence."""
    home_since_ms: int = 0
    came_ms: int = 0
    """Somebody came home, disarmed, or was recognised."""
    door_ms: int = 0

    def who(self, parcel: Parcel, arm_state: ArmState) -> tuple[Collector, str]:
        """Who has it, and why that is thought."""
        gone_ms = parcel.gone_ms
        if gone_ms - CAME_HOME_MS <= self.came_ms <= gone_ms + SETTLE_MS:
            return Collector.HOUSEHOLD, "somebody of the household came home"
        if self.home is not False and abs(self.door_ms - gone_ms) <= DOOR_MS:
            return Collector.HOUSEHOLD, "the door was opened from inside"
        if arm_state in _AWAY:
            return Collector.STRANGER, "the house is armed and nobody is at home"
        if self.home is False:
            return Collector.STRANGER, "nobody of the household is at home"
        if self.home:
            return Collector.UNKNOWN, "somebody is at home"
        return Collector.UNKNOWN, "it is not known who is at home"


class Deliveries:
    """All parcels. Not thread-safe. Every method gives the facts that are to be told; ids make repeats harmless."""

    def __init__(self) -> None:
        self.parcels: dict[str, Parcel] = {}
        self.signs = Signs()
        self._rejected: list[dict[str, Any]] = []
        self._raining = False

    # -- what cameras tell ----------------------------------------------------------------------------

    def left(
        self, fact: ThingLeft, cameras: Mapping[str, Camera], arm_state: ArmState, age_s: float
    ) -> list[Fact]:
        box = fact.box.model_dump()
        if fact.thing_id in self.parcels or self._is_rejected(fact.camera_id, box, fact.ts_ms):
            return []
        parcel = Parcel(
            fact.thing_id, fact.camera_id, fact.ts_ms, box, next(iter(fact.zones), "")[:80], list(fact.zones),
            fact.picture_id,
        )  # fmt: skip
        self.parcels[parcel.package_id] = parcel
        while len(self.parcels) > MAX_PARCELS:
            del self.parcels[next(iter(self.parcels))]
        detected = PackageDetected(
            id=derived_id("package.detected", parcel.package_id),
            ts_ms=parcel.since_ms,
            package_id=parcel.package_id,
            camera_id=parcel.camera_id,
            box=fact.box,
            zone=parcel.zone,
            event_id=parcel.event_id,
            picture_id=parcel.picture_id,
        )
        by = f" by a {fact.by_class}" if fact.by_class else ""
        title = f"Parcel put down{by}: {_place(parcel, cameras)}"
        late = {"late_s": round(age_s)} if age_s > FRESH_S else {}
        opened = _event(
            EventType.PACKAGE, parcel.event_id, parcel, parcel.since_ms, Severity.INFO, title, arm_state,
            box=box, confidence=fact.confidence, by_class=fact.by_class, **late,
        )  # fmt: skip
        return [detected, opened]

    def gone(self, fact: ThingGone, now_ms: int) -> bool:
        """Whether it was one of ours; who has it is decided a little later, by `tick`."""
        parcel = self.parcels.get(fact.thing_id)
        if parcel is None or parcel.missed_ms:
            return False
        parcel.gone_ms, parcel.missed_ms, parcel.gone_by = fact.ts_ms, now_ms, fact.by_class
        return True

    # -- what people say ------------------------------------------------------------------------------

    def collected(
        self, package_id: str, user: str, cameras: Mapping[str, Camera], arm_state: ArmState, now_ms: int
    ) -> list[Fact]:
        """Raises KeyError for one that does not lie there."""
        parcel = self.parcels.pop(package_id)
        reason = f"{user or 'somebody'} says so"
        return _collected(parcel, Collector.HOUSEHOLD, reason, cameras, arm_state, now_ms)

    def rejected(self, package_id: str, user: str, now_ms: int) -> list[Fact]:
        """It is no parcel: its event ends, and the same at the same place is not told again. Raises KeyError."""
        parcel = self.parcels.pop(package_id)
        self._rejected = [
            *self._rejected[-(MAX_REJECTED - 1) :],
            {"camera_id": parcel.camera_id, "box": parcel.box, "until_ms": now_ms + REJECTED_MS},
        ]
        reason = f"{user or 'somebody'} says that it is no parcel"
        return [
            PackageCollected(
                id=derived_id("package.collected", package_id), ts_ms=now_ms, package_id=package_id,
                camera_id=parcel.camera_id, detected_ms=parcel.since_ms, reason=reason[:500],
            ),
            _ended(parcel, now_ms, reason, "not_a_parcel"),
        ]  # fmt: skip

    # -- what time and weather bring ------------------------------------------------------------------

    def tick(
        self,
        settings: Packages,
        cameras: Mapping[str, Camera],
        arm_state: ArmState,
        now_ms: int,
        *,
        dusk: bool,
    ) -> list[Fact]:
        """Every second: who has what is gone, and reminders. `dusk`: it gets dark just now."""
        facts: list[Fact] = []
        for parcel in list(self.parcels.values()):
            if parcel.missed_ms:
                if now_ms - parcel.missed_ms >= SETTLE_MS or self.signs.came_ms >= parcel.gone_ms:
                    del self.parcels[parcel.package_id]
                    who, why = self.signs.who(parcel, arm_state)
                    facts += _collected(parcel, who, why, cameras, arm_state, parcel.gone_ms)
                continue
            lies_ms = now_ms - parcel.since_ms
            hours = settings.remind_after_h
            if hours and lies_ms >= hours * 3_600_000 and Reminder.HOURS not in parcel.reminded:
                facts += self._remind(parcel, Reminder.HOURS, cameras, arm_state, now_ms)
            elif dusk and settings.remind_at_dusk and self._due(parcel, Reminder.DUSK, now_ms):
                facts += self._remind(parcel, Reminder.DUSK, cameras, arm_state, now_ms)
            elif self._raining and self._due(parcel, Reminder.RAIN, now_ms):
                facts += self._remind(parcel, Reminder.RAIN, cameras, arm_state, now_ms)
        return facts

    def rains(self, raining: bool) -> None:
        self._raining = raining

    def _due(self, parcel: Parcel, why: Reminder, now_ms: int) -> bool:
        told_ms = parcel.reminded.get(why.value, 0)
        if now_ms - told_ms < AGAIN_MS:
            return False
        # Rain spoils at once; that it gets dark is no news of what came a moment ago.
        return why is Reminder.RAIN or now_ms - parcel.since_ms >= LEAST_LYING_MS

    def _remind(
        self, parcel: Parcel, why: Reminder, cameras: Mapping[str, Camera], arm_state: ArmState, now_ms: int
    ) -> list[Fact]:
        parcel.reminded[why.value] = now_ms
        cause = f"{parcel.package_id}:{why.value}:{now_ms}"
        reminded = PackageReminded(
            id=derived_id("package.reminded", cause), ts_ms=now_ms, package_id=parcel.package_id,
            camera_id=parcel.camera_id, detected_ms=parcel.since_ms, why=why,
        )  # fmt: skip
        event_id = derived_id("event:package_reminder", cause)
        title = f"Parcel {WORDS[why]}: {_place(parcel, cameras)}"
        return [
            reminded,
            _event(
                EventType.PACKAGE_REMINDER,
                event_id,
                parcel,
                now_ms,
                Severity.INFO,
                title,
                arm_state,
                reason=why.value,
            ),
            _over(event_id, now_ms),
        ]

    # -- what is there --------------------------------------------------------------------------------

    def lying(self) -> list[Parcel]:
        return [parcel for parcel in self.parcels.values() if not parcel.missed_ms]

    def state(self, *, enabled: bool) -> PackagesState:
        lying = sorted(self.lying(), key=lambda parcel: parcel.since_ms)
        return PackagesState(
            enabled=enabled,
            count=len(lying),
            packages=[
                LyingPackage(
                    package_id=parcel.package_id,
                    camera_id=parcel.camera_id,
                    zone=parcel.zone,
                    since_ms=parcel.since_ms,
                    state=PackageState.REMINDED if parcel.reminded else PackageState.DETECTED,
                    reminded_ms=max(parcel.reminded.values(), default=0),
                    event_id=parcel.event_id,
                    picture_id=parcel.picture_id,
                )
                for parcel in lying[:MAX_LISTED]
            ],
        )

    def kept(self) -> dict[str, Any]:
        return {
            "parcels": [asdict(parcel) for parcel in self.parcels.values()],
            "signs": asdict(self.signs),
            "rejected": self._rejected,
            "raining": self._raining,
        }

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""
        try:
            parcels = [Parcel(**row) for row in raw["parcels"][:MAX_PARCELS]]
            signs, rejected = Signs(**raw["signs"]), [dict(row) for row in raw["rejected"]][-MAX_REJECTED:]
            raining = bool(raw["raining"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("what was known of parcels lacks its fields") from error
        self.parcels = {parcel.package_id: parcel for parcel in parcels}
        self.signs, self._rejected, self._raining = signs, rejected, raining

    def _is_rejected(self, camera_id: str, box: Mapping[str, float], at_ms: int) -> bool:
        return any(
            row["camera_id"] == camera_id and at_ms < row["until_ms"] and _iou(row["box"], box) >= SAME_IOU
            for row in self._rejected
        )


def _collected(
    parcel: Parcel, who: Collector, why: str, cameras: Mapping[str, Camera], arm_state: ArmState, at_ms: int
) -> list[Fact]:
    taken = who is Collector.STRANGER
    kind = EventType.PACKAGE_TAKEN if taken else EventType.PACKAGE_COLLECTED
    event_id = derived_id(f"event:{kind.value}", parcel.package_id)
    by = {Collector.HOUSEHOLD: " by the household", Collector.STRANGER: "", Collector.UNKNOWN: ""}[who]
    said = f"Parcel taken, {why}" if taken else f"Parcel collected{by}"
    return [
        PackageCollected(
            id=derived_id("package.collected", parcel.package_id), ts_ms=at_ms, package_id=parcel.package_id,
            camera_id=parcel.camera_id, detected_ms=parcel.since_ms, collected_by=who, reason=why[:500],
        ),
        _event(
            kind, event_id, parcel, at_ms, Severity.ALERT if taken else Severity.INFO,
            f"{said}: {_place(parcel, cameras)}", arm_state, reason=why, collected_by=who.value, by_class=parcel.gone_by,
        ),
        _over(event_id, at_ms),
        _ended(parcel, at_ms, why, who.value),
    ]  # fmt: skip


def _event(
    kind: EventType, event_id: str, parcel: Parcel, at_ms: int, severity: Severity, title: str, arm_state: ArmState,
    **detail: object,
) -> EventOpened:  # fmt: skip
    return EventOpened(
        id=derived_id("event.opened", event_id),
        ts_ms=at_ms,
        event_id=event_id,
        type=kind,
        severity=severity,
        title=title[:500],
        camera_id=parcel.camera_id,
        cause_id=parcel.package_id,
        picture_id=parcel.picture_id,
        zones=parcel.zones[:32],
        arm_state=arm_state,
        detail={"package_id": parcel.package_id, **{key: value for key, value in detail.items() if value}},
    )


def _ended(parcel: Parcel, at_ms: int, reason: str, outcome: str) -> EventEnded:
    return EventEnded(
        id=derived_id("event.ended", parcel.event_id), ts_ms=at_ms, event_id=parcel.event_id, ended_ms=at_ms,
        detail={"reason": reason, "outcome": outcome},
    )  # fmt: skip


def _over(event_id: str, at_ms: int) -> EventEnded:
    return EventEnded(id=derived_id("event.ended", event_id), ts_ms=at_ms, event_id=event_id, ended_ms=at_ms)


def _place(parcel: Parcel, cameras: Mapping[str, Camera]) -> str:
    name = camera_name(cameras, parcel.camera_id)
    return f"{name}, {parcel.zone}" if parcel.zone else name


def _iou(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    across = min(one["x"] + one["w"], other["x"] + other["w"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["h"], other["y"] + other["h"]) - max(one["y"], other["y"])
    shared = max(0.0, across) * max(0.0, down)
    whole = one["w"] * one["h"] + other["w"] * other["h"] - shared
    return shared / whole if whole > 0 else 0.0
