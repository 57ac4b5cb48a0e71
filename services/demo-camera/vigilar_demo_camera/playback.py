"""The film file format and the arithmetic of an endless loop.

Standard library only: Debian's own interpreter, which has GStreamer but none of our dependencies, reads this
module too.

A film is two files side by side: an Annex-B elementary stream, and a JSON index with the byte range of each
access unit and the ground truth (``onsets_s``, ``ends_s``: seconds from the first frame of the film).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
CODECS = ("h264", "hevc")
FAULT_KINDS = ("stall", "garbage", "close")
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_INDEX_BYTES = 64 * 1024 * 1024

_FAULT = re.compile(r"(?P<name>[^=]+)=(?P<kind>[a-z]+)@(?P<at>\d+(\.\d+)?)(\+(?P<span>\d+(\.\d+)?))?")
_KEPT_SLICE_BYTES = 8
_NANOSECONDS = 1_000_000_000


class FilmError(ValueError):
    """A film, its index or an argument about it is unusable; the message names the file or argument."""


@dataclass(frozen=True)
class Film:
    """One film on disk. ``frames`` holds (offset_bytes, size_bytes, is_keyframe) in playing order."""

    stream: Path
    codec: str
    width: int
    height: int
    fps: int
    frames: tuple[tuple[int, int, bool], ...]
    onsets: tuple[int, ...]
    ends: tuple[int, ...]
    key: str

    @property
    def duration_s(self) -> float:
        return len(self.frames) / self.fps

    def keyframe_at_or_before(self, index: int) -> int:
        keyframes = [number for number, frame in enumerate(self.frames) if frame[2]]
        return keyframes[bisect_right(keyframes, index) - 1]

    def events_at(self, number: int) -> list[str]:
        """The ground truth of frame ``number``, counted through all loops.

        A motion that lasts to the end of the film ends with the first frame of the next loop.
        """
        loop, index = divmod(number, len(self.frames))
        events = []
        if index in self.ends or (index == 0 and loop > 0 and len(self.frames) in self.ends):
            events.append("end")
        if index == 0:
            events.append("loop")
        if index in self.onsets:
            events.append("onset")
        return events

    def to_json(self) -> str:
        return json.dumps(
            {
                "version": FORMAT_VERSION,
                "key": self.key,
                "stream": self.stream.name,
                "codec": self.codec,
                "width": self.width,
                "height": self.height,
                "fps": self.fps,
                "duration_s": self.duration_s,
                "onsets_s": [frame / self.fps for frame in self.onsets],
                "ends_s": [frame / self.fps for frame in self.ends],
                "frames": [[offset, size, int(key)] for offset, size, key in self.frames],
            },
            separators=(",", ":"),
        )


def load_film(index: Path) -> Film:
    """Read a film's index and check it against its stream; FilmError says what does not fit."""
    try:
        if index.stat().st_size <= MAX_INDEX_BYTES:
            film = _parse(index, json.loads(index.read_text(encoding="utf-8")))
            _check(film, index, film.stream.stat().st_size)
            return film
    except OSError as error:
        raise FilmError(f"{error.filename}: {error.strerror}") from error
    except FilmError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise FilmError(f"{index}: not a film index ({type(error).__name__}: {error})") from error
    raise FilmError(f"{index}: larger than {MAX_INDEX_BYTES} bytes, this is no film index")


def _parse(index: Path, data: Any) -> Film:
    if data["version"] != FORMAT_VERSION:
        raise FilmError(f"{index}: film format {data['version']}, this program reads {FORMAT_VERSION}")
    fps = int(data["fps"])
    return Film(
        stream=index.parent / Path(data["stream"]).name,
        codec=str(data["codec"]),
        width=int(data["width"]),
        height=int(data["height"]),
        fps=fps,
        frames=tuple((int(offset), int(size), bool(key)) for offset, size, key in data["frames"]),
        onsets=tuple(round(float(second) * fps) for second in data["onsets_s"]),
        ends=tuple(round(float(second) * fps) for second in data["ends_s"]),
        key=str(data["key"]),
    )


def _check(film: Film, index: Path, stream_bytes: int) -> None:
    if film.codec not in CODECS:
        raise FilmError(f"{index}: codec {film.codec!r} is not one of {', '.join(CODECS)}")
    if film.fps < 1 or not film.frames:
        raise FilmError(f"{index}: a film needs at least one frame and one frame a second")
    if not film.frames[0][2]:
        raise FilmError(f"{index}: the first frame is no keyframe, the film cannot loop")
    position = 0
    for offset, size, _ in film.frames:
        if offset != position or size < 1:
            raise FilmError(f"{index}: the frames do not follow each other at byte {position}")
        position += size
    if position != stream_bytes:
        raise FilmError(f"{film.stream}: {stream_bytes} bytes, but its index describes {position}")


class Playhead:
    """Which frame of the endless loop is due when, on any monotonic clock of nanoseconds.

    Frames are numbered through all loops, so neither due times nor timestamps jump at the seam, and both are
    computed from the number, so that they cannot drift.
    """

    def __init__(self, film: Film, now_ns: int) -> None:
        self._film = film
        self._start_ns = now_ns
        self.number = 0

    @property
    def index(self) -> int:
        """Of the frame that is next, in the film."""
        return self.number % len(self._film.frames)

    @property
    def loop(self) -> int:
        return self.number // len(self._film.frames)

    def offset_ns(self, number: int) -> int:
        """From frame 0 of the first loop to frame ``number``."""
        return number * _NANOSECONDS // self._film.fps

    def due_ns(self) -> int:
        return self._start_ns + self.offset_ns(self.number)

    def rewind_to_keyframe(self, now_ns: int) -> None:
        """Step back, by less than a GOP, so that a keyframe is due now: a new viewer gets a picture at once."""
        index = self.index
        self.number -= index - self._film.keyframe_at_or_before(index)
        self._start_ns = now_ns - self.offset_ns(self.number)


@dataclass(frozen=True)
class Fault:
    """A misbehaviour on purpose, from ``at_s`` seconds after the first viewer came, for ``span_s`` seconds.

    ``span_s`` is None for "from then on". A ``close`` without a span ends the connections once.
    """

    kind: str
    at_s: float
    span_s: float | None

    def active(self, elapsed_s: float) -> bool:
        if elapsed_s < self.at_s:
            return False
        return self.span_s is None or elapsed_s < self.at_s + self.span_s


def parse_fault(text: str) -> tuple[str, Fault]:
    """``NAME=stall|garbage|close@SECONDS[+SECONDS]`` as (mount name, fault)."""
    found = _FAULT.fullmatch(text)
    if found is None or found["kind"] not in FAULT_KINDS:
        raise FilmError(f"fault {text!r}: expected NAME={'|'.join(FAULT_KINDS)}@SECONDS[+SECONDS]")
    span_s = None if found["span"] is None else float(found["span"])
    return found["name"], Fault(kind=found["kind"], at_s=float(found["at"]), span_s=span_s)


def parse_film_argument(text: str) -> tuple[str, Path]:
    """``NAME=path.json`` as (mount name, path)."""
    name, separator, path = text.partition("=")
    if not separator or not path or NAME_PATTERN.fullmatch(name) is None:
        raise FilmError(f"film {text!r}: expected NAME=path.json with a NAME of A-Z a-z 0-9 _ -")
    return name, Path(path)


def spoil(access_unit: bytes, noise: bytes) -> bytes:
    """Overwrite the coded picture in ``access_unit`` with ``noise``; parameter sets and slice header stay.

    What comes out is framed like video and carried by RTP, but no decoder can make a picture of it. Zero
    bytes are taken out of the noise so that it holds no start code by accident.
    """
    keep = access_unit.rfind(b"\x00\x00\x01") + 3 + _KEPT_SLICE_BYTES
    wanted = len(access_unit) - keep
    if wanted <= 0:
        return access_unit
    clean = noise.replace(b"\x00", b"\x01")
    return access_unit[:keep] + (clean * (wanted // len(clean) + 1))[:wanted]
