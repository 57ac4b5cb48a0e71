"""When a camera that went away is worth an event: not for a hiccup, and not again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_common.clock import Clock
from vigilar_common.config import Camera
from vigilar_common.derived import derived_id
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity

from vigilar_events.domain.meaning import FRESH_S, camera_name

SHORTEST_MS = 10_000
"""A shorter outage makes no event."""
DAMPING_MS = 300_000
"""At most one outage event per camera in this time."""


@dataclass
class Outage:
    """One camera that is away. `opened` once its event exists."""

    cause_id: str
    since_ms: int
    reason: str
    opened: bool = False
    seen_after_ms: int = 0
    """How old it was when this process learned of it."""
    seen_s: float = 0.0
    """Monotonic time of that moment."""

    def lasted_ms(self, monotonic_s: float) -> float:
        """Immune to jumps of the wall clock since it was seen."""
        return self.seen_after_ms + (monotonic_s - self.seen_s) * 1000

    @property
    def event_id(self) -> str:
        return derived_id("event:camera_offline", self.cause_id)


@dataclass
class _Camera:
    outage: Outage | None = None
    last_event_ms: int | None = None
    damped: int = 0


@dataclass
class Outages:
    """Knows each camera's outage. Facts carry their own times, so a replay of the log gives the same events."""

    cameras: Callable[[], Mapping[str, Camera]]
    clock: Clock
    _known: dict[str, _Camera] = field(default_factory=dict)

    def offline(self, camera_id: str, cause_id: str, since_ms: int, reason: str) -> None:
        """Frames stopped at `since_ms`. Further signs of the same outage change nothing."""
        known = self._known.setdefault(camera_id, _Camera())
        if known.outage is None:
            age_ms = max(0, self.clock.now_ms() - since_ms)
            known.outage = Outage(
                cause_id, since_ms, reason[:500], seen_after_ms=age_ms, seen_s=self.clock.monotonic_s()
            )

    def is_out(self, camera_id: str) -> bool:
        known = self._known.get(camera_id)
        return known is not None and known.outage is not None

    def online(self, camera_id: str, at_ms: int, arm_state: ArmState) -> list[Fact]:
        """Frames arrive again since `at_ms`; an older word than the outage itself is ignored."""
        known = self._known.get(camera_id)
        if known is None or known.outage is None or at_ms < known.outage.since_ms:
            return []
        outage = known.outage
        # The log may bring both at once, after this service was away: then the event is told now.
        facts: list[Fact] = list(self._open(camera_id, known, at_ms, at_ms - outage.since_ms, arm_state))
        known.outage = None
        if outage.opened:
            ended = EventEnded(
                id=derived_id("event.ended:camera_offline", outage.cause_id),
                ts_ms=at_ms,
                event_id=outage.event_id,
                ended_ms=at_ms,
                detail={"offline_s": round((at_ms - outage.since_ms) / 1000, 1)},
            )
            facts.append(ended)
        else:
            known.damped += 1
        return facts

    def due(self, arm_state: ArmState) -> list[Fact]:
        """Events of outages that have lasted long enough by now."""
        facts: list[Fact] = []
        now_ms, monotonic_s = self.clock.now_ms(), self.clock.monotonic_s()
        for camera_id, known in self._known.items():
            if known.outage:
                lasted_ms = known.outage.lasted_ms(monotonic_s)
                facts += self._open(camera_id, known, now_ms, lasted_ms, arm_state)
        return facts

    def forget_all_but(self, camera_ids: set[str]) -> list[Fact]:
        """Cameras that were removed or disabled are not missing any more."""
        facts: list[Fact] = []
        for camera_id in set(self._known) - camera_ids:
            outage = self._known.pop(camera_id).outage
            if outage and outage.opened:
                end = EventEnded(
                    id=derived_id("event.ended:camera_offline", outage.cause_id),
                    ts_ms=self.clock.now_ms(),
                    event_id=outage.event_id,
                    ended_ms=self.clock.now_ms(),
                    detail={"reason": "camera removed"},
                )
                facts.append(end)
        return facts

    @property
    def damped(self) -> int:
        """Outages that made no event."""
        return sum(known.damped for known in self._known.values())

    def _open(
        self, camera_id: str, known: _Camera, until_ms: int, lasted_ms: float, arm_state: ArmState
    ) -> list[EventOpened]:
        outage = known.outage
        if outage is None or outage.opened or camera_id not in self.cameras():
            return []
        if lasted_ms < SHORTEST_MS:
            return []
        if known.last_event_ms is not None and 0 <= until_ms - known.last_event_ms < DAMPING_MS:
            return []
        outage.opened = True
        known.last_event_ms = until_ms
        late_s = (self.clock.now_ms() - outage.since_ms - SHORTEST_MS) / 1000
        event = EventOpened(
            id=derived_id("event.opened:camera_offline", outage.cause_id),
            ts_ms=outage.since_ms,
            event_id=outage.event_id,
            type=EventType.CAMERA_OFFLINE,
            severity=Severity.INFO if late_s > FRESH_S + DAMPING_MS / 1000 else Severity.ALERT,
            title=f"{camera_name(self.cameras(), camera_id)} is offline",
            camera_id=camera_id,
            cause_id=outage.cause_id,
            arm_state=arm_state,
            detail={"reason": outage.reason} | ({"late_s": round(late_s)} if late_s > FRESH_S else {}),
        )
        return [event]

    # -- keeping ------------------------------------------------------------------------------------

    def kept(self) -> dict[str, Any]:
        return {
            camera_id: {"outage": _kept(known.outage), "last": known.last_event_ms}
            for camera_id, known in self._known.items()
            if known.outage or known.last_event_ms
        }

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""
        try:
            for camera_id, entry in raw.items():
                if kept := entry["outage"]:
                    self.offline(camera_id, kept["cause_id"], int(kept["since_ms"]), kept["reason"])
                known = self._known.setdefault(camera_id, _Camera())
                known.last_event_ms = entry["last"]
                if known.outage:
                    known.outage.opened = bool(entry["outage"]["opened"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the file of outages lacks its fields") from error


def _kept(outage: Outage | None) -> dict[str, Any] | None:
    if outage is None:
        return None
    return {
        "cause_id": outage.cause_id,
        "since_ms": outage.since_ms,
        "reason": outage.reason,
        "opened": outage.opened,
    }
