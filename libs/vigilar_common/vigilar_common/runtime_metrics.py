"""What the bus and the outbox count themselves, for `/metrics`. Imported at the first scrape."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_common.bus import MqttBus
from vigilar_common.outbox import Outbox


class RuntimeCollector(Collector):
    """Of every service."""

    def __init__(self, bus: MqttBus, outbox: Outbox) -> None:
        self._bus, self._outbox = bus, outbox

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        families: list[CounterMetricFamily | GaugeMetricFamily] = []
        for name, counters in (("bus", self._bus.counters), ("outbox", self._outbox.counters)):
            family = CounterMetricFamily(f"vigilar_{name}", f"counters of the {name}", labels=["what"])
            for what, value in counters.items():
                family.add_metric([what], value)
            families.append(family)
        families.append(
            GaugeMetricFamily(
                "vigilar_outbox_waiting_facts", "facts not yet committed by storage", self._outbox.depth
            )
        )
        families.append(
            GaugeMetricFamily("vigilar_outbox_waiting_bytes", "their size", self._outbox.size_bytes)
        )
        families.append(
            GaugeMetricFamily("vigilar_bus_waiting", "messages not handled yet", self._bus.waiting)
        )
        families.append(
            GaugeMetricFamily(
                "vigilar_bus_connected", "1 while connected to the broker", int(self._bus.connected)
            )
        )
        return families
