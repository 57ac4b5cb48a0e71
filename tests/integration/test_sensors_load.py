"""A thousand sensor messages a second for a minute, none lost: every one is a fact in the outbox (no storage answers)."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest
from bridge_rig import Bridge
from service_rig import ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.messages.sensor import SensorChanged
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import FACT_TOPICS

SENSORS, PER_SECOND = 100, 1_000
PROBE_EVERY = 50
"""One message in so many opens or closes a door, whose way to a listener is timed."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_messages_a_second_are_all_facts(tmp_path: Path, broker: TestBroker) -> None:
    length_s = float(os.environ.get("VIGILAR_SENSOR_LOAD_S", "60"))
    toml = "".join(
        f'[[sensors]]\nid = "s{n}"\ndisplay_name = "S{n}"\ntype = "CONTACT"\nprotocol = "ZIGBEE"\ndevice_address = "room {n}/s"\n'
        for n in range(SENSORS)
    )
    rig = ServiceRig(tmp_path, broker, toml)
    web, delays_ms = broker.bus("web"), list[float]()
    sent_at: dict[str, float] = {}

    def hear(received: Received) -> None:
        fact = received.message
        if isinstance(fact, SensorChanged) and not fact.initial:
            delays_ms.append((time.monotonic() - sent_at[fact.sensor_id]) * 1000)

    web.subscribe(FACT_TOPICS[SensorChanged.TYPE], hear)
    sensors = rig.service("sensors").start()
    total = changes = 0
    closed = [True] * SENSORS
    with Bridge(broker, "zigbee2mqtt", "zigbee2mqtt") as bridge:
        for n in range(SENSORS):
            bridge.say(f"room {n}/s", {"contact": True})
        assert sensors.process
        pid = sensors.process.pid
        cpu_s, began = _cpu_s(pid), time.monotonic()
        while (elapsed_s := time.monotonic() - began) < length_s:
            while total < elapsed_s * PER_SECOND:
                n, total = total % SENSORS, total + 1
                if total % PROBE_EVERY == 0:
                    closed[n] = not closed[n]
                    changes += 1
                    sent_at[f"s{n}"] = time.monotonic()
                bridge.say(f"room {n}/s", {"contact": closed[n], "temperature": total / 1000 % 250})
            time.sleep(0.005)
        took_s = time.monotonic() - began
        expected = SENSORS + total + changes

        def kept() -> int:
            with sqlite3.connect(tmp_path / "state" / "sensors" / "outbox.db") as outbox:
                count: int = outbox.execute(
                    "SELECT count(*) FROM outbox WHERE type LIKE 'sensor.%'"
                ).fetchone()[0]
                return count

        until(lambda: kept() >= expected, 20, f"{expected} facts (there are {kept()})")
    cpu_s = _cpu_s(pid) - cpu_s
    delays_ms.sort()
    p95 = delays_ms[int(len(delays_ms) * 0.95)]
    print(
        f"\n{total} messages in {took_s:.1f} s, {expected} facts, {cpu_s:.1f} s CPU, {_peak_mb(pid)} MB at most, "
        f"to a listener p50 {delays_ms[len(delays_ms) // 2]:.0f} ms, p95 {p95:.0f} ms"
    )
    assert kept() == expected
    assert 'lost"} 0' in sensors.get("/metrics")
    assert _peak_mb(pid) < 70, "while a thousand a second come"
    assert sensors.rss_bytes() < 60_000_000
    assert sensors.stop() == 0
    web.stop()


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1000


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
