"""What `/metrics` shows of the UPS; loaded when somebody scrapes."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_ups.handlers import Watch


class UpsCollector(Collector):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        looks = CounterMetricFamily(
            "vigilar_ups", "questions to the UPS and what came of them", labels=["what"]
        )
        for name, count in list(self._watch.counters.items()):
            looks.add_metric([name], count)
        values = GaugeMetricFamily("vigilar_ups_value", "the newest reading", labels=["key"])
        for key, value in self._watch.values().model_dump(exclude_none=True).items():
            values.add_metric([key], float(value))
        return [looks, values]
