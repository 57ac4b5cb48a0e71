"""Builds the film that the demo camera plays: stillness, then real motion, at known times.

Stillness is the median picture of the footage with sensor noise; motion is the footage itself, faded in and
out. Ground truth: an *onset* is the first frame that consists of the footage by at least ``ONSET_WEIGHT``, an
*end* is the first frame after it for which this is no longer so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vigilar_demo_camera.footage import exclusive
from vigilar_demo_camera.playback import CODECS, FORMAT_VERSION, Film, FilmError, load_film

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

FADE_S = 0.5
ONSET_WEIGHT = 0.15
NOISE_SIGMA = 1.5
"""Standard deviation of the sensor noise in steps of 8-bit luma: an eye sees it, motion detection does not."""
MAX_FRAMES = 200_000
PROGRESS_EVERY_S = 20

_SEED = 20
_NOISE_FIELDS = 4
_NOISE_MARGIN_PX = 64
_MEDIAN_SAMPLES = 41
_SUFFIX = {"h264": ".h264", "hevc": ".h265"}

log = logging.getLogger(__name__)


class Source(Protocol):
    """Footage to take motion from. Pictures are planar YUV 4:2:0, uint8, shape (height * 3 / 2, width)."""

    fps: float
    frame_count: int
    identity: str

    def read(self, index: int) -> Picture:
        """The picture ``index``, 0 <= index < frame_count; cheap when called in rising order."""
        ...


@dataclass(frozen=True)
class FilmParams:
    """What a film is to be like. ``cycles`` 0 means: as many as show all of the footage."""

    width: int = 768
    height: int = 576
    fps: int = 10
    codec: str = "h264"
    gop_s: float = 2.0
    crf: int = 23
    bitrate_kbps: int = 0
    lead_s: float = 20.0
    idle_s: float = 15.0
    busy_s: float = 15.0
    cycles: int = 0

    def __post_init__(self) -> None:
        rules = (
            (self.codec in CODECS, f"codec {self.codec!r} is not one of {', '.join(CODECS)}"),
            (64 <= self.width <= 4096 and self.width % 2 == 0, "width must be even, 64 to 4096 px"),
            (64 <= self.height <= 4096 and self.height % 2 == 0, "height must be even, 64 to 4096 px"),
            (1 <= self.fps <= 60, "fps must be 1 to 60"),
            (0.1 <= self.gop_s <= 30, "gop_s must be 0.1 to 30"),
            (0 <= self.crf <= 51, "crf must be 0 to 51"),
            (0 <= self.bitrate_kbps <= 100_000, "bitrate_kbps must be 0 (use crf) to 100000"),
            (1 <= self.lead_s <= 600, "lead_s must be 1 to 600"),
            (1 <= self.idle_s <= 600, "idle_s must be 1 to 600"),
            (2 * FADE_S <= self.busy_s <= 600, f"busy_s must be {2 * FADE_S:g} to 600"),
            (0 <= self.cycles <= 1000, "cycles must be 0 (all footage) to 1000"),
        )
        for kept, message in rules:
            if not kept:
                raise FilmError(message)

    def key(self, source_identity: str) -> str:
        """Changes whenever a film built with these parameters would come out differently."""
        text = json.dumps([FORMAT_VERSION, source_identity, asdict(self), FADE_S, ONSET_WEIGHT, NOISE_SIGMA])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Busy:
    """One stretch of motion: film frames first to last (exclusive), and where its footage starts."""

    first: int
    last: int
    source_s: float


def lay_out(params: FilmParams, source_s: float) -> tuple[int, list[Busy]]:
    """(number of frames, stretches of motion). FilmError when the footage is shorter than one stretch."""
    if params.busy_s > source_s:
        raise FilmError(f"busy_s is {params.busy_s:g}, but the footage lasts {source_s:g} s")
    lead, idle, busy = (round(s * params.fps) for s in (params.lead_s, params.idle_s, params.busy_s))
    whole = int(-(-source_s // params.busy_s))
    stretches = []
    position = lead
    for cycle in range(params.cycles or whole):
        # The last portion overlaps the one before it, so that every stretch has its full length.
        start_s = min((cycle % whole) * params.busy_s, source_s - params.busy_s)
        stretches.append(Busy(position, position + busy, start_s))
        position += busy + idle
    total = position - idle
    if total > MAX_FRAMES:
        raise FilmError(f"the film would have {total} frames, more than {MAX_FRAMES}")
    return total, stretches


def weight(frame: int, busy: Busy, fps: int) -> float:
    """How much of film frame ``frame`` is footage, 0 to 1, within the stretch."""
    fade = max(1, round(FADE_S * fps))
    return max(0.0, min(1.0, (frame - busy.first + 1) / fade, (busy.last - frame) / fade))


def ground_truth(stretches: list[Busy], fps: int) -> tuple[list[int], list[int]]:
    """(onset frames, end frames)."""
    onsets, ends = [], []
    for busy in stretches:
        shown = [n for n in range(busy.first, busy.last) if weight(n, busy, fps) >= ONSET_WEIGHT]
        onsets.append(shown[0])
        ends.append(shown[-1] + 1)
    return onsets, ends


def find_film(params: FilmParams, identity: str, folder: Path, name: str) -> Path | None:
    """The index of the film if it is there, whole, and built with ``params`` from that footage; else None."""
    index = folder / f"{name}.json"
    if not index.exists():
        return None
    try:
        if load_film(index).key == params.key(identity):
            return index
        log.info("%s was built with other parameters, building it again", index)
    except FilmError as error:
        log.warning("%s, building it again", error)
    return None


def ensure_film(source: Source, params: FilmParams, folder: Path, name: str) -> Path:
    """The index of a film built with ``params``, in ``folder``; builds it unless it is already there."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / f"{name}.json"
    with exclusive(folder / f"{name}.lock"):
        found = find_film(params, source.identity, folder, name)
        if found is not None:
            return found
        # Without an index there is no film: a crash while building leaves nothing half valid.
        index.unlink(missing_ok=True)
        _build(source, params, params.key(source.identity), index)
    return index


def _build(source: Source, params: FilmParams, key: str, index: Path) -> None:
    total, stretches = lay_out(params, source.frame_count / source.fps)
    write_film(
        compose(source, params, total, stretches),
        total,
        params,
        key,
        index,
        ground_truth(stretches, params.fps),
    )


def write_film(
    pictures: Iterable[Picture],
    total: int,
    params: FilmParams,
    key: str,
    index: Path,
    truth: tuple[list[int], list[int]],
) -> None:
    """Encodes ``total`` pictures beside ``index``. ``truth``: the frames at which something begins, and ends."""
    from vigilar_demo_camera.encoder import encode

    onsets, ends = truth
    stream = index.with_suffix(_SUFFIX[params.codec])
    partial = stream.with_name(stream.name + ".partial")
    log.info("building the demo film %s: %.0f s of video", stream.name, total / params.fps)
    frames = []
    position = 0
    with partial.open("wb") as out:
        for access_unit, is_key in encode(pictures, params):
            out.write(access_unit)
            frames.append((position, len(access_unit), is_key))
            position += len(access_unit)
            if len(frames) % (PROGRESS_EVERY_S * params.fps) == 0:
                log.info("demo film: %d of %d s", len(frames) // params.fps, total // params.fps)
        out.flush()
        os.fsync(out.fileno())
    if len(frames) != total:
        raise FilmError(f"the encoder returned {len(frames)} of {total} frames")
    film = Film(
        stream=stream,
        codec=params.codec,
        width=params.width,
        height=params.height,
        fps=params.fps,
        frames=tuple(frames),
        onsets=tuple(onsets),
        ends=tuple(ends),
        key=key,
    )
    partial.replace(stream)
    partial_index = index.with_name(index.name + ".partial")
    partial_index.write_text(film.to_json(), encoding="utf-8")
    partial_index.replace(index)
    log.info("demo film is ready: %s (%.1f MB)", stream, position / 1e6)


def compose(source: Source, params: FilmParams, total: int, stretches: list[Busy]) -> Iterator[Picture]:
    """Every picture of the film in order. Noise is seeded: the same parameters give the same film."""
    import numpy as np

    still = background(source)
    luma_rows = still.shape[0] * 2 // 3
    noise = _Noise(luma_rows, still.shape[1])
    upcoming = iter(stretches)
    busy = next(upcoming, None)
    for number in range(total):
        if busy is not None and number >= busy.last:
            busy = next(upcoming, None)
        share = weight(number, busy, params.fps) if busy is not None and number >= busy.first else 0.0
        if busy is None or share == 0.0:
            yield noise.added_to(still)
            continue
        # Footage keeps its own speed; a film with more frames a second shows some of its pictures twice.
        at = int((busy.source_s + (number - busy.first) / params.fps) * source.fps + 1e-6)
        picture = source.read(min(at, source.frame_count - 1))
        if share < 1.0:
            mixed = noise.added_to(still) * (1.0 - share) + picture * share
            picture = np.rint(mixed).astype(np.uint8)
        yield picture


def background(source: Source) -> Picture:
    """The scene without what moves: the median over pictures from all of the footage."""
    import numpy as np

    count = min(_MEDIAN_SAMPLES, source.frame_count)
    picks = np.linspace(0, source.frame_count - 1, count).astype(int)
    samples = np.stack([source.read(int(index)) for index in picks])
    # An odd or even middle makes no visible difference; partition is several times faster than a full median.
    middle: Picture = np.partition(samples, count // 2, axis=0)[count // 2]
    return middle


class _Noise:
    """Gaussian luma noise from a few precomputed fields, each time at another place in one of them."""

    def __init__(self, rows: int, columns: int) -> None:
        import numpy as np

        self._random = np.random.default_rng(_SEED)
        self._shape = (rows, columns)
        shape = (_NOISE_FIELDS, rows + _NOISE_MARGIN_PX, columns + _NOISE_MARGIN_PX)
        self._fields = np.rint(self._random.normal(0.0, NOISE_SIGMA, shape)).astype(np.int16)

    def added_to(self, picture: Picture) -> Picture:
        import numpy as np

        rows, columns = self._shape
        field = int(self._random.integers(_NOISE_FIELDS))
        top, left = (int(value) for value in self._random.integers(0, _NOISE_MARGIN_PX, 2))
        luma = picture[:rows] + self._fields[field, top : top + rows, left : left + columns]
        noisy = picture.copy()
        noisy[:rows] = np.clip(luma, 0, 255)
        return noisy
