"""What of the sensors service is measured; loaded when somebody scrapes."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_sensors.handlers import Handlers


class SensorCollector(Collector):
    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        messages = CounterMetricFamily(
            "vigilar_sensor_messages", "messages of bridges by outcome", labels=["origin", "outcome"]
        )
        handlers = self._handlers
        for outcome, counts in (
            ("taken", handlers.taken), ("ignored", handlers.ignored), ("refused", handlers.refusals.total),
        ):  # fmt: skip
            for origin, count in list(counts.items()):
                messages.add_metric([str(origin), outcome], count)
        messages.add_metric(["", "lost"], handlers.lost_messages)
        facts = CounterMetricFamily(
            "vigilar_sensor_facts_lost", "facts that could not be kept", handlers.lost_facts
        )
        counted = handlers.counts()
        sensors = GaugeMetricFamily(
            "vigilar_sensors", "configured sensors by whether they are known", labels=["known"]
        )
        sensors.add_metric(["yes"], counted["known"])
        sensors.add_metric(["no"], counted["sensors"] - counted["known"])
        waiting = GaugeMetricFamily(
            "vigilar_sensor_messages_waiting", "messages not read yet", counted["waiting"]
        )
        return [messages, facts, sensors, waiting]
