"""What an object in sight means: facts of a camera in, one event per object out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from vigilar_common.config import Camera
from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft, object_event_id

from vigilar_events.domain.meaning import FRESH_S, camera_name, motion_severity

MAX_IN_SIGHT: Final = 2_048
"""Objects of all cameras that are remembered as in sight; the oldest are forgotten first."""


def object_opened(
    fact: ObjectDetected, cameras: Mapping[str, Camera], arm_state: ArmState, age_s: float
) -> EventOpened:
    """The same object always gives the same ids. Its cause is the motion it was found in, so that both share a film."""
    camera = cameras.get(fact.camera_id)
    detail = {
        "object_class": fact.object_class,
        "track_id": fact.track_id,
        "confidence": fact.confidence,
        "box": fact.box.model_dump(),
        "picture_box": fact.picture_box.model_dump() if fact.picture_box else None,
    }
    return EventOpened(
        id=derived_id("event.opened:object", fact.track_id),
        ts_ms=fact.ts_ms,
        event_id=object_event_id(fact.track_id),
        type=EventType.OBJECT,
        severity=motion_severity(arm_state, camera.location if camera else None, age_s),
        title=f"{fact.object_class.capitalize()} at {camera_name(cameras, fact.camera_id)}",
        camera_id=fact.camera_id,
        cause_id=fact.motion_id or fact.track_id,
        picture_id=fact.picture_id,
        recording_id=fact.recording_id,
        zones=fact.zones,
        score=fact.confidence,
        arm_state=arm_state,
        detail=detail | ({"late_s": round(age_s)} if age_s > FRESH_S else {}),
    )


def object_ended(fact: ObjectLeft) -> EventEnded:
    told = (
        "object_class",
        "confidence",
        "box",
        "zones",
        "dwell_s",
        "crossed",
        "loitered",
        "speed",
        "direction",
    )
    more = ("looks", "best_ms", "picture_id", "picture_box", "reason", "from_rest", "vehicle", "way")
    return EventEnded(
        id=derived_id("event.ended:object", fact.track_id),
        ts_ms=fact.ts_ms,
        event_id=object_event_id(fact.track_id),
        ended_ms=fact.ts_ms,
        detail=fact.model_dump(mode="json", include={*told, *more}),
    )


class InSight:
    """Objects whose end was not told yet, by track: a worker that died tells none."""

    def __init__(self) -> None:
        self._cameras: OrderedDict[str, str] = OrderedDict()

    def seen(self, fact: ObjectDetected) -> None:
        self._cameras[fact.track_id] = fact.camera_id
        while len(self._cameras) > MAX_IN_SIGHT:
            self._cameras.popitem(last=False)

    def left(self, fact: ObjectLeft) -> None:
        self._cameras.pop(fact.track_id, None)

    def worker_gone(self, camera_id: str, now_ms: int) -> list[EventEnded]:
        """Ends for what that camera saw. Their ids are their own: the true end, if it comes still, takes their place."""
        tracks = [track for track, camera in self._cameras.items() if camera == camera_id]
        for track in tracks:
            del self._cameras[track]
        return [
            EventEnded(
                id=derived_id("event.ended:object:worker", track),
                ts_ms=now_ms,
                event_id=object_event_id(track),
                ended_ms=now_ms,
                detail={"reason": ObjectEnd.INTERRUPTED.value},
            )
            for track in tracks
        ]
