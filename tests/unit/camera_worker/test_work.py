"""What a worker says of its work: rates, lag, and the pool's numbers of all its cameras."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from vigilar_camera_worker.metrics import ASKED_AT_ONCE, PoolCollector, WorkerCollector
from vigilar_camera_worker.pool import Child
from vigilar_camera_worker.work import Lag, Work, cpu_s, own_memory_bytes
from vigilar_common.testing import FakeClock

ZERO = dict.fromkeys(
    ("frames_in", "frames_decoded", "frames_analysed", "bytes", "gaps", "reconnects"), 0
)  # fmt: skip


class Running:
    """In place of a child's process."""

    pid, returncode = 1, None

    def poll(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int:
        return 0

    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def child(camera_id: str, port: int, *, running: bool = True) -> Child:
    return Child(camera_id, process=Running() if running else None, port=port, problem="")


def text_of(collector: WorkerCollector | PoolCollector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def test_rates_are_those_since_the_last_beat() -> None:
    clock = FakeClock()
    counts = dict(ZERO)
    work = Work(clock, lambda: counts, Lag(clock))
    counts |= {"frames_in": 150, "frames_decoded": 20, "frames_analysed": 10, "bytes": 3_750_000}
    clock.advance(10)
    first = work.now()
    assert (first["in_fps"], first["decoded_fps"], first["analysed_fps"], first["kbps"]) == (15, 2, 1, 3000)
    counts |= {"frames_in": 200, "gaps": 1, "reconnects": 2}
    clock.advance(10)
    second = work.now()
    assert (second["in_fps"], second["decoded_fps"], second["kbps"]) == (5, 0, 0)
    assert (second["gaps"], second["reconnects"]) == (1, 2)


def test_a_beat_right_after_another_repeats_its_rates() -> None:
    clock = FakeClock()
    counts = {**ZERO}
    work = Work(clock, lambda: counts, Lag(clock))
    counts["frames_in"] = 150
    clock.advance(10)
    rates = work.now()
    counts["frames_in"] = 151
    clock.advance(0.1)
    assert work.now() == rates


def test_before_the_first_span_nothing_is_claimed() -> None:
    clock = FakeClock()
    assert "in_fps" not in Work(clock, lambda: ZERO, Lag(clock)).now()


def test_the_worst_lag_is_remembered_for_ten_to_twenty_seconds() -> None:
    clock = FakeClock()
    lag = Lag(clock)
    lag.note(0.3)
    lag.note(0.1)
    assert lag.worst_s == 0.3
    clock.advance(11)
    lag.note(0.2)
    assert lag.worst_s == 0.3
    clock.advance(11)
    assert lag.worst_s == 0.2
    clock.advance(60)
    assert lag.worst_s == 0.0


def test_cpu_time_and_memory_are_those_of_this_process() -> None:
    assert 0 < cpu_s() < 10_000
    assert 5_000_000 < own_memory_bytes() < 4_000_000_000


def test_the_pool_tells_the_numbers_of_each_camera_under_its_id() -> None:
    pages = {
        1: text_of(WorkerCollector([{"packets": 5}], {"fps": lambda: 15.0}, lambda: "stalled")),
        2: text_of(WorkerCollector([{"packets": 7}], {"fps": lambda: 25.0})),
    }
    children = [child("front", 1), child("back", 2)]
    told = text_of(PoolCollector(lambda: children, pages.__getitem__, FakeClock()))
    for line in (
        'vigilar_camera_packets_total{camera="front"} 5.0',
        'vigilar_camera_packets_total{camera="back"} 7.0',
        'vigilar_camera_fps{camera="back"} 25.0',
        'vigilar_camera_last_error{camera="front",code="stalled"} 1.0',
        'vigilar_pool_camera_told{camera="back"} 1.0',
    ):
        assert line in told.splitlines()
    assert told.count("# TYPE vigilar_camera_packets_total counter") == 1


def test_a_camera_that_is_silent_or_talks_nonsense_costs_only_its_own_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fetch(port: int) -> str:
        if port == 1:
            raise ConnectionRefusedError("nobody there")
        return "no metrics {" if port == 2 else text_of(WorkerCollector([{"packets": 1}], {}))

    children = [child("a", 1), child("b", 2), child("c", 3), child("d", 4, running=False)]
    told = text_of(PoolCollector(lambda: children, fetch, FakeClock())).splitlines()
    assert 'vigilar_camera_packets_total{camera="c"} 1.0' in told
    for name in "abc":
        assert f'vigilar_pool_camera_told{{camera="{name}"}} {float(name == "c")}' in told
    assert 'vigilar_pool_camera_ready{camera="d"} 1.0' in told
    assert "camera-worker-a does not tell its numbers" in caplog.text


def test_children_that_hang_hold_up_a_scrape_for_seconds_at_most() -> None:
    clock, asked = FakeClock(), []

    def fetch(port: int) -> str:
        asked.append(port)
        clock.advance(2)
        raise TimeoutError

    children = [child(f"camera{port}", port) for port in range(1, 65)]
    text_of(PoolCollector(lambda: children, fetch, clock))
    assert len(asked) <= 4 + ASKED_AT_ONCE
