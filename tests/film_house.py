"""Storage and web with cameras whose recordings show their own time: what a browser plays is read off its pictures.

Nothing of a camera, its worker or alerts runs: what is measured is the way from a sealed recording to the screen.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import UUID

import numpy as np
from live_rig import BITS, BLOCK_PX, READ_NUMBER
from playwright.sync_api import Browser, Page
from storage_rig import STREAM_ID, Rig, finished, new_id, opened, token, write_film
from storage_rig import wait_for as wait
from vigilar_common.clock import SystemClock
from vigilar_common.config import load, slices
from vigilar_common.crypto.vge import FileKind, VgeWriter
from vigilar_common.testing.broker import TestBroker, free_port
from vigilar_supervisor import bootstrap
from web_rig import PASSWORD, WebProcess

FPS, GOP_S, FILM_S = 15, 2, 60
WIDTH, HEIGHT = 1280, 720
FRAME_MS = 1000 / FPS

MOMENT_SHOWN = f"""
(shown, startedMs) => {{
  const read = {READ_NUMBER};
  return startedMs + read(shown) * {FRAME_MS};
}}
"""
"""Of a recording that began then, ms: what its picture says."""


@cache
def numbered_minute() -> bytes:
    """1280 × 720, some 2 Mbit/s: frame n says n in black and white blocks; a keyframe every two seconds."""
    import av

    sink = io.BytesIO()
    options = {
        "movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer",
        "frag_duration": "400000",
    }
    rng = np.random.default_rng(5)
    scale = WIDTH // 640
    grain = [rng.integers(40, 216, (HEIGHT // 16, WIDTH // 16), dtype=np.uint8) for _ in range(6)]
    with av.open(sink, "w", format="mp4", options=options) as container:
        flags = {"preset": "ultrafast", "g": str(FPS * GOP_S), "bf": "0", "crf": "30", "sc_threshold": "0"}
        video = container.add_stream("libx264", rate=FPS, options=flags)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FILM_S * FPS):
            picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
            picture[:HEIGHT] = np.kron(grain[number % 6], np.ones((16, 16), dtype=np.uint8))
            picture[: BLOCK_PX * scale] = 16
            for bit in range(BITS):
                if number >> bit & 1:
                    picture[: BLOCK_PX * scale, bit * BLOCK_PX * scale : (bit + 1) * BLOCK_PX * scale] = 235
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


@dataclass
class FilmHouse:
    rig: Rig
    web: WebProcess
    cameras: Sequence[str]
    begun: dict[str, list[int]] = field(default_factory=dict)
    """When each camera's recordings began, UTC ms; each lasts FILM_S."""

    def record(self, camera: str, started_ms: int) -> str:
        """A minute that storage has taken over."""
        film, recording_id = numbered_minute(), new_id()
        folder = self.rig.recordings / "incoming" / camera
        folder.mkdir(parents=True, exist_ok=True)
        with VgeWriter(
            folder / f"{recording_id}.vge", stream_uuid=UUID(STREAM_ID), file_uuid=UUID(recording_id),
            created_ms=started_ms, kind=FileKind.RECORDING, camera_id=camera, clock=SystemClock(),
            recipients=[self.rig.private.public_key()],
        ) as writer:  # fmt: skip
            write_film(writer, film)
            done = writer.finish(
                {"codec": "avc1", "width_px": WIDTH, "height_px": HEIGHT, "trigger": "motion"}
            )
        size = {"codec": "avc1.42C01F", "width_px": WIDTH, "height_px": HEIGHT}
        facts = [
            opened(recording_id, started_ms, camera_id=camera, **size),
            finished(recording_id, started_ms, camera_id=camera, seconds=FILM_S, size=done.file_bytes),
        ]
        answer = self.rig.post(facts, f"camera-worker-{camera}")
        assert answer.status_code == 200, answer.text
        wait(lambda: self.rig.state_of(recording_id) == "complete", what="the recording is taken over")
        self.begun.setdefault(camera, []).append(started_ms)
        return recording_id

    def page(self, browser: Browser, path: str, width: int = 1280, height: int = 860, **more: object) -> Page:
        """Signed in."""
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", **more)  # type: ignore[arg-type]
        name, _, value = self.web.login().partition("=")
        context.add_cookies([{"name": name, "value": value, "url": self.web.origin}])
        page = context.new_page()
        page.goto(self.web.origin + path)
        return page


@contextmanager
def film_house(folder: Path, cameras: Sequence[str] = ("north", "south")) -> Iterator[FilmHouse]:
    broker = TestBroker(folder / "broker", ("front", *cameras))
    broker.start()
    sections = "".join(
        f'[[cameras]]\nid = "{name}"\ndisplay_name = "{name.title()}"\nrtsp_url = "rtsp://127.0.0.1/{name}"\n'
        for name in cameras
    )
    web = WebProcess(folder / "web", broker, free_port(), toml=sections)
    rig = Rig(folder / "storage")
    rig.folder.mkdir()
    rig.configure(broker=broker)
    rig.config.write_text(rig.config.read_text() + sections)
    slices.apply(load.load(rig.config, {}), rig.folder / "config-run")
    _let_workers_in(rig, cameras)
    rig.port = web.storage_port
    rig.spawn()
    try:
        web.wait()
        yield FilmHouse(rig, web, cameras)
    finally:
        web.stop()
        rig.kill(15)
        broker.stop()


def _let_workers_in(rig: Rig, cameras: Sequence[str]) -> None:
    path = rig.folder / "secrets" / "tokens.json"
    entries = json.loads(path.read_text())
    for name in cameras:
        user = f"camera-worker-{name}"
        digest = hashlib.sha256(token(user).encode()).hexdigest()
        entries[digest] = {"service": user, "scopes": list(bootstrap.SCOPES["camera-worker"])}
    path.write_text(json.dumps(entries))


__all__ = ["FPS", "MOMENT_SHOWN", "PASSWORD", "FilmHouse", "film_house", "numbered_minute"]
