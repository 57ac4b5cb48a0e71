"""What `/metrics` shows of the pets service; loaded when somebody scrapes."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_pets.identify import Identifier
from vigilar_pets.watch import Watch


class PetsCollector(Collector):
    def __init__(self, identifier: Identifier, watch: Watch) -> None:
        self._identifier, self._watch = identifier, watch

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        counts = CounterMetricFamily("vigilar_pets", "crops and rows by what became of them", labels=["what"])
        for name, count in list(self._identifier.counters.items()):
            counts.add_metric([name], count)
        counts.add_metric(["rules_fired"], self._watch.fired)
        now = GaugeMetricFamily("vigilar_pets_now", "crops that wait; ms of the newest", labels=["what"])
        now.add_metric(["waiting"], self._identifier.waiting)
        now.add_metric(["took_ms"], self._identifier.took_ms)
        return [counts, now]
