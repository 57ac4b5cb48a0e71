"""Tracks as messages say them, and what the owner has drawn as the tracker takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from vigilar_common.config import Camera, ZoneMode
from vigilar_common.config.cameras import normalised
from vigilar_common.messages.camera import Box
from vigilar_common.messages.objects import MAX_LISTED, MAX_ZONES, CameraObjects, PresentObject, WayPoint

from vigilar_camera_worker.adapters.detector import zones_of_camera
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.object_track import ObjectTrack
from vigilar_camera_worker.domain.object_tracker import Followed
from vigilar_camera_worker.domain.whereabouts import Line, MaskZone, Places
from vigilar_camera_worker.domain.zones import polygon_mask

MASK_WIDTH_PX: Final = 320
"""Zones are looked up in masks this wide: exact to a third of a percent."""


def places_of(camera: Camera, loiter_s: float) -> Places:
    width, height = camera.resolution_motion
    mask_height = max(1, round(MASK_WIDTH_PX * height / width))
    lines = []
    for line in camera.lines:
        start, end = normalised((line.start, line.end), camera.resolution_motion)
        lines.append(Line(line.name, start, end))
    masks = [
        MaskZone(
            zone.name,
            polygon_mask(normalised(zone.polygon, camera.resolution_motion), MASK_WIDTH_PX, mask_height),
            frozenset(zone.classes),
        )
        for zone in camera.zones
        if zone.mode is ZoneMode.MASK
    ]
    return Places(
        zones_of_camera(camera, MASK_WIDTH_PX, mask_height), tuple(lines), loiter_s, masks=tuple(masks)
    )


def box_of(rect: Rect) -> Box:
    found = rect.clipped()
    return Box(x=round(found.x, 4), y=round(found.y, 4), w=round(found.w, 4), h=round(found.h, 4))


def way_of(track: ObjectTrack) -> list[WayPoint]:
    boxes = ((max(0, at_ms - track.first_ms), box.clipped()) for at_ms, box in track.went.points)
    return [
        (at_ms, round(box.x, 3), round(box.y, 3), round(box.w, 3), round(box.h, 3)) for at_ms, box in boxes
    ]


def zones_of(followed: Followed) -> list[str]:
    return list(followed.where.zones)[:MAX_ZONES]


def present_objects(camera_id: str, reason: str, present: Sequence[Followed]) -> CameraObjects:
    """``reason``: why nothing is known; empty: ``present`` is all there is."""
    zones: dict[str, Counter[str]] = {}
    for item in present:
        for name in item.where.zones:
            zones.setdefault(name, Counter())[item.track.object_class] += 1
    newest = sorted(present, key=lambda item: item.track.first_s, reverse=True)[:MAX_LISTED]
    return CameraObjects(
        camera_id=camera_id,
        known=not reason,
        reason=reason,
        counts=dict(Counter(item.track.object_class for item in present)),
        zones={name: dict(found) for name, found in zones.items()},
        objects=[
            PresentObject(
                track_id=item.track.track_id,
                object_class=item.track.object_class,
                confidence=round(item.track.score, 3),
                box=box_of(item.track.box),
                zones=zones_of(item),
                since_ms=item.track.first_ms,
                resting=item.track.resting,
            )
            for item in newest
        ],
    )


def same(one: CameraObjects, other: CameraObjects) -> bool:
    """Whether both tell the same; where an object stands within its zones is not told again and again."""

    def told(item: PresentObject) -> tuple[object, ...]:
        return item.track_id, item.object_class, tuple(item.zones), item.resting

    alike = (one.known, one.reason, one.counts, one.zones) == (
        other.known,
        other.reason,
        other.counts,
        other.zones,
    )
    return alike and list(map(told, one.objects)) == list(map(told, other.objects))
