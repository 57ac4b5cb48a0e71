"""What `/metrics` shows of evidence that leaves the house; loaded when somebody scrapes."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_offsite.anchors import Anchors
from vigilar_offsite.standing import Standing


class OffsiteCollector(Collector):
    def __init__(self, standing: Standing | None = None, anchors: Anchors | None = None) -> None:
        self._standing, self._anchors = standing, anchors

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        counts = CounterMetricFamily(
            "vigilar_offsite", "what was sent off-site, and what came in between", labels=["what"]
        )
        now = GaugeMetricFamily(
            "vigilar_offsite_now",
            "recordings that wait, those of an alarm, and how many seconds the oldest unsent byte waits",
            labels=["what"],
        )
        if self._standing is not None and self._anchors is not None:
            for name, count in list(self._standing.counters.items()):
                counts.add_metric([name], count)
            for name, count in list(self._anchors.counters.items()):
                counts.add_metric([f"ledger_{name}"], count)
            summary = self._standing.summary()
            for name in ("waiting", "waiting_alarm", "unanchored", "lag_s"):
                now.add_metric([name], float(summary[name]))
        return [counts, now]
