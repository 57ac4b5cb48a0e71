"""What kind of animal it is, how much of a threat, and what light there was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vigilar_common.almanac import Almanac
from vigilar_common.config.rule_words import SUNRISE, SUNSET, Point, Window
from vigilar_common.messages.animals import Light, ThreatLevel

LEAST_SHARE: Final = 0.35
"""Of all pictures' probability: less is a guess, and the detector's own word is taken."""
DOMESTIC: Final = frozenset(
    (
        "dog",
        "cat",
        "horse",
        "cow",
        "sheep",
        "pig",
        "chicken",
        "guinea pig",
        "hamster",
        "ferret",
        "llama",
        "parrot",
    )
)
WILD_CLASSES: Final = frozenset(("bird", "bear", "elephant", "zebra", "giraffe", "fox", "deer", "rabbit", "squirrel",
                                 "raccoon", "boar"))  # fmt: skip
"""What a detector may name that nobody keeps."""
TWILIGHT_MIN: Final = 45
DAWN: Final = Window(Point(-TWILIGHT_MIN, "sunrise"), SUNRISE)
DUSK: Final = Window(SUNSET, Point(TWILIGHT_MIN, "sunset"))
DAY: Final = Window(SUNRISE, SUNSET)
THREATS: Final[Mapping[str, ThreatLevel]] = {
    **dict.fromkeys(
        ("brown bear", "black bear", "polar bear", "bear", "cougar", "lion", "tiger", "leopard", "jaguar", "alligator",
         "elephant", "hippopotamus", "hyena"), ThreatLevel.HIGH),
    **dict.fromkeys(
        ("wolf", "coyote", "wild dog", "wild boar", "snake", "lynx", "snow leopard", "cheetah", "bison", "buffalo",
         "warthog", "monkey"), ThreatLevel.MEDIUM),
    **dict.fromkeys(
        ("fox", "badger", "skunk", "eagle", "bird of prey", "owl", "weasel", "mink", "polecat", "raccoon", "boar",
         "hedgehog or porcupine"), ThreatLevel.LOW),
}  # fmt: skip
"""To people and pets; what is not named here is none."""


def species_of(shares: Mapping[str, float], object_class: str) -> tuple[str, float]:
    """(kind of animal, how sure): the model's own word where it is sure enough, else the detector's, with 0."""
    name, share = max(shares.items(), key=lambda item: item[1], default=("", 0.0))
    return (name, min(1.0, share)) if share >= LEAST_SHARE else (object_class, 0.0)


def is_wild(species: str, share: float) -> bool:
    """A kind that the model is not sure of is wild only when no household keeps such an animal."""
    return species not in DOMESTIC if share else species in WILD_CLASSES


def threat_of(species: str, own: Mapping[str, ThreatLevel]) -> ThreatLevel:
    return own.get(species, THREATS.get(species, ThreatLevel.NONE))


def light_at(almanac: Almanac, at_ms: int) -> Light:
    for window, light in ((DAWN, Light.DAWN), (DUSK, Light.DUSK), (DAY, Light.DAY)):
        if almanac.span_at(window, at_ms) is not None:
            return light
    return Light.NIGHT
