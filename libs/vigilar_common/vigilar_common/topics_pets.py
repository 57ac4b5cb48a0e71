"""Topics of pets beside their facts: a part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import pets
from vigilar_common.topic import Kind, Topic, command

PETS_STATE = Topic(
    "vigilar/pets/state",
    Kind.STATE,
    pets.PetsState,
    ("pets",),
    ("homeassistant", "web", "home_automation"),
    "The household's pets: where each was seen last, a guess whether it is inside, how well they are told apart.",
    65_536,
)
CMD_PETS = command(
    "pets",
    pets.PetCommand,
    ("web",),
    "pets",
    "Pets, their photos and their rules, as the page changes them.",
    131_072,
)
