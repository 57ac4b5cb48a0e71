"""Vectors of how things look: near for the same thing in another light, far for another thing."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import pytest
from vigilar_common.messages.detection import LOOK_CHARACTERS
from vigilar_detector.adapters.appearance import vector
from vigilar_detector.domain.decode import Found

WHOLE = Found("person", 0.9, 0.1, 0.1, 0.8, 0.8)


def thing(seed: int, light: float = 1.0, gamma: float = 1.0, noise: float = 0.0, moved_px: int = 0) -> Any:
    """A pattern of blobs, in another light, with noise, a little beside."""
    rough = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    drawn: Any = cv2.resize(rough, (160, 160), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    drawn = np.roll(drawn, moved_px, axis=1)
    drawn = 255 * (drawn / 255) ** gamma * light
    drawn += np.random.default_rng(seed + 1).normal(0, noise, drawn.shape)
    return drawn.clip(0, 255).astype(np.uint8)


def near(one: Any, other: Any) -> float:
    a, b = (
        np.frombuffer(base64.b64decode(vector(pixels, WHOLE)), np.int8).astype(float)
        for pixels in (one, other)
    )
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_same_thing_in_another_light_is_near_and_another_thing_is_far() -> None:
    same = [near(thing(seed), thing(seed, 0.7, 1.4, 6, moved_px=3)) for seed in range(20)]
    other = [near(thing(seed), thing(seed + 100)) for seed in range(20)]
    assert min(same) > 0.85
    assert max(other) < 0.6


def test_a_camera_that_sees_infrared_sees_the_same_thing() -> None:
    grey = cv2.cvtColor(cv2.cvtColor(thing(3), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert near(thing(3), grey) > 0.99


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (WHOLE, True),
        (Found("person", 0.9, 0.0, 0.0, 1.0, 1.0), True),
        (Found("person", 0.9, 0.97, 0.97, 0.03, 0.03), False),
    ],
)
def test_a_vector_is_of_one_length_and_what_is_too_small_has_none(found: Found, says: bool) -> None:
    text = vector(thing(1), found)
    assert len(text) == (LOOK_CHARACTERS if says else 0)


def test_what_has_no_pattern_has_no_vector() -> None:
    assert vector(np.full((160, 160, 3), 90, np.uint8), WHOLE) == ""
