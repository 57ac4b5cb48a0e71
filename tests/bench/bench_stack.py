"""What the whole system costs and how fast it tells: `vigilar demo` with one 720p15 camera of known onsets.

Idle: CPU seconds a minute and resident memory of each service over half a minute in which nothing moves.
Then twelve onsets: from the frame that shows them (ground truth) to the push request at the push service.
Run: `python tests/bench/bench_stack.py` (about five minutes).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from footage import cpu_s, ensure_film, running_camera
from push_service import PushService
from stack import Stack, wait_for
from vigilar_common.testing.broker import free_port

FILM: dict[str, Any] = {
    "width": 1280, "height": 720, "fps": 15, "lead_s": 60.0, "idle_s": 9.0, "busy_s": 5.0, "cycles": 12, "gop_s": 2.0,
}  # fmt: skip
IDLE_S = 30.0
TARGET_P95_MS = 1_500
TARGET_RSS_MB = 900.0


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    return 0.0


def pids(stack: Stack) -> dict[str, int]:
    found = {name: service["pid"] for name, service in stack.info["services"].items() if service["pid"]}
    assert stack.process is not None
    return {**found, "supervisor": stack.process.pid}


def idle_table(stack: Stack) -> float:
    """Prints the table; returns the sum of resident memory in MB."""
    processes = pids(stack)
    before = {name: cpu_s(pid) for name, pid in processes.items()}
    began = time.monotonic()
    time.sleep(IDLE_S)
    minutes = (time.monotonic() - began) / 60
    print("\n| service, idle, one camera | CPU s per minute | RSS MB | PSS MB |\n|---|---|---|---|")
    total = {"cpu": 0.0, "rss": 0.0, "pss": 0.0}
    for name, pid in sorted(processes.items()):
        row = {"cpu": (cpu_s(pid) - before[name]) / minutes, "rss": rss_mb(pid), "pss": pss_mb(pid)}
        total = {key: total[key] + row[key] for key in total}
        print(f"| {name} | {row['cpu']:.2f} | {row['rss']:.0f} | {row['pss']:.0f} |")
    print(f"| all | {total['cpu']:.2f} | {total['rss']:.0f} | {total['pss']:.0f} |")
    return total["rss"]


def latencies_ms(onsets: list[int], pushed: list[int]) -> list[int]:
    """For each onset the first push within five seconds after it."""
    found = []
    for onset in onsets:
        later = [at - onset for at in pushed if 0 <= at - onset < 5_000]
        if later:
            found.append(min(later))
    return found


def main() -> int:
    film = ensure_film(**FILM)
    with tempfile.TemporaryDirectory() as name, PushService() as push:
        folder = Path(name)
        with running_camera({"demo": film}, folder / "camera") as camera:
            stack = Stack(folder / "home", free_port(), cameras={"demo": camera.urls["demo"]})
            began = time.monotonic()
            stack.start()
            try:
                print(f"ready {time.monotonic() - began:.1f} s after the start")
                browser = push.subscribe()
                status, answer = stack.api().send(
                    "POST", "/api/v1/push/subscriptions", {**browser, "device": "bench"}
                )
                assert status == 201, answer
                time.sleep(5)
                rss = idle_table(stack)
                wait_for("all onsets", lambda: len(camera.truth("onset")) >= FILM["cycles"], 240, 1)
                time.sleep(6)
                onsets = [row["wall_ms"] for row in camera.truth("onset")]
                pushed = [round(m.at_s * 1000) for m in push.messages if "otion" in str(m.data)]
                told = sorted(latencies_ms(onsets, pushed))
            finally:
                stack.stop()
    p95 = told[max(0, round(len(told) * 0.95) - 1)] if told else 10**9
    print(
        f"\n| onset shown → push request received | ms |\n|---|---|\n| onsets / told | {len(onsets)} / {len(told)} |"
    )
    if told:
        print(f"| median | {statistics.median(told):.0f} |\n| p95 | {p95} |\n| worst | {told[-1]} |")
    good = len(told) == len(onsets) and p95 < TARGET_P95_MS and rss < TARGET_RSS_MB
    said = "reached" if good else "MISSED"
    print(
        f"\ntargets: all onsets told, p95 < {TARGET_P95_MS} ms, services < {TARGET_RSS_MB:.0f} MB RSS together: {said}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
