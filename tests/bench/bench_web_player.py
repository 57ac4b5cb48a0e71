"""What a browser shows of the past: a seek to its picture, several cameras on one clock, the axis under a finger.

Recordings of 1280 × 720, 2.3 Mbit/s, a keyframe every two seconds, whose pictures show their own time; Chromium beside the
services on the same processors. The main thread is counted in CPU time, the rest by the clock: repeat it on a quiet machine.
Run: `python tests/bench/bench_web_player.py` (some four minutes).
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import walk
from film_house import FilmHouse, film_house
from player_page import frames_of, p95, seek_ms, skews_ms
from playwright.sync_api import Browser, Page, sync_playwright
from storage_rig import event, new_id, now_ms

CAMERAS = ("north", "south", "east", "west")
APART_MS = 7_300
HOUR_MS = 3_600_000
SEEKS = 30
TOGETHER_S = 20.0
EVENTS = 6_000
"""On the axis of the last days: so many that some spans count them and others show each."""
DRAG_S, DRAG_HZ = 6.0, 60
MOST_SEEK_MS, MOST_FRAME_MS = 300.0, 8.0
SETTLE_MS = 4_000


def row(what: str, found: list[float], most: str) -> str:
    return f"| {what} | {len(found)} | {statistics.median(found):.1f} | {p95(found):.1f} | {max(found):.1f} | {most} |"


def seeks(browser: Browser, house: FilmHouse) -> float:
    page = house.page(browser, "/cameras/north")
    page.wait_for_timeout(SETTLE_MS)
    dice = random.Random(1)
    near, *far = house.begun["north"]
    begun = {
        "from live, the first": [near + 30_000],
        "in the same minute": [near + dice.randrange(59_000) for _ in range(SEEKS)],
        "to another hour": [dice.choice(far) + dice.randrange(59_000) for _ in range(SEEKS)],
    }
    worst = 0.0
    for what, moments in begun.items():
        took = [seek_ms(page, house, "north", at_ms) for at_ms in moments]
        worst = max(worst, p95(took)) if len(took) > 1 else worst
        print(row(f"seek {what}", took, f"{MOST_SEEK_MS:g}"))
    page.context.close()
    return worst


def together(browser: Browser, house: FilmHouse, cameras: tuple[str, ...]) -> None:
    begun = {camera: house.begun[camera][0] for camera in cameras}
    page = house.page(browser, f"/timeline?cameras={','.join(cameras)}&at={max(begun.values()) + 5_000}")
    page.wait_for_timeout(SETTLE_MS)
    found = skews_ms(frames_of(page, TOGETHER_S), begun)
    print(row(f"skew of {len(cameras)} cameras", found, "–"))
    page.context.close()


def scrub_ms(browser: Browser, house: FilmHouse) -> float:
    """Main thread's CPU time for each picture while a finger drags the axis, ms p95."""
    page = house.page(browser, "/timeline?cameras=north")
    axis = page.get_by_test_id("time-axis")
    axis.wait_for()
    page.wait_for_timeout(SETTLE_MS)
    box = axis.bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    pieces: list[dict[str, Any]] = []
    session.on("Tracing.dataCollected", lambda found: pieces.extend(found["value"]))
    session.send(
        "Tracing.start", {"categories": "toplevel,devtools.timeline", "transferMode": "ReportEvents"}
    )
    drag(page, box)
    done: list[bool] = []
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    frames = main_thread_ms(pieces)
    page.context.close()
    print(row("main thread per frame of a drag", frames, f"{MOST_FRAME_MS:g}"))
    return p95(frames)


def drag(page: Page, box: Any) -> None:
    y = box["y"] + box["height"] / 2
    middle, reach = box["x"] + box["width"] / 2, box["width"] / 3
    page.mouse.move(middle, y)
    page.mouse.down()
    for step in range(int(DRAG_S * DRAG_HZ)):
        there = step / DRAG_HZ % 2
        page.mouse.move(middle + reach * (there if there < 1 else 2 - there), y)
        page.wait_for_timeout(1000 / DRAG_HZ)
    page.mouse.up()


def main_thread_ms(trace: list[dict[str, Any]]) -> list[float]:
    """CPU time of the renderer's main thread between one picture and the next."""
    names = {(one["pid"], one["tid"]): one["args"]["name"] for one in trace if one["name"] == "thread_name"}
    mains = [key for key, name in names.items() if name == "CrRendererMain"]
    busiest = max(mains, key=lambda key: sum((one["pid"], one["tid"]) == key for one in trace))
    own = [one for one in trace if (one["pid"], one["tid"]) == busiest]
    begins = sorted(one["ts"] for one in own if one["name"] == "BeginMainThreadFrame")
    tasks = sorted(
        (one["ts"], one.get("tdur", 0)) for one in own if one["name"] == "ThreadControllerImpl::RunTask"
    )
    found, at = [], 0
    for begin, end in pairwise(begins):
        total = 0
        while at < len(tasks) and tasks[at][0] < end:
            total += tasks[at][1] if tasks[at][0] >= begin else 0
            at += 1
        found.append(total / 1000)
    return found


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="vigilar-player-") as name,
        film_house(Path(name), CAMERAS) as house,
    ):
        begun_ms = now_ms() - 5 * HOUR_MS
        for at, camera in enumerate(CAMERAS):
            house.record(camera, begun_ms + at * APART_MS)
        for hour in range(1, 5):
            house.record("north", begun_ms + hour * HOUR_MS)
        dice = random.Random(2)
        for _ in range(EVENTS // 100):
            facts = [
                event(
                    new_id(),
                    camera_id=dice.choice(CAMERAS),
                    ts_ms=now_ms() - dice.randrange(48 * HOUR_MS),
                )
                for _ in range(100)
            ]
            assert house.rig.post(facts, "events").status_code == 200
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=walk.chromium(), args=list(walk.CHROMIUM_FLAGS)
            )
            print("| ms | n | median | p95 | worst | at most |\n|---|---|---|---|---|---|")
            seek = seeks(browser, house)
            together(browser, house, CAMERAS[:2])
            together(browser, house, CAMERAS)
            frame = scrub_ms(browser, house)
            browser.close()
    good = seek < MOST_SEEK_MS and frame <= MOST_FRAME_MS
    print(f"\nload {os.getloadavg()[0]:.1f}: {'reached' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
