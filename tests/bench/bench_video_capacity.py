"""How many cameras one machine carries: pools of real workers on real RTSP streams, 1080p15 H.264, 3 Mbit/s, GOP 2 s.

64 cameras in front of which nothing moves (searched in the main stream and in the sub stream), then 12 and 16 with
constant motion. The idle ones record on motion, as by default, and four are watched live; the busy ones are all
recorded, as sealed files, and all are watched. A frame counts as lost when the camera's server had to leave it out
because nobody took it, or when a worker dropped it anywhere: ring, recording, search. The server that plays the
cameras runs on the same machine; its cost is told apart.
Run: `python tests/bench/bench_video_capacity.py [idle|sub|busy …] [--per-process 16] [--cameras N] [--seconds S]` (two minutes
for each row). `--per-process` puts so many cameras into one process, `--cameras` and `--seconds` make it smaller.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from camera_rig import wait_for
from footage import RunningCamera, cpu_s, ensure_film, running_camera
from pool_rig import Pool, pool_of, use_of
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.messages.camera import LiveLease

FPS = 15
SHARED: dict[str, Any] = {"fps": FPS, "gop_s": 2.0, "cycles": 1}
BIG: dict[str, Any] = {"width": 1920, "height": 1080, "bitrate_kbps": 3000}
SMALL: dict[str, Any] = {"width": 640, "height": 360, "bitrate_kbps": 400}
STILL: dict[str, Any] = {"lead_s": 170.0, "idle_s": 1.0, "busy_s": 2.0}
BUSY: dict[str, Any] = {"lead_s": 1.0, "idle_s": 1.0, "busy_s": 60.0}
SETTLE_S, MEASURED_S = 20.0, 40.0
WATCHED_IDLE = 4
TOLD_LIMIT_S = 60.0
LEASE_S = 15.0
TARGET_SHARED_MB = 20.0
LOST = (
    "packets_skipped_total",
    "ring_overflows",
    "queue_overflows",
    "gaps_total",
    "losses_total",
    "disk_errors_total",
)


@dataclass(frozen=True)
class Case:
    name: str
    cameras: int
    film: dict[str, Any]
    sub: bool = False
    per_process: int = 1
    seconds: float = MEASURED_S

    @property
    def busy(self) -> bool:
        return self.film is BUSY

    @property
    def watched(self) -> int:
        return self.cameras if self.busy else min(WATCHED_IDLE, self.cameras)


CASES = {
    "idle": [Case("64 idle, main stream only", 64, STILL)],
    "sub": [Case("64 idle, with sub stream", 64, STILL, sub=True)],
    "busy": [
        Case("12 busy, main stream only", 12, BUSY),
        Case("16 busy, main stream only", 16, BUSY),
        Case("16 busy, with sub stream", 16, BUSY, sub=True),
    ],
}


class Watcher:
    """Leases live parts of some cameras, as the web service does, and counts them."""

    def __init__(self, pool: Pool, count: int) -> None:
        assert pool.bus is not None
        self._bus, self._ids = pool.bus, pool.camera_ids[:count]
        self.parts = 0
        self._done = threading.Event()
        self._bus.subscribe(topics.LIVE, self._part)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _part(self, _: Received) -> None:
        self.parts += 1

    def _run(self) -> None:
        while True:
            for camera_id in self._ids:
                self._bus.send_command(topics.CMD_LIVE, LiveLease(lease_s=LEASE_S), camera_id=camera_id)
            if self._done.wait(LEASE_S / 3):
                return

    def stop(self) -> None:
        self._done.set()
        self._thread.join(LEASE_S)


def configure(pool: Pool, camera: RunningCamera, case: Case) -> None:
    pool.configure(
        {
            name: {
                "rtsp_url": camera.urls[name],
                "resolution_capture": [1920, 1080],
                "record_continuous": case.busy,
                **({"detect_url": camera.urls[f"{name}-sub"]} if case.sub else {}),
            }
            for name in pool.camera_ids
        },
        cameras_per_process=case.per_process,
    )


def numbers(pool: Pool) -> tuple[float, dict[str, dict[str, float]]]:
    """(monotonic time in the middle of asking, numbers) of all cameras."""
    found: dict[str, dict[str, float]] = {}
    asked_s = 0.0

    def all_told() -> bool:
        nonlocal asked_s
        asked_s = time.monotonic()
        found.update(pool.numbers())
        return sum(found["vigilar_pool_camera_told"].values()) == len(pool.camera_ids)

    wait_for(all_told, TOLD_LIMIT_S, "the numbers of all cameras")
    return (asked_s + time.monotonic()) / 2, found


def left_out(camera: RunningCamera) -> tuple[int, int]:
    """Of the whole run, as the server tells: frames that nobody took (at least), and how often it was late itself."""
    log = camera.log_file.read_text()
    untaken: dict[str, int] = {}
    for mount, count in re.findall(r"(\S+): viewers do not take the video, (\d+) frames", log):
        untaken[mount] = int(count)
    return sum(untaken.values()), log.count("late, skipping")


def measure(case: Case, folder: Path) -> bool:
    """Prints one row; whether all targets were reached."""
    main, sub = ensure_film(**BIG, **SHARED, **case.film), None
    if case.sub:
        sub = ensure_film(**SMALL, **SHARED, **case.film)
    with pool_of(folder, case.cameras) as pool:
        films = dict.fromkeys(pool.camera_ids, main)
        if sub is not None:
            films |= {f"{name}-sub": sub for name in pool.camera_ids}
        with running_camera(films, folder / "camera") as camera:
            configure(pool, camera, case)
            pool.listen()
            began_s = time.monotonic()
            pool.start()
            pool.all_online(120)
            online_s = time.monotonic() - began_s
            watcher = Watcher(pool, case.watched)
            time.sleep(SETTLE_S)
            wait_for(lambda: watcher.parts, 10, "live parts")
            (before_s, before), use, parts = numbers(pool), pool.use(), watcher.parts
            outside = [process_cpu_s(camera, pool), time.process_time()]
            from_s = time.monotonic()
            time.sleep(case.seconds)
            passed_s = time.monotonic() - from_s
            used = pool.use()
            beside_s = process_cpu_s(camera, pool) - outside[0]
            bench_s = time.process_time() - outside[1]
            parts = watcher.parts - parts
            after_s, after = numbers(pool)
            watcher.stop()
            pool.stop()
            untaken, late = left_out(camera)
    frames = sum(after["video_frames_total"].values()) - sum(before["video_frames_total"].values())
    lost = {
        name: int(sum(after[name].values()) - sum(before[name].values()))
        for name in LOST
        if sum(after[name].values()) > sum(before[name].values())
    }
    cores = (used.cpu_s - use.cpu_s) / passed_s
    each_mb = used.pss_bytes / case.cameras / 1e6
    lag_s = max(after["analysis_lag_seconds"].values())
    due = case.cameras * FPS * (after_s - before_s)
    good = not lost and not untaken and frames > 0.97 * due
    print(
        f"| {case.name} | {cores:.2f} | {cores * 60 / case.cameras:.2f} | {beside_s / passed_s:.2f} | {bench_s / passed_s:.2f} "
        f"| {each_mb:.1f} | {frames:.0f} of {due:.0f} | {lost or 'nothing'}, {untaken} untaken, server late {late} times "
        f"| {lag_s:.2f} | {parts / passed_s:.0f} | {online_s:.0f} | {os.getloadavg()[0]:.1f} |",
        flush=True,
    )
    return good and each_mb <= TARGET_SHARED_MB


def process_cpu_s(camera: RunningCamera, pool: Pool) -> float:
    """Of the server that plays the cameras and of the broker."""
    assert pool.broker.process is not None
    return cpu_s(camera.process.pid) + use_of(pool.broker.process.pid).cpu_s


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--per-process", type=int, default=1)
    parser.add_argument("--cameras", type=int, default=0, help="instead of what the case has")
    parser.add_argument("--seconds", type=float, default=MEASURED_S)
    options = parser.parse_args(arguments)
    print(
        "| cameras, one pool | cores | CPU s per camera-minute | cores of server and broker | of this bench "
        "| PSS MB each | frames | lost | search behind, s | live parts a second | all online after, s | load |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    good = True
    for name in options.cases:
        for case in CASES[name]:
            count = options.cameras or case.cameras
            words = (
                f"{case.name.replace(str(case.cameras), str(count), 1)}, {options.per_process} per process"
            )
            made = replace(
                case,
                name=words,
                cameras=count,
                per_process=options.per_process,
                seconds=options.seconds,
            )
            with tempfile.TemporaryDirectory() as folder:
                good &= measure(made, Path(folder))
    print(f"\ntargets: nothing lost, {TARGET_SHARED_MB:g} MB each: {'reached' if good else 'MISSED'}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
