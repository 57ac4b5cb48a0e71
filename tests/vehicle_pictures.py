"""Vehicles out of real street footage, painted, at night, in infrared light.

The white van and the light blue car stand in opencv-doc's `vtest.avi`. No package ships pictures of the same car at many
times of day: other colours are made by multiplying the white van's pixels, so its windows, shadows and noise stay real.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from footage import CACHE
from numpy.typing import NDArray
from vigilar_demo_camera.footage import ensure_footage
from vigilar_detector.domain.decode import Found

U8 = NDArray[np.uint8]
CROP: Final = (540, 0, 228, 228)
"""The part of the 768 × 576 picture that is looked at: x, y, width and height."""
VAN: Final = (110, 42, 75, 60)
BLUE_CAR: Final = (194, 48, 34, 44)
"""In pixels of that part."""

PAINT: Final[Mapping[str, tuple[float, float, float]]] = {
    "white": (1.0, 1.0, 1.0), "silver": (0.55, 0.55, 0.55), "grey": (0.26, 0.26, 0.26), "black": (0.05, 0.05, 0.05),
    "red": (0.12, 0.10, 0.62), "blue": (0.55, 0.22, 0.10), "green": (0.16, 0.42, 0.14), "yellow": (0.08, 0.72, 0.85),
    "orange": (0.05, 0.36, 0.85), "brown": (0.10, 0.17, 0.28),
}  # fmt: skip
"""Share of blue, green and red light that a paint gives back, linear."""


@cache
def street(number: int = 1) -> U8:
    """A frame of the film, the part with the vehicles."""
    film = cv2.VideoCapture(str(ensure_footage(CACHE / "footage")))
    film.set(cv2.CAP_PROP_POS_FRAMES, number)
    done, picture = film.read()
    film.release()
    assert done
    x, y, w, h = CROP
    return picture[y : y + h, x : x + w].astype(np.uint8)


def painted(picture: U8, colour: str, box: tuple[int, int, int, int] = VAN) -> U8:
    """The white van in another colour. Windows and tyres, which are dark, stay as they are."""
    x, y, w, h = box
    found: Any = picture.copy()
    part = found[y : y + h, x : x + w].astype(np.float32) / 255
    linear = part**2.2
    body = np.clip((part.min(axis=2) - 0.45) / 0.25, 0.0, 1.0)[:, :, None]
    mixed = linear * (1 - body + body * np.array(PAINT[colour], np.float32))
    found[y : y + h, x : x + w] = np.clip(mixed ** (1 / 2.2) * 255, 0, 255)
    whole: U8 = found.astype(np.uint8)
    return whole


def lit(picture: U8, gain: float, tint: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> U8:
    """In other light: ``gain`` and a tint of blue, green and red, both of linear light."""
    linear = (picture.astype(np.float32) / 255) ** 2.2 * gain * np.array(tint, np.float32)
    return np.clip(np.clip(linear, 0, 1) ** (1 / 2.2) * 255, 0, 255).astype(np.uint8)


def infrared(picture: U8, seed: int = 3) -> U8:
    """Brightness alone, with a sensor's noise."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, 4, grey.shape)
    found: Any = cv2.cvtColor(np.clip(grey + noise, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    whole: U8 = found.astype(np.uint8)
    return whole


def crop_of(picture: U8, quality: int = 82) -> U8:
    """What the worker sends, as a JPEG shows it."""
    small = cv2.resize(picture, (320, 320))
    done, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    decoded: Any = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    whole: U8 = decoded.astype(np.uint8)
    return whole


def found_at(box: tuple[int, int, int, int] = VAN, object_class: str = "car", score: float = 0.8) -> Found:
    """The vehicle as a model would tell it of that crop."""
    x, y, w, h = (value / CROP[2] for value in box)
    return Found(object_class, score, x, y, w, h)
