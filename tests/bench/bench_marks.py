"""Whether marks tell the same thing again from somebody else at its place: on the real people of the demo's footage.

A poster is the picture of a person of the film, seen again in other light, shadow, noise, wind and with another box. The
real people are those who come past the place of each poster. Everything goes through the code that is shipped: detector,
vectors, marks, tracker. Run: `python tests/bench/bench_marks.py` (two minutes; fetches film and model where they are missing).
"""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
from bench.bench_detector import row
from footage import CACHE
from real_model import ensure_model
from vigilar_camera_worker.crops import vector_of
from vigilar_camera_worker.domain.likeness import Mark, Marks, View, add_view
from vigilar_camera_worker.domain.looks import Look, Rect, Seen, placed
from vigilar_camera_worker.domain.object_tracker import Appeared, ObjectTracker, Suppressed
from vigilar_camera_worker.domain.whereabouts import Places
from vigilar_camera_worker.domain.zones import zone_map
from vigilar_demo_camera.footage import ensure_footage
from vigilar_detector.adapters.appearance import vector
from vigilar_detector.domain.decode import Found
from vigilar_detector.loading import load
from vigilar_detector.looker import look

EVERY, SIDE_PX, POSTERS, LOOKS, LOOK_MS = 4, 384, 120, 15, 400
APART_FRAMES = 8
"""Looks of the real ones are taken so far from those of the poster that it is not the same person."""
LEAST_LOOKS = 3
MOST_REAL_PCT, LEAST_POSTERS_PCT = 1.0, 95.0
Frame = Any


def people(frames: list[Frame]) -> list[list[Seen]]:
    """Those whom the default model sees in each picture, whole."""
    loaded = load(ensure_model(), 0.5, 1)
    height, width = frames[0].shape[:2]
    corners = [
        (x, y)
        for x in sorted({0, (width - SIDE_PX) // 2, width - SIDE_PX})
        for y in sorted({0, height - SIDE_PX})
    ]
    found: list[list[Seen]] = []
    for frame in frames:
        seen: list[Seen] = []
        for x, y in corners:
            part = np.ascontiguousarray(frame[y : y + SIDE_PX, x : x + SIDE_PX])
            area = Rect(x / width, y / height, SIDE_PX / width, SIDE_PX / height)
            for one in look(loaded, 0, cv2.imencode(".jpg", part)[1].tobytes()):
                box = placed(Rect(one.x, one.y, one.w, one.h), area)
                edges = min(one.x, one.y) < 0.02 or max(one.x + one.w, one.y + one.h) > 0.98
                double = any(box.iou(other.box) > 0.5 for other in seen)
                if one.object_class == "person" and not edges and not double and box.h * height >= 40:
                    seen.append(Seen("person", one.score, box, look=vector_of(vector(part, one))))
        found.append(seen)
    return found


def poster(frame: Frame, box: Rect, chance: random.Random) -> Seen:
    """The same picture once more: another box, light, shadow, noise, JPEG."""
    height, width = frame.shape[:2]
    x1, y1 = max(0, round((box.x - 0.12 * box.w) * width)), max(0, round((box.y - 0.12 * box.h) * height))
    x2, y2 = round((box.x + 1.12 * box.w) * width), round((box.y + 1.12 * box.h) * height)
    part = frame[y1:y2, x1:x2]
    size = (part.shape[1], part.shape[0])
    bend = np.array(
        [[1 + chance.uniform(-0.06, 0.06), chance.uniform(-0.06, 0.06), size[0] * chance.uniform(-0.06, 0.06)],
         [chance.uniform(-0.04, 0.04), 1 + chance.uniform(-0.06, 0.06), size[1] * chance.uniform(-0.06, 0.06)]],
        np.float32,
    )  # fmt: skip
    shown: Any = cv2.warpAffine(part, bend, size, borderMode=cv2.BORDER_REFLECT).astype(np.float32)
    shown = 255 * (shown / 255) ** chance.uniform(0.6, 1.6) * chance.uniform(0.6, 1.2)
    if chance.random() < 0.5:
        shown[:, : round(size[0] * chance.uniform(0.3, 0.7))] *= chance.uniform(0.55, 0.8)
    shown += np.random.default_rng(chance.randrange(1 << 30)).normal(0, chance.uniform(2, 9), shown.shape)
    jpeg = cv2.imencode(".jpg", shown.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    pixels: Any = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    inner = 0.12 / 1.24
    found = Found("person", 0.8, inner, inner, 1 - 2 * inner, 1 - 2 * inner)
    return Seen("person", 0.8, box, look=vector_of(vector(pixels, found)))


def told(looks: list[Seen], marks: Marks) -> bool | None:
    """Whether a track of these looks is told, by the tracker itself; None: it was too short to be told or held back."""
    numbers = itertools.count(1)
    tracker = ObjectTracker(0.5, Places(zone_map(160, 120)), 4 / 3, lambda: f"track-{next(numbers)}")
    tracker.marks = marks
    news = [
        item
        for number, seen in enumerate(looks)
        for item in tracker.look(Look(1_000 + number * LOOK_MS, (seen,), moving=(seen.box,)))
    ]
    news += tracker.end()
    kinds = {type(item) for item in news}
    return None if not kinds & {Appeared, Suppressed} else Appeared in kinds


def past(box: Rect, there: list[list[Seen]], own: int) -> list[list[Seen]]:
    """Those who come past the place, each as the looks while he is near it."""
    found = []
    for number in range(0, len(there), 2):
        if abs(number - own) < 2 * APART_FRAMES:
            continue
        near = [seen for seen in there[number] if seen.box.iou(box) >= 0.4]
        if not near:
            continue
        track, here = [], near[0]
        for later in there[number : number + APART_FRAMES]:
            same = max(later, key=lambda seen: seen.box.iou(here.box), default=None)
            if same is None or same.box.iou(here.box) < 0.3:
                break
            track.append(same)
            here = same
        if len(track) >= LEAST_LOOKS:
            found.append(track)
    return found


def main() -> int:
    film = cv2.VideoCapture(str(ensure_footage(CACHE / "footage")))
    frames: list[Frame] = []
    while (grabbed := film.read())[0]:
        frames.append(grabbed[1])
    frames = frames[::EVERY]
    there = people(frames)
    chance = random.Random(3)
    every = [(number, seen) for number, found in enumerate(there) for seen in found if seen.look]
    posters, real = [], []
    for number, seen in chance.sample(every, POSTERS):
        views: list[View] = []
        for _ in range(LOOKS):
            add_view(views, poster(frames[number], seen.box, chance))
        marks = Marks([Mark("poster", "person", True, tuple(views))])
        posters.append(told([poster(frames[number], seen.box, chance) for _ in range(LOOKS)], marks))
        real += [told(track, marks) for track in past(seen.box, there, number)]
    held = 100 * posters.count(False) / (len(posters) - posters.count(None))
    lost = 100 * real.count(False) / max(1, len(real) - real.count(None))
    print("| what | measured | target |\n|---|---|---|")
    again, others = (
        f"of {len(posters)} posters seen again are held back",
        f"of {len(real)} real tracks there are held back",
    )
    good = row(again, f"{held:.1f} %", f"≥ {LEAST_POSTERS_PCT:.0f} %", held >= LEAST_POSTERS_PCT)
    fine = row(others, f"{lost:.1f} %", f"≤ {MOST_REAL_PCT:.0f} %", lost <= MOST_REAL_PCT)
    return int(not (good and fine))


if __name__ == "__main__":
    raise SystemExit(main())
