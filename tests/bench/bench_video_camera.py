"""What watching one camera costs: the floor, peers and ours, all at once on the very same RTSP stream.

1080p15 H.264, 3 Mbit/s, a keyframe every 2 s, and a 640x360 sub stream; everything of a process and its children is
counted, user and system. Ours records on motion into sealed files, keeps the pre-roll in its ring and is ready to
send live parts. Run: `python tests/bench/bench_video_camera.py` (two minutes; the first time longer, films are made).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import peers
from bench.bench_worker import MAIN, SUB, TARGETS_CS_PER_MIN, copying
from camera_rig import Rig, rig, wait_for
from footage import RunningCamera, ensure_film, running_camera
from pool_rig import Use, use_of
from vigilar_common import topics
from vigilar_common.testing.broker import TestBroker

SETTLE_S, IDLE_S, MOTION_S, INTO_MOTION_S = 15.0, 30.0, 24.0, 2.0
FLOOR, FLOOR_BOTH = "floor: ffmpeg -c copy, main", "floor: ffmpeg -c copy, main and sub"
OURS, OURS_SUB = "Vigilar, main only", "Vigilar, with sub stream"
TARGET_ALONE_MB = 120.0


@dataclass
class Row:
    pids: list[int]
    idle: float = 0.0
    motion: float = 0.0
    pss_mb: float = 0.0


@dataclass
class Table:
    rows: dict[str, Row] = field(default_factory=dict)

    def add(self, name: str, *processes: subprocess.Popen[bytes] | None) -> None:
        found = [process.pid for process in processes if process is not None]
        if found:
            self.rows[name] = Row(found)

    def measure(self, seconds: float) -> dict[str, float]:
        """CPU seconds a minute of each row over the next ``seconds``."""
        before = {name: tree(row.pids).cpu_s for name, row in self.rows.items()}
        began_s = time.monotonic()
        time.sleep(seconds)
        passed_s = time.monotonic() - began_s
        return {
            name: (tree(row.pids).cpu_s - before[name]) / passed_s * 60 for name, row in self.rows.items()
        }


def tree(pids: list[int]) -> Use:
    """Of these processes and all their descendants."""
    whole = Use()
    for pid in pids:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
        whole = whole + use_of(pid) + tree(children)
    return whole


@contextlib.contextmanager
def ended(*processes: subprocess.Popen[bytes] | None) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            if process is not None:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pid in [process.pid, *_children(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def ours(stack: contextlib.ExitStack, folder: Path, camera: RunningCamera, *, sub: bool) -> Rig:
    """A worker as a container of its own runs it."""
    broker = TestBroker(folder / "broker")
    broker.start()
    stack.callback(broker.stop)
    worker = stack.enter_context(rig(folder / "rig", broker))
    more: dict[str, Any] = {"detect_url": camera.urls["sub"]} if sub else {}
    worker.configure(camera.urls["demo"], resolution_capture=[1920, 1080], **more)
    worker.listen()
    worker.start("--camera", "front", "--guarded")
    return worker


def main() -> int:
    films = {"demo": ensure_film(**MAIN), "sub": ensure_film(**SUB)}
    table = Table()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        camera = stack.enter_context(running_camera(films, folder / "camera"))
        main_url, sub_url = camera.urls["demo"], camera.urls["sub"]
        main_copy, sub_copy = stack.enter_context(copying(main_url, sub_url)) or (None, None)
        workers = [ours(stack, folder / f"ours-{sub}", camera, sub=sub) for sub in (False, True)]
        others = (
            peers.motion(main_url, folder / "motion"),
            peers.frigate_like(main_url, folder / "frigate"),
            peers.naive(main_url),
        )
        stack.enter_context(ended(*others))
        table.add(FLOOR, main_copy)
        table.add(FLOOR_BOTH, main_copy, sub_copy)
        table.add(OURS, workers[0].process)
        table.add(OURS_SUB, workers[1].process)
        table.add("Debian motion, main, 15 fps", others[0])
        table.add("Frigate's way, main, 5 fps", others[1])
        table.add("OpenCV tutorial, main, every frame", others[2])
        table.add("(the camera: RTSP server of both streams)", camera.process)
        time.sleep(SETTLE_S)
        for row_name, value in table.measure(IDLE_S).items():
            table.rows[row_name].idle = value
        early = [len(worker.heard.of(topics.MOTION_STARTED)) for worker in workers]
        wait_for(
            lambda: all(worker.heard.of(topics.MOTION_STARTED) for worker in workers), 40, "motion in both"
        )
        time.sleep(INTO_MOTION_S)
        for row_name, value in table.measure(MOTION_S).items():
            table.rows[row_name].motion = value
        for row in table.rows.values():
            row.pss_mb = tree(row.pids).pss_bytes / 1e6
        states = [worker.heard.state for worker in workers]
    print(f"load at the start {load:.1f}, at the end {os.getloadavg()[0]:.1f}\n")
    for state in states:
        assert state is not None
        print(
            f"searched in the {state.analysis_stream} stream, {state.analysis.value}; {state.analysis_reason}"
        )
    return show(table, early)


def show(table: Table, early: list[int]) -> int:
    """The exit code: 1 when a target is missed."""
    targets = TARGETS_CS_PER_MIN
    limits = {
        OURS: (targets["idle, main stream only"], targets["in motion, main stream only"]),
        OURS_SUB: (targets["idle, with sub stream"], targets["in motion, with sub stream"]),
    }
    missed = sum(early) > 0
    print("\n| CPU s per stream-minute | idle | in motion | at most | PSS MB |\n|---|---|---|---|---|")
    for name, row in table.rows.items():
        bounds = limits.get(name)
        words = ""
        if bounds:
            bad = row.idle > bounds[0] or row.motion > bounds[1] or row.pss_mb > TARGET_ALONE_MB
            missed |= bad
            words = f"{bounds[0]} / {bounds[1]}, {TARGET_ALONE_MB:g} MB{': MISSED' if bad else ''}"
        print(f"| {name} | {row.idle:.2f} | {row.motion:.2f} | {words} | {row.pss_mb:.0f} |")
    if sum(early):
        print(f"\nmotion was told while nothing moved: {early}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
