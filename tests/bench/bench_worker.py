"""What one camera worker costs: the whole process against the RTSP demo server, 1080p at 15 frames a second.

Prints CPU seconds a minute (user and system) while nothing moves and while something does, with the main stream alone
and with a 640x360 sub stream, recording and, in the last row, watched live; beside them what `ffmpeg -c copy` needs
for the same streams in the same run, which is the floor. Then memory: resident at the end, what of it is the process'
own (not library code that all workers share), and the peak, which is the start.
Run: `python tests/bench/bench_worker.py` (about four minutes; the first time longer, films are made).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from camera_rig import Rig, rig, wait_for
from footage import RunningCamera, cpu_s, ensure_film, running_camera
from vigilar_common import topics
from vigilar_common.messages.camera import Analysis
from vigilar_common.testing.broker import TestBroker

TARGETS_CS_PER_MIN = {
    "idle, main stream only": 1.5,
    "idle, with sub stream": 0.8,
    "in motion, main stream only": 5.5,
    "in motion, with sub stream": 1.3,
}
TARGET_RSS_MB = 120.0
IDLE_S, MOTION_S, WATCHED_S = 25.0, 18.0, 6.0
SETTLE_S, FLOOR_S = 4.0, 15.0
STEADY_S = 12.0
"""A worker gives back the memory of its start some seconds after it: 70 ms once, which are no part of what idle costs."""
SHARED: dict[str, Any] = {
    "fps": 15,
    "lead_s": 50.0,
    "idle_s": 10.0,
    "busy_s": 30.0,
    "cycles": 1,
    "gop_s": 2.0,
}
MAIN: dict[str, Any] = {"width": 1920, "height": 1080, "bitrate_kbps": 3000, **SHARED}
SUB: dict[str, Any] = {"width": 640, "height": 360, "bitrate_kbps": 400, **SHARED}


@dataclass
class Result:
    rows: dict[str, float] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)


def measure(pid: int, seconds: float) -> float:
    """CPU seconds a minute over the next ``seconds``."""
    before, began_s = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(pid) - before) / (time.monotonic() - began_s) * 60


def memory_mb(pid: int) -> dict[str, float]:
    """VmRSS, RssAnon and VmHWM in 10⁶ bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon", "VmHWM"):
            found[name] = int(value.split()[0]) * 1024 / 1e6
    return found


@contextlib.contextmanager
def copying(*urls: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """``ffmpeg -c copy`` into fragmented MP4, one process per stream."""
    program = shutil.which("ffmpeg")
    if program is None:
        yield []
        return
    shape = ["-c", "copy", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "-y", "/dev/null"]
    running = [
        subprocess.Popen([program, "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url, *shape])
        for url in urls
    ]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def run_worker(folder: Path, camera: RunningCamera, broker: TestBroker, *, sub: bool, result: Result) -> None:
    """One pass of the film: idle, then motion, then watched."""
    what = "with sub stream" if sub else "main stream only"
    with rig(folder, broker) as running:
        more: dict[str, Any] = {"detect_url": camera.urls["sub"]} if sub else {}
        running.configure(camera.urls["demo"], resolution_capture=[1920, 1080], **more)
        heard = running.listen()
        process = running.start()
        expected = "sub" if sub else "main"
        wait_for(
            lambda: (
                heard.state
                and heard.state.analysis is Analysis.SPARSE
                and heard.state.analysis_stream == expected
            ),
            25,
            f"sparse decoding of the {expected} stream",
        )
        time.sleep(STEADY_S)
        result.rows[f"idle, {what}"] = measure(process.pid, IDLE_S)
        wait_for(lambda: heard.of(topics.MOTION_STARTED), 40, "motion")
        result.rows[f"in motion, {what}"] = measure(process.pid, MOTION_S)
        if not sub:
            result.memory_mb = memory_mb(process.pid)
        running.lease(20)
        result.rows[f"in motion, {what}, watched live"] = measure(process.pid, WATCHED_S)
        _look(running)


def one_pass(folder: Path, films: dict[str, Path], broker: TestBroker, *, sub: bool, result: Result) -> None:
    """First the floor, then the worker, on the same streams."""
    mounts = ("demo", "sub") if sub else ("demo",)
    label = f"floor: ffmpeg -c copy, {'both streams' if sub else 'main stream'}"
    with (
        running_camera(films, folder / "floor") as camera,
        copying(*(camera.urls[mount] for mount in mounts)) as floor,
    ):
        time.sleep(SETTLE_S)
        before, began_s = [cpu_s(process.pid) for process in floor], time.monotonic()
        time.sleep(FLOOR_S)
        used_s = sum(cpu_s(process.pid) for process in floor) - sum(before)
        if floor:
            result.rows[label] = used_s / (time.monotonic() - began_s) * 60
            print(f"load average: {os.getloadavg()[0]:.1f}", flush=True)
    with running_camera(films, folder / "camera") as camera:
        run_worker(folder / "rig", camera, broker, sub=sub, result=result)


def _look(running: Rig) -> None:
    for line in running.log.splitlines():
        if "ERROR" in line or "CRITICAL" in line:
            print(f"the worker says: {line}", file=sys.stderr)


def main() -> int:
    films = {"demo": ensure_film(**MAIN), "sub": ensure_film(**SUB)}
    result = Result()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = TestBroker(folder / "broker")
        broker.start()
        try:
            for sub in (False, True):
                one_pass(folder / ("sub" if sub else "main"), films, broker, sub=sub, result=result)
        finally:
            broker.stop()
    return show(result)


def show(result: Result) -> int:
    """The exit code: 1 when a target is missed."""
    missed = 0
    print(f"{'1080p15, 3 Mbit/s, GOP 2 s':<46}{'CPU s/min':>10}{'target':>10}")
    for label, value in result.rows.items():
        target = TARGETS_CS_PER_MIN.get(label)
        missed += target is not None and value > target
        print(f"{label:<46}{value:>10.2f}{target or '':>10}")
    memory = result.memory_mb
    print(f"{'resident memory, MB':<46}{memory['VmRSS']:>10.1f}{TARGET_RSS_MB:>10}")
    print(f"{'  of which its own':<46}{memory['RssAnon']:>10.1f}")
    print(f"{'peak (while starting)':<46}{memory['VmHWM']:>10.1f}")
    return int(missed > 0 or memory["VmRSS"] > TARGET_RSS_MB)


if __name__ == "__main__":
    sys.exit(main())
