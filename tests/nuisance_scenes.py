"""What makes cameras cry wolf, drawn on the footage's empty scene: light, shake, weather, insects, leaves.

Each nuisance goes on all the time; people may walk through it at known moments. Pictures are drawn at 640×360 and five a
second, as the motion detector gets them; nothing is encoded. Lengths in pixels are those of this size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from motion_scenes import U8, Condition, Event, Scene, Walk, _sway, material
from numpy.typing import NDArray

F32 = NDArray[np.float32]
WIDTH, HEIGHT, FPS = 640, 360, 5
Draw = Callable[[Any, float, np.random.Generator, int], Any]
"""(picture with people, time in s, random numbers, seed) → picture; float32[HEIGHT, WIDTH]."""


@dataclass(frozen=True)
class Nuisance:
    """How the scene is lit and how much its sensor rushes, and what is drawn over it. ``settle_s``: what is found
    before is no false alarm: leaves have to be learnt."""

    draw: Draw
    light: float = 1.0
    noise: float = 1.5
    settle_s: float = 5.0
    opacity: float = 1.0


def pictures(
    name: str,
    kinds: tuple[str, ...],
    events: list[Event],
    seconds: float = 0.0,
    lead_s: float = 12.0,
    seed: int = 0,
) -> Iterator[tuple[float, U8]]:
    """(time in s, picture); ``kinds`` of people walk one after another, 15 s apart, from ``lead_s`` on.

    ``seed`` 0 is the plan that thresholds were tuned on; with any other one other people walk elsewhere at other
    moments, and noise, weather and insects are others: a sequence nothing was tuned on."""
    import cv2

    what = NUISANCES[name]
    still, sprites = material(others=seed != 0)
    crop = still[(576 - 432) // 2 : (576 + 432) // 2]
    base = cv2.resize(crop, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) * what.light
    look = Condition(light=what.light, noise=what.noise)
    scene = Scene(width=WIDTH, height=HEIGHT, fps=FPS, kinds=kinds, lead_s=lead_s, spacing_s=15.0)
    plan = np.random.default_rng(seed)
    walks = [
        Walk(
            kind,
            name,
            sprites[at % len(sprites)],
            scene,
            at,
            0,
            HEIGHT / 1080,
            look,
            late_s=plan.uniform(0, 4) if seed else 0.0,
            left=plan.uniform(0.05, 0.65) if seed else 0.12 + 0.13 * (at % 5),
        )
        for at, kind in enumerate(kinds)
    ]
    random = np.random.default_rng(11 + seed)
    fields = random.normal(0, what.noise, (4, HEIGHT + 32, WIDTH + 32)).astype(np.float32)
    length_s = max(seconds, lead_s + 15.0 * len(kinds))
    ground = np.clip(base + (8 if what.light < 1 else 0), 0, 255).astype(np.uint8)
    if name in ("foliage", "shake"):
        ground = _planted(ground)
    for index in range(round(length_s * FPS)):
        t = index / FPS
        luma = leaves(ground, t) if name == "foliage" else ground.copy()
        for walk in walks:
            walk.onto(luma, index)
        drawn = what.draw(luma.astype(np.float32), t, random, seed)
        top, left = (int(v) for v in random.integers(0, 32, 2))
        drawn = drawn + fields[index % 4, top : top + HEIGHT, left : left + WIDTH]
        yield t, np.clip(drawn, 0, 255).astype(np.uint8)
    events += [walk.event for walk in walks]


def _soft_disc(x: float, y: float, rx: float, ry: float) -> F32:
    """1 in the middle, falling smoothly to 0 at the radii and beyond."""
    rows, columns = np.ogrid[0:HEIGHT, 0:WIDTH]
    away = ((columns - x) / rx) ** 2 + ((rows - y) / ry) ** 2
    disc: F32 = np.clip(1.15 * (1 - away), 0, 1).astype(np.float32)
    return disc


def lamp(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """A lamp that lights a quarter of the scene is switched every eight seconds."""
    on = t % 16 >= 8
    return picture * (1 + 0.9 * _soft_disc(430, 210, 200, 150)) if on else picture


def room_light(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """The light of the whole scene is switched every eleven seconds."""
    return picture * (1.0 if t % 22 < 11 else 0.5)


def headlights(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Every six seconds the beam of a car sweeps over the scene within two."""
    since = t % 6
    if since > 2:
        return picture
    return picture * (1 + 2.2 * _soft_disc(-100 + 420 * since, 190, 150, 120))


def clouds(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """The sun goes and comes within three seconds, again and again, by a good third."""
    return picture * (1 - 0.18 * (1 + np.tanh(2.2 * np.sin(t / 2.2))))


def shake(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Gusts at the mast: for two seconds out of seven the picture swings by up to twelve pixels."""
    import cv2

    if t < 7 or t % 7 > 2:
        return picture
    dx, dy = 12 * np.sin(9.7 * t), 5 * np.cos(7.1 * t)
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def infrared(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Day and night every thirteen seconds: dark while the filter moves, other greys, exposure that hunts."""
    since, night = t % 13, int(t / 13) % 2 == 1
    if night:
        rows, columns = np.ogrid[0:HEIGHT, 0:WIDTH]
        away = np.hypot((columns - WIDTH / 2) / WIDTH, (rows - HEIGHT / 2) / HEIGHT)
        picture = (35 + 0.9 * np.abs(picture - 105)) * (1.25 - 1.2 * away)
    if t < 13:
        return picture
    if since < 0.6:
        return picture * 0.05
    return picture * (1 + 0.6 * np.exp(-(since - 0.6) / 0.5))


def rain(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Streaks everywhere, a few of them near."""
    import cv2

    over = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(70):
        x, y = (int(v) for v in random.integers((0, 0), (WIDTH, HEIGHT)))
        near = random.random() < 0.12
        long = int(random.integers(50, 90) if near else random.integers(12, 32))
        cv2.line(over, (x, y), (x + long // 8, y + long), float(random.uniform(25, 60)), 5 if near else 2)
    return picture + cv2.GaussianBlur(over, (3, 3), 0)


def snow(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Flakes fall a hundred pixels a second; some are near, large and blurred."""
    import cv2

    over = np.zeros((HEIGHT, WIDTH), np.float32)
    flakes = np.random.default_rng((3, seed)).uniform(0, 1, (130, 5))
    for fx, fy, speed, size, sway in flakes:
        x = int((fx * WIDTH + 25 * np.sin(t * (1 + sway) + 9 * sway)) % WIDTH)
        y = int((fy * HEIGHT + (60 + 90 * speed) * t) % HEIGHT)
        cv2.circle(over, (x, y), int(2 + 3 * size + (7 if size > 0.95 else 0)), float(40 + 40 * sway), -1)
    return picture + cv2.GaussianBlur(over, (5, 5), 0)


def insects(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    """Every three seconds one shoots past the lens, lit by the infrared lamp: large, bright, blurred, soon gone."""
    number, since = int(t / 3), t % 3
    if since > 0.7:
        return picture
    own = np.random.default_rng((number, seed))
    x0, y0, angle = own.uniform(60, 300), own.uniform(60, 300), own.uniform(0, 2 * np.pi)
    size, speed = own.uniform(28, 60), own.uniform(420, 900)
    disc = _soft_disc(
        x0 + speed * since * np.cos(angle), y0 + speed * since * np.sin(angle), size, size * 0.6
    )
    return picture + 150 * disc


def _planted(ground: U8) -> U8:
    """Dense, contrasting leaves where `leaves` moves them."""
    import cv2

    ground = ground.copy()
    spots = cv2.GaussianBlur(
        np.random.default_rng(5).normal(0, 1, ground.shape).astype(np.float32), (0, 0), 2.2
    )
    spots = np.clip(90 + 260 * spots, 25, 190).astype(np.uint8)
    for left, top, w, h in ((0.72, 0.02, 0.24, 0.3), (0.02, 0.05, 0.16, 0.25)):
        area = np.s_[int(top * HEIGHT) : int((top + h) * HEIGHT), int(left * WIDTH) : int((left + w) * WIDTH)]
        ground[area] = spots[area]
    return ground


def leaves(ground: U8, t: float) -> U8:
    """Two trees: gusts of seven seconds, twenty apart, from the tenth on."""
    since = (t - 10) % 20
    if t < 10 or since > 7:
        return ground
    return _sway(ground, 1.3 * since + int(t / 20), 12.0 * np.sin(since / 7 * np.pi))


def nothing(picture: Any, t: float, random: np.random.Generator, seed: int) -> Any:
    return picture


NUISANCES = {
    "nothing": Nuisance(nothing),
    "night": Nuisance(nothing, light=0.3, noise=3.0),
    "lamp": Nuisance(lamp, light=0.5),
    "room light": Nuisance(room_light),
    "headlights": Nuisance(headlights, light=0.3, noise=3.0),
    "clouds": Nuisance(clouds),
    "shake": Nuisance(shake),
    "infrared": Nuisance(infrared),
    "rain": Nuisance(rain, light=0.7, noise=2.0),
    "snow": Nuisance(snow, light=0.7, noise=2.0),
    "insects": Nuisance(insects, light=0.3, noise=3.0),
    "foliage": Nuisance(nothing, noise=2.0, settle_s=55.0),
}
