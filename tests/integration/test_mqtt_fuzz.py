"""Payloads that nobody should send, on every class of topics, to every service that listens, over a real broker.

After each hundred a valid message must be handled by all of them. VIGILAR_FUZZ_SEED repeats a run, VIGILAR_FUZZ_PAYLOADS sets
how many payloads each class gets in the full form (`make chaos-house`).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_house import ALL, BATCH, CLASSES, FEW, GROUP, FuzzHouse

SHORT_BATCHES = 2
MAX_GROWTH_MB = 30
MAX_LOG_BYTES = 20_000_000


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FuzzHouse]:
    # The short form is the same each time: a change must not fail for what another change left behind.
    fresh = random.SystemRandom().randrange(1, 2**31) if request.param is ALL else 1
    seed = int(os.environ.get("VIGILAR_FUZZ_SEED", "0")) or fresh
    print(f"\nseed {seed}: VIGILAR_FUZZ_SEED={seed}")
    made = FuzzHouse(tmp_path, seed, request.param)
    yield made
    made.close()


def judge(house: FuzzHouse, before: dict[str, int]) -> None:
    """No process died, none grew, no handler failed, and what was refused is counted."""
    after, pids = house.rss_mb(), house.pids()
    assert pids.keys() == house.ports.keys()
    for name in house.ports:
        counters = house.counters(name)
        print(
            f"{name}: {before[name]} → {after[name]} MB, {counters}, log {house.logs()[name].stat().st_size} bytes"
        )
        assert house.live(name), name
        assert counters["handler_errors"] == 0, house.logs()[name].read_text(errors="replace")[-6000:]
        assert after[name] - before[name] < MAX_GROWTH_MB, f"{name} grew"
        assert house.logs()[name].stat().st_size < MAX_LOG_BYTES, f"{name} fills the log"
    for name in set(house.ports) - {"sensors", "ups", "presence"}:
        assert house.counters(name)["bad_messages"] > 0, f"{name} counts nothing as refused"
    for name in {"events", "alerts", "camera-worker"} & set(house.ports):
        assert house.counters(name)["refused_commands"] > 0, name
    assert 'outcome="refused"' in house.metrics("sensors")


@pytest.mark.parametrize("house", [FEW], ids=["few"], indirect=True)
def test_services_live_through_some_hundred_hostile_payloads_of_each_class(house: FuzzHouse) -> None:
    before = house.rss_mb()
    for kind in CLASSES:
        house.attack(kind, range(SHORT_BATCHES))
    judge(house, before)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("house", [ALL], ids=["all"], indirect=True)
def test_a_hundred_thousand_hostile_payloads_of_each_class(house: FuzzHouse) -> None:
    wanted = int(os.environ.get("VIGILAR_FUZZ_PAYLOADS", "100000"))
    for kind in CLASSES:
        house.attack(kind, range(GROUP))  # what grows to its usual size has done so
    before = house.rss_mb()
    for kind in CLASSES:
        began_s = time.monotonic()
        for n in range(GROUP, GROUP + wanted // BATCH, GROUP):
            house.attack(kind, range(n, n + GROUP))
        print(
            f"{kind}: {wanted} payloads in {time.monotonic() - began_s:.0f} s, {house.rss_mb()}", flush=True
        )
    judge(house, before)
