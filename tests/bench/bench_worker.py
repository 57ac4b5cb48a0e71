"""What one camera worker costs: the whole process against the RTSP demo server, 1080p at 15 frames a second.

Prints a table: CPU seconds a minute (user and system) while nothing moves and while something does, with the
recording being written and watched, and memory: resident at the end, what of it is the process' own (not library
code that all workers share), and the peak, which is the start. Run: `python tests/bench/bench_worker.py` (about two minutes).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from camera_rig import Rig, rig, wait_for
from footage import cpu_s, ensure_film, running_camera
from vigilar_common import topics
from vigilar_common.messages.camera import CameraCondition
from vigilar_common.testing.broker import TestBroker

TARGET_MOTION_CS_PER_MIN = 8.0
TARGET_RSS_MB = 120.0
FILM: dict[str, Any] = {
    "width": 1920,
    "height": 1080,
    "fps": 15,
    "bitrate_kbps": 3000,
    "lead_s": 30.0,
    "idle_s": 10.0,
    "busy_s": 30.0,
    "cycles": 1,
    "gop_s": 2.0,
}


def measure(running: Rig, seconds: float) -> float:
    """CPU seconds a minute over the next ``seconds``."""
    assert running.process is not None
    before, began_s = cpu_s(running.process.pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(running.process.pid) - before) / (time.monotonic() - began_s) * 60


def memory_mb(pid: int) -> dict[str, float]:
    """VmRSS, RssAnon and VmHWM in 10⁶ bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon", "VmHWM"):
            found[name] = int(value.split()[0]) * 1024 / 1e6
    return found


def main() -> int:
    film = ensure_film(**FILM)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = TestBroker(folder / "broker")
        broker.start()
        try:
            with (
                running_camera({"demo": film}, folder / "camera") as camera,
                rig(folder / "rig", broker) as running,
            ):
                running.configure(camera.urls["demo"], resolution_capture=[1920, 1080])
                heard = running.listen()
                process = running.start()
                wait_for(
                    lambda: heard.state and heard.state.condition is CameraCondition.ONLINE, 20, "online"
                )
                time.sleep(4)
                idle = measure(running, 20)
                wait_for(lambda: heard.of(topics.MOTION_STARTED), 20, "motion")
                moving = measure(running, 20)
                running.lease(20)
                watched = measure(running, 6)
                memory = memory_mb(process.pid)
        finally:
            broker.stop()
    rows = [
        ("idle", idle, None),
        ("in motion, recording", moving, TARGET_MOTION_CS_PER_MIN),
        ("in motion, recording, watched live", watched, TARGET_MOTION_CS_PER_MIN),
    ]
    print(f"{'1080p15, 3 Mbit/s, GOP 2 s':<40}{'CPU s/min':>10}{'target':>10}")
    for label, value, target in rows:
        print(f"{label:<40}{value:>10.2f}{target or '':>10}")
    print(f"{'resident memory, MB':<40}{memory['VmRSS']:>10.1f}{TARGET_RSS_MB:>10}")
    print(f"{'  of which its own':<40}{memory['RssAnon']:>10.1f}")
    print(f"{'peak (while starting)':<40}{memory['VmHWM']:>10.1f}")
    return int(moving > TARGET_MOTION_CS_PER_MIN or memory["VmRSS"] > TARGET_RSS_MB)


if __name__ == "__main__":
    sys.exit(main())
