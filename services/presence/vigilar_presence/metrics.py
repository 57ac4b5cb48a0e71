"""What `/metrics` shows of presence; loaded when somebody scrapes. Nobody's name is in it."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from vigilar_presence.handlers import Handlers


class PresenceCollector(Collector):
    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def collect(self) -> list[CounterMetricFamily]:
        counts = CounterMetricFamily(
            "vigilar_presence", "rounds, phones that could not be asked, arm commands", labels=["what"]
        )
        for name, count in list(self._handlers.counters.items()):
            counts.add_metric([name], count)
        return [counts]
