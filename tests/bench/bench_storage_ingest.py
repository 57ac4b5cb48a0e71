"""What storage takes in: durable facts a second through `POST /v1/facts`, in batches of 200, over real HTTP.

The service runs as a process of its own on an empty database; the producers are threads of this one that send
requests encoded beforehand, each with one batch in flight, as an outbox does. Printed per kind of fact: facts a
second, milliseconds from request to "committed" (p50, p95), and CPU seconds of the service.
Run: `python tests/bench/bench_storage_ingest.py [batches]` (under a minute).
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import urllib3
from footage import cpu_s
from storage_rig import Rig, auth, event, fact, motion, new_id

BATCH_FACTS = 200
BATCHES = 100
WARM_UP_BATCHES = 5
TARGET_FACTS_PER_S = 5_000.0
Make = Callable[[], list[Any]]


def system_event() -> list[Any]:
    return fact("system.event", {"component": "x", "level": "info", "code": "c", "message": "a sentence"})


def motion_event() -> list[Any]:
    return event(
        new_id(), cause_id=new_id(), picture_id=new_id(), zones=["porch"], score=0.7, detail={"px": 1}
    )


def encoded(service: str, make: Make, batches: int) -> list[bytes]:
    return [
        json.dumps({"source": service, "facts": [make() for _ in range(BATCH_FACTS)]}, separators=(",", ":")).encode()
        for _ in range(batches)
    ]  # fmt: skip


class Producer(threading.Thread):
    """Sends its batches one after the other; keeps how long each took, in ms."""

    def __init__(self, url: str, service: str, bodies: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._pool = urllib3.PoolManager(maxsize=1)
        self._url, self._headers, self._bodies = f"{url}/v1/facts", auth(service), bodies
        self.took_ms: list[float] = []
        self.failure = ""

    def run(self) -> None:
        for body in self._bodies:
            began_s = time.perf_counter()
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers)
            self.took_ms.append((time.perf_counter() - began_s) * 1000)
            if answer.status != 200 or answer.json()["accepted"] != BATCH_FACTS:
                self.failure = f"{answer.status}: {answer.data[:300]!r}"
                return


def measure(
    rig: Rig, service: str, make: Make, batches: int, producers: int
) -> tuple[float, float, float, float]:
    """Facts a second, ms per batch (p50, p95), CPU seconds of the service per 1,000 facts."""
    assert rig.process is not None
    share = batches // producers
    for count in (WARM_UP_BATCHES, share):
        threads = [Producer(rig.url, service, encoded(service, make, count)) for _ in range(producers)]
        cpu_before_s, began_s = cpu_s(rig.process.pid), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s, used_s = time.perf_counter() - began_s, cpu_s(rig.process.pid) - cpu_before_s
        assert not any(thread.failure for thread in threads), [thread.failure for thread in threads]
    took_ms = sorted(ms for thread in threads for ms in thread.took_ms)
    facts = len(took_ms) * BATCH_FACTS
    return (
        facts / took_s,
        took_ms[len(took_ms) // 2],
        took_ms[int(len(took_ms) * 0.95)],
        used_s / facts * 1000,
    )


def main() -> int:
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else BATCHES
    kinds: list[tuple[str, str, Make]] = [
        ("motion.started (log)", "camera-worker-front", motion),
        ("event.opened (log and table)", "events", motion_event),
        ("system.event (log and table)", "events", system_event),
    ]
    print(f"{'batches of 200':<44}{'facts/s':>9}{'p50 ms':>8}{'p95 ms':>8}{'CPU s/1000':>12}{'target':>9}")
    with tempfile.TemporaryDirectory() as name:
        rig = Rig(Path(name))
        rig.configure()
        rig.spawn()
        try:
            for label, service, make in kinds:
                for producers in (1, 2):
                    rate, p50_ms, p95_ms, cpu = measure(rig, service, make, batches, producers)
                    row = f"{label}, {producers} producer{'s' * (producers - 1)}"
                    print(
                        f"{row:<44}{rate:>9.0f}{p50_ms:>8.1f}{p95_ms:>8.1f}{cpu:>12.3f}{TARGET_FACTS_PER_S:>9.0f}"
                    )
        finally:
            rig.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
