"""Whether recording keeps up: 16 cameras of 8 Mbit/s, 15 frames a second, recorded and sealed at once.

One process runs 16 recorders with their writers (in the product each camera has a process of its own, so here they share
one interpreter: the harder case). Frames are real H.264, padded to size, and fed in real time for the given seconds; all
recordings split twice on the way. Printed: how far the writers were behind at worst and at the 99th percentile (bytes that
wait, as seconds of that camera's stream), how late frames were taken, frames lost, gaps, CPU seconds per stream-minute.
Run: `python tests/bench/bench_recorder.py [seconds]` (30 s).
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import av
import camera_media as media
from recorder_bench import Bench
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.recording import Policy
from vigilar_common.clock import SystemClock

CAMERAS = 16
FPS = 15
BYTES_PER_S = 1_000_000  # 8 Mbit/s
GOP = 30
MAX_BEHIND_S = 2.0
"""On an idle machine it is tenths of a second; the queue holds 32."""


def padded(unit: bytes, size_bytes: int) -> bytes:
    """With a filler unit (type 12) in front of nothing: decoders skip it, files carry it."""
    missing = max(0, size_bytes - len(unit) - 5)
    noise = os.urandom(missing).replace(b"\0", b"\1")
    return unit + b"\0\0\0\1\x0c" + noise


def film() -> list[tuple[bytes, bool]]:
    """One GOP: the keyframe eight times as large as the others."""
    share = BYTES_PER_S * GOP // FPS // (GOP + 7)
    units = media.access_units("h264", GOP, GOP)
    return [(padded(data, share * 8 if key else share), key) for data, key in units]


def packet(number: int, frames: list[tuple[bytes, bool]], wall_ms: int) -> Packet:
    data, key = frames[number % GOP]
    ticks = number * TICKS_PER_S // FPS
    return Packet(number, True, key, ticks, ticks, TICKS_PER_S // FPS, wall_ms, data)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main(seconds: float) -> int:
    frames = film()
    policy = Policy(True, True, pre_s=5, post_s=30, onset_slack_s=0.5, split_s=seconds / 3)
    behind: list[float] = []
    late: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        benches = []
        for index in range(CAMERAS):
            folder = Path(name) / str(index)
            folder.mkdir()
            benches.append(Bench(folder, policy=policy, clock=SystemClock()))
            benches[-1].begin()
        cpu_s, began_s = time.process_time(), time.monotonic()
        count = int(seconds * FPS)
        for number in range(count):
            for index, bench in enumerate(benches):
                # Cameras are not in step: their frames spread over the interval.
                due_s = began_s + (number + index / CAMERAS) / FPS
                wait_s = due_s - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                late.append(max(0.0, time.monotonic() - due_s))
                bench.feed([packet(number, frames, time.time_ns() // 1_000_000)])
            behind.append(max(bench.writer.queued_bytes for bench in benches) / BYTES_PER_S)
        passed_s = time.monotonic() - began_s
        stop_s = time.monotonic()
        for bench in benches:
            bench.finish()
        stop_s = time.monotonic() - stop_s
        cpu_s = time.process_time() - cpu_s
        written = sum(fact.size_bytes for bench in benches for fact in bench.finished())
        gaps = sum(len(bench.gaps()) for bench in benches)
        overflows = sum(bench.recorder.queue_overflows for bench in benches)
        files = sum(len(bench.finished()) for bench in benches)
        kept = sum(_frames(bench) for bench in benches)
    lost = count * CAMERAS - kept
    rows = [
        ("behind at worst, s", max(behind), MAX_BEHIND_S),
        ("behind, 99th percentile, s", percentile(behind, 0.99), None),
        ("frames taken late, 99th percentile, ms", percentile(late, 0.99) * 1000, None),
        ("frames lost", lost, 0),
        ("gaps and overflows", gaps + overflows, 0),
        ("to finish all files, s", stop_s, None),
        ("CPU s per stream-minute", cpu_s / CAMERAS / passed_s * 60, None),
    ]
    print(f"{CAMERAS} cameras, {written / passed_s / 1e6:.1f} MB/s, {files} files, {passed_s:.0f} s\n")
    print(f"{'':<42}{'measured':>10}{'at most':>10}")
    for label, value, limit in rows:
        print(f"{label:<42}{value:>10.2f}{'' if limit is None else limit:>10}")
    return int(any(limit is not None and value > limit for _, value, limit in rows))


def _frames(bench: Bench) -> int:
    """How many lie in the files."""
    kept = 0
    for fact in bench.finished():
        with av.open(io.BytesIO(bench.content(fact.recording_id)), mode="r") as container:
            kept += sum(1 for packet in container.demux(video=0) if packet.size)
    return kept


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
