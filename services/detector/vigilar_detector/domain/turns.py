"""Whose crop is looked at next: cameras take turns, of each the newest few wait, what waits too long is not looked at."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from vigilar_common.messages.detection import CROP_DEADLINE_S, MAX_OUTSTANDING

BUSY_S: Final = 4.0
"""A camera counts as busy for so long after its last crop."""
MAX_CAMERAS: Final = 256


@dataclass(frozen=True)
class Crop:
    """A JPEG that waits. ``came_s``: monotonic."""

    camera_id: str
    crop_id: str
    jpeg: bytes = field(repr=False)
    came_s: float
    area: str = ""
    """Where it lies in the picture, as the worker says it: `x,y,w,h`."""


class Turns:
    """Not thread-safe; holds at most two crops of each camera."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Crop]] = OrderedDict()
        self._seen_s: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(len(crops) for crops in self._waiting.values())

    def offer(self, crop: Crop) -> Crop | None:
        """Takes it; returns the older one that it replaces."""
        if len(self._seen_s) >= MAX_CAMERAS and crop.camera_id not in self._seen_s:
            return crop
        self._seen_s[crop.camera_id] = crop.came_s
        crops = self._waiting.setdefault(crop.camera_id, deque())
        replaced = crops.popleft() if len(crops) >= MAX_OUTSTANDING else None
        crops.append(crop)
        return replaced

    def take(self, now_s: float) -> tuple[Crop | None, list[Crop]]:
        """The next one to look at (None: nothing waits), and those that waited too long, which are out."""
        late: list[Crop] = []
        while self._waiting:
            camera_id, crops = next(iter(self._waiting.items()))
            crop = crops.popleft()
            if crops:
                self._waiting.move_to_end(camera_id)
            else:
                del self._waiting[camera_id]
            if now_s - crop.came_s <= CROP_DEADLINE_S:
                return crop, late
            late.append(crop)
        return None, late

    def busy(self, now_s: float) -> int:
        """Cameras that have sent something of late."""
        self._seen_s = {name: at_s for name, at_s in self._seen_s.items() if now_s - at_s <= BUSY_S}
        return len(self._seen_s)

    def clear(self) -> list[Crop]:
        """All that wait, which are out."""
        left = [crop for crops in self._waiting.values() for crop in crops]
        self._waiting.clear()
        return left
