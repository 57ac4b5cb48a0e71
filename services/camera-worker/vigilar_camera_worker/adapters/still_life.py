"""What lies in a scene that did not lie there before, and what of it is gone again: by pictures alone.

Pictures are uint8[height, width] brightness, small, at most two a second. The scene is kept as a slow mean; what differs from
it and holds still is a candidate. Light, shadows, shakes of the camera and what was taken away are told apart by structure: a
thing brings edges of its own, a shadow leaves those of the ground, a removed thing takes its edges along.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_camera_worker.adapters.harmless import Exposure, structure_changed
from vigilar_camera_worker.domain.looks import Rect

U8 = NDArray[np.uint8]

LOOK_EVERY_S: Final = 0.5
STEP: Final = 12
"""Steps of luma by which a pixel must change between two looks to be moving."""
CALM_S: Final = 3.0
"""A pixel is looked at when it has not moved for this long."""
LEAST_DIFFERENCE: Final = 16.0
NOISES: Final = 6.0
DARK: Final = 22.0
"""Mean brightness below which nothing is judged."""
LEARN_S: Final = 60.0
"""Time constant with which what hardly differs becomes the scene."""
MOST_CHANGED: Final = 0.12
MOST_AREAS: Final = 6
"""More than that changed at once: another light, or the camera was turned. The scene is learnt anew."""
MOST_SHIFT_PX: Final = 0.6
"""A picture that is shifted by more than this is not looked at: the camera swings."""
SHIFTED_LOOKS: Final = 40
"""So many in a row are no swing: it was turned."""
LEAST_PX: Final = 20
LEAST_FILL: Final = 0.45
MOST_ASPECT: Final = 4.0
LEAST_STRUCTURE: Final = 0.25
SAME_RATIO, SAME_TEXTURE = 0.25, 0.5
"""Light and shadow change all of an area by one factor (coefficient of variation) and leave its texture (correlation)."""
LEAST_INNER_PX: Final = 12
NEW_EDGES: Final = 1.15
"""Edges at its border must be so many times as strong as they were there before."""
SAME_IOU: Final = 0.55
HOLDS_S: Final = 8.0
HOLDS_LOOKS: Final = 3
LOST_LOOKS: Final = 3
MAX_CANDIDATES: Final = 8
MAX_WATCHED: Final = 32
PATCH: Final = 24
MARGIN: Final = 0.35
"""Of its sides are looked at around it: a plain box on plain ground shows by its edges."""
LEAD: Final = 0.5
"""Of the difference between its place with and without it: so much nearer to the one the place must be."""
LEAST_LEAD: Final = 0.03
LEAST_LIKENESS: Final = 0.5
GONE_LOOKS: Final = 3
GONE_S: Final = 2.0

Patch = NDArray[np.float32]


@dataclass
class Candidate:
    """Something new that holds still. ``box`` in parts of the picture."""

    box: Rect
    first_s: float
    first_ms: int
    looks: int = 1
    missed: int = 0


@dataclass
class Watched:
    """Something that was told: how its place looks with it, and how it looked before."""

    thing_id: str
    box: Rect
    present: Patch = field(repr=False)
    before: Patch = field(repr=False)
    gone_since_s: float | None = None
    gone_looks: int = 0


class StillLife:
    """Of one camera, on one thread. ``look`` gives the candidates that have held still for long enough."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.watched: dict[str, Watched] = {}
        self.counters = {"still_looks": 0, "still_dark": 0, "still_shifted": 0, "still_relearnt": 0}
        self.forget()

    def forget(self) -> None:
        """Another stream, or it was turned: the scene is learnt anew; what is watched stays watched."""
        self._scene: Any = None
        self._last: Any = None
        self._calm_since: Any = None
        self._last_s = -math.inf
        self._noise = 2.0
        self._shifted = 0
        self._candidates: list[Candidate] = []
        self._exposure = Exposure()
        self._window: Any = None

    def due(self, time_s: float) -> bool:
        return time_s - self._last_s >= LOOK_EVERY_S or time_s < self._last_s

    def look(self, small: U8, time_s: float, wall_ms: int) -> tuple[list[Candidate], list[Watched]]:
        """(candidates that held still, watched things that are gone). Times: seconds of the stream, UTC ms."""
        import cv2

        self.counters["still_looks"] += 1
        dt_s = time_s - self._last_s
        if self._last is None or dt_s < 0:
            self._begin(small, time_s)
            return [], []
        level = self._exposure.level(cv2.GaussianBlur(small, (3, 3), 0), min(dt_s, LEARN_S))
        step = cv2.absdiff(level, self._last)
        self._last, self._last_s = level, time_s
        self._noise += 0.1 * (float(np.median(step)) * 1.5 - self._noise)
        moved = cv2.dilate(
            (step > max(STEP, NOISES * self._noise)).astype(np.uint8), np.ones((5, 5), np.uint8)
        )
        self._calm_since[moved != 0] = time_s
        if float(level.mean()) < DARK:
            self.counters["still_dark"] += 1
            return [], []
        if self._is_shifted(level):
            return [], []
        calm = (time_s - self._calm_since) >= CALM_S
        gone = self._gone(level, calm, time_s)
        found = self._differing(level, calm)
        if found is None:
            return [], gone
        ready = self._follow(found, time_s, wall_ms)
        self._learn(level, calm, min(dt_s, LEARN_S))
        return ready, gone

    def watch(self, thing_id: str, candidate: Candidate) -> None:
        """It was told: from now on it is looked whether it is still there."""
        while len(self.watched) >= MAX_WATCHED:
            del self.watched[next(iter(self.watched))]
        box = candidate.box
        self.watched[thing_id] = Watched(
            thing_id, box, self._patch(self._last, box), self._patch(self._scene, box)
        )
        self.absorb(candidate)

    def absorb(self, candidate: Candidate) -> None:
        """What lies there belongs to the scene now."""
        if candidate in self._candidates:
            self._candidates.remove(candidate)
        x1, y1, x2, y2 = self._pixels(candidate.box, 0.1)
        self._scene[y1:y2, x1:x2] = self._last[y1:y2, x1:x2]

    def kept(self) -> list[dict[str, Any]]:
        """For a restart: coarse relief of each place, no picture."""
        return [
            {
                "id": one.thing_id,
                "box": list(one.box),
                "present": _packed(one.present),
                "before": _packed(one.before),
            }
            for one in self.watched.values()
        ]

    def restore(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises ValueError when the content makes no sense."""
        try:
            for row in rows[:MAX_WATCHED]:
                x, y, w, h = (float(value) for value in row["box"])
                name = str(row["id"])
                self.watched[name] = Watched(
                    name, Rect(x, y, w, h), _unpacked(row["present"]), _unpacked(row["before"])
                )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("what was left behind lacks its fields") from error

    # -- the scene ----------------------------------------------------------------------------------

    def _begin(self, small: U8, time_s: float) -> None:
        import cv2

        self.forget()
        level = self._exposure.level(cv2.GaussianBlur(small, (3, 3), 0), 0.0)
        self._scene = level.astype(np.float32)
        self._last, self._last_s = level, time_s
        self._calm_since = np.full(level.shape, time_s, np.float64)

    def _is_shifted(self, level: Any) -> bool:
        """Only where much differs is it worth looking: a swing moves all edges at once."""
        import cv2

        scene = self._scene.astype(np.uint8)
        if float((cv2.absdiff(level, scene) > LEAST_DIFFERENCE).mean()) < 0.02:
            self._shifted = 0
            return False
        if self._window is None:
            self._window = cv2.createHanningWindow((self.width, self.height), cv2.CV_32F)
        (dx, dy), response = cv2.phaseCorrelate(
            self._scene.copy(), level.astype(np.float32), self._window
        )  # it windows its arguments in place
        if max(abs(dx), abs(dy)) < MOST_SHIFT_PX or response < 0.2:
            self._shifted = 0
            return False
        self._shifted += 1
        self.counters["still_shifted"] += 1
        self._candidates = []
        if self._shifted >= SHIFTED_LOOKS:
            self._relearn(level)
        return True

    def _relearn(self, level: Any) -> None:
        self.counters["still_relearnt"] += 1
        self._scene = level.astype(np.float32)
        self._candidates, self._shifted = [], 0

    def _learn(self, level: Any, calm: Any, dt_s: float) -> None:
        near = calm & (np.abs(level - self._scene) < LEAST_DIFFERENCE)
        for candidate in self._candidates:  # what it has in common with the ground must not become the ground
            x1, y1, x2, y2 = self._pixels(candidate.box, MARGIN)
            near[y1:y2, x1:x2] = False
        rate = 1 - math.exp(-dt_s / LEARN_S)
        self._scene[near] += rate * (level[near] - self._scene[near])

    # -- candidates ---------------------------------------------------------------------------------

    def _differing(self, level: Any, calm: Any) -> list[Rect] | None:
        """Calm areas that differ as things do; None: so much differs that the scene is learnt anew."""
        import cv2

        limit = max(LEAST_DIFFERENCE, NOISES * self._noise)
        scene = self._scene.astype(np.uint8)
        differs: Any = ((cv2.absdiff(level, scene) > limit) & calm).astype(np.uint8) * 255
        differs = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        differs = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        if float((differs != 0).mean()) > MOST_CHANGED:
            self._relearn(level)
            return None
        if not differs.any():
            return []
        count, labels, stats, _ = cv2.connectedComponentsWithStats(differs, connectivity=8)
        large = [label for label in range(1, count) if stats[label][cv2.CC_STAT_AREA] >= LEAST_PX]
        if len(large) > MOST_AREAS:
            self._relearn(level)
            return None
        structure = structure_changed(level, scene, differs)
        edges = [cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, _CROSS) for picture in (level, scene)]
        found = []
        for label in large:
            x, y, w, h, area = (int(value) for value in stats[label])
            mask = labels == label
            if area < LEAST_FILL * w * h or max(w, h) > MOST_ASPECT * min(w, h):
                continue
            if float((structure[mask] != 0).mean()) < LEAST_STRUCTURE:
                continue
            if _only_lit(
                level[y : y + h, x : x + w], self._scene[y : y + h, x : x + w], mask[y : y + h, x : x + w]
            ):
                continue
            rim = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) != 0
            if float(edges[0][rim].mean()) < NEW_EDGES * float(edges[1][rim].mean()):
                continue
            found.append(Rect(x / self.width, y / self.height, w / self.width, h / self.height))
        return found

    def _follow(self, found: list[Rect], time_s: float, wall_ms: int) -> list[Candidate]:
        free = [
            box
            for box in found
            if not any(box.iou(one.box) > 0.2 or box.inside(one.box) > 0.5 for one in self.watched.values())
        ]
        for candidate in list(self._candidates):
            match = max(free, key=candidate.box.iou, default=None)
            if match is not None and candidate.box.iou(match) >= SAME_IOU:
                free.remove(match)
                candidate.box, candidate.looks, candidate.missed = match, candidate.looks + 1, 0
            else:
                candidate.missed += 1
                if candidate.missed >= LOST_LOOKS:
                    self._candidates.remove(candidate)
        room = MAX_CANDIDATES - len(self._candidates)
        self._candidates += [Candidate(box, time_s, wall_ms) for box in free[:room]]
        return [
            one
            for one in self._candidates
            if one.missed == 0 and one.looks >= HOLDS_LOOKS and time_s - one.first_s >= HOLDS_S
        ]

    # -- what is watched ----------------------------------------------------------------------------

    def _gone(self, level: Any, calm: Any, time_s: float) -> list[Watched]:
        gone = []
        for one in list(self.watched.values()):
            x1, y1, x2, y2 = self._pixels(one.box, MARGIN)
            if not bool(calm[y1:y2, x1:x2].mean() > 0.9):
                continue  # somebody stands there
            now = self._patch(level, one.box)
            there, before = _likeness(now, one.present), _likeness(now, one.before)
            lead = max(LEAST_LEAD, LEAD * (1 - _likeness(one.present, one.before)))
            if before < LEAST_LIKENESS or before < there + lead:
                one.gone_looks, one.gone_since_s = 0, None
                continue
            one.gone_looks += 1
            one.gone_since_s = time_s if one.gone_since_s is None else one.gone_since_s
            if one.gone_looks >= GONE_LOOKS and time_s - one.gone_since_s >= GONE_S:
                del self.watched[one.thing_id]
                self._scene[y1:y2, x1:x2] = level[y1:y2, x1:x2]
                gone.append(one)
        return gone

    def _pixels(self, box: Rect, margin: float) -> tuple[int, int, int, int]:
        x1 = max(0, math.floor((box.x - margin * box.w) * self.width))
        y1 = max(0, math.floor((box.y - margin * box.h) * self.height))
        x2 = min(self.width, math.ceil((box.x + (1 + margin) * box.w) * self.width))
        y2 = min(self.height, math.ceil((box.y + (1 + margin) * box.h) * self.height))
        return x1, y1, max(x1 + 1, x2), max(y1 + 1, y2)

    def _patch(self, picture: Any, box: Rect) -> Patch:
        """float32[24, 24], mean 0, length 1: its relief, whatever the light."""
        import cv2

        x1, y1, x2, y2 = self._pixels(box, MARGIN)
        part = cv2.resize(
            picture[y1:y2, x1:x2].astype(np.float32), (PATCH, PATCH), interpolation=cv2.INTER_AREA
        )
        return _normal(part)


def _only_lit(level: Any, scene: Any, mask: Any) -> bool:
    """Whether within ``mask`` the same ground shows in another light."""
    import cv2

    now, before = level.astype(np.float32), scene.astype(np.float32)
    area = mask.astype(np.uint8)
    inner = cv2.erode(area, np.ones((5, 5), np.uint8)) != 0
    if int(inner.sum()) < LEAST_INNER_PX:
        inner = cv2.erode(area, _CROSS) != 0
    if int(inner.sum()) < LEAST_INNER_PX:
        return False
    ratio = (now[inner] + 2) / (before[inner] + 2)
    if float(ratio.std()) > SAME_RATIO * float(ratio.mean()):
        return False
    fine = [(part - cv2.blur(part, (5, 5)))[inner] for part in (now, before)]
    energy = float(np.sqrt((fine[0] ** 2).sum() * (fine[1] ** 2).sum()))
    return energy > 0 and float((fine[0] * fine[1]).sum()) >= SAME_TEXTURE * energy


_CROSS: Final = np.ones((3, 3), np.uint8)


def _normal(part: Any) -> Patch:
    flat = part - part.mean()
    found: Patch = (flat / max(1e-3, float(np.sqrt((flat**2).sum())))).astype(np.float32)
    return found


def _likeness(one: Patch, other: Patch) -> float:
    return float((one * other).sum())


def _packed(patch: Patch) -> str:
    return base64.b64encode(np.clip(patch * 500, -127, 127).astype(np.int8).tobytes()).decode("ascii")


def _unpacked(text: str) -> Patch:
    """Raises ValueError."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) != PATCH * PATCH:
        raise ValueError("a patch of another size")
    return _normal(np.frombuffer(raw, np.int8).reshape(PATCH, PATCH).astype(np.float32))
