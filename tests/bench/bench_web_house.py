"""The web service with a big house: fifty pages on the event stream, the axis of time over a million events, memory.

Its CPU seconds are counted, not the clock, wherever that is possible: they are the same beside other work.
Run: `python tests/bench/bench_web_house.py [events]` (1,000,000; some three minutes).
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.bench_storage_timeline import CAMERAS, END_MS, SPAN_MS, fill, of_process
from storage_rig import Rig
from vigilar_common import topics
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.testing.broker import TestBroker, free_port
from web_rig import WebProcess

EVENTS = 1_000_000
RECORDINGS = 10_000
PAGES = 50
STREAM_S = 60.0
CHANGES_PER_S = 5
"""Of the cameras' states: what sixteen cameras in a busy street say."""
LOOKS = 300
SLOTS_MS = (
    (3_600_000, 15_000),
    (21_600_000, 60_000),
    (86_400_000, 300_000),
    (604_800_000, 1_800_000),
    (2_592_000_000, 10_800_000),
)
"""Spans that the page shows, with the slots it asks them in."""
MOST_CORE_PCT, MOST_P95_MS, MOST_RSS_MB = 5.0, 100.0, 120.0


class Listening:
    """Pages that follow the event stream; each reads on a thread of its own."""

    def __init__(self, web: WebProcess, cookie: str, pages: int) -> None:
        self.bytes = 0
        self.open = 0
        self._lock = threading.Lock()
        self._connections = [web.connection() for _ in range(pages)]
        for connection in self._connections:
            connection.request("GET", "/api/v1/stream", headers={"Cookie": cookie})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            self.open += 1
            threading.Thread(target=self._read, args=(response,), daemon=True).start()

    def _read(self, response: object) -> None:
        try:
            while line := response.readline():  # type: ignore[attr-defined]
                with self._lock:
                    self.bytes += len(line)
        except OSError:
            pass  # closed below
        with self._lock:
            self.open -= 1

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def stream_core_pct(web: WebProcess, broker: TestBroker, cookie: str) -> float:
    """What the web service takes of one core while PAGES pages hear every change."""
    buses = [broker.bus(f"camera-worker-{name}") for name in CAMERAS]
    listening = Listening(web, cookie, PAGES)
    before_s, _ = of_process(web.process.pid)
    began, told = time.monotonic(), 0
    while (passed := time.monotonic() - began) < STREAM_S:
        if told < passed * CHANGES_PER_S:
            at = told % len(CAMERAS)
            state = CameraState(
                camera_id=CAMERAS[at], condition=CameraCondition.ONLINE, motion=told % 2 == 0,
                motion_score=told % 100 / 100, codec="avc1.640028", width_px=1920, height_px=1080, fps=15,
            )  # fmt: skip
            buses[at].set_state(topics.CAMERA_STATE, state, camera_id=CAMERAS[at])
            told += 1
        time.sleep(0.01)
    took_s = time.monotonic() - began
    after_s, _ = of_process(web.process.pid)
    still = listening.open
    listening.close()
    for bus in buses:
        bus.stop()
    assert still == PAGES, f"{PAGES - still} pages lost their stream"
    pct: float = 100 * (after_s - before_s) / took_s
    per_page = listening.bytes / PAGES / 1000
    print(
        f"{PAGES} pages, {told / took_s:.1f} changes a second, {per_page:.0f} kB heard by each: "
        f"{pct:.1f} % of a core (< {MOST_CORE_PCT:g})"
    )
    return pct


def looks(dice: random.Random) -> Iterator[str]:
    """As the axis asks: where somebody may scrub to, at every zoom, of all cameras, of one, of what is grave."""
    while True:
        for span_ms, slot_ms in SLOTS_MS:
            from_ms = (END_MS - dice.randrange(SPAN_MS)) // slot_ms * slot_ms
            whole = {
                "from_ms": from_ms,
                "to_ms": from_ms + int(span_ms * 2.5) // slot_ms * slot_ms,
                "slot_ms": slot_ms,
            }
            yield urlencode(whole)
            yield urlencode(whole | {"camera": dice.choice(CAMERAS), "curves": "true"})
            yield urlencode(whole | {"severity": "critical"})


def timeline_p95_ms(web: WebProcess, rig: Rig, cookie: str) -> float:
    assert rig.process is not None
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    pids = (web.process.pid, rig.process.pid)
    before = [of_process(pid)[0] for pid in pids]
    connection, took, size = web.connection(), [], 0
    asked = looks(random.Random(4))
    for _ in range(LOOKS):
        began = time.perf_counter()
        connection.request("GET", f"/api/v1/timeline?{next(asked)}", headers=headers)
        response = connection.getresponse()
        data = response.read()
        took.append((time.perf_counter() - began) * 1000)
        assert response.status == 200, data
        size += len(data)
    cpu_ms = [(of_process(pid)[0] - past) * 1000 / LOOKS for pid, past in zip(pids, before, strict=True)]
    took.sort()
    p95 = took[int(LOOKS * 0.95)]
    print(
        f"timeline: p50 {took[LOOKS // 2]:.1f} ms, p95 {p95:.1f} ms (< {MOST_P95_MS:g}), worst {took[-1]:.1f} ms; "
        f"{size / LOOKS / 1000:.1f} kB packed; CPU per answer: web {cpu_ms[0]:.1f} ms, storage {cpu_ms[1]:.1f} ms"
    )
    return p95


def use_everything(web: WebProcess, cookie: str) -> None:
    """Every address that can be asked for without an id, thrice; answers that say why not are answers."""
    paths = json.loads(web.ask("GET", "/api/v1/openapi.json", Cookie=cookie)[2])["paths"]
    plain = [
        path
        for path, methods in paths.items()
        if "get" in methods and "{" not in path and not path.endswith("stream")
    ]
    for path in plain * 3:
        status, _, text = web.ask("GET", path, Cookie=cookie)
        assert status < 500 or status == 503, (path, text)
    for camera in CAMERAS:
        for part in (
            "coverage?from_ms=0&to_ms=86400000",
            "false-alarms",
            "motion",
        ):
            web.ask("GET", f"/api/v1/cameras/{camera}/{part}", Cookie=cookie)
    for _ in range(200):
        web.ask("GET", "/api/v1/events?limit=200", Cookie=cookie)


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory(prefix="vigilar-house-") as name:
        folder = Path(name)
        broker = TestBroker(folder / "broker", ("front", *CAMERAS))
        broker.start()
        sections = "".join(
            f'[[cameras]]\nid = "{one}"\ndisplay_name = "{one}"\nrtsp_url = "rtsp://127.0.0.1/{one}"\n'
            for one in CAMERAS
        )
        rig = Rig(folder / "storage")
        rig.folder.mkdir()
        rig.configure()
        rig.spawn()
        rig.kill(15)
        fill(rig.database, events, RECORDINGS)
        rig.spawn()
        web = WebProcess(folder / "web", broker, free_port(), toml=sections, storage_port=rig.port)
        try:
            web.wait()
            cookie = web.login()
            print(f"{events:,} events, {len(CAMERAS)} cameras, load {os.getloadavg()[0]:.1f}")
            core_pct = stream_core_pct(web, broker, cookie)
            p95_ms = timeline_p95_ms(web, rig, cookie)
            use_everything(web, cookie)
            _, rss_mb = of_process(web.process.pid)
            print(f"web after it: {rss_mb:.0f} MB resident (< {MOST_RSS_MB:g})")
        finally:
            web.stop()
            rig.kill(15)
            broker.stop()
    good = core_pct < MOST_CORE_PCT and p95_ms < MOST_P95_MS and rss_mb < MOST_RSS_MB
    print("all reached" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
