"""One animal that a camera follows: what all pictures of it tell together."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigilar_pets.domain.gallery import Gallery, Told

Floats = NDArray[np.float32]

MAX_TRACKS: Final = 256
"""Of all cameras at once; the one that was longest without a picture goes first."""
SILENT_S: Final = 30.0
"""Without a picture for so long, and without word of its end: it is over."""
ROW_EVERY_S: Final = 1.0
"""At most one row a second of one animal."""
LOOKS_FOR_WILD: Final = 3
"""A wild animal is told of after so many pictures, or when it left: until then it may yet be known."""


@dataclass
class Track:
    track_id: str
    camera_id: str
    object_class: str
    began_ms: int
    last_ms: int
    looks: int = 0
    weight: float = 0.0
    total: Floats | None = None
    animals: dict[str, float] = field(default_factory=dict)
    best: float = -1.0
    """How good the best picture was."""
    zone: str = ""
    event_seen: bool = False
    nearest: float = 0.0
    """Likeness of the likest pet, whenever it was likest."""
    told: Told = field(default_factory=lambda: Told(None, 0.0))
    row_ms: int = 0
    row_pet: str | None = None
    rows: int = 0
    wild_told: bool = False

    def add(self, vector: Floats, animals: dict[str, float], quality: float, ts_ms: int) -> bool:
        """Whether it is the best picture so far. ``quality`` weighs it, above 0."""
        self.looks += 1
        self.last_ms = max(self.last_ms, ts_ms)
        self.total = vector * quality if self.total is None else self.total + vector * quality
        self.weight += quality
        for name, share in animals.items():
            self.animals[name] = self.animals.get(name, 0.0) + share * quality
        better = quality > self.best
        self.best = max(self.best, quality)
        return better

    def judge(self, gallery: Gallery) -> Told:
        """By all its pictures together: their mean is steadier than any one of them."""
        if self.total is not None:
            norm = float(np.linalg.norm(self.total))
            self.told = gallery.tell((self.total / max(norm, 1e-6)).astype(np.float32))
            self.nearest = max(self.nearest, self.told.likeness)
        return self.told

    def row_due(self, now_ms: int) -> bool:
        """A first row, and one when it is somebody else than was told."""
        if self.rows and self.told.pet_id == self.row_pet:
            return False
        return not self.rows or now_ms - self.row_ms >= ROW_EVERY_S * 1000

    def told_row(self, now_ms: int) -> None:
        self.row_ms, self.row_pet, self.rows = now_ms, self.told.pet_id, self.rows + 1

    def shares(self) -> dict[str, float]:
        return {name: total / self.weight for name, total in self.animals.items()} if self.weight else {}


class Tracks:
    """Bounded; not thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Track] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._known)

    def of(self, track_id: str, camera_id: str, object_class: str, ts_ms: int) -> Track:
        track = self._known.get(track_id)
        if track is None:
            track = Track(track_id, camera_id, object_class, ts_ms, ts_ms)
            self._known[track_id] = track
            if len(self._known) > MAX_TRACKS:
                self._known.popitem(last=False)
                self.dropped += 1
        self._known.move_to_end(track_id)
        return track

    def get(self, track_id: str) -> Track | None:
        return self._known.get(track_id)

    def over(self, track_id: str) -> Track | None:
        return self._known.pop(track_id, None)

    def silent(self, now_ms: int) -> list[Track]:
        """Those that are over without a word, taken out."""
        gone = [track for track in self._known.values() if now_ms - track.last_ms > SILENT_S * 1000]
        for track in gone:
            del self._known[track.track_id]
        return gone
