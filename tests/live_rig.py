"""A camera, its worker and the web service on one broker, for a browser to look at; films that carry their frame number.

Nothing of storage, events or alerts runs: what is measured here is the way of a picture from the camera to the screen.
"""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from camera_rig import Rig, rig
from footage import RunningCamera, running_camera
from vigilar_common.testing.broker import TestBroker, free_port
from web_rig import WebProcess, wait_for

BITS = 10
BLOCK_PX = 48
WIDTH_PX, HEIGHT_PX = 640, 360
FILM_S = 8

READ_NUMBER = f"""
(video) => {{
  const canvas = (window.__reader ??= new OffscreenCanvas({WIDTH_PX}, {HEIGHT_PX}));
  const context = canvas.getContext('2d', {{ willReadFrequently: true }});
  context.drawImage(video, 0, 0, {WIDTH_PX}, {HEIGHT_PX});
  const row = context.getImageData(0, {BLOCK_PX // 2}, {WIDTH_PX}, 1).data;
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) if (row[4 * (bit * {BLOCK_PX} + {BLOCK_PX // 2})] > 128) number += 2 ** bit;
  return number;
}}
"""
"""The frame number that a video element (or image) shows, whatever size it was scaled to."""


def numbered_film(folder: Path, codec: str = "h264", fps: int = 15, gop_s: float = 2.0) -> Path:
    """The index of a film whose frame n shows n as black and white blocks, with every frame in the ground truth."""
    import av
    from vigilar_demo_camera.playback import Film

    folder.mkdir(parents=True, exist_ok=True)
    encoder: Any = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.thread_count = Fraction(1, fps), Fraction(fps), 1
    gop = round(fps * gop_s)
    encoder.options = {"g": str(gop), "bf": "0", "preset": "ultrafast", "tune": "zerolatency"}
    if codec == "h264":
        encoder.options |= {"sc_threshold": "0", "x264-params": "sliced-threads=0"}
    else:
        encoder.options |= {
            "x265-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:log-level=none"
        }
    packets = []
    count = fps * FILM_S
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(_numbered(number), "yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    stream = folder / f"numbers-{codec}.{codec}"
    frames, position = [], 0
    with stream.open("wb") as out:
        for packet in packets:
            data = bytes(packet)
            out.write(data)
            frames.append((position, len(data), packet.is_keyframe))
            position += len(data)
    film = Film(stream, codec, WIDTH_PX, HEIGHT_PX, fps, tuple(frames), tuple(range(count)), (), "numbers")
    index = folder / f"numbers-{codec}.json"
    index.write_text(film.to_json())
    return index


def _numbered(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """uint8[540, 640], planar YUV 4:2:0: blocks in the first row, lowest bit first; a grey wedge below them."""
    picture = np.full((HEIGHT_PX * 3 // 2, WIDTH_PX), 128, np.uint8)
    picture[:HEIGHT_PX] = np.linspace(60, 180, WIDTH_PX, dtype=np.uint8)
    for bit in range(BITS):
        left = bit * BLOCK_PX
        picture[:BLOCK_PX, left : left + BLOCK_PX] = 235 if number >> bit & 1 else 16
    return picture


def sent_at_ms(camera: RunningCamera, mount: str) -> dict[int, list[int]]:
    """Frame number → wall times (ms) at which the camera sent it."""
    found: dict[int, list[int]] = {}
    number = -1
    for row in camera.truth():
        if row["mount"] != mount or row["event"] == "begin":
            continue
        if row["event"] == "loop":
            number = -1
        else:
            number += 1
            found.setdefault(number, []).append(row["wall_ms"])
    return found


@dataclass
class LiveHouse:
    camera: RunningCamera
    worker: Rig
    web: WebProcess

    def ages_ms(self, mount: str, seen: list[list[float]]) -> list[float]:
        """For (frame number, wall time in ms at which it was seen): how long before the camera had sent it."""
        sent = sent_at_ms(self.camera, mount)
        return [at_ms - max(at for at in sent[int(number)] if at <= at_ms + 5) for number, at_ms in seen]

    def configure(self, mount: str, **camera: Any) -> None:
        """Let the worker (started anew) watch this film."""
        options = {"record_on_motion": False, "resolution_capture": [WIDTH_PX, HEIGHT_PX], **camera}
        if "detect_url" in options:
            options["detect_url"] = self.camera.urls[options["detect_url"]]
        self.worker.configure(self.camera.urls[mount], **options)

    def worker_sends(self) -> bool:
        """Live pictures, since its start."""
        try:
            return self.metric("live_bytes_total") > 0
        except (
            urllib.error.URLError,
            AssertionError,
        ):  # it does not answer yet, or does not know its camera yet
            return False

    def metric(self, name: str) -> float:
        """Of the worker."""
        url = f"http://127.0.0.1:{self.worker.health_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"vigilar_camera_{name} "):
                    return float(line.split()[1])
        raise AssertionError(f"the worker has no metric {name}")


@contextlib.contextmanager
def live_house(folder: Path, films: dict[str, Path], mount: str, toml: str = "") -> Iterator[LiveHouse]:
    """Ends everything it started."""
    broker = TestBroker(folder / "broker")
    broker.start()
    try:
        with running_camera(films, folder / "camera") as camera, rig(folder / "worker", broker) as worker:
            web = WebProcess(folder / "web", broker, free_port(), toml=toml)
            try:
                house = LiveHouse(camera, worker, web)
                house.configure(mount)
                worker.start()
                web.wait()
                yield house
            finally:
                if web.process.poll() is None:
                    web.stop()
    finally:
        broker.stop()


__all__ = ["READ_NUMBER", "LiveHouse", "live_house", "numbered_film", "wait_for"]
