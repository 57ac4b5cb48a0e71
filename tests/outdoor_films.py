"""Films of a delivery and of a visit, put together from real footage: a parcel is brought and taken, a vehicle comes and goes.

No package ships films of either. The street, its people and their ways are those of OpenCV's `vtest.avi`. The parcel is drawn
(`parcel_scenes.put`) where somebody passes, and shows behind whoever stands before it. The vehicle is the white van that stands
in the film, cut out, painted red and enlarged; it slides over the real road without turning its wheels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from footage import CACHE
from numpy.typing import NDArray
from parcel_scenes import put
from vehicle_pictures import VAN, painted, street
from vigilar_demo_camera.film import FilmParams, write_film
from vigilar_demo_camera.footage import SHA256, ensure_footage
from vigilar_demo_camera.playback import FilmError, load_film

U8 = NDArray[np.uint8]
FPS: Final = 10
SIZE: Final = (768, 576)
NOISE: Final = 1.5
FADE_S: Final = 0.5
COVERS: Final = 26
"""Steps of brightness by which whoever stands before the parcel differs from the street."""

EMPTY_S, BRINGS_S, LIES_S, TAKES_S, AFTER_S = 12, 13, 60, 11, 34
BROUGHT_S: Final = EMPTY_S + 5.0
TAKEN_S: Final = EMPTY_S + BRINGS_S + LIES_S + 4.5
PARCEL: Final = (545, 313)
"""Middle of its foot, in pixels."""
PARCEL_PX: Final = 32
CARDBOARD: Final = (80, 130, 175)

AWAY_S, COMES_S, STANDS_S, GOES_S, GONE_S = 10, 5, 45, 5, 15
VAN_TIMES: Final = 1.7
ROAD, PLACE = (870, 345), (560, 300)
"""Where its foot comes into the picture, and where it stands."""


def parcel_film() -> Path:
    """130 s; truth: the parcel stands there, and is gone."""
    total = round((EMPTY_S + BRINGS_S + LIES_S + TAKES_S + AFTER_S) * FPS)
    return _built("parcel", total, _delivery, (BROUGHT_S, TAKEN_S))


def vehicle_film() -> Path:
    """80 s; truth: the van begins to come, and to go."""
    total = (AWAY_S + COMES_S + STANDS_S + GOES_S + GONE_S) * FPS
    return _built("vehicle", total, _visit, (AWAY_S, AWAY_S + COMES_S + STANDS_S))


def _built(name: str, total: int, pictures: Any, truth_s: tuple[float, float]) -> Path:
    params = FilmParams(width=SIZE[0], height=SIZE[1], fps=FPS, gop_s=1.0)
    sources = [
        Path(__file__),
        Path(__file__).with_name("parcel_scenes.py"),
        Path(__file__).with_name("vehicle_pictures.py"),
    ]
    key = hashlib.sha256(
        b"".join([SHA256.encode(), *(source.read_bytes() for source in sources)])
    ).hexdigest()
    index = CACHE / "films" / f"outdoor-{name}.json"
    index.parent.mkdir(parents=True, exist_ok=True)
    try:
        if load_film(index).key == key:
            return index
    except FilmError:
        pass  # not built yet, or by an older form of this file
    first, last = (round(second * FPS) for second in truth_s)
    planar = (cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420) for picture in pictures())
    write_film(planar, total, params, key, index, ([first], [last]))
    return index


def _footage(from_s: float, to_s: float) -> Iterator[U8]:
    film = cv2.VideoCapture(str(ensure_footage(CACHE / "footage")))
    try:
        for number in range(round(to_s * FPS)):
            done, picture = film.read()
            assert done, f"{to_s} s are more than the footage has"
            if number >= round(from_s * FPS):
                yield picture.astype(np.uint8, copy=False)
    finally:
        film.release()


@cache
def empty_street() -> U8:
    """Without the people: the median of the film's pictures."""
    samples = np.stack([picture for number, picture in enumerate(_footage(0, 79)) if number % 20 == 0])
    found: U8 = np.partition(samples, len(samples) // 2, axis=0)[len(samples) // 2]
    return found


class _Sensor:
    """Noise of a camera's sensor, the same at each run."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        field = np.rint(self._random.normal(0, NOISE, (SIZE[1] + 64, SIZE[0] + 64))).astype(np.int16)
        self._field = cv2.merge([field, field, field])

    def __call__(self, picture: U8) -> U8:
        top, left = (int(value) for value in self._random.integers(0, 64, 2))
        noise = self._field[top : top + SIZE[1], left : left + SIZE[0]]
        return cv2.add(picture, noise, dtype=cv2.CV_8U).astype(np.uint8, copy=False)


def _with_parcel(picture: U8) -> U8:
    """The parcel behind whoever stands before it."""
    found = picture.copy()
    for channel, bright in enumerate(CARDBOARD):
        layer = np.ascontiguousarray(found[:, :, channel])
        put(layer, PARCEL_PX, PARCEL, bright)
        found[:, :, channel] = layer
    differs = cv2.absdiff(picture, empty_street()).max(axis=2) > COVERS
    before: Any = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    found[before != 0] = picture[before != 0]
    return found


def _delivery() -> Iterator[U8]:
    sensor, still = _Sensor(), empty_street()
    lying, begins_s = _with_parcel(still), EMPTY_S + BRINGS_S + LIES_S

    def scene(second: float, picture: U8) -> U8:
        return _with_parcel(picture) if BROUGHT_S <= second < TAKEN_S else picture

    def walking(from_s: float, to_s: float, at_s: float) -> Iterator[U8]:
        for number, picture in enumerate(_footage(from_s, to_s)):
            share = min(
                1.0, (number + 1) / (FADE_S * FPS), (round((to_s - from_s) * FPS) - number) / (FADE_S * FPS)
            )
            mixed = picture if share == 1 else cv2.addWeighted(still, 1 - share, picture, share, 0)
            yield scene(at_s + number / FPS, mixed.astype(np.uint8, copy=False))

    for _ in range(EMPTY_S * FPS):
        yield sensor(still)
    yield from walking(0, BRINGS_S, EMPTY_S)
    for _ in range(LIES_S * FPS):
        yield sensor(lying)
    yield from walking(BRINGS_S, BRINGS_S + TAKES_S, begins_s)
    for _ in range(AFTER_S * FPS):
        yield sensor(still)


@cache
def _van() -> tuple[Any, Any]:
    """The red van and how much of each of its pixels covers."""
    x, y, w, h = VAN
    margin = 8
    part = np.ascontiguousarray(street()[y - margin : y + h + margin, x - margin : x + w + margin])
    mask = np.zeros(part.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(part, mask, (margin, margin, w, h), *models, 6, cv2.GC_INIT_WITH_RECT)
    inside: Any = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    red = painted(street(), "red")[y - margin : y + h + margin, x - margin : x + w + margin]
    size = tuple(round(side * VAN_TIMES) for side in (part.shape[1], part.shape[0]))
    large = cv2.resize(red, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    alpha = cv2.GaussianBlur(cv2.resize(inside.astype(np.float32), size), (3, 3), 0)
    return large, alpha[:, :, None]


def _with_van(picture: U8, foot: tuple[int, int]) -> U8:
    """With a soft shadow below it; what of it lies outside of the picture is cut off."""
    large, alpha = _van()
    h, w = alpha.shape[:2]
    left, top = foot[0] - w // 2, foot[1] - h
    x0, x1 = max(0, left), min(SIZE[0], left + w)
    if x1 <= x0:
        return picture
    found: U8 = picture.copy()
    seen = slice(x0 - left, x1 - left)
    part = found[top : top + h + 16, x0:x1]
    shadow = np.ones(part.shape[:2], np.float32)
    cv2.ellipse(shadow, (foot[0] - x0, h - 14), (w // 2, 14), 0, 0, 360, 0.55, -1)
    shaded = part * cv2.GaussianBlur(shadow, (15, 15), 0)[:, :, None]
    shaded[:h] = shaded[:h] * (1 - alpha[:, seen]) + large[:, seen] * alpha[:, seen]
    part[:] = np.clip(shaded, 0, 255)
    return found


def _visit() -> Iterator[U8]:
    sensor, still = _Sensor(), empty_street()

    def at(share: float) -> tuple[int, int]:
        """It brakes: 0 at the edge of the picture, 1 where it stands."""
        eased = 1 - (1 - share) ** 2
        return tuple(round(a + (b - a) * eased) for a, b in zip(ROAD, PLACE, strict=True))  # type: ignore[return-value]

    for number in range((AWAY_S + COMES_S + STANDS_S + GOES_S + GONE_S) * FPS):
        second = number / FPS - AWAY_S
        going_s = second - COMES_S - STANDS_S
        share = min(1.0, second / COMES_S) if going_s < 0 else 1 - going_s / GOES_S
        yield sensor(_with_van(still, at(share)) if 0 <= share <= 1 and going_s < GOES_S else still)
