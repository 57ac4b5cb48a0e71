"""Sequences with exact ground truth: real pedestrians, cut out of the footage, walk through a still scene.

Conditions change how the scene looks (day, night with sensor noise, wind in the leaves, flickering light), kinds how
easy an object is to see. ``seed`` 0 is the plan that is tuned on; any other one shuffles who walks where and when
(other people too) and the noise, so that it is a sequence nothing was tuned on. An onset is the first frame that shows
as much of the object as counts as motion by default (``LEAST_AREA_SHARE``), and at least ``VISIBLE_SHARE`` of it; the
end is the first frame after it that shows less.
All lengths in pixels are those of a picture 1080 pixels high.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from footage import CACHE
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
VISIBLE_SHARE = 0.3
LEAST_AREA_SHARE = 500 / (640 * 360)
"""`motion_min_area_px` of `resolution_motion`, both at their defaults."""
SOURCE_SIZE = (768, 576)
NOISE_FIELDS = 8


@dataclass(frozen=True)
class Kind:
    """``height_px`` and ``speed`` (its own heights per second), opacity, and how long it can be seen."""

    height_px: float
    speed: float = 0.8
    opacity: float = 1.0
    seconds: float = 7.0


KINDS = {
    "large": Kind(430, 0.5),
    "medium": Kind(250),
    "small": Kind(170),
    "low contrast": Kind(260, opacity=0.3),
    "brief": Kind(260, 1.1, seconds=1.1),
    "slow": Kind(250, 0.1, seconds=12.0),
}


@dataclass(frozen=True)
class Condition:
    """Brightness of scene and objects, standard deviation of the noise, sway of leaves, share of flicker."""

    light: float = 1.0
    noise: float = 1.5
    sway_px: float = 0.0
    flicker: float = 0.0


CONDITIONS = {
    "day": Condition(),
    "night": Condition(light=0.3, noise=4.0),
    "wind": Condition(noise=2.0, sway_px=4.0),
    "flicker": Condition(flicker=0.02),
}


@dataclass(frozen=True)
class Scene:
    """A sequence; ``bitrate_kbps`` 0 means constant quality (variable bit rate)."""

    width: int = 1280
    height: int = 720
    fps: int = 15
    codec: str = "h264"
    bitrate_kbps: int = 0
    gop_s: float = 2.0
    conditions: tuple[str, ...] = tuple(CONDITIONS)
    kinds: tuple[str, ...] = tuple(KINDS)
    lead_s: float = 12.0
    spacing_s: float = 18.0
    seed: int = 0

    @property
    def section_s(self) -> float:
        return self.lead_s + self.spacing_s * len(self.kinds)

    @property
    def frames(self) -> int:
        return round(self.section_s * len(self.conditions) * self.fps)

    def key(self) -> str:
        plan = [asdict(self), {name: asdict(kind) for name, kind in KINDS.items()}]
        plan.append({name: asdict(condition) for name, condition in CONDITIONS.items()})
        return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Event:
    """One object in frames ``first`` (onset) to ``end`` (exclusive)."""

    kind: str
    condition: str
    first: int
    end: int


@dataclass(frozen=True)
class Sprite:
    """Pictures of one pedestrian, uint8[n][h, w], with how opaque each pixel is (float32, 0–1)."""

    luma: list[U8]
    alpha: list[NDArray[np.float32]]


def ensure_scenes(*scenes: Scene) -> list[tuple[Path, list[Event]]]:
    """Index (for ``load_film``) and events of each; scenes that differ in their encoding alone are drawn once."""
    folder = CACHE.parent / "motion-scenes" / drawn_by()
    for other in folder.parent.glob("*"):
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)  # drawn by code that is not there any more
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"scene-{scene.key()[:16]}.json" for scene in scenes]
    missing = [(scene, path) for scene, path in zip(scenes, paths, strict=True) if not path.exists()]
    while missing:
        first = missing[0][0]
        same = [(scene, path) for scene, path in missing if _drawing(scene) == _drawing(first)]
        _encode(same)
        missing = [item for item in missing if item not in same]
    return [(path, events_of(path)) for path in paths]


@functools.cache
def drawn_by() -> str:
    """Of all code that draws: sequences that other code drew are never used."""
    sources = [Path(__file__)]
    for name in ("encoder", "film", "footage"):
        found = importlib.util.find_spec(f"vigilar_demo_camera.{name}")
        assert found is not None
        assert found.origin is not None
        sources.append(Path(found.origin))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


def _drawing(scene: Scene) -> dict[str, Any]:
    left_out = ("codec", "bitrate_kbps", "gop_s")
    return {key: value for key, value in asdict(scene).items() if key not in left_out}


def events_of(path: Path) -> list[Event]:
    return [Event(**row) for row in json.loads(path.with_suffix(".events").read_text())]


def _encode(wanted: list[tuple[Scene, Path]]) -> None:
    import av
    from vigilar_demo_camera.playback import Film

    scene = wanted[0][0]
    contexts = [_encoder(s) for s, _ in wanted]
    streams = [path.with_suffix(f".{os.getpid()}.partial").open("wb") for s, path in wanted]
    frames: list[list[tuple[int, int, bool]]] = [[] for _ in wanted]

    def write(number: int, frame: Any) -> None:
        for packet in contexts[number].encode(frame):
            frames[number].append((streams[number].tell(), packet.size, packet.is_keyframe))
            streams[number].write(bytes(packet))

    events: list[Event] = []
    for index, picture in enumerate(draw(scene, events)):
        for number, context in enumerate(contexts):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, context.time_base
            write(number, frame)
    for number, (s, path) in enumerate(wanted):
        write(number, None)
        streams[number].close()
        assert len(frames[number]) == s.frames
        stream = path.with_suffix(f".{s.codec}")
        Path(streams[number].name).replace(stream)
        film = Film(
            stream=stream,
            codec=s.codec,
            width=s.width,
            height=s.height,
            fps=s.fps,
            frames=tuple(frames[number]),
            onsets=tuple(event.first for event in events),
            ends=tuple(event.end for event in events),
            key=s.key(),
        )
        path.with_suffix(".events").write_text(json.dumps([asdict(event) for event in events]))
        path.write_text(film.to_json(), encoding="utf-8")


def _encoder(scene: Scene) -> Any:
    """As cameras do it: no B-frames, closed GOPs of fixed length, parameter sets before every keyframe."""
    import av

    gop = round(scene.gop_s * scene.fps)
    shared = "scenecut=0:open-gop=0:repeat-headers=1"
    options = {"preset": "veryfast", "x264-params": shared}
    if scene.codec == "hevc":
        # One frame at a time: with more, x265's rate control gives other pictures each time.
        params = (
            f"{shared}:bframes=0:log-level=error:frame-threads=1:pools=none:keyint={gop}:min-keyint={gop}"
        )
        options = {"preset": "ultrafast", "x265-params": params}
    if not scene.bitrate_kbps:
        options["crf"] = "27"
    limit = f"{scene.bitrate_kbps or scene.width * scene.height // 250}k"
    options |= {"maxrate": limit, "bufsize": limit}
    context: Any = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[scene.codec], "w")
    context.width, context.height, context.pix_fmt = scene.width, scene.height, "yuv420p"
    context.framerate, context.time_base = Fraction(scene.fps), Fraction(1, scene.fps)
    context.gop_size, context.max_b_frames = gop, 0
    context.bit_rate = scene.bitrate_kbps * 1000
    context.thread_type, context.thread_count = "FRAME", 2
    context.options = options
    return context


def draw(scene: Scene, events: list[Event]) -> Iterator[U8]:
    """Every picture in order (YUV 4:2:0 planar); fills ``events`` while it goes."""
    import cv2

    still, sprites = material(others=scene.seed != 0)
    width, height = scene.width, scene.height
    crop = still[(576 - 432) // 2 : (576 + 432) // 2]
    ground = cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    random, plan = np.random.default_rng(scene.seed or 7), np.random.default_rng(scene.seed)
    scale, section = height / 1080, round(scene.section_s * scene.fps)
    chroma = np.full((height // 2, width), 128, np.uint8)
    for number, name in enumerate(scene.conditions):
        look = CONDITIONS[name]
        base = np.clip(ground * look.light + (8 if look.light < 1 else 0), 0, 255).astype(np.uint8)
        fields = random.normal(0, look.noise, (NOISE_FIELDS, height + 64, width + 64))
        noise = np.rint(fields).astype(np.int16)
        walks = [
            Walk(
                kind,
                name,
                sprites[(number + at) % len(sprites)],
                scene,
                at,
                number * section,
                scale,
                look,
                late_s=plan.uniform(0, 2) if scene.seed else 0.0,
                left=plan.uniform(0.05, 0.65) if scene.seed else 0.12 + 0.13 * (at % 5),
            )
            for at, kind in enumerate(plan.permutation(scene.kinds).tolist() if scene.seed else scene.kinds)
        ]
        for index in range(section):
            t = index / scene.fps
            luma = _sway(base, t, look.sway_px * scale) if look.sway_px else base.copy()
            for walk in walks:
                walk.onto(luma, index)
            if look.flicker:
                gain = 1 + look.flicker * np.sin(8.2 * t) + look.flicker / 2 * np.sin(2.3 * t)
                luma = cv2.convertScaleAbs(luma, alpha=float(gain))
            top, left = (int(v) for v in random.integers(0, 64, 2))
            field = noise[index * 5 % NOISE_FIELDS, top : top + height, left : left + width]
            yield np.vstack((cv2.add(luma, field, dtype=cv2.CV_8U), chroma))
        events += [walk.event for walk in walks]


class Walk:
    """One object on its way, seen through a window as between two walls."""

    def __init__(
        self,
        kind: str,
        condition: str,
        sprite: Sprite,
        scene: Scene,
        at: int,
        offset: int,
        scale: float,
        look: Condition,
        *,
        late_s: float,
        left: float,
    ) -> None:
        import cv2

        what = KINDS[kind]
        height = what.height_px * scale
        factor = height / sprite.luma[0].shape[0]
        self._pictures = [
            (
                cv2.resize(luma, None, fx=factor, fy=factor).astype(np.float32) * look.light,
                cv2.resize(alpha, None, fx=factor, fy=factor) * what.opacity,
            )
            for luma, alpha in zip(sprite.luma, sprite.alpha, strict=True)
        ]
        self._opacity, self._fps = what.opacity, scene.fps
        self._first = round((scene.lead_s + at * scene.spacing_s + late_s) * scene.fps)
        self._count = round(what.seconds * scene.fps)
        self._offset, self._kind, self._condition = offset, kind, condition
        speed = what.speed * height / scene.fps
        widest = max(alpha.shape[1] for _, alpha in self._pictures)
        # As long as it can be seen it crosses the window; it starts and ends hidden behind its borders.
        span = max(speed * self._count - widest * 0.4, widest * 0.75)
        self._left = scene.width * left
        self._right = min(scene.width, self._left + span)
        self._bottom = scene.height * (0.95 if height > 0.3 * scene.height else 0.6 + 0.05 * (at % 3))
        self._speed, self._widest = speed, widest
        self._shown: list[int] = []

    def onto(self, luma: U8, index: int) -> None:
        step = index - self._first
        if not 0 <= step < 4 * self._count:
            return
        picture, alpha = self._pictures[int(step / self._fps * 10) % len(self._pictures)]
        x = round(self._left - self._widest + self._speed * step)
        y = max(0, round(self._bottom - picture.shape[0]))
        x0, x1 = max(x, round(self._left), 0), min(x + picture.shape[1], round(self._right), luma.shape[1])
        if x0 >= x1:
            return
        rows = min(picture.shape[0], luma.shape[0] - y)
        seen = alpha[:rows, x0 - x : x1 - x]
        target = luma[y : y + rows, x0:x1]
        target[:] = target * (1 - seen) + picture[:rows, x0 - x : x1 - x] * seen
        shown, whole = (int((part > self._opacity / 2).sum()) for part in (seen, alpha))
        if shown >= max(VISIBLE_SHARE * whole, LEAST_AREA_SHARE * luma.size):
            self._shown.append(self._offset + index)

    @property
    def event(self) -> Event:
        return Event(self._kind, self._condition, self._shown[0], self._shown[-1] + 1)


def _sway(base: U8, t: float, amount_px: float) -> U8:
    """Two patches of the picture move to and fro as leaves do, each row a little later than the one above."""
    import cv2

    luma = base.copy()
    height, width = base.shape
    for left, top, w, h, pace in ((0.72, 0.02, 0.24, 0.3, 2.1), (0.02, 0.05, 0.16, 0.25, 2.9)):
        x0, y0, w, h = int(left * width), int(top * height), int(w * width), int(h * height)
        rows, columns = np.mgrid[0:h, 0:w].astype(np.float32)
        edge = np.minimum(np.minimum(columns, w - 1 - columns), np.minimum(rows, h - 1 - rows)) / (0.15 * h)
        moved = (
            amount_px
            * np.minimum(edge, 1)
            * np.sin(pace * t + rows / h * 5 + np.sin(0.7 * t))
            * np.sin(0.4 * t)
        )
        luma[y0 : y0 + h, x0 : x0 + w] = cv2.remap(
            base[y0 : y0 + h, x0 : x0 + w],
            columns + moved.astype(np.float32),
            rows + 0.4 * moved.astype(np.float32),
            cv2.INTER_LINEAR,
        )
    return luma


@functools.cache
def material(*, others: bool = False) -> tuple[U8, list[Sprite]]:
    """(the empty scene, pedestrians) of the footage; ``others``: other people."""
    from vigilar_demo_camera.encoder import VideoFile
    from vigilar_demo_camera.film import background
    from vigilar_demo_camera.footage import SHA256, ensure_footage

    source = VideoFile(ensure_footage(CACHE / "footage"), SHA256, *SOURCE_SIZE)
    try:
        still = background(source)[: SOURCE_SIZE[1]]
        return still, _sprites(source, still)[int(others) :: 2][:6]
    finally:
        source.close()


TRACK_FRAMES = 12
MARGIN_PX = 3


def _sprites(source: Any, still: U8) -> list[Sprite]:
    """People who walk alone for ``TRACK_FRAMES`` frames, each on a background of its own."""
    import cv2

    found: list[Sprite] = []
    tracks: list[list[tuple[int, int, int, int, U8, NDArray[np.float32]]]] = []
    smooth = cv2.GaussianBlur(still, (5, 5), 0)
    for index in range(min(source.frame_count, 400)):
        luma = source.read(index)[: SOURCE_SIZE[1]]
        mask: Any = (cv2.absdiff(cv2.GaussianBlur(luma, (5, 5), 0), smooth) > 18).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
        going = []
        for label, (x, y, w, h, area) in enumerate(stats.tolist()):
            if label == 0 or area < 900 or not 1.7 * w < h < 4 * w or not 60 <= h <= 110:
                continue
            if x < 10 or y < 10 or x + w > SOURCE_SIZE[0] - 10 or y + h > SOURCE_SIZE[1] - 10:
                continue
            area_of = np.s_[y - MARGIN_PX : y + h + MARGIN_PX, x - MARGIN_PX : x + w + MARGIN_PX]
            alpha = cv2.GaussianBlur((labels[area_of] == label).astype(np.float32), (3, 3), 0)
            entry = (x, y, w, h, luma[area_of].copy(), alpha)
            before = [
                t for t in tracks if abs(t[-1][0] - x) < 9 and abs(t[-1][1] - y) < 9 and abs(t[-1][3] - h) < 9
            ]
            going.append([*before[0], entry] if before else [entry])
        found += [
            Sprite([item[4] for item in track], [item[5] for item in track])
            for track in going
            if len(track) == TRACK_FRAMES and abs(track[0][0] - track[-1][0]) > 12
        ]
        tracks = [track for track in going if len(track) < TRACK_FRAMES]
    assert len(found) >= 8, "the footage shows no people alone"
    return found
