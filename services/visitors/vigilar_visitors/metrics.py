"""What `/metrics` shows of visitors; loaded when somebody scrapes. Nobody's name is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class VisitorsCollector(Collector):
    def __init__(
        self, counters: Callable[[], Mapping[str, int]], now: Callable[[], Mapping[str, float]]
    ) -> None:
        self._counters, self._now = counters, now

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        counts = CounterMetricFamily(
            "vigilar_visitors",
            "crops, faces, identifications, visits by what became of them",
            labels=["what"],
        )
        for name, count in self._counters().items():
            counts.add_metric([name], count)
        now = GaugeMetricFamily(
            "vigilar_visitors_now",
            "people, strangers, open visits, what waits, milliseconds of the last crop",
            labels=["what"],
        )
        for name, value in self._now().items():
            now.add_metric([name], value)
        return [counts, now]
