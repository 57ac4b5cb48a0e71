"""Scenes of deliveries: real street, real pedestrians, and a box that is put down and taken away.

No package ships footage of parcels. The ground and the people are those of `vtest.avi`; the box is drawn:
three visible sides in different brightness, tape, an address label, a soft shadow. What lasts minutes is shortened to seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from footage import CACHE
from numpy.typing import NDArray
from vigilar_camera_worker.adapters.still_life import StillLife
from vigilar_camera_worker.domain.kinds import Kind
from vigilar_camera_worker.domain.left_behind import Parcel, judged
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.passers import Passage, Passers
from vigilar_demo_camera.footage import ensure_footage

U8 = NDArray[np.uint8]
WIDTH, HEIGHT = 320, 180
ASPECT = WIDTH / HEIGHT
STEP_S: Final = 0.5
START_MS: Final = 1_750_000_000_000
PLACE: Final = (170, 150)
"""Where the box stands: the middle of its foot, in pixels."""
PERSON_PX: Final = 62


PEOPLE: Final = ((632, 234, 58, 92), (494, 150, 40, 88))
"""Two pedestrians of the first frame: x, y, width and height in pixels of the film."""
DARK: Final = 100
"""They wear dark clothes on light asphalt."""


@cache
def _film() -> U8:
    film = cv2.VideoCapture(str(ensure_footage(CACHE / "footage")))
    done, picture = film.read()
    film.release()
    assert done
    found: U8 = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8)
    return found


@cache
def ground() -> U8:
    """The street; whoever walks there in the first frame stands there for ever."""
    found: U8 = cv2.resize(_film()[72:504], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return found


@cache
def walker(number: int, mirrored: bool) -> tuple[Any, Any]:
    """Brightness and opacity of a pedestrian; a step is his mirror image."""
    x, y, w, h = PEOPLE[number % len(PEOPLE)]
    part = _film()[y : y + h, x : x + w]
    mask: Any = cv2.morphologyEx((part < DARK).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    factor = PERSON_PX / h
    small = [cv2.resize(one.astype(np.float32), None, fx=factor, fy=factor) for one in (part, mask)]
    return tuple(np.ascontiguousarray(one[:, ::-1]) if mirrored else one for one in small)  # type: ignore[return-value]


def put(picture: U8, height_px: int = 16, place: tuple[int, int] = PLACE, bright: int = 150) -> None:
    """A box with three sides, tape and label, and its shadow."""
    x, foot = place
    w, side, top = round(height_px * 1.0), round(height_px * 0.45), round(height_px * 0.4)
    shadow = np.ones(picture.shape, np.float32)
    cv2.ellipse(shadow, (x + w // 2, foot), (w, max(2, top // 2)), 0, 0, 360, 0.72, -1)
    picture[:] = (picture * cv2.GaussianBlur(shadow, (7, 7), 0)).astype(np.uint8)
    left, high = x - w // 2, foot - height_px
    faces = (
        ([(left, high), (left + w, high), (left + w, foot), (left, foot)], bright),
        ([(left + w, high), (left + w + side, high - top), (left + w + side, foot - top), (left + w, foot)], bright * 0.6),
        ([(left, high), (left + side, high - top), (left + w + side, high - top), (left + w, high)], min(255, bright * 1.25)),
    )  # fmt: skip
    for corners, light in faces:
        cv2.fillPoly(picture, [np.array(corners, np.int32)], float(light))
    cv2.line(picture, (left + w // 2, high), (left + w // 2, foot), bright * 0.8, 1)
    cv2.rectangle(
        picture, (left + 2, high + 3), (left + w // 2 - 1, high + height_px // 2), min(255, bright * 1.4), -1
    )


@cache
def _noise(seed: int) -> Any:
    """Of a sensor; shifted for each picture."""
    return np.random.default_rng(seed).normal(0, 1, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)


def person(picture: U8, x: float, step: int, number: int = 0, foot: int = PLACE[1] + 4) -> Rect:
    """A pedestrian with his feet at that place; his box in parts of the picture."""
    luma, alpha = walker(number, step % 4 > 1)
    h, w = luma.shape
    left, top = round(x - w / 2), foot - h
    x0, x1 = max(0, left), min(WIDTH, left + w)
    if x1 > x0:
        seen = alpha[:, x0 - left : x1 - left]
        part = picture[top : top + h, x0:x1]
        part[:] = (part * (1 - seen) + luma[:, x0 - left : x1 - left] * seen).astype(np.uint8)
    return Rect(left / WIDTH, top / HEIGHT, w / WIDTH, h / HEIGHT)


@dataclass
class Play:
    """A scene in looks. Each method appends some seconds; `run` tells what is seen of them, in words."""

    change: Callable[[U8, float], U8] = lambda picture, _time_s: picture
    """What light and weather do to each picture."""
    noise: float = 1.5
    time_s: float = 0.0
    frames: list[tuple[float, U8, list[Passage]]] = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    seed: int = 1

    def calm(self, seconds: float) -> Play:
        return self._add(seconds, lambda picture, _at_s: None)

    def passes(
        self, *, leaves: bool = False, takes: bool = False, seconds: float = 12.0, number: int = 0, **box: Any
    ) -> Play:
        """Somebody walks through; half-way a box is put down, or taken."""
        began_s, half = self.time_s, seconds / 2
        box_in, taken = dict(box), list[dict[str, Any]]()

        def drawn(picture: U8, at_s: float) -> Rect | None:
            gone_s = at_s - began_s
            if gone_s >= half and leaves and box_in not in self.boxes:
                self.boxes.append(box_in)
                put(picture, **box_in)
            if gone_s >= half and takes and self.boxes and not taken:
                taken.append(self.boxes.pop())
            share = gone_s / seconds
            return person(picture, -15 + (WIDTH + 30) * share, round(at_s / STEP_S), number)

        return self._add(seconds, drawn, Kind.PERSON, f"01970000-0000-7000-8000-{len(self.frames):012d}")

    def drawn(self, seconds: float, draw: Callable[[U8, float], None]) -> Play:
        """Something else in the picture; `draw` gets seconds since its beginning."""
        began_s = self.time_s
        return self._add(seconds, lambda picture, at_s: draw(picture, at_s - began_s))

    def _add(
        self,
        seconds: float,
        drawn: Callable[[U8, float], Rect | None],
        kind: Kind = Kind.PERSON,
        track_id: str = "",
    ) -> Play:
        random = np.random.default_rng(self.seed + len(self.frames))
        for _ in range(round(seconds / STEP_S)):
            picture: U8 = ground().copy()
            for box in self.boxes:
                put(picture, **box)
            seen = drawn(picture, self.time_s)
            picture = self.change(picture, self.time_s)
            top, left = (int(value) for value in random.integers(0, 64, 2))
            noise = self.noise * _noise(self.seed)[top : top + HEIGHT, left : left + WIDTH]
            picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
            there = [Passage(self._ms, track_id, kind.value, kind, seen)] if seen is not None else []
            self.frames.append((self.time_s, picture, there))
            self.time_s += STEP_S
        return self

    @property
    def _ms(self) -> int:
        return START_MS + round(self.time_s * 1000)

    def run(self, subject: StillLife | None = None) -> list[str]:
        """`+0.62` (a parcel, and where its middle is), `-refused why`, `gone`."""
        return list(told(subject or StillLife(WIDTH, HEIGHT), self))


def told(subject: StillLife, play: Play) -> Iterator[str]:
    passers = Passers()
    for time_s, picture, there in play.frames:
        passers.add(there)
        wall_ms = START_MS + round(time_s * 1000)
        ready, gone = subject.look(picture, time_s, wall_ms)
        for thing in gone:
            yield f"gone {thing.thing_id}"
        for candidate in ready:
            verdict = judged(candidate.box, ASPECT, candidate.first_ms, wall_ms, passers)
            if isinstance(verdict, Parcel):
                name = f"thing-{len(subject.watched) + 1}"
                subject.watch(name, candidate)
                yield f"+{name}"
            else:
                subject.absorb(candidate)
                yield f"-{verdict.why}"
