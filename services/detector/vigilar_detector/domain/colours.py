"""The colour of a vehicle, or that it cannot be told: at night, in infrared light, in glare, between two colours.

Pixels are uint8[n, 3] in CIE LAB as OpenCV packs it: L 0–255, a and b around 128. The crop around the vehicle says what the
light is like: what should be grey there gives the cast, what is bright there gives white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from vigilar_common.messages.vehicles import MEASURE_LENGTH, VehicleColour

Lab = NDArray[np.uint8]
Floats = NDArray[np.float32]

HUES: Final = 12
SHADES: Final = MEASURE_LENGTH - HUES
NEUTRAL: Final = 128.0
COLOURLESS: Final = 4.0
"""A picture of which all but two percent have less chroma than this is infrared, or its camera shows none at night."""
DARK: Final = 70.0
"""Of 255: where nine tenths of the picture are darker, colours are noise."""
GLARE: Final = 250
MOST_GLARE: Final = 0.35
NIGHT: Final = 130.0
"""Of 255: where three quarters of the picture are darker, what glares is lamps; by day it is white paint."""
GREYISH: Final = 20.0
"""What has less chroma than this in the picture is taken for grey: its median is the cast of the light."""
LEAST_GREY: Final = 0.05
MOST_CAST: Final = 12.0
LEAST_CHROMA, FULL_CHROMA = 8.0, 18.0
"""Chroma below which a pixel has no hue, and above which it has nothing but one."""
LEAST_WHITE, WHITE_PCT = 110.0, 99
COLOURED, COLOURLESS_CAR = 0.42, 0.28
"""Share of pixels with a hue from which a vehicle has a colour, and up to which it has none."""
ONE_HUE: Final = 0.6
"""Length of the mean of all hues (1: all the same): less is several colours, or a reflection."""
BETWEEN: Final = 0.02
"""So near to the limit between two shades neither is told."""
BROWN_BELOW: Final = 0.55
LEAST_PIXELS: Final = 60

_SHADES: Final = (
    (0.34, VehicleColour.BLACK),
    (0.61, VehicleColour.GREY),
    (0.86, VehicleColour.SILVER),
    (9.9, VehicleColour.WHITE),
)
"""Brightness in parts of what is white there, up to which a shade goes."""
_HUES: Final = (
    (48.0, VehicleColour.RED),
    (78.0, VehicleColour.ORANGE),
    (115.0, VehicleColour.YELLOW),
    (180.0, VehicleColour.GREEN),
    (300.0, VehicleColour.BLUE),
    (345.0, VehicleColour.PURPLE),
    (361.0, VehicleColour.RED),
)
"""Degrees in the plane of a and b up to which a hue goes."""


@dataclass(frozen=True)
class Measured:
    """``measure`` is empty where the light says nothing; ``reason`` is empty where a colour is told."""

    colour: VehicleColour = VehicleColour.UNKNOWN
    measure: tuple[float, ...] = ()
    reason: str = ""


def measured(body: Lab, around: Lab) -> Measured:
    """Of the pixels of the vehicle's body; ``around``: those of the whole crop."""
    if len(body) < LEAST_PIXELS or len(around) < LEAST_PIXELS:
        return Measured(reason="it is too small")
    scene = around.astype(np.float32)
    if float(np.percentile(_chroma(scene), 98)) < COLOURLESS:
        return Measured(reason="the picture has no colours")
    if float(np.percentile(scene[:, 0], 90)) < DARK:
        return Measured(reason="it is too dark")
    night = float(np.percentile(scene[:, 0], 75)) < NIGHT
    if night and float((body[:, 0] >= GLARE).mean()) > MOST_GLARE:
        return Measured(reason="it is lit too brightly")
    pixels = body.astype(np.float32)
    pixels[:, 1:] -= _cast(scene)
    white = max(LEAST_WHITE, float(np.percentile(scene[:, 0], WHITE_PCT)))
    bright = np.clip(pixels[:, 0] / white, 0.0, 1.0)
    hue = np.arctan2(pixels[:, 2] - NEUTRAL, pixels[:, 1] - NEUTRAL)
    coloured = np.clip((_chroma(pixels) - LEAST_CHROMA) / (FULL_CHROMA - LEAST_CHROMA), 0.0, 1.0)
    hues = _soft_histogram((hue / (2 * np.pi)) % 1.0 * HUES, coloured, HUES, around=True)
    shades = _soft_histogram(bright * (SHADES - 1), 1 - coloured, SHADES, around=False)
    measure = tuple(round(float(value), 4) for value in np.concatenate([hues, shades]) / len(pixels))
    colour, reason = _named(float(coloured.mean()), hue, coloured, bright)
    return Measured(colour, measure, reason)


def _chroma(pixels: Floats) -> Floats:
    found: Floats = np.hypot(pixels[:, 1] - NEUTRAL, pixels[:, 2] - NEUTRAL)
    return found


def _cast(scene: Floats) -> Floats:
    """By how much a and b of what should be grey are off."""
    grey = scene[(_chroma(scene) < GREYISH) & (scene[:, 0] > 40) & (scene[:, 0] < 240)]
    if len(grey) < LEAST_GREY * len(scene):
        return np.zeros(2, np.float32)
    found: Floats = np.clip(np.median(grey[:, 1:], axis=0) - NEUTRAL, -MOST_CAST, MOST_CAST).astype(
        np.float32
    )
    return found


def _soft_histogram(at: Floats, weights: Floats, bins: int, *, around: bool) -> Floats:
    """Each value counts for its two neighbours, by how near they are, so that a little light moves a little weight."""
    low = np.floor(at).astype(np.int64)
    share = at - low
    high = (low + 1) % bins if around else np.minimum(low + 1, bins - 1)
    found = np.bincount(low % bins, weights * (1 - share), bins) + np.bincount(high, weights * share, bins)
    return found.astype(np.float32)


def _named(share: float, hue: Floats, coloured: Floats, bright: Floats) -> tuple[VehicleColour, str]:
    if share >= COLOURED:
        return _hue_named(hue, coloured, bright)
    if share > COLOURLESS_CAR:
        return VehicleColour.UNKNOWN, "half of it has a colour"
    shade = float(np.median(bright[coloured < 0.5])) if bool((coloured < 0.5).any()) else 0.0
    if any(abs(shade - limit) < BETWEEN for limit, _ in _SHADES):
        return VehicleColour.UNKNOWN, "it lies between two shades"
    return next(colour for limit, colour in _SHADES if shade < limit), ""


def _hue_named(hue: Floats, coloured: Floats, bright: Floats) -> tuple[VehicleColour, str]:
    mean = complex((coloured * np.exp(1j * hue)).sum()) / max(1e-6, float(coloured.sum()))
    if abs(mean) < ONE_HUE:
        return VehicleColour.UNKNOWN, "it has several colours"
    degrees = float(np.degrees(np.angle(mean))) % 360.0
    colour = next(found for limit, found in _HUES if degrees < limit)
    dark = float(np.median(bright[coloured >= 0.5])) < BROWN_BELOW
    if dark and colour in (VehicleColour.ORANGE, VehicleColour.YELLOW):
        return VehicleColour.BROWN, ""
    return colour, ""
