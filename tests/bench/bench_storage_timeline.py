"""Timeline pages over a big house: `GET /v1/events` and `/v1/recordings` with every filter, through the real service.

The rows are put into the database file directly (a day of two thousand events takes a decade otherwise); what is
timed is the service over HTTP. Printed: ms per page p50, p95, and the service's resident memory.
Run: `python tests/bench/bench_storage_timeline.py [events] [recordings]` (10,000,000 and 1,000,000; about eight minutes).
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from storage_rig import Rig, http

CAMERAS = [f"camera{n:02d}" for n in range(16)]
TYPES = ["motion"] * 18 + ["camera_offline", "camera_online"]
SEVERITIES = ["info"] * 7 + ["alert"] * 2 + ["critical"]
SPAN_MS = 3 * 365 * 86_400_000
END_MS = 1_760_000_000_000
PAGES = 300
KINDS = 13
"""How many kinds of page `queries` gives in turn."""
TARGET_P95_MS, TARGET_RSS_MB = 50.0, 150.0


def random_id(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def event_rows(count: int, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        started = END_MS - SPAN_MS + number * SPAN_MS // count
        camera = dice.choice(CAMERAS)
        yield (
            random_id(dice), dice.choice(TYPES), dice.choice(SEVERITIES), f"Motion at {camera}", camera,
            0.1, "disarmed", started, started + 12_000, started,
        )  # fmt: skip


def recording_rows(count: int, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        started = END_MS - SPAN_MS + number * SPAN_MS // count
        name, camera = random_id(dice), dice.choice(CAMERAS)
        yield (
            name, camera, "motion", "vge2", "complete", started, started + 40_000, 40_000, 15_000_000,
            f"{camera}/2025/01/01/{name}.vge", int(dice.random() < 0.01), started,
        )  # fmt: skip


def fill(path: Path, events: int, recordings: int) -> None:
    dice = random.Random(1)
    database = sqlite3.connect(path)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-3000000", "temp_store=MEMORY"):
        database.execute(f"PRAGMA {pragma}")
    database.executemany(
        "INSERT INTO events(id, type, severity, title, camera_id, score, arm_state, started_ms, ended_ms, received_ms) "
        "VALUES (?,?,?,?,?,?,?,?,?,?)",
        event_rows(events, dice),
    )
    database.executemany(
        "INSERT INTO recordings(id, camera_id, trigger, format, state, started_ms, ended_ms, duration_ms, size_bytes, path, "
        "starred, received_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        recording_rows(recordings, dice),
    )
    database.commit()
    database.execute("PRAGMA journal_mode=WAL")
    database.close()


def queries(dice: random.Random) -> Iterator[str]:
    """One page after the other as people ask for them: newest, filtered, anywhere in three years."""
    while True:
        at = END_MS - dice.randrange(SPAN_MS)
        camera = dice.choice(CAMERAS)
        yield "/v1/events?limit=50"
        yield f"/v1/events?limit=50&camera={camera}"
        yield f"/v1/events?limit=50&type=camera_offline&to_ms={at}"
        yield f"/v1/events?limit=50&severity=critical&camera={camera}&to_ms={at}"
        yield f"/v1/events?limit=50&camera={camera}&type=camera_online&from_ms={at - 86_400_000 * 30}&to_ms={at}"
        yield f"/v1/events?limit=50&from_ms={at - 86_400_000}&to_ms={at}"
        yield f"/v1/recordings?limit=50&camera={camera}&to_ms={at}"
        yield f"/v1/recordings?limit=50&from_ms={at - 86_400_000}&to_ms={at}"
        yield "/v1/recordings?limit=50&starred=true"
        yield f"/v1/recordings?limit=50&starred=true&camera={camera}&to_ms={at}"
        # Where nothing fits, or next to nothing: as quick as where all does.
        yield f"/v1/events?limit=50&camera={camera}&type=person"
        yield f"/v1/events?limit=50&sensor=door&to_ms={at}"
        yield f"/v1/events?limit=500&to_ms={at}"


def of_process(pid: int) -> tuple[float, float]:
    """(CPU seconds so far, resident MB)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def kind_of(page: str) -> str:
    path, _, asked = page.partition("?")
    return f"{path} {'+'.join(sorted(p.split('=')[0] for p in asked.split('&')[1:]))}"


def measure(rig: Rig) -> bool:
    """Ask a storage that runs for PAGES of each kind; print the table; whether the targets are reached."""
    assert rig.process is not None
    took: dict[str, list[float]] = {}
    pages = queries(random.Random(2))
    before_s, _ = of_process(rig.process.pid)
    for _ in range(PAGES * KINDS):
        page = next(pages)
        start = time.perf_counter()
        answer = rig.get(page)
        took.setdefault(kind_of(page), []).append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.text
    after_s, rss_mb = of_process(rig.process.pid)
    print(f"{'page':<50}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}")
    worst_p95 = 0.0
    for kind, values in sorted(took.items()):
        values.sort()
        p95 = values[int(len(values) * 0.95)]
        worst_p95 = max(worst_p95, p95)
        print(f"{kind:<50}{values[len(values) // 2]:>9.1f}{p95:>9.1f}{values[-1]:>9.1f}")
    good = worst_p95 < TARGET_P95_MS and rss_mb < TARGET_RSS_MB
    cpu_ms = (after_s - before_s) * 1000 / (PAGES * KINDS)
    print(
        f"worst p95 {worst_p95:.1f} ms (< {TARGET_P95_MS:.0f}), RSS {rss_mb:.0f} MB (< {TARGET_RSS_MB:.0f}), "
        f"{cpu_ms:.1f} ms of CPU per page: {'reached' if good else 'MISSED'}"
    )
    return good


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    recordings = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        rig = Rig(Path(name))
        rig.configure()
        rig.spawn()
        rig.kill(15)
        began = time.monotonic()
        fill(rig.database, events, recordings)
        size_gb = rig.database.stat().st_size / 1e9
        print(
            f"{events} events, {recordings} recordings: {size_gb:.1f} GB, filled in {time.monotonic() - began:.0f} s"
        )
        rig.spawn()
        try:
            good = measure(rig)
        finally:
            rig.kill(15)
            http.cache_clear()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
