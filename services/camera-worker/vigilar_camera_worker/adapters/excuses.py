"""One harmless explanation after the other for what moves in a picture, until one suffices or something is left."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vigilar_camera_worker.adapters.blobs import Blobs, blobs_of
from vigilar_camera_worker.adapters.harmless import Leaves, Shake, structure_changed
from vigilar_camera_worker.domain.motion import Rejection
from vigilar_camera_worker.domain.tracks import Track, Tracks

HURRY_S: Final = 3.0
"""Time constant, and for how long it counts, after a part of the picture was lit."""
CLUTTER_S: Final = 2.0
CLUTTERED: Final = 6.0
"""So many small moving areas on average are rain, snow or the like."""
SHAKEN_S: Final = 2.0
"""So long after a shake small areas are its rest and no rain."""
THING_WITHIN_S: Final = 2.5
STAYS_WITHIN_S: Final = 0.35
STAYS_PX: Final = 9
SURE_LOOKS: Final = 3
"""Looks in a row at which an area must be seen where there is clutter."""
THING_SHARE: Final = 0.3
"""An area of whose pixels so many show another structure than before is a thing, else it is light."""
SAME_REJECTION_S: Final = 5.0
THING_GROWTH: Final = 1.3
"""What was a thing in an earlier look and has not grown by more is not looked at again."""


class Rejections:
    """How often each reason was found; one count however long it goes on."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {f"rejected_{reason.value}": 0 for reason in Rejection}
        self._last: Rejection | None = None
        self._last_s = -math.inf

    def reject(self, reason: Rejection, time_s: float) -> None:
        if reason is not self._last or not 0 <= time_s - self._last_s <= SAME_REJECTION_S:
            self.counters[f"rejected_{reason.value}"] += 1
        self._last, self._last_s = reason, time_s

    def fleeting(self, count: int) -> None:
        self.counters[f"rejected_{Rejection.FLEETING.value}"] += count


class Excuses:
    """Pictures uint8[height, width]; ``moving`` the same, 0 or 255. ``min_area_px`` at that size."""

    def __init__(self, width: int, height: int, min_area_px: float, counter: Rejections) -> None:
        self._min_area_px, self._counter = min_area_px, counter
        self._kernel = np.ones((3, 3), np.uint8)
        self._stays = np.ones((STAYS_PX, STAYS_PX), np.uint8)
        self.shake = Shake(width, height)
        self._leaves, self._tracks = Leaves(), Tracks()
        self._before: Any = None
        self._clutter, self._things_px = 0.0, 0
        self._shaken_s = -math.inf
        self.hurry_until_s = -math.inf
        """Until then the new light is learnt quickly."""

    @property
    def looks(self) -> int:
        """In so many looks an area must have been seen to be believed."""
        return SURE_LOOKS if self._cluttered else 2

    @property
    def _cluttered(self) -> bool:
        return self._clutter >= CLUTTERED

    def rest(self, small: Any, moving: Any, dt_s: float) -> None:
        """Nothing moves in this look."""
        self.forget_look()
        self._clutter *= math.exp(-dt_s / CLUTTER_S)
        if self._leaves.warm:
            self._leaves.learn(small, moving, dt_s)

    def forget_look(self) -> None:
        self._before, self._things_px = None, 0

    def take_out(
        self, small: Any, moving: Any, background: Callable[[], Any], time_s: float, dt_s: float
    ) -> tuple[Any, Blobs, Rejection | None, list[Track]]:
        """What is left of ``moving``, its areas, what explained all of it, and the tracks of the large areas."""
        import cv2

        whole, blobs = moving, blobs_of(moving, self._min_area_px)
        steps: tuple[tuple[Rejection, Callable[[Any, Blobs], Any]], ...] = (
            (Rejection.SHAKE, lambda left, _: self._without_shake(small, left, background, time_s)),
            (Rejection.FOLIAGE, lambda left, _: self._without_leaves(small, left)),
            (Rejection.RAIN, lambda left, found: self._without_rain(left, found, time_s, dt_s)),
            (
                Rejection.LIGHT,
                lambda left, found: self._without_light(small, left, found, background, time_s, dt_s),
            ),
        )
        everywhere, reason = False, None
        for name, without in steps:
            if not blobs.large:
                break
            left = without(moving, blobs)
            if left is moving:
                continue
            everywhere = everywhere or name in (Rejection.SHAKE, Rejection.LIGHT)
            moving = cv2.morphologyEx(left, cv2.MORPH_OPEN, self._kernel)
            blobs = blobs_of(moving, self._min_area_px)
            if not blobs.large:
                reason = name
                self._counter.reject(name, time_s)
        self._before = whole
        tracks = self._tracks.update(blobs.boxes, time_s, strict=self._cluttered)
        self._counter.fleeting(self._tracks.take_fleeting())
        self._learn_leaves(small, np.zeros_like(whole) if everywhere else whole, tracks, dt_s)
        return moving, blobs, reason, tracks

    def _without_shake(self, small: Any, moving: Any, background: Callable[[], Any], time_s: float) -> Any:
        fits = self.shake.explained(small, background, moving)
        if fits is None:
            return moving
        self._shaken_s = time_s
        return _less(moving, fits)

    def _without_leaves(self, small: Any, moving: Any) -> Any:
        known = self._leaves.explained(small)
        return moving if known is None else _less(moving, known)

    def _without_rain(self, moving: Any, blobs: Blobs, time_s: float, dt_s: float) -> Any:
        """Among many small things that come and go, only what was about here in the look before counts."""
        import cv2

        if time_s - self._shaken_s > SHAKEN_S:
            small_ones = len(blobs.areas) - 1 - len(blobs.large)
            share = 1 - math.exp(-dt_s / CLUTTER_S)
            self._clutter = max(self._clutter + (small_ones - self._clutter) * share, 0.6 * small_ones)
        if not self._cluttered or self._before is None or dt_s > STAYS_WITHIN_S:
            return moving
        stayed = cv2.bitwise_and(moving, cv2.dilate(self._before, self._stays))
        # Flakes that touch are no person: here each area counts for itself, with nothing bridged.
        _, labels, stats, _ = cv2.connectedComponentsWithStats(stayed, connectivity=4)
        whole = stats[:, cv2.CC_STAT_AREA] >= self._min_area_px
        whole[0] = False
        return np.where(whole[labels], stayed, 0).astype(np.uint8)

    def _without_light(
        self, small: Any, moving: Any, blobs: Blobs, background: Callable[[], Any], time_s: float, dt_s: float
    ) -> Any:
        import cv2

        changed_px = cv2.countNonZero(moving)
        if dt_s <= THING_WITHIN_S and changed_px <= THING_GROWTH * self._things_px:
            return moving
        left = blobs.things(moving, structure_changed(small, background(), moving), THING_SHARE)
        self._things_px = changed_px if left is moving else 0
        if left is not moving:
            self.hurry_until_s = time_s + HURRY_S
        return left

    def _learn_leaves(self, small: Any, whole: Any, tracks: list[Track], dt_s: float) -> None:
        """From what does not get anywhere."""
        in_place = whole
        for track in tracks:
            if track.travels:
                x, y, w, h = track.box
                in_place = in_place.copy() if in_place is whole else in_place
                in_place[max(0, y - h // 2) : y + h + h // 2, max(0, x - w) : x + 2 * w] = 0
        self._leaves.learn(small, in_place, dt_s)


def _less(moving: Any, explained: Any) -> Any:
    import cv2

    return cv2.bitwise_and(moving, cv2.bitwise_not(explained))
