"""What classes of objects are: alive, vehicles, things. By that an object is expected to move, or to rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    THING = "thing"

    @property
    def alive(self) -> bool:
        return self in (Kind.PERSON, Kind.ANIMAL)


_KINDS: Final = {
    Kind.PERSON: ("person", "face"),
    Kind.VEHICLE: (
        *("car", "truck", "bus", "van", "motorcycle", "motorbike", "bicycle", "vehicle", "train", "boat", "airplane"),
    ),
    Kind.ANIMAL: (
        *("animal", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "fox"),
        *("deer", "rabbit", "squirrel", "raccoon", "boar"),
    ),
}  # fmt: skip
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names}


def kind_of(object_class: str) -> Kind:
    """A class that is not known here is a thing: it is told when it moves."""
    return _KIND_OF.get(object_class, Kind.THING)
