"""Measuring vehicles and views out of pictures and films: what `vigilar vehicles calibrate` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import MAX_CROP_PX
from vigilar_models import jpeg as jpegs
from vigilar_models.arrays import Pixels
from vigilar_models.errors import CropError, ModelError

from vigilar_detector.adapters.vehicle_pixels import VEHICLES, body_of
from vigilar_detector.domain.decode import Found
from vigilar_detector.domain.known_vehicles import Measures
from vigilar_detector.looker import Loaded, look

PICTURES: Final = frozenset((".jpg", ".jpeg", ".png"))
FILMS: Final = frozenset((".mp4", ".avi", ".mkv", ".mov"))
LOOKS_PER_S: Final = 2.0
"""Of a film so many frames a second are looked at."""
MAX_FRAMES: Final = 400
"""Of one film that are looked at; of a longer one every so many-th."""
MAX_FILES: Final = 500
MAX_FILE_BYTES: Final = 2_000_000_000
MAX_PICTURE_BYTES: Final = 60_000_000
MAX_SIDE_PX: Final = 8192
MAX_PIXELS: Final = 40_000_000
LEAST_SCORE: Final = 0.5
ALONE: Final = 0.5
"""Another vehicle that is larger than this part of the largest one: it is not clear which is meant."""
EDGE: Final = 0.015

SAME_PLACE: Final = 0.3
"""Overlap (intersection over union) with a place where the vehicle was seen: this one is meant, whatever else is there."""

Progress = Callable[[str, int, int], None]
"""What is looked at, how many of its frames are done, of how many."""


@dataclass(frozen=True)
class Source:
    """A picture (``jpeg``, or a file of one) or a film. ``boxes``: where the vehicle was seen; empty: the largest is meant."""

    name: str
    path: Path | None = None
    jpeg: bytes = b""
    boxes: tuple[Box, ...] = ()


@dataclass
class Seen:
    """What came of the frames, by reason."""

    frames: int = 0
    samples: list[Measures] = field(default_factory=list)
    people: list[tuple[float, float]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1

    @property
    def why(self) -> str:
        counted = sorted(self.refused.items(), key=lambda item: -item[1])
        return ", ".join(f"{why} ({count})" for why, count in counted) or "nothing was looked at"


def files_of(sources: Sequence[Path]) -> list[Path]:
    """Pictures and films; of folders what lies in them. Raises ModelError naming the first that is neither."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES | FILMS)
            if not inside:
                raise ModelError(
                    f"{source}: holds no picture (.jpg, .png) and no film (.mp4, .avi, .mkv, .mov)"
                )
            found += inside
        elif not source.exists():
            raise ModelError(f"{source}: there is no such file")
        elif source.suffix.lower() not in PICTURES | FILMS:
            raise ModelError(f"{source}: is no picture (.jpg, .png) and no film (.mp4, .avi, .mkv, .mov)")
        else:
            found.append(source)
    if len(found) > MAX_FILES:
        raise ModelError(f"{len(found)} files are too many at once, at most {MAX_FILES} are taken")
    return found


def measure(loaded: Loaded, sources: Iterable[Source], progress: Progress, into: Seen | None = None) -> Seen:
    """The vehicle that is meant in each frame, and everybody who stands in it. Raises ModelError for what is no picture."""
    seen = into or Seen()
    for source in sources:
        looks = (
            ((1, 1, _decoded(source.name, source.jpeg)),)
            if source.path is None
            else frames(source.path, source.name)
        )
        for done, count, picture in looks:
            _measure(loaded, picture, seen, source.boxes)
            progress(source.name, done, count)
    return seen


def check(path: Path) -> None:
    """Before the model is loaded: raises ModelError naming the file and why it cannot be used, as `frames` would."""
    if path.suffix.lower() in PICTURES:
        _checked(path)
    else:
        next(iter(frames(path)), None)


def frames(path: Path, name: str = "") -> Iterator[tuple[int, int, Pixels]]:
    """(which, of how many, the picture). Raises ModelError naming the file (by ``name``, where it has another) and the reason."""
    import cv2

    name = name or str(path)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ModelError(f"{name}: is larger than {MAX_FILE_BYTES // 1_000_000} MB")
    if path.suffix.lower() in PICTURES:
        yield 1, 1, _picture(path)
        return
    film = cv2.VideoCapture(str(path))
    try:
        count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        width, height = (int(film.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if not film.isOpened() or count <= 0 or width <= 0:
            raise ModelError(f"{name}: cannot be read as a film")
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
            raise ModelError(f"{name}: {width}×{height} pixels are too many")
        fps = film.get(cv2.CAP_PROP_FPS)
        step = max(1, round((fps if 1 <= fps <= 240 else 25) / LOOKS_PER_S), -(-count // MAX_FRAMES))
        for number in range(count):
            if not film.grab():
                return  # the headers promised more than there is
            if number % step == 0:
                done, picture = film.retrieve()
                if done:
                    yield number + 1, count, picture.astype(np.uint8, copy=False)
    finally:
        film.release()


def _checked(path: Path) -> bytes:
    """Its bytes, if its header names a size that may be decoded."""
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise ModelError(f"{path}: is larger than {MAX_PICTURE_BYTES // 1_000_000} MB")
    data = path.read_bytes()
    _sized(str(path), data, png=path.suffix.lower() == ".png")
    return data


def _sized(name: str, data: bytes, *, png: bool) -> None:
    """Raises ModelError unless its header names a size that may be decoded."""
    if not png:
        try:
            width, height = jpegs.size_of(data)
        except CropError as error:
            raise ModelError(f"{name}: {error}") from error
    elif data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 24:
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    else:
        raise ModelError(f"{name}: is no PNG")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX or min(width, height) < 1:
        raise ModelError(f"{name}: {width}×{height} pixels are too many")


def _picture(path: Path) -> Pixels:
    return _pixels(str(path), _checked(path))


def _decoded(name: str, jpeg: bytes) -> Pixels:
    _sized(name, jpeg, png=False)
    return _pixels(name, jpeg)


def _pixels(name: str, data: bytes) -> Pixels:
    import cv2

    try:
        decoded: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ModelError(f"{name}: cannot be decoded") from error
    if decoded is None:
        raise ModelError(f"{name}: cannot be decoded")
    picture: Pixels = decoded.astype(np.uint8, copy=False)
    return picture


def _measure(loaded: Loaded, picture: Pixels, seen: Seen, boxes: Sequence[Box] = ()) -> None:
    seen.frames += 1
    height, width = picture.shape[:2]
    vehicles: list[tuple[float, Found, Pixels]] = []
    for crop, (x, y, side) in _squares(picture, loaded.manifest.crop_px):
        done, encoded = _encoded(crop)
        if not done:
            continue
        for one in look(loaded, 0, encoded):
            whole = one.x > EDGE and one.x + one.w < 1 - EDGE and one.y > EDGE and one.y + one.h < 1 - EDGE
            if one.score < LEAST_SCORE or not whole:
                continue
            if one.object_class == "person":
                seen.people.append(((y + (one.y + one.h) * side) / height, one.h * side / height))
            elif one.object_class in VEHICLES:
                there = _overlap(one, (x, y, side), (width, height), boxes)
                if there >= SAME_PLACE or not boxes:
                    vehicles.append((there or one.w * side * one.h * side, one, crop))
    if not vehicles:
        seen.refuse("it was not seen whole where the event saw it" if boxes else "no vehicle was seen whole")
        return
    vehicles.sort(key=lambda item: -item[0])
    area, meant, crop = vehicles[0]
    # The same one may be seen in two squares: what is nearly as large must be elsewhere to be another one.
    others = [item for item in vehicles[1:] if item[0] > ALONE * area and item[2] is crop and not boxes]
    if others:
        seen.refuse("several vehicles were seen")
        return
    found = body_of(crop, meant)
    if not found.measure:
        seen.refuse(found.reason)
        return
    seen.samples.append(found.measure)


def _overlap(one: Found, square: tuple[int, int, int], size: tuple[int, int], boxes: Sequence[Box]) -> float:
    """The largest intersection over union with one of the boxes, which are in parts of the picture."""
    x, y, side = square
    left, top = (x + one.x * side) / size[0], (y + one.y * side) / size[1]
    w, h = one.w * side / size[0], one.h * side / size[1]
    found = 0.0
    for box in boxes:
        across = min(left + w, box.x + box.w) - max(left, box.x)
        down = min(top + h, box.y + box.h) - max(top, box.y)
        shared = max(0.0, across) * max(0.0, down)
        found = max(found, shared / (w * h + box.w * box.h - shared))
    return found


def _squares(picture: Pixels, side_px: int) -> Iterator[tuple[Pixels, tuple[int, int, int]]]:
    """The whole picture in squares as the model sees them: pixels, (x, y, side) in the picture."""
    import cv2

    height, width = picture.shape[:2]
    side = min(height, width)
    steps = max(1, -(-max(height, width) // side))
    for number in range(steps):
        at = round(number * (max(height, width) - side) / max(1, steps - 1))
        x, y = (at, 0) if width >= height else (0, at)
        part = picture[y : y + side, x : x + side]
        small: Any = cv2.resize(part, (min(side_px, MAX_CROP_PX),) * 2, interpolation=cv2.INTER_AREA)
        yield small.astype(np.uint8, copy=False), (x, y, side)


def _encoded(picture: Pixels) -> tuple[bool, bytes]:
    import cv2

    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return done, encoded.tobytes() if done else b""
