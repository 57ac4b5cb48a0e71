"""Metrics are made at the first scrape and stay complete afterwards."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from vigilar_common.health import HealthRegistry


class One(Collector):
    def __init__(self, name: str) -> None:
        self.name = name

    def collect(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(self.name, "a test", 1)]


def test_collectors_named_before_and_after_the_first_scrape_are_shown_once() -> None:
    registry, made = HealthRegistry(), []

    def first() -> One:
        made.append("first")
        return One("first")

    registry.measure(first)
    assert made == []
    registry.metrics.register(One("direct"))
    registry.measure(lambda: One("late"))
    for _ in range(2):
        text = generate_latest(registry.metrics).decode()
        assert all(f"\n{name} 1.0" in text for name in ("first", "direct", "late"))
        assert "process_resident_memory_bytes" in text
    assert made == ["first"]
