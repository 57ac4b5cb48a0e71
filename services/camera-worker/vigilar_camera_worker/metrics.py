"""The worker's numbers for `/metrics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from vigilar_camera_worker.pool import Child


class WorkerCollector(Collector):
    """Reads the parts' own counters when asked; nothing is counted twice."""

    def __init__(
        self,
        counters: list[Mapping[str, int]],
        gauges: Mapping[str, Callable[[], float]],
        last_error: Callable[[], str] = lambda: "",
    ) -> None:
        self._counters, self._gauges, self._last_error = counters, gauges, last_error

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        families: list[CounterMetricFamily | GaugeMetricFamily] = []
        for counters in self._counters:
            for name, value in list(counters.items()):
                help_text = name.replace("_", " ") + " since the start"
                families.append(CounterMetricFamily(f"vigilar_camera_{name}", help_text, value))
        for name, read in self._gauges.items():
            families.append(GaugeMetricFamily(f"vigilar_camera_{name}", name.replace("_", " "), read()))
        if error := self._last_error():
            told = GaugeMetricFamily(
                "vigilar_camera_last_error", "1 for the kind of the last failure", labels=["code"]
            )
            told.add_metric([error], 1)
            families.append(told)
        return families


class PoolCollector(Collector):
    """Of the pool: one row per camera process."""

    def __init__(self, children: Callable[[], list[Child]]) -> None:
        self._children = children

    def collect(self) -> list[GaugeMetricFamily]:
        ready = GaugeMetricFamily(
            "vigilar_pool_camera_ready", "1 while this camera's process is ready", labels=["camera"]
        )
        restarts = GaugeMetricFamily(
            "vigilar_pool_camera_restarts", "restarts of this camera's process", labels=["camera"]
        )
        for child in self._children():
            ready.add_metric([child.camera_id], int(not child.problem))
            restarts.add_metric([child.camera_id], child.policy.restarts)
        return [ready, restarts]
