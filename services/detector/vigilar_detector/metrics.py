"""What `/metrics` shows of the detector; loaded when somebody scrapes."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_detector.looker import Looker


class DetectorCollector(Collector):
    def __init__(self, looker: Callable[[], Looker | None]) -> None:
        self._looker = looker

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        counts = CounterMetricFamily(
            "vigilar_detector", "crops by what became of them, and objects", labels=["what"]
        )
        now = GaugeMetricFamily(
            "vigilar_detector_now",
            "crops that wait; median milliseconds of the newest; the longest wait of those",
            labels=["what"],
        )
        looker = self._looker()
        if looker is not None:
            for name, count in list(looker.counters.items()):
                counts.add_metric([name], count)
            now.add_metric(["crops_waiting"], looker.waiting)
            now.add_metric(["ms_per_crop"], looker.ms_per_crop)
            now.add_metric(["waited_ms"], looker.waited_ms)
        return [counts, now]
