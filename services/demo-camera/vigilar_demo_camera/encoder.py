"""Decoding footage and encoding films with PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from vigilar_demo_camera.playback import FilmError

if TYPE_CHECKING:
    from vigilar_demo_camera.film import FilmParams, Picture


class VideoFile:
    """A video file as a source of pictures, scaled to ``width`` x ``height``."""

    def __init__(self, path: Path, identity: str, width: int, height: int) -> None:
        self._path = path
        self._size = (width, height)
        self.identity = identity
        with self._opened() as container:
            stream = container.streams.video[0]
            rate = stream.average_rate
            if rate is None or stream.frames < 1:
                raise FilmError(f"{path}: neither its frame rate nor its length is known")
            self.fps = float(rate)
            self.frame_count = stream.frames
        self._frames: Iterator[Any] | None = None
        self._container: Any = None
        self._next = 0
        self._last: tuple[int, Picture] | None = None

    def _opened(self) -> Any:
        try:
            return av.open(str(self._path))
        except (av.error.FFmpegError, OSError) as error:
            raise FilmError(f"{self._path}: cannot be opened as video ({error})") from error

    def read(self, index: int) -> Picture:
        """See ``film.Source``; going back decodes from the start again."""
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        if self._frames is None or index < self._next:
            self.close()
            self._container = self._opened()
            self._frames = self._container.decode(video=0)
            self._next = 0
        try:
            frame = next(self._frames)
            self._next += 1
            while self._next <= index:
                frame = next(self._frames)
                self._next += 1
        except (StopIteration, av.error.FFmpegError) as error:
            raise FilmError(f"{self._path}: picture {index} cannot be decoded ({error!r})") from error
        width, height = self._size
        picture: Picture = frame.reformat(width, height, format="yuv420p").to_ndarray()
        self._last = (index, picture)
        return picture

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = self._frames = None


def encode(pictures: Iterable[Picture], params: FilmParams) -> Iterator[tuple[bytes, bool]]:
    """(access unit in Annex-B form, is it a keyframe) per picture, in order.

    As cameras do it: no B-frames, closed GOPs of fixed length, parameter sets before every keyframe. The
    first picture is an IDR picture, so the last one can be followed by the first.
    """
    context = _context(params)
    for number, pixels in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts = number
        frame.time_base = context.time_base
        for packet in context.encode(frame):
            yield bytes(packet), packet.is_keyframe
    for packet in context.encode(None):
        yield bytes(packet), packet.is_keyframe


def _context(params: FilmParams) -> Any:
    gop = max(1, round(params.gop_s * params.fps))
    options = {"preset": "veryfast"}
    if params.codec == "h264":
        name = "libx264"
        options |= {"profile": "main", "x264-params": "scenecut=0:open-gop=0:repeat-headers=1"}
    else:
        name = "libx265"
        options |= {
            "preset": "ultrafast",
            "x265-params": "scenecut=0:open-gop=0:repeat-headers=1:bframes=0:log-level=error"
            f":keyint={gop}:min-keyint={gop}",
        }
    if params.bitrate_kbps:
        options |= {"maxrate": f"{params.bitrate_kbps}k", "bufsize": f"{params.bitrate_kbps}k"}
    else:
        options["crf"] = str(params.crf)
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = params.width, params.height
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(params.fps)
    context.time_base = Fraction(1, params.fps)
    context.gop_size = gop
    context.max_b_frames = 0
    if params.bitrate_kbps:
        context.bit_rate = params.bitrate_kbps * 1000
    # Slice threads would cut each picture into slices; frame threads keep one slice and lose no quality.
    context.thread_type = "FRAME"
    context.thread_count = min(4, os.cpu_count() or 1)
    context.options = options
    return context
