"""What classes of objects are: alive, vehicles, things. By that one is expected to move or to rest, and searched for."""

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


def classes_of(word: str) -> tuple[str, ...]:
    """`vehicle` and `animal` stand for all their classes; any other word for itself."""
    return _KINDS[Kind(word)] if word in (Kind.VEHICLE, Kind.ANIMAL) else (word,)
