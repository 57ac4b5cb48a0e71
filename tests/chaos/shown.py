"""When the demo camera showed the frames of a recording: by the bytes of the frames and the camera's own journal.

What a worker believes about its start (`started_ms`) has no part in it. It assumes that the camera shows its frames on
time: a frame that it sends late counts as shown when it was due, so on a slow machine a loss looks larger, not smaller.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from camera_rig import frame_times_s
from chaos.oracle import Film
from footage import RunningCamera
from vigilar_demo_camera.playback import load_film

TAIL_BYTES = 48
"""The end of a frame's last NAL unit is the same in a stream and in an MP4, and differs for every frame of our film."""
EARLY_MS = 100
"""A frame is shown at its time by the camera's clock; the wall time in its journal is written a little later."""


@dataclass(frozen=True)
class Span:
    """UTC ms at which the camera showed a recording's first frame and the last that decodes."""

    first_ms: float
    last_ms: float


class Shown:
    """Of one mount. `before_ms` settles which of the film's loops a frame is from: nothing is shown after it was cut off."""

    def __init__(self, film: Path, camera: RunningCamera, mount: str) -> None:
        index = load_film(film)
        stream = index.stream.read_bytes()
        self._fps, self._count = index.fps, len(index.frames)
        self._place = {
            stream[offset : offset + size][-TAIL_BYTES:]: number
            for number, (offset, size, _) in enumerate(index.frames)
        }
        assert len(self._place) == self._count, f"frames of {film} end alike: they cannot be told apart"
        self._begun = [
            (row["wall_ms"], row["frame"]) for row in camera.truth("begin") if row["mount"] == mount
        ]

    def span(self, film: Film, content: bytes, before_ms: float) -> Span:
        """Raises ValueError when no frame of it decodes and is the camera's."""
        if not content:
            raise ValueError("it is empty")
        times_s = frame_times_s(content, torn=film.state == "recovered")
        frames = [data[-TAIL_BYTES:] for data in packets(content)[: len(times_s)]]
        while frames and frames[-1] not in self._place and film.state == "recovered":
            frames.pop()  # cut off in its midst: a decoder may make a picture of it, which does not count
        if not frames or frames[-1] not in self._place:
            raise ValueError(f"of {len(times_s)} frames that decode the last one was never shown")
        last_ms = self._at_ms(self._place[frames[-1]], before_ms)
        return Span(last_ms - (times_s[len(frames) - 1] - times_s[0]) * 1000, last_ms)

    def _at_ms(self, place: int, before_ms: float) -> float:
        began_ms, first = [row for row in self._begun if row[0] <= before_ms + EARLY_MS][-1]
        newest = first + int((before_ms + EARLY_MS - began_ms) * self._fps / 1000)
        number = newest - (newest - place) % self._count
        return float(began_ms + (number - first) * 1000 / self._fps)


def packets(content: bytes) -> Sequence[bytes]:
    """Of the pictures, in the order in which they are stored."""
    import av
    import av.error

    found: list[bytes] = []
    with av.open(io.BytesIO(content), mode="r") as container:
        try:
            found += (bytes(packet) for packet in container.demux(video=0) if packet.size)
        except av.error.InvalidDataError:
            return found  # cut off in the midst of a packet: what came before counts
    return found
