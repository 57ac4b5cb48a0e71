"""What Prometheus reads of this service."""

from __future__ import annotations

import math
from collections.abc import Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_alerts.adapters.store import Store
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.handlers import Handlers

QUANTILES = (0.5, 0.95)


class Metrics(Collector):
    def __init__(self, handlers: Handlers, deliverer: Deliverer, store: Store) -> None:
        self._handlers, self._deliverer, self._store = handlers, deliverer, store

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        decisions = CounterMetricFamily("vigilar_alert_decisions", "events by decision", labels=["decision"])
        for reason, count in list(self._handlers.decisions.items()):
            decisions.add_metric([reason], count)
        deliveries = CounterMetricFamily(
            "vigilar_alert_deliveries",
            "attempts by channel and outcome; also those put off, told in one with others, or spared by the order",
            labels=["channel", "outcome"],
        )
        for (channel, outcome), count in list(self._deliverer.outcomes.items()):
            deliveries.add_metric([channel, outcome], count)
        waiting = GaugeMetricFamily(
            "vigilar_alert_waiting_deliveries", "deliveries not settled", self._store.waiting()
        )
        latency = GaugeMetricFamily(
            "vigilar_alert_latency_ms",
            "from the onset to the channel's yes, of the newest alerts that were told at the first attempt",
            labels=["channel", "quantile"],
        )
        for channel, known in list(self._deliverer.latencies_ms.items()):
            for quantile in QUANTILES:
                latency.add_metric([channel, str(quantile)], nearest_rank(list(known), quantile))
        resting = GaugeMetricFamily(
            "vigilar_alert_resting_servers", "servers left alone for a while", len(self._deliverer.resting())
        )
        return [decisions, deliveries, waiting, latency, resting]


def nearest_rank(values: Sequence[int], quantile: float) -> int:
    """Of at least one value."""
    return sorted(values)[max(0, math.ceil(len(values) * quantile) - 1)]
