"""What the owner has marked as wrong: whether what is seen looks like that, at the same place.

Appearance alone must not decide (a real person may be dressed as the poster is), nor place alone (somebody may stand before
it). So a look is like a mark only when it is of the same kind, its box lies on the mark's box, and its vector is near; and a
track is held back only when most of its looks are. Vectors are int8, as `Detection.look` brings them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigilar_camera_worker.domain.kinds import kind_of
from vigilar_camera_worker.domain.looks import Rect, Seen

ALIKE: Final = 0.75
"""Cosine of two vectors from which on they are of the same thing: measured in docs/benchmarks.md."""
SAME_PLACE: Final = 0.4
"""Overlap (intersection over union) of two boxes from which on they are at the same place."""
LIKE_SHARE: Final = 0.6
FIRST_SHARE: Final = 0.34
FIRST_LOOKS: Final = 8
"""Of a track's newest looks so many must be like a mark to hold it back; of its first ones fewer do: it is waited for more."""
LIKES_KEPT: Final = 32
NEW_VIEW: Final = 0.9
"""A look that is less like all kept ones of its track is kept too."""
MAX_VIEWS: Final = 6
"""Looks of one object that are kept: from the front, the side, moved by the wind."""


@dataclass(frozen=True)
class View:
    """One look of an object: where, and its vector."""

    box: Rect
    vector: bytes = field(repr=False)


@dataclass(frozen=True)
class Mark:
    """What the owner said of one object; `wrong` false: it is what it was told as."""

    track_id: str
    object_class: str
    wrong: bool
    views: tuple[View, ...]


@dataclass(frozen=True)
class Likeness:
    """To which mark, and how near, −1–1."""

    track_id: str
    likeness: float


@dataclass(frozen=True)
class Held:
    """Why an object is not told: a mask of this name, or what it is like."""

    mask: str = ""
    like: Likeness | None = None


class Marks:
    """Of one camera. Replaced as a whole; used by one thread."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        rows = [(mark, view) for mark in marks for view in mark.views if view.vector]
        self._rows = rows
        lengths = {len(view.vector) for _, view in rows}
        self._length = lengths.pop() if len(lengths) == 1 else 0
        """Vectors of another length are of another version: nothing is like them."""
        self._vectors = (
            np.stack([_unit(view.vector) for _, view in rows])
            if self._length
            else np.zeros((0, 1), np.float32)
        )

    def like(self, seen: Seen) -> Likeness | None:
        """The wrong mark that it is like; None also where it is more like one that is right."""
        if not self._length or len(seen.look) != self._length or seen.cut:
            return None
        kind = kind_of(seen.object_class)
        here = [
            number
            for number, (mark, view) in enumerate(self._rows)
            if kind_of(mark.object_class) is kind and view.box.iou(seen.box) >= SAME_PLACE
        ]
        if not here:
            return None
        near = self._vectors[here] @ _unit(seen.look)
        best = int(near.argmax())
        mark, likeness = self._rows[here[best]][0], float(near[best])
        return Likeness(mark.track_id, likeness) if mark.wrong and likeness >= ALIKE else None


def held_by(likes: Collection[Likeness | None]) -> Likeness | None:
    """The nearest mark, when most of a track's looks are like one, or may turn out to be."""
    found = [item for item in likes if item is not None]
    share = LIKE_SHARE if len(likes) >= FIRST_LOOKS else FIRST_SHARE
    if not found or len(found) < share * len(likes):
        return None
    return max(found, key=lambda item: item.likeness)


def add_view(views: list[View], seen: Seen) -> None:
    """Keep the look where it shows what no kept one does."""
    if not seen.look or seen.cut or len(views) >= MAX_VIEWS:
        return
    mine = _unit(seen.look)
    alike = (
        float(_unit(view.vector) @ mine) >= NEW_VIEW and view.box.iou(seen.box) >= SAME_PLACE
        for view in views
        if len(view.vector) == len(seen.look)
    )
    if not any(alike):
        views.append(View(seen.box, seen.look))


def _unit(vector: bytes) -> NDArray[np.float32]:
    values = np.frombuffer(vector, np.int8).astype(np.float32)
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values
